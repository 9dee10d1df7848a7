"""Rows of a query on any SQL connection."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_rokt.exceptions import RoktSourceError, short_name
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.stream import ColumnNames, Consume, Row
from airflow_provider_rokt.sources.cancelling import Cancellation
from airflow_provider_rokt.sources.connecting import private_texts, sql_hook
from airflow_provider_rokt.sources.reading import Reading
from airflow_provider_rokt.sources.streaming import executed, fetched, streaming_connection
from airflow_provider_rokt.sources.window import column_names, windows
from airflow_provider_rokt.statements.statement import Statement, one_statement

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

_log = logging.getLogger(__name__)


class SqlSource:
    """The rows of one query, read with a cursor that stays on the server where the database has such.

    The query's transaction stays open while its rows are consumed and is committed once all of them are.

    :param hook_or_conn_id: a SQL hook, or the id of a connection that gives one.
    :param sql: one statement that returns rows. What is more than a query, such as ``INSERT … RETURNING``, is read with
        the hook's own cursor, since PostgreSQL declares none for it.
    :param parameters: its parameters, in the driver's own style: a list, tuple or dict.
    :param hook_params: arguments for the connection's hook.
    :param fetch_size: rows of one window, at least 1.
    :raises RoktSourceError: for other ``parameters``.
    """

    # Half of MySQL's net_write_timeout, after which the server ends the query of a client that does not read.
    slow_window_seconds: ClassVar[float] = 30.0

    def __init__(
        self,
        hook_or_conn_id: "str | DbApiHook",
        sql: str,
        parameters: Sequence[object] | Mapping[str, object] | None = None,
        hook_params: Mapping[str, object] | None = None,
        fetch_size: int = 5000,
    ) -> None:
        self._hook_or_conn_id = hook_or_conn_id
        self._sql = sql
        self._parameters = _checked(parameters)
        self._hook_params = hook_params
        self._fetch_size = fetch_size
        self._cancellation = Cancellation()

    def read(self, consume: Consume) -> None:
        """Runs the query and hands over its rows; once with no rows when there are none, to show the columns.

        An error raised by ``consume`` arrives here as it was raised.

        :raises RoktSourceError: not a SQL connection, not one statement, no result, or columns of one name.
        :raises RoktQueryError: for whatever the database or its driver says, since both quote values of rows.
        """
        hook = self._hook()
        statement = one_statement(self._sql, getattr(hook, "conn_type", None))
        reading = Reading(self._cancellation)
        try:
            with self._cancellation.standing_by():
                self._run(_opened_by(reading, hook), statement, reading, consume)
        except Exception as error:
            failure = reading.failure(error, self._origin, statement.text, private_texts(hook, self._parameters))
        else:
            return
        # Raised out here so that the driver's error is not carried along.
        raise failure

    def cancel(self) -> None:
        """Ends :meth:`read`, also while it waits for the database, and every later one; a stop is for good.

        May be called from any thread and any signal handler. Drivers other than those of PostgreSQL, MySQL, SQLite and
        DuckDB cannot be interrupted: the reading ends with the window that they wait for.
        """
        self._cancellation.request()

    def _hook(self) -> "DbApiHook":
        return sql_hook(self._hook_or_conn_id, self._hook_params)

    def _run(self, hook: "DbApiHook", statement: Statement, reading: Reading, consume: Consume) -> None:
        size = self._fetch_size
        with streaming_connection(hook, statement) as connection:
            if connection is not None:
                with executed(connection, hook, statement.text, self._parameters, size) as result:
                    reading.drain(fetched(result, size), consume)
                return

            is_mysql = getattr(hook, "conn_type", None) == "mysql"
            take = self._timed(consume, hook) if is_mysql else consume

            # The way every SQL hook has: its own cursor, read before ``run`` closes it.
            # Returns None: the ODBC and Databricks hooks take any other result apart.
            def drain(cursor: Any) -> None:
                reading.drain(_fetched(cursor, size), take)
                if is_mysql:
                    _finish(cursor)

            hook.run(statement.text, parameters=self._parameters or None, handler=drain, split_statements=False)

    @property
    def _origin(self) -> str:
        named = self._hook_or_conn_id
        return f"connection {short_name(named)!r}" if isinstance(named, str) else type(named).__name__

    def _timed(self, consume: Consume, hook: "DbApiHook") -> Consume:
        warned = False

        def take(columns: ColumnNames, rows: Sequence[Row]) -> None:
            nonlocal warned
            started = time.monotonic()
            consume(columns, rows)
            seconds = time.monotonic() - started
            if seconds > self.slow_window_seconds and not warned:
                warned = True
                text = (
                    f"Sending {len(rows)} rows of connection {hook.get_conn_id()!r} took {seconds:.0f} s. MySQL ends a "
                    "query that is not read for net_write_timeout (60 s by default): lower fetch_size, or pass the "
                    "hook the init_command 'SET SESSION net_write_timeout = 3600'."
                )
                log_wrapped(_log, logging.WARNING, text)

        return take


def _opened_by(reading: Reading, hook: "DbApiHook") -> "DbApiHook":
    """A copy of the hook whose connections the reading has seen; the user's own hook stays as it is."""
    own = copy(hook)
    own.__dict__["get_conn"] = lambda: reading.open(hook.get_conn)
    return own


def _checked(parameters: object) -> tuple[object, ...] | Mapping[str, object]:
    if parameters is None:
        return ()
    if isinstance(parameters, Mapping):
        return parameters
    if not isinstance(parameters, list | tuple):
        raise RoktSourceError(
            f"parameters is a {type(parameters).__name__}: give a list, tuple or dict, as the placeholders in sql say"
        )
    # SQLAlchemy reads a list as several executions of the statement, and a template renders to a list.
    return tuple(parameters)


def _fetched(cursor: Any, size: int) -> Iterator[tuple[ColumnNames, Sequence[Row]]]:
    # A server-side cursor has no description before the first fetch.
    rows = cursor.fetchmany(size)
    yield from windows(column_names(cursor.description), rows, cursor.fetchmany, size)


def _finish(cursor: Any) -> None:
    # A procedure's status is a result of its own, and before it is read MySQL takes no commit.
    while (following := getattr(cursor, "nextset", None)) is not None and following():
        pass
