"""``airflow rokt check``: whether a mapping, a query and its first rows fit together."""

from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from airflow_provider_rokt.commands.dag_tasks import rendered_task
from airflow_provider_rokt.commands.exit_status import exits
from airflow_provider_rokt.commands.given import names_task, options_of, refuse, source_of
from airflow_provider_rokt.commands.output import aligned, is_data, print_data, printable
from airflow_provider_rokt.commands.previews import FOR_AUDIENCES, totals_by_reason
from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions, DeliveryOptions
from airflow_provider_rokt.sources import SqlSource
from airflow_provider_rokt.trials.check import ROWS_CHECKED, check_delivery

_IN_THE_TASK: Final = {
    "sql_conn_id": "--sql-conn-id",
    "sql": "--sql",
    "sql_file": "--sql-file",
    "parameters": "--parameters",
    "mapping": "--mapping",
    "environment": "--environment",
    "timestamp_unit": "--timestamp-unit",
    "phone_region": "--phone-region",
    "on_invalid": "--on-invalid",
    "max_dropped": "--max-dropped",
    "max_rejected": "--max-rejected",
    "min_rows": "--min-rows",
    "audience": "--audience",
    **FOR_AUDIENCES,
}


@exits
def check(arguments: Namespace) -> int:
    """Compares a mapping with a query's columns and first rows."""
    source, options = _of_task(arguments) if names_task(arguments) else _of_arguments(arguments)
    result = check_delivery(source, options, rows=arguments.rows or ROWS_CHECKED)
    if is_data(arguments.output):
        print_data(result, arguments.output)
    else:
        print("\n".join(_lines(result, options)))
    return 0 if result["ok"] else 1


def _of_task(arguments: Namespace) -> tuple[SqlSource, DeliveryOptions]:
    refuse(arguments, _IN_THE_TASK, "is said by the task: leave it out")
    task = rendered_task(arguments.dag_id, arguments.task_id)
    # What was sent before is not asked for: all rows are looked at.
    options = replace(task.delivery_options(), resend_from=None)
    parameters: Any = task.parameters
    return SqlSource(task.sql_conn_id, task.sql, parameters, task.sql_hook_params, options.fetch_size), options


def _of_arguments(arguments: Namespace) -> tuple[SqlSource, DeliveryOptions]:
    if arguments.audience is None:
        refuse(arguments, FOR_AUDIENCES, "is for audiences: add --audience")
    options = options_of(ConversionOptions if arguments.audience is None else AudienceOptions, arguments)
    return source_of(arguments, min(options.fetch_size, arguments.rows or ROWS_CHECKED)), options


def _lines(result: Mapping[str, Any], options: DeliveryOptions) -> Iterator[str]:
    read, which = result["rows_read"], "all rows" if result["whole_query"] else "the first rows"
    yield f"{result['operation'].capitalize()}: {read:,} rows read, {which} of the query"
    ends = {"sendable": "would be sent", "rejected": "rejected", "skipped": "skipped"}
    counts = [f"{result[f'rows_{end}']:,} {said}" for end, said in ends.items()]
    if not result["problems"]:
        yield f"  {', '.join(counts)}"
    # What is left out stands with its field.
    totals = totals_by_reason(result, "rejected")
    for part in (_problems(result), _columns(result), _fields(result), totals, _coverage(result)):
        yield from part
    yield from _batches(result, options)
    yield from [f"Warning: {printable(warning['text'])}" for warning in result["warnings"]]
    yield from _verdict(result)


def _problems(result: Mapping[str, Any]) -> Iterator[str]:
    if result["problems"]:
        yield "The mapping cannot be used:"
        yield from [f"  {printable(problem)}" for problem in result["problems"]]


def _columns(result: Mapping[str, Any]) -> Iterator[str]:
    if result["unmapped"]:
        yield "Columns that are not sent:"
    for one in result["unmapped"]:
        yield printable(f"  {one['column']}" + (f" (named like {one['field']})" if one["field"] else ""))


def _fields(result: Mapping[str, Any]) -> Iterator[str]:
    if not result["fields"]:
        return
    yield "Fields:"
    heads = ("field", "from", "values", "invalid", "share", "an invalid value costs")
    rows = [
        (one["path"], one["column"] or "the mapping", one["values"], one["invalid"], one["share"], one["costs"])
        for one in result["fields"]
    ]
    yield from aligned([heads, *rows])
    invalid = [(one["path"], reason) for one in result["fields"] for reason in one["reasons"]]
    if invalid:
        yield "Invalid values:"
        yield from aligned([(path, reason["values"], reason["reason"]) for path, reason in invalid])


def _coverage(result: Mapping[str, Any]) -> Iterator[str]:
    if not result["coverage"]:
        return
    most = {one["path"]: one["most_rows"] for one in result["identities"]}
    yield "Coverage, of the rows that would be sent:"
    yield from aligned(
        (path, share, f"one value in at most {most[path]:,} rows" if path in most else "")
        for path, share in result["coverage"].items()
    )


def _batches(result: Mapping[str, Any], options: DeliveryOptions) -> Iterator[str]:
    made = result["batches"]
    if not made or not made["events"]:
        return
    yield (
        f"Batches: {made['now']:,} of {made['events']:,} events; a user has at most "
        f"{made['most_events_of_a_user']:,} of them"
    )
    if made["ordered"] is not None and made["ordered"] < made["now"]:
        yield printable(
            f"  ORDER BY {made['order_by']} would make {made['ordered']:,} batches of {made['now']:,}: Rokt limits "
            "batches per second"
        )
    elif result["rows_read"] <= options.fetch_size and not result["whole_query"]:
        yield f"  To see what another ORDER BY would gain, check more rows than fetch_size={options.fetch_size:,}"
    if made["result"] < made["now"]:
        yield f"  group_by_user='result' would make {made['result']:,} batches, whatever the order"


def _verdict(result: Mapping[str, Any]) -> Iterator[str]:
    if result["stopped_by"]:
        yield f"The run would be stopped: {result['stopped_by']}"
    if result["failed_by"]:
        yield f"The task would fail once the rest is sent: {result['failed_by']}."
    yield "All is well. Nothing was sent." if result["ok"] else "Nothing was sent."
