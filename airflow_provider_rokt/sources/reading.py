"""One run of a query: its connection, how far it came, and whose error ended it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_rokt.exceptions import RoktError, RoktQueryError
from airflow_provider_rokt.flow.stream import ColumnNames, Consume, Row
from airflow_provider_rokt.sources.cancelling import Cancellation
from airflow_provider_rokt.sources.decoding import tolerate
from airflow_provider_rokt.sources.query_error import query_error, undecodable
from airflow_provider_rokt.statements.hiding import Hidden


class Reading:
    """Hands windows over and remembers the first error: hooks wrap what their handler raises, drivers fail again
    on the way out.

    :param cancellation: whether the query is to end.
    """

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._unconnected: Exception | None = None
        self._executed = False
        self._rows = 0
        self._columns: ColumnNames = ()
        self._consuming = False
        self._error: BaseException | None = None

    def open(self, connect: Callable[[], Any]) -> Any:
        """A connection that passes on what its driver cannot represent, and that the query can be ended on."""
        self._cancellation.check()
        self._unconnected = None
        try:
            connection = connect()
        except Exception as error:
            self._unconnected = error
            raise
        tolerate(connection)
        return self._cancellation.watch(connection, connect)

    def drain(self, windows: Iterator[tuple[ColumnNames, Sequence[Row]]], consume: Consume) -> None:
        """Hands all windows over; to be called once the statement was executed and before a row is fetched."""
        self._executed = True
        try:
            for columns, rows in windows:
                self._columns = columns
                self._consuming, self._cancellation.waiting = True, False
                consume(columns, rows)
                self._consuming, self._cancellation.waiting = False, True
                self._rows += len(rows)
                self._cancellation.check()
        except BaseException as error:
            self._error = error
            raise

    def failure(self, error: Exception, origin: str, sql: str, private: Sequence[str]) -> BaseException:
        """What to raise for an error that reached the reader.

        The consumer's errors and this provider's pass as they are, and so does what is missing in Airflow: a
        connection, a driver. Anything else comes from the database, its driver or its hook.

        :param private: texts that no message may show, such as the parameters.
        """
        first = self._error or error
        passes = self._consuming or isinstance(first, RoktError | AirflowNotFoundException | ImportError)
        if passes or not isinstance(first, Exception):
            return first
        if self._cancellation.requested or self._cancellation.interrupted:
            return RoktQueryError(
                f"{origin}: the query was cancelled, since the task was stopped: a retry runs it again"
            )
        names = Hidden(sql, names=frozenset(name.lower() for name in self._columns))
        if self._executed and (unread := undecodable(first, origin, self._rows, names)):
            return unread
        return query_error(
            first,
            origin,
            None if self._executed else sql,
            connecting=self._could_not_connect(first),
            rows=self._rows,
            private=private,
        )

    def _could_not_connect(self, error: BaseException | None) -> bool:
        """Whether the error is that of the connection, however a hook or SQLAlchemy wrapped it."""
        seen: set[int] = set()
        while error is not None and id(error) not in seen:
            if error is self._unconnected:
                return True
            seen.add(id(error))
            error = error.__cause__ or error.__context__
        return False
