"""One run of a query: how far it came, and whose error ended it."""

from collections.abc import Iterator, Sequence

from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.flow.stream import ColumnNames, Consume, Row
from airflow_provider_rokt.sources.query_error import query_error


class Reading:
    """Hands windows over and remembers the first error: hooks wrap what their handler raises, drivers fail again
    on the way out."""

    def __init__(self) -> None:
        self._executed = False
        self._consuming = False
        self._error: BaseException | None = None

    def drain(self, windows: Iterator[tuple[ColumnNames, Sequence[Row]]], consume: Consume) -> None:
        """Hands all windows over; to be called once the statement was executed and before a row is fetched."""
        self._executed = True
        try:
            for columns, rows in windows:
                self._consuming = True
                consume(columns, rows)
                self._consuming = False
        except BaseException as error:
            self._error = error
            raise

    def failure(self, error: Exception, origin: str, sql: str) -> BaseException:
        """What to raise for an error that reached the reader.

        The consumer's errors and this provider's pass as they are, and so does what is missing in Airflow: a
        connection, a driver. Anything else comes from the database, its driver or its hook.
        """
        first = self._error or error
        passes = self._consuming or isinstance(first, RoktError | AirflowNotFoundException | ImportError)
        if passes or not isinstance(first, Exception):
            return first
        return query_error(first, origin, None if self._executed else sql)
