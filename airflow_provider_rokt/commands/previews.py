"""``airflow rokt preview``: what would be sent for a query's rows."""

import json
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, TypeVar

from airflow_provider_rokt.audiences.decisions import PlanCounts
from airflow_provider_rokt.audiences.guards import size_warning
from airflow_provider_rokt.commands.exit_status import exits
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.flow.row import FieldFault, RowRef
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions, DeliveryOptions, options_from
from airflow_provider_rokt.runs.preview import ROWS_SHOWN, preview_conversions
from airflow_provider_rokt.sources import SqlSource

_FOR_ROWS: Final = {"rows": "--rows", "show_values": "--show-values"}
_FOR_AUDIENCES: Final = {
    "mode": "--mode",
    "via": "--via",
    "hash_emails": "--no-hash-emails",
    "max_removed": "--max-removed",
    "max_rejected": "--max-rejected",
    "allow_empty": "--allow-empty",
}

_Options = TypeVar("_Options", bound=DeliveryOptions)


@exits
def preview(arguments: Namespace) -> int:
    """Shows the first rows as they would be sent, or counts what an audience run would do."""
    if arguments.audience is None:
        _refuse(arguments, _FOR_AUDIENCES, "is for audiences: add --audience")
        return _preview_conversions(arguments)
    _refuse(arguments, _FOR_ROWS, "is for conversions: --audience counts members and shows no rows")
    return _preview_audience(arguments)


def _preview_conversions(arguments: Namespace) -> int:
    rows_shown = arguments.rows or ROWS_SHOWN
    result = preview_conversions(
        _source(arguments, rows_shown),
        _options(ConversionOptions, arguments),
        rows_shown=rows_shown,
        show_values=arguments.show_values,
    )
    for row in result["rows"]:
        print("\n".join(_lines(row)), end="\n\n")
    read, rejected, skipped = (result[f"rows_{what}"] for what in ("read", "rejected", "skipped"))
    sendable = read - rejected - skipped
    print(f"{read} rows read: {sendable} would be sent, {rejected} rejected, {skipped} skipped. Nothing was sent.")
    return 1 if rejected else 0


def _lines(row: Mapping[str, Any]) -> list[str]:
    lines = [RowRef(row["number"], row["key"]).label]
    if "document" in row:
        text = json.dumps(row["document"], indent=2, ensure_ascii=False)
        lines += [f"  {line}" for line in text.splitlines()]
    elif "faults" in row:
        lines += [f"  {FieldFault(**fault).label}" for fault in row["faults"]]
    else:
        lines.append(f"  skipped: {row['skipped']}")
    return lines


def _preview_audience(arguments: Namespace) -> int:
    options = _options(AudienceOptions, arguments)
    plan = RoktHook(arguments.rokt_conn_id).plan_audience(_source(arguments, options.fetch_size), options)
    stopped_by = plan.pop("stopped_by")
    print(f"Audience {options.audience!r}, mode={options.mode}, via={options.via}:")
    for name, count in plan.items():
        print(f"  {name.replace('_', ' '):<17} {count:>12,}")
    counts = PlanCounts(added=plan["members_added"], unchanged=plan["members_unchanged"])
    if stopped_by is None and (warning := size_warning(counts, options.mode)):
        print(warning)
    print("Nothing was sent." if stopped_by is None else f"The run would be stopped: {stopped_by}")
    return 1 if stopped_by or plan["rows_rejected"] else 0


def _refuse(arguments: Namespace, flags: Mapping[str, str], why: str) -> None:
    if given := [flag for name, flag in flags.items() if getattr(arguments, name) is not None]:
        raise RoktSettingsError("the command's arguments", [f"{flag} {why}" for flag in given])


def _options(kind: type[_Options], arguments: Namespace) -> _Options:
    """What was given, so that everything else has the operators' defaults."""
    given = {field.name: getattr(arguments, field.name, None) for field in fields(kind)}
    given["mapping"] = _json("--mapping", arguments.mapping)
    return options_from(kind, **{name: value for name, value in given.items() if value is not None})


def _source(arguments: Namespace, fetch_size: int) -> SqlSource:
    if (arguments.sql is None) == (arguments.sql_file is None):
        raise RoktSettingsError("the command's arguments", ["give either --sql or --sql-file"])
    sql = arguments.sql if arguments.sql_file is None else _content("--sql-file", arguments.sql_file)
    parameters = _json("--parameters", arguments.parameters)
    return SqlSource(arguments.sql_conn_id, sql, parameters, fetch_size=fetch_size)


def _json(flag: str, text: str | None) -> Any:
    """The JSON of an argument, written out or in the file named behind an ``@``."""
    if text is None:
        return None
    try:
        return json.loads(_content(flag, text[1:]) if text.startswith("@") else text)
    except json.JSONDecodeError as error:
        raise RoktSettingsError(flag, [f"it has to be JSON, or @ and the name of a JSON file ({error})"]) from None


def _content(flag: str, path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RoktSettingsError(flag, [f"{path!r} cannot be read ({getattr(error, 'strerror', error)})"]) from error
