"""``airflow rokt syncs mark``: takes a query's rows for sent, for those who move from another service."""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from airflow_provider_rokt.commands.asking import is_agreed, require_answer
from airflow_provider_rokt.commands.dag_tasks import rendered_task
from airflow_provider_rokt.commands.exit_status import FAILED, exits
from airflow_provider_rokt.commands.given import names_task, options_of, refuse, source_of
from airflow_provider_rokt.commands.known_syncs import KnownSyncs
from airflow_provider_rokt.commands.output import is_data, print_data, printable
from airflow_provider_rokt.connection.form import DEFAULT_CONN_ID
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.runs.takeover import Takeover
from airflow_provider_rokt.sources import SqlSource
from airflow_provider_rokt.syncs.by_hand import require_idle, take_for_sent
from airflow_provider_rokt.syncs.sync import Sync
from airflow_provider_rokt.task.configuration import open_ledger

_WHAT: Final = "airflow rokt syncs mark"
_IN_THE_TASK: Final = {
    "mapping": "--mapping",
    "sync": "--sync",
    "rokt_conn_id": "--rokt-conn-id",
    "environment": "--environment",
}
# Of the task's query, where another one is given.
_OF_THE_QUERY: Final = frozenset({"sql", "parameters"})


@dataclass
class _Marking:
    """What is to be marked, of which sync.

    :param is_used: whether the sync's task asks what is remembered; None where no task is named.
    :param is_part: whether it is the first part of a mapped task, so that the rows of the others are not read.
    :ivar marked: whether it was done.
    """

    sync: Sync
    source: SqlSource
    options: ConversionOptions
    is_used: bool | None = None
    is_part: bool = False
    marked: bool = False


@exits
def mark_as_sent(arguments: Namespace) -> int:
    """Reads the query, tells how many ids it names, asks, and remembers them."""
    require_answer(arguments)
    known = KnownSyncs(open_ledger())
    marking = _of_task(arguments, known) if names_task(arguments) else _of_arguments(arguments, known)
    _require_ready(marking.sync, known)
    with Takeover(marking.options) as ids:
        ids.read(marking.source)
        told = "\n".join(map(printable, _told(marking, ids, known)))
        need_not_ask = arguments.yes or arguments.dry_run or not ids.ids
        if need_not_ask and not is_data(arguments.output):
            print(told)
        agreed = need_not_ask or is_agreed(told, "Mark them?")
        if agreed and ids.ids and not arguments.dry_run:
            take_for_sent(marking.sync, known.anchor(marking.sync), ids.marks(), _WHAT)
            marking.marked = True
        if is_data(arguments.output):
            print_data(_data(marking, ids), arguments.output)
        else:
            print(f"Marked {ids.ids:,} ids." if marking.marked else "Nothing was marked.")
    return FAILED if not agreed else 1 if ids.unreadable else 0


def _require_ready(sync: Sync, known: KnownSyncs) -> None:
    """Says before the query is read what would be said after it."""
    require_idle(sync)
    known.anchor(sync, only_reads=True).check(sync.contents().number)


def _of_task(arguments: Namespace, known: KnownSyncs) -> _Marking:
    refuse(arguments, _IN_THE_TASK, "is said by the task: leave it out")
    has_query = arguments.sql is not None or arguments.sql_file is not None
    if not has_query:
        query = {"sql_conn_id": "--sql-conn-id", "parameters": "--parameters"}
        refuse(arguments, query, "is for another query than the task's: add --sql or --sql-file")
    left_out = {"resend_from", *(_OF_THE_QUERY if has_query else ())}
    task = rendered_task(arguments.dag_id, arguments.task_id, left_out)
    if not isinstance(task, RoktConversionOperator):
        raise RoktSettingsError(f"the task {task.task_id!r}", ["it sends no events: name a RoktConversionOperator"])
    options = task.delivery_options()
    sync = known.at(task.rokt_conn_id, options.sync or f"{arguments.dag_id}.{task.task_id}")
    if has_query:
        arguments.sql_conn_id = arguments.sql_conn_id or task.sql_conn_id
        source = source_of(arguments, options.fetch_size, task.sql_hook_params)
    else:
        parameters: Any = task.parameters
        source = SqlSource(task.sql_conn_id, task.sql, parameters, task.sql_hook_params, options.fetch_size)
    is_part = not has_query and getattr(task, "_BaseOperator__from_mapped", False)
    return _Marking(sync, source, options, options.send == "new", is_part)


def _of_arguments(arguments: Namespace, known: KnownSyncs) -> _Marking:
    if arguments.sync is None:
        raise RoktSettingsError("the command's arguments", ["give --dag-id and --task-id, or the name of a --sync"])
    options = options_of(ConversionOptions, arguments)
    sync = known.at(arguments.rokt_conn_id or DEFAULT_CONN_ID, arguments.sync)
    return _Marking(sync, source_of(arguments, options.fetch_size), options)


def _told(marking: _Marking, ids: Takeover, known: KnownSyncs) -> Iterator[str]:
    sync = marking.sync
    yield f"{ids.rows:,} rows read: {ids.ids:,} ids, {ids.repeated:,} rows repeat one, {ids.unreadable:,} have none"
    for fault, rows in ids.faults.most_common():
        yield f"  {rows:,} x {fault.label}"
    yield (
        f"They would count as sent in {sync.words}, environment {marking.options.environment}, whatever their rows "
        "say, for as many days as its task remembers (remember_days)"
    )
    if marking.is_part:
        yield "The task is mapped, and only its first part's query was read: give --sql for the rows of all parts"
    yield f"It remembers {sync.contents().rows:,} rows by now, in {sync.folder.uri}"
    if not sync.is_here() and (close := known.close_to(sync.name)):
        yield f"No sync of that name has run yet; close: {', '.join(map(repr, close))}"
    if marking.is_used is False:
        yield "Its task has send='all', which asks for nothing of this: give it send='new'"


def _data(marking: _Marking, ids: Takeover) -> dict[str, Any]:
    return {
        "sync": marking.sync.name,
        "connection": marking.sync.connection,
        "environment": marking.options.environment,
        "rows_read": ids.rows,
        "rows_repeated": ids.repeated,
        "rows_unreadable": ids.unreadable,
        "unreadable_by_reason": [
            {"path": fault.path, "reason": fault.reason, "rows": rows} for fault, rows in ids.faults.most_common()
        ],
        "ids": ids.ids,
        "marked": ids.ids if marking.marked else 0,
    }
