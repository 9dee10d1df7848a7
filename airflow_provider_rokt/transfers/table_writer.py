"""Writes lines into tables through a SQL hook's own connection: everything of one delivery, or nothing of it."""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from airflow_provider_rokt.exceptions import RoktQueryError
from airflow_provider_rokt.sources.connecting import private_texts
from airflow_provider_rokt.sources.query_error import query_error
from airflow_provider_rokt.transfers.outcomes import OutcomeLine, Value
from airflow_provider_rokt.transfers.tables import OutcomeTable, flavor_of

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook

_Result = TypeVar("_Result")

# Of the names in PEP 249; the hook's own placeholder is "%s" also where its driver wants "?", as with ODBC and DuckDB.
_MARKERS: Final = {"qmark": "?", "format": "%s", "pyformat": "%s"}


class TableWriter:
    """One connection; whatever its database or driver fails with is a :class:`RoktQueryError` without a value.

    Not ``insert_rows`` of the hook, which has a connection and a transaction of its own, apart from what was removed
    before. Lines go as one statement of many, since several drivers send each line of an ``executemany`` by itself.

    :param origin: the connection, for messages.
    """

    def __init__(self, hook: "DbApiHook", origin: str) -> None:
        self._hook = hook
        self._origin = origin
        self._flavor = flavor_of(getattr(hook, "conn_type", None))
        self._connection: Any = None
        self._marker = ""

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Connects for as long as the block lasts.

        :raises RoktQueryError: where the database cannot be reached.
        """
        self._connection = self._told(self._connect, connecting=True)
        self._marker = self._flavor.marker or _marker_of(self._connection) or self._hook.placeholder
        try:
            yield
        finally:
            with suppress(Exception):
                self._connection.close()

    def make(self, table: OutcomeTable) -> None:
        """Makes a table unless it is there with its columns; then no right is needed but to read and write.

        :raises RoktQueryError: where it can neither be read nor made, or lacks a column.
        """
        probe = f"SELECT {', '.join(table.columns)} FROM {table.name} WHERE 1 = 0"  # noqa: S608 - a checked name
        if not self._works(probe):
            statement = self._flavor.declaration(table)
            if not self._works(statement, result=False):
                # Another task made it at the same moment, and PostgreSQL fails one of them; or this says what is wrong.
                self._run_alone(statement, result=False)
            self._run_alone(probe)

    def replace(self, delivery_id: str, lines: Sequence[tuple[OutcomeTable, Iterable[OutcomeLine]]]) -> int:
        """Replaces a delivery's lines in tables, in one transaction where the database has such.

        :param lines: for each table; they are read once, a few at a time. The last table's are written last, so that
            they stand only beside all others.
        :returns: how many were written.
        :raises RoktQueryError: where the database fails; then the tables are as they were.
        """
        try:
            self._begin()
            for table, _ in reversed(lines):
                self._remove(table, delivery_id)
            written = sum([self._insert(table, of_table) for table, of_table in lines])
            self._commit()
        except BaseException:
            self._roll_back()
            raise
        return written

    def _begin(self) -> None:
        # It commits each statement unless told otherwise.
        if self._is_duckdb:
            self._connection.begin()

    def _remove(self, table: OutcomeTable, delivery_id: str) -> None:
        # Asked first: of lines that are not there, MySQL's DELETE locks the gap that other deliveries belong in.
        of_delivery = f"FROM {table.name} WHERE delivery_id = {self._markers(1)}"
        if self._run(f"SELECT DISTINCT delivery_id {of_delivery}", (delivery_id,)):
            self._run(f"DELETE {of_delivery}", (delivery_id,), result=False)

    def _insert(self, table: OutcomeTable, lines: Iterable[OutcomeLine]) -> int:
        width, written = len(table.columns), 0
        lines = iter(lines)
        while some := list(islice(lines, self._flavor.parameters // width)):
            places = [f"({self._markers(width, at * width)})" for at in range(len(some))]
            statement = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES {', '.join(places)}"  # noqa: S608
            self._run(statement, tuple(self._bound(value) for line in some for value in line), result=False)
            written += len(some)
        return written

    def _bound(self, value: Value) -> Value:
        as_text = isinstance(value, datetime) and self._flavor.moments_are_text
        return str(value) if as_text else value

    def _markers(self, count: int, first: int = 0) -> str:
        return ", ".join(self._marker.format(name=f"p{number}") for number in range(first, first + count))

    @property
    def _is_duckdb(self) -> bool:
        return type(self._connection).__name__ == "DuckDBPyConnection"

    def _cursor(self) -> AbstractContextManager[Any]:
        # One of DuckDB's is another connection, with a transaction of its own.
        return nullcontext(self._connection) if self._is_duckdb else closing(self._connection.cursor())

    def _connect(self) -> Any:
        connection = self._hook.get_conn()
        if self._hook.supports_autocommit:
            self._hook.set_autocommit(connection, False)
        return connection

    def _works(self, statement: str, *, result: bool = True) -> bool:
        """Runs a statement in a transaction of its own, and tells whether it could be run."""
        try:
            self._run_alone(statement, result=result)
        except RoktQueryError:
            self._roll_back()
            return False
        return True

    def _run_alone(self, statement: str, *, result: bool = True) -> None:
        self._begin()
        self._run(statement, result=result)
        self._commit()

    def _run(self, statement: str, parameters: Sequence[Value] = (), *, result: bool = True) -> list[Any]:
        bound: Any = parameters
        if "{name}" in self._marker:
            bound = {f"p{number}": value for number, value in enumerate(parameters)}

        def run() -> list[Any]:
            with self._cursor() as cursor:
                cursor.execute(statement, *([bound] if parameters else []))
                return list(cursor.fetchall()) if result else []

        return self._told(run, statement, parameters)

    def _commit(self) -> None:
        self._told(self._connection.commit)

    def _told(
        self,
        call: Callable[[], _Result],
        statement: str = "",
        parameters: Sequence[Value] = (),
        connecting: bool = False,
    ) -> _Result:
        """Calls, and tells of a failure in the words that may be shown."""
        try:
            return call()
        except ImportError:
            raise  # a driver that is not installed
        except Exception as error:
            private = private_texts(self._hook, parameters)
            failure = query_error(error, self._origin, statement, connecting=connecting, private=private)
        # Out here, so that the driver's error is not carried along.
        raise failure

    def _roll_back(self) -> None:
        # BigQuery and Databricks have nothing to go back to, and say so with an error.
        with suppress(Exception):
            self._connection.rollback()


def _marker_of(connection: object) -> str | None:
    """The marker that a connection's driver names: its package has a ``paramstyle``, as PEP 249 demands."""
    for kind in type(connection).__mro__:
        parts = kind.__module__.split(".")
        for end in range(len(parts), 0, -1):
            style = getattr(sys.modules.get(".".join(parts[:end])), "paramstyle", None)
            if isinstance(style, str):
                return _MARKERS.get(style)
    return None
