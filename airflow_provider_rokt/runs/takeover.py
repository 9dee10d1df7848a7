"""What another service has sent: the ids of a query's rows, collected in flat memory."""

from collections import Counter
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from airflow_provider_rokt.events.event_ids import EventIds
from airflow_provider_rokt.flow.mark import MARK_BYTES
from airflow_provider_rokt.flow.row import FieldFault
from airflow_provider_rokt.flow.stream import ColumnNames, Row, Source
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.sorting.record_sorter import RecordSorter, merged


class Takeover:
    """The ids of rows that are to count as sent; a context manager that gives its disk back.

    :param options: say how a row's id is read; what else they map need not be in the query.
    :ivar rows: how many were read.
    :ivar faults: the rows whose id cannot be read, by reason.
    :ivar ids: how many differ.
    """

    def __init__(self, options: ConversionOptions) -> None:
        self._options = options
        self._rules = options.rules()
        self._sorter = RecordSorter(MARK_BYTES)
        self._reader: EventIds | None = None
        self.rows = self.ids = 0
        self.faults: Counter[FieldFault] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sorter.close()

    @property
    def unreadable(self) -> int:
        """How many rows have no id that could be sent."""
        return self.faults.total()

    @property
    def repeated(self) -> int:
        """How many rows have the id of another one."""
        return self.rows - self.unreadable - self.ids

    def read(self, source: Source) -> None:
        """Reads all rows of a query.

        :raises RoktMappingError: where the query lacks the column of the id.
        :raises RoktSourceError: when the rows cannot be read.
        """
        source.read(self._take)
        self.ids = sum(len(marks) // MARK_BYTES for marks in self.marks())

    def marks(self) -> Iterator[bytes]:
        """The mark of each id once, many at a time, end to end."""
        for slice_ in merged([self._sorter], _once):
            yield b"".join(slice_)

    def _take(self, columns: ColumnNames, rows: Sequence[Row]) -> None:
        if self._reader is None:
            self._reader = EventIds(self._options.mapping, columns, self._rules)
        marks, faults = self._reader.marks(rows)
        self._sorter.add(marks)
        self.faults.update(faults)
        self.rows += len(rows)


def _once(marks: list[bytes]) -> list[bytes]:
    return list(dict.fromkeys(marks))
