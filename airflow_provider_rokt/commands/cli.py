"""The commands of ``airflow rokt``.

Every ``airflow`` command imports this module, so it imports nothing of what the commands run.
"""

from typing import Any

from airflow.cli.cli_config import (
    ARG_OUTPUT,
    ARG_VERBOSE,
    ARG_YES,
    ActionCommand,
    Arg,
    CLICommand,
    GroupCommand,
    lazy_load_command,
    positive_int,
)

from airflow_provider_rokt.connection.form import DEFAULT_CONN_ID
from airflow_provider_rokt.sandbox.arguments import ARGUMENTS


def _arg(*flags: str, **options: Any) -> Arg:
    return Arg(flags, **options)  # type: ignore[no-untyped-call]


def _threshold(text: str) -> int | float:
    return int(text) if text.isdecimal() else float(text)


_COUNT = positive_int(allow_zero=False)  # type: ignore[no-untyped-call]
_LEAST = positive_int(allow_zero=True)  # type: ignore[no-untyped-call]

_QUERY = (
    _arg("--sql", help="the query"),
    _arg("--sql-file", help="file of the query; Jinja in it is not rendered"),
    _arg("--parameters", help="of the query: JSON, or @file"),
)
_FOR_READING = (
    *_QUERY,
    _arg("--mapping", help="destination path to source, as the operators take it: JSON, or @file"),
    _arg("--environment", help="production (default) or development"),
    _arg("--timestamp-unit", help="of plain numbers: s, ms, us, ns; auto (default) tells by their size"),
    _arg("--phone-region", help="two-letter country of phone numbers without country code (default: US)"),
    _arg("--on-invalid", help="what an invalid value of an optional field costs: drop (the field) or reject (the row)"),
    _arg("--max-dropped", type=float, help="the share of a field's values that may be invalid (default: 0.2)"),
    _arg("--max-rejected", type=_threshold, help="rows, or a fraction like 0.1, that may be rejected (default: 0)"),
    _arg("--min-rows", type=_LEAST, help="how many rows there have to be (default: 0)"),
)
_FOR_AUDIENCES = (
    _arg("--mode", help="with --audience: include (default), exclude or mirror"),
    _arg("--via", help="with --audience: import (default) or events"),
    _arg(
        "--no-hash-emails",
        dest="hash_emails",
        action="store_false",
        default=None,
        help="with --audience: send addresses as they are",
    ),
    _arg("--max-removed", type=float, help="with --audience: the fraction a mirror may remove (default: 0.3)"),
    _arg(
        "--allow-empty",
        action="store_true",
        default=None,
        help="with --audience: take a query without rows at its word",
    ),
    ARG_OUTPUT,
    ARG_VERBOSE,
)

_INIT = ActionCommand(
    name="init",
    help="Write a first DAG for a query, its mapping guessed from the columns",
    description=(
        "Writes a DAG that sends a query's rows as conversions, or with --audience its people as members. The mapping\n"
        "is guessed from the columns' names: read it before you use it. Nothing is sent.\n"
        "Exit status: 0 it is written; 1 it is, and no column seems to be a required field; 2 nothing is written."
    ),
    func=lazy_load_command("airflow_provider_rokt.commands.beginning.init"),
    args=(
        _arg("--sql-conn-id", required=True, help="any SQL connection"),
        *_QUERY,
        _arg("--audience", help="an audience's name: make its members of the rows"),
        _arg("--mode", choices=("include", "exclude", "mirror"), help="with --audience: what to do (default: include)"),
        _arg("--rokt-conn-id", default=DEFAULT_CONN_ID, help="connection to Rokt (default: %(default)s)"),
        _arg("--dag-id", dest="new_dag_id", help="the DAG's id (default: of conversions rokt_conversions)"),
        _arg("--to", help="the file to write, which must not be there yet (default: show it)"),
        ARG_OUTPUT,
        ARG_VERBOSE,
    ),
)

_PREVIEW = ActionCommand(
    name="preview",
    help="Show what would be sent for a query's rows; send nothing",
    description=(
        "Shows what would be sent for the first rows of a query, or what is wrong with them.\n"
        "With --audience, reads the whole query and counts whom it would add and remove. Nothing is sent.\n"
        "Exit status: 0 all is well; 1 the task would be stopped, or fail for its rejected rows; 2 it cannot be told."
    ),
    func=lazy_load_command("airflow_provider_rokt.commands.previews.preview"),
    args=(
        _arg("--sql-conn-id", required=True, help="any SQL connection"),
        *_FOR_READING,
        _arg("--rows", type=_COUNT, help="how many rows to read and show (default: 5)"),
        _arg("--show-values", action="store_true", default=None, help="show the values; otherwise they are masked"),
        _arg("--audience", help="an audience's name: tell how many members all of the query's rows would change"),
        _arg(
            "--rokt-conn-id", default=DEFAULT_CONN_ID, help="with --audience: connection to Rokt (default: %(default)s)"
        ),
        *_FOR_AUDIENCES,
    ),
)

_CHECK = ActionCommand(
    name="check",
    help="Compare a mapping with a query's columns and first rows; send nothing",
    description=(
        "Compares a mapping with a query's columns and its first rows, by counts and shares: no row's value is shown.\n"
        "The query and the mapping are named here, or by a DAG's task. Nothing is sent.\n"
        "Exit status: 0 all is well; 1 the mapping is wrong, or rows or values would be refused beyond what "
        "max_rejected, max_dropped and min_rows allow; 2 it cannot be told."
    ),
    func=lazy_load_command("airflow_provider_rokt.commands.checking.check"),
    args=(
        _arg("--dag-id", help="the DAG of a task to check, rendered as in a run of now"),
        _arg("--task-id", help="with --dag-id: the task; of a mapped one the first"),
        _arg("--sql-conn-id", help="any SQL connection"),
        *_FOR_READING,
        _arg("--rows", type=_COUNT, help="how many rows to read (default: 10000)"),
        _arg("--audience", help="an audience's name: check its query's rows as its members"),
        *_FOR_AUDIENCES,
    ),
)

_DELIVERIES = GroupCommand(
    name="deliveries",
    help="What was sent, and what became of it",
    subcommands=(
        ActionCommand(
            name="list",
            help="List the newest deliveries",
            func=lazy_load_command("airflow_provider_rokt.commands.deliveries.list_deliveries"),
            args=(
                _arg("--limit", type=_COUNT, default=20, help="how many (default: %(default)s)"),
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
        ),
        ActionCommand(
            name="show",
            help="Show one delivery: its report, its batches and the first rows that were not delivered",
            func=lazy_load_command("airflow_provider_rokt.commands.deliveries.show_delivery"),
            args=(
                _arg("delivery_id", help="the delivery's id, or its ledger's URI"),
                _arg("--rows", type=_COUNT, default=20, help="most rows to show (default: %(default)s)"),
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
        ),
        ActionCommand(
            name="prune",
            help="Remove the deliveries that ended long ago",
            description=(
                "Removes the deliveries that ended more than so many days ago. One that never ended, as its task was\n"
                "killed, goes once nothing was written on it for seven days more. What mirrors and retries remember\n"
                "stays. Asks first.\n"
                "Exit status: 0 they are removed, or told of; 1 some could not be; 2 nothing was tried."
            ),
            func=lazy_load_command("airflow_provider_rokt.commands.pruning.prune_deliveries"),
            args=(
                _arg("--days", type=_COUNT, help="how many (default: [rokt] ledger_days)"),
                _arg("--dry-run", action="store_true", help="tell what would be removed, and remove nothing"),
                ARG_YES,
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
        ),
    ),
)

_ROKT_CONN_ID = _arg("--rokt-conn-id", help="needed where syncs of several connections have that name")
_DRY_RUN = _arg("--dry-run", action="store_true", help="tell what would be done, and do nothing")

_SYNCS = GroupCommand(
    name="syncs",
    help="What is remembered of each recurring task",
    subcommands=(
        ActionCommand(
            name="list",
            help="List the syncs: how much each remembers, and how its last delivery ended",
            func=lazy_load_command("airflow_provider_rokt.commands.remembering.list_syncs"),
            args=(ARG_OUTPUT, ARG_VERBOSE),
        ),
        ActionCommand(
            name="show",
            help="Show one sync: its memory, who is at work, what Airflow's database knows, its last deliveries",
            func=lazy_load_command("airflow_provider_rokt.commands.remembering.show_sync"),
            args=(_arg("name", help="the sync's name"), _ROKT_CONN_ID, ARG_OUTPUT, ARG_VERBOSE),
        ),
        ActionCommand(
            name="mark",
            help="Take the rows of a query for sent, as after a move from another service; send nothing",
            description=(
                "Takes the ids of a query's rows for sent, so that a task with send='new' leaves these rows out.\n"
                "The sync is that of a DAG's task, with its query or another, or it is named here. Of the query only\n"
                "the column is needed that the mapping gives for events[].data.source_message_id. Asks first.\n"
                "Exit status: 0 they are marked, or told of; 1 some rows have no id; 2 nothing was marked."
            ),
            func=lazy_load_command("airflow_provider_rokt.commands.marking.mark_as_sent"),
            args=(
                _arg("--dag-id", help="the DAG of a task, rendered as in a run of now"),
                _arg("--task-id", help="with --dag-id: the task; of a mapped one the first"),
                _arg("--sql", help="the query; with --dag-id, another one than the task's"),
                _arg("--sql-file", help="file of the query; Jinja in it is not rendered"),
                _arg("--sql-conn-id", help="any SQL connection; with --dag-id, another one than the task's"),
                _arg("--parameters", help="of the query: JSON, or @file"),
                _arg("--mapping", help="destination path to source, as the operators take it: JSON, or @file"),
                _arg("--sync", help="the sync's name"),
                _arg("--rokt-conn-id", help=f"with --sync: its connection to Rokt (default: {DEFAULT_CONN_ID})"),
                _arg("--environment", help="with --sync: that of its task, production (default) or development"),
                _DRY_RUN,
                ARG_YES,
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
        ),
        ActionCommand(
            name="forget",
            help="Start over: forget which rows a sync has sent, or who is in a mirrored audience",
            description=(
                "Removes what a sync remembers, here and in Airflow's database, also where only that knows of it.\n"
                "The next run with send='new' sends every row that its query returns; Rokt drops ids that it knows\n"
                "for 30 days or more. With --audience it is what a mirror remembers: its next run includes\n"
                "everyone, and cannot exclude those who have left since. Ledgers of deliveries stay. Asks first.\n"
                "Exit status: 0 it is forgotten, or told of; 2 nothing was forgotten."
            ),
            func=lazy_load_command("airflow_provider_rokt.commands.forgetting.forget"),
            args=(
                _arg("name", nargs="?", help="the sync's name"),
                _arg("--audience", help="instead: the audience whose mirror starts over"),
                _arg("--via", help="with --audience: import (default) or events"),
                _ROKT_CONN_ID,
                _DRY_RUN,
                ARG_YES,
                ARG_OUTPUT,
                ARG_VERBOSE,
            ),
        ),
    ),
)

_SANDBOX = ActionCommand(
    name="sandbox",
    help="Run a local Rokt to develop against",
    func=lazy_load_command("airflow_provider_rokt.commands.sandboxes.sandbox"),
    args=tuple(_arg(flag, **options) for flag, options in ARGUMENTS.items()),
)


def get_rokt_cli_commands() -> list[CLICommand]:
    """The command group, as the provider's metadata names it for Airflow 3.2 and later."""
    return [
        GroupCommand(
            name="rokt",
            help="Begin, check, preview and inspect what is sent to Rokt",
            subcommands=(_INIT, _CHECK, _PREVIEW, _DELIVERIES, _SYNCS, _SANDBOX),
        )
    ]
