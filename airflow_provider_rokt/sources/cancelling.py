"""Ending a query that another thread, or the code below a signal handler, waits for."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from airflow_provider_rokt.exceptions import RoktQueryError
from airflow_provider_rokt.sources.decoding import driver_of
from airflow_provider_rokt.sources.waking import END_SECONDS, woken

Connect = Callable[[], Any]


class Cancellation:
    """Whether a query is to end, and how to end it while it runs."""

    def __init__(self) -> None:
        self.requested = False
        self.interrupted = False
        # While rows are consumed, the database is not waited for.
        self.waiting = False
        self._end: Callable[[], None] | None = None
        self._wake: Callable[[], None] | None = None

    @contextmanager
    def standing_by(self) -> Iterator[None]:
        """Around a reading: a thread waits to end its query."""
        self.interrupted = False
        with woken(self.interrupt) as self._wake:
            try:
                yield
            finally:
                self.waiting = False
                self._end = self._wake = None

    def watch(self, connection: Any, connect: Connect) -> Any:
        """Takes note of the connection that a query is about to run on, and returns it."""
        if driver_of(connection) in ("_duckdb", "duckdb"):
            connection = _DuckDB(connection)
            self._end = connection.interrupt
        else:
            self._end = canceller(connection, connect)
        self.waiting = True
        self.check()
        return connection

    def request(self) -> None:
        """Asks for the end, now or of whatever is begun later; never raises, takes no lock and waits for nothing."""
        self.requested = True
        if (wake := self._wake) is not None:
            wake()

    def interrupt(self) -> bool:
        """Ends the query where it is waited for; what that means is for the signal's handler to say.

        :returns: whether to do so again.
        """
        if self.waiting:
            self.interrupted = True
            self._end_query()
        return self.interrupted or self.requested

    def check(self) -> None:
        """Ends what was not waiting for the database when the end was asked for.

        :raises RoktQueryError: once it was.
        """
        if self.requested:
            raise RoktQueryError("the query was cancelled, since the delivery was stopped: a retry runs it again")

    def _end_query(self) -> None:
        if (end := self._end) is not None:
            # The query may have ended by itself meanwhile, and its connection with it.
            with suppress(Exception):
                end()


class _DuckDB:
    """A connection whose cursors are connections of their own, each to be interrupted by itself."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._cursors: list[Any] = []

    def cursor(self) -> Any:
        self._cursors.append(self._connection.cursor())
        return self._cursors[-1]

    def interrupt(self) -> None:
        for connection in (self._connection, *self._cursors):
            connection.interrupt()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def canceller(connection: Any, connect: Connect) -> Callable[[], None]:
    """What asks the database to end whatever runs on a connection; it does nothing where the driver has no way.

    :param connect: opens a second connection, for a server that takes the request only there.
    """
    return _DRIVERS.get(driver_of(connection), _no_way)(connection, connect)


def _no_way(connection: Any, connect: Connect) -> Callable[[], None]:
    return lambda: None


def _psycopg(connection: Any, connect: Connect) -> Callable[[], None]:
    if hasattr(connection, "cancel_safe"):
        return lambda: connection.cancel_safe(timeout=END_SECONDS)
    return lambda: connection.cancel()


def _psycopg2(connection: Any, connect: Connect) -> Callable[[], None]:
    return lambda: connection.cancel()


def _embedded(connection: Any, connect: Connect) -> Callable[[], None]:
    return lambda: connection.interrupt()


def _mysqlclient(connection: Any, connect: Connect) -> Callable[[], None]:
    return _kill(connection.thread_id(), connect)


def _mysql_connector(connection: Any, connect: Connect) -> Callable[[], None]:
    return _kill(connection.connection_id, connect)


def _kill(number: int, connect: Connect) -> Callable[[], None]:
    def kill() -> None:
        second = connect()
        try:
            second.cursor().execute(f"KILL QUERY {int(number)}")
        finally:
            second.close()

    return kill


_DRIVERS: Final[Mapping[str, Callable[[Any, Connect], Callable[[], None]]]] = {
    "psycopg": _psycopg,
    "psycopg2": _psycopg2,
    "sqlite3": _embedded,
    "MySQLdb": _mysqlclient,
    "mysql": _mysql_connector,
}
