"""``airflow rokt preview``: what would be sent for a query's rows."""

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_rokt.audiences.decisions import PlanCounts
from airflow_provider_rokt.audiences.guards import size_warning
from airflow_provider_rokt.commands.exit_status import exits
from airflow_provider_rokt.commands.given import options_of, refuse, source_of
from airflow_provider_rokt.commands.known_syncs import KnownSyncs
from airflow_provider_rokt.commands.output import is_data, print_data, printable
from airflow_provider_rokt.flow.row import FieldFault, RowRef
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions
from airflow_provider_rokt.task.configuration import open_ledger
from airflow_provider_rokt.trials.preview import ROWS_SHOWN, preview_conversions

FOR_AUDIENCES: Final = {
    "mode": "--mode",
    "via": "--via",
    "hash_emails": "--no-hash-emails",
    "max_removed": "--max-removed",
    "allow_empty": "--allow-empty",
}
_FOR_ROWS: Final = {"rows": "--rows", "show_values": "--show-values"}
_TITLES: Final = {"rejected": "Rejected", "dropped": "Left out"}
_NOTHING_SENT: Final = "Nothing was sent."


@exits
def preview(arguments: Namespace) -> int:
    """Shows the first rows as they would be sent, or counts what an audience run would do."""
    if arguments.audience is None:
        refuse(arguments, FOR_AUDIENCES, "is for audiences: add --audience")
        result, lines = _preview_conversions(arguments)
    else:
        refuse(arguments, _FOR_ROWS, "is for conversions: --audience counts members and shows no rows")
        result, lines = _preview_audience(arguments)
    if is_data(arguments.output):
        print_data(result, arguments.output)
    else:
        print("\n".join(lines))
    return 1 if result["stopped_by"] or result["failed_by"] else 0


def _preview_conversions(arguments: Namespace) -> tuple[dict[str, Any], Iterator[str]]:
    rows_shown = arguments.rows or ROWS_SHOWN
    result = preview_conversions(
        source_of(arguments, rows_shown),
        options_of(ConversionOptions, arguments),
        rows_shown=rows_shown,
        show_values=arguments.show_values,
    )
    return result, _of_conversions(result)


def _of_conversions(result: Mapping[str, Any]) -> Iterator[str]:
    for row in result["rows"]:
        yield from _of_row(row)
        yield ""
    yield from [f"Warning: {printable(warning['text'])}" for warning in result["warnings"]]
    yield from totals_by_reason(result, *_TITLES)
    yield from _endings(result)
    read, rejected, skipped = (result[f"rows_{what}"] for what in ("read", "rejected", "skipped"))
    sendable = read - rejected - skipped
    yield f"{read} rows read: {sendable} would be sent, {rejected} rejected, {skipped} skipped. {_NOTHING_SENT}"


def _of_row(row: Mapping[str, Any]) -> Iterator[str]:
    yield printable(RowRef(row["number"], row["key"]).label)
    if "document" in row:
        text = json.dumps(row["document"], indent=2, ensure_ascii=False)
        yield from [f"  {line}" for line in text.splitlines()]
        yield from [f"  left out: {FieldFault(**fault).label}" for fault in row["dropped"]]
    elif "faults" in row:
        yield from [f"  {FieldFault(**fault).label}" for fault in row["faults"]]
    else:
        yield f"  skipped: {row['skipped']}"


def _preview_audience(arguments: Namespace) -> tuple[dict[str, Any], Iterator[str]]:
    options = options_of(AudienceOptions, arguments)
    # A memory that a run would refuse must not be shown as the one to go by.
    register = KnownSyncs(open_ledger()).register
    source = source_of(arguments, options.fetch_size)
    plan = RoktHook(arguments.rokt_conn_id).plan_audience(source, options, register)
    return plan, _of_audience(plan, options)


def _of_audience(plan: Mapping[str, Any], options: AudienceOptions) -> Iterator[str]:
    yield f"Audience {options.audience!r}, mode={options.mode}, via={options.via}:"
    for name, count in plan.items():
        if name.startswith(("rows_", "members_")):
            yield f"  {name.replace('_', ' '):<17} {count:>12,}"
    yield from totals_by_reason(plan, *_TITLES)
    if plan["rejected_rows"]:
        yield f"The first of {plan['rows_rejected']:,} rejected rows:"
    for row in plan["rejected_rows"]:
        reasons = "; ".join(FieldFault(**fault).label for fault in row["faults"])
        yield printable(f"  {RowRef(row['number'], row['key']).label}: {reasons}")
    yield from [f"Warning: {printable(warning['text'])}" for warning in plan["warnings"]]
    counts = PlanCounts(added=plan["members_added"], unchanged=plan["members_unchanged"])
    if plan["stopped_by"] is None and (warning := size_warning(counts, options.mode)):
        yield warning
    yield from _endings(plan)
    if plan["stopped_by"] is None:
        yield _NOTHING_SENT


def totals_by_reason(result: Mapping[str, Any], *kinds: str) -> Iterator[str]:
    """The totals by reason, of these kinds and of what is skipped, each only where there is one."""
    for name in kinds:
        title = _TITLES[name]
        for entry in result[f"{name}_by_reason"]:
            yield f"{title}: {entry['rows']:,} x {FieldFault(entry['path'], entry['reason']).label}"
    for reason, rows in result["skipped"].items():
        yield f"Skipped: {rows:,} x {reason}"


def _endings(result: Mapping[str, Any]) -> Iterator[str]:
    """How the task would fail, if it would."""
    if result["stopped_by"]:
        yield f"The run would be stopped: {result['stopped_by']}"
    elif result["failed_by"]:
        yield f"The task would fail once the rest is sent: {result['failed_by']}."
