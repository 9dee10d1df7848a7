"""What turns a source's rows into requests, one read window at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.row import RowFault

Row = Sequence[object]


@dataclass(slots=True)
class Window:
    """What became of the rows read so far, as far as it is known.

    :param requests: full requests, ready to be sent; to be taken before the stream is asked for more, since they may be
        made as they are taken.
    :param faults: rows that can never be sent.
    :param skipped: how many rows were left out on purpose.
    """

    requests: Iterable[Request] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    skipped: int = 0


class Stream(Protocol):
    """Rows in, requests out; keeps what does not fill a request yet."""

    @property
    def extras(self) -> Mapping[str, int]:
        """Counts of its own for the report, known once it is flushed."""

    def window(self, rows: Sequence[Row]) -> Window:
        """Takes the next rows of the source, in order."""

    def flush(self) -> Iterator[Window]:
        """Whatever was kept, once the source has no more rows."""
