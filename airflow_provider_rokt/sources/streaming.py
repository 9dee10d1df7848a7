"""A query's result left on the server and fetched through SQLAlchemy, whose dialects know each driver's way."""

import logging
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.stream import ColumnNames, Row
from airflow_provider_rokt.sources.window import column_names, windows
from airflow_provider_rokt.statements.statement import Statement

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook
    from sqlalchemy.engine import Connection, CursorResult, Engine

_log = logging.getLogger(__name__)


class _WithoutErrors(logging.LoggerAdapter[logging.Logger]):
    """Leaves the error of a cursor that cannot be closed out of a pool's log: it says again what the database said."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["exc_info"] = None
        return msg, kwargs


@contextmanager
def streaming_connection(hook: "DbApiHook", statement: Statement) -> "Iterator[Connection | None]":
    """A connection to stream from, or None where the hook's own cursor must do."""
    # MySQL leaves the result of any statement on the server, PostgreSQL only what a cursor can be declared for.
    streams = statement.is_query or getattr(hook, "conn_type", None) == "mysql"
    engine, connection = _connect(hook) if streams else (None, None)
    try:
        yield connection
    finally:
        if connection is not None:
            connection.close()
        if engine is not None:
            engine.dispose()


@contextmanager
def executed(
    connection: "Connection",
    hook: "DbApiHook",
    statement: str,
    parameters: tuple[object, ...] | Mapping[str, object],
    size: int,
) -> "Iterator[CursorResult[Any]]":
    """Runs the statement in a transaction around its rows, which is cut off when they are not taken to the end.

    :param size: rows of a window, and the most that SQLAlchemy reads ahead.
    """
    # no_parameters: otherwise psycopg looks for placeholders in LIKE 'a%' and fails.
    options: dict[str, Any] = {"stream_results": True, "max_row_buffer": size, "no_parameters": not parameters}
    with _transaction(connection):
        _wait_for_slow_reader(connection)
        # As driver SQL, which keeps the driver's own placeholders.
        result = connection.execution_options(**options).exec_driver_sql(statement, parameters or None)
        _report_lineage(hook, statement, parameters)
        yield result


def fetched(result: "CursorResult[Any]", size: int) -> Iterator[tuple[ColumnNames, Sequence[Row]]]:
    """The result's rows in windows, an empty one when there are none."""
    # Before the first fetch, which SQLAlchemy refuses with an error of its own where there is no result.
    columns = column_names(result.cursor.description if result.cursor is not None else None)
    yield from windows(columns, result.fetchmany(size), result.fetchmany, size)


def _connect(hook: "DbApiHook") -> "tuple[Engine | None, Connection | None]":
    engine = None
    try:
        # The hook makes the connection: the URL it gives SQLAlchemy lacks what stands in the connection's extra
        # on PostgreSQL (sslmode, the search path), and on MySQL has what only the hook understands ("cursor").
        engine = hook.get_sqlalchemy_engine({"creator": hook.get_conn})
        pool: Any = engine.pool
        pool.logger = _WithoutErrors(pool.logger)
        # Without the flag stream_results does nothing, and the whole result would be read into memory.
        return engine, engine.connect() if engine.dialect.supports_server_side_cursors else None
    except Exception as error:
        text = (
            f"Connection {hook.get_conn_id()!r} is read with its hook's own cursor, since SQLAlchemy cannot be used "
            f"({type(error).__name__}); some drivers hold the whole result in memory then."
        )
        log_wrapped(_log, logging.INFO, text)
        return engine, None


@contextmanager
def _transaction(connection: "Connection") -> Iterator[None]:
    # Committed as DbApiHook.run does: the query may call a function that writes.
    transaction = connection.begin()
    try:
        yield
    except BaseException:
        # Cut off, since MySQL's client ends a query in good order only by reading the rest of its result.
        connection.invalidate()
        raise
    transaction.commit()


def _wait_for_slow_reader(connection: "Connection") -> None:
    from sqlalchemy.exc import DBAPIError

    if connection.dialect.name in ("mysql", "mariadb"):
        # A window may wait for Rokt longer than the 60 s after which the server gives its reader up.
        with suppress(DBAPIError):
            connection.exec_driver_sql("SET SESSION net_write_timeout = 3600")


def _report_lineage(hook: "DbApiHook", statement: str, parameters: object) -> None:
    # What DbApiHook.run does itself; an older common-sql has no such function.
    try:
        from airflow.providers.common.sql.hooks.lineage import send_sql_hook_lineage
    except ImportError:
        return
    send_sql_hook_lineage(context=hook, sql=statement, sql_parameters=parameters or None)
