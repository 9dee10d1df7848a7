"""What carries rows: a source hands them over a read window at a time, a stream makes requests of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.row import RowFault, RowRef, Skip

Row = Sequence[object]
ColumnNames = tuple[str, ...]
# Takes the columns' names and the next rows.
Consume = Callable[[ColumnNames, Sequence[Row]], None]
# Tells which rows to send; the others are skipped.
Selects = Callable[[RowRef], bool]


class Source(Protocol):
    """Where rows come from; a database cursor is only open inside a call, so rows are pushed, not pulled."""

    def read(self, consume: Consume) -> None:
        """Calls ``consume(columns, rows)`` for each read window, at least once, in order."""

    def cancel(self) -> None:
        """Ends :meth:`read`, now or later, with an error worth a retry.

        Any thread and any signal handler may call it: it takes no lock, waits for nothing and never raises.
        """


@dataclass(slots=True)
class Packed:
    """What became of the rows read so far, as far as it is known.

    :param requests: full requests, ready to be sent; to be taken before the stream is asked for more, since they may be
        made as they are taken.
    :param faults: rows that can never be sent.
    :param dropped: rows that are sent without some of their values, which could not be.
    :param skipped: how many rows were left out on purpose, by reason.
    :param resumed: how many rows an earlier try of this task had accepted, by coverage.
    :param resumed_rows: the same rows; not those of an import, whose members are never all in memory.
    """

    requests: Iterable[Request] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    dropped: list[RowFault] = field(default_factory=list)
    skipped: Counter[Skip] = field(default_factory=Counter)
    resumed: Counter[int] = field(default_factory=Counter)
    resumed_rows: list[RowRef] = field(default_factory=list)


class Stream(Protocol):
    """Rows in, requests out; keeps what does not fill a request yet."""

    @property
    def extras(self) -> Mapping[str, int]:
        """Counts of its own for the report, known once it is flushed."""

    @property
    def census(self) -> Census:
        """What it counts of its fields' values."""

    def window(self, rows: Sequence[Row]) -> Packed:
        """Takes the next rows of the source, in order."""

    def flush(self) -> Iterator[Packed]:
        """Whatever was kept, once the source has no more rows."""
