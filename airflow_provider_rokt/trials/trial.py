"""A query's first rows put through a stream for trial: what would become of them, and how the run would end."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.exceptions import RoktDroppedError, RoktError, RoktTooFewRowsError
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.checks import check_enough, exceeds
from airflow_provider_rokt.flow.request import Batch, Endpoint
from airflow_provider_rokt.flow.row import FieldFault, RowFault, Skip
from airflow_provider_rokt.flow.stream import ColumnNames, Packed, Row, Source, Stream
from airflow_provider_rokt.runs.options import DeliveryOptions

# Of any number of refused rows, how many a preview names.
REFUSED_SHOWN: Final = 20


class _Enough(Exception):
    """Leaves a source before its end."""


class Sample(NamedTuple):
    """The first rows of a query.

    :param columns: None where the source named none, as it should even for no rows.
    :param ended: whether they are all it has.
    """

    columns: ColumnNames | None
    rows: list[Row]
    ended: bool

    def windows(self, size: int) -> Iterable[list[Row]]:
        """The rows as a source hands them over; one empty window where there are none."""
        return [self.rows[start : start + size] for start in range(0, max(len(self.rows), 1), size)]


def first_rows(source: Source, most: int) -> Sample:
    """Reads no more than so many rows.

    :param most: best the source's ``fetch_size`` or a multiple of it, since it fetches whole windows.
    """
    columns: ColumnNames | None = None
    rows: list[Row] = []

    def consume(names: ColumnNames, window: Sequence[Row]) -> None:
        nonlocal columns
        columns = names
        rows.extend(window[: most - len(rows)])
        if len(rows) == most:
            raise _Enough

    with suppress(_Enough):
        source.read(consume)
        return Sample(columns, rows, True)
    return Sample(columns, rows, False)


@dataclass
class Totals:
    """What becomes of rows, by reason; of any number of rows, since only the first that are refused are kept.

    :param refused: the first refused rows.
    """

    rejected: int = 0
    faults: Counter[FieldFault] = field(default_factory=Counter)
    dropped: Counter[FieldFault] = field(default_factory=Counter)
    skipped: Counter[Skip] = field(default_factory=Counter)
    refused: list[RowFault] = field(default_factory=list)

    def add(self, packed: Packed) -> None:
        """Takes what a stream hands over; its requests are the caller's."""
        self.reject(packed.faults)
        for row in packed.dropped:
            self.dropped.update(row.faults)
        self.skipped += packed.skipped

    def reject(self, faults: Sequence[RowFault]) -> None:
        """Counts rows that cannot be sent."""
        self.rejected += len(faults)
        for row in faults:
            self.faults.update(row.faults)
        self.refused += faults[: max(REFUSED_SHOWN - len(self.refused), 0)]

    def reasons(self) -> dict[str, Any]:
        """How many rows have which fault, lose which value, are left out why; the commonest first."""
        dropped: Counter[str] = Counter()
        for fault, rows in self.dropped.items():
            dropped[fault.path] += rows
        return {
            "rejected_by_reason": _by_reason(self.faults),
            "dropped_by_reason": _by_reason(self.dropped),
            "dropped": dict(sorted(dropped.items())),
            "skipped": {str(reason): rows for reason, rows in sorted(self.skipped.items()) if rows},
        }


@dataclass
class Trial(Totals):
    """What becomes of a few rows, each of them, and the batches they make."""

    packed: list[Packed] = field(default_factory=list)
    batches: list[tuple[Endpoint, Batch]] = field(default_factory=list)

    def add(self, packed: Packed) -> None:
        """Takes what a stream hands over, its requests too, as they must be before the stream goes on."""
        super().add(packed)
        self.batches += [(request.endpoint, batch) for request in packed.requests for batch in request.batches]
        self.packed.append(packed)

    def run(self, stream: Stream, windows: Iterable[Sequence[Row]]) -> "Trial":
        """Puts all rows through a stream."""
        for window in windows:
            self.add(stream.window(window))
        for packed in stream.flush():
            self.add(packed)
        return self


def said(fault: RowFault) -> list[dict[str, str]]:
    """What is wrong with a row."""
    return [{"path": path, "reason": reason} for path, reason in fault.faults]


def _by_reason(faults: Counter[FieldFault]) -> list[dict[str, Any]]:
    return [{"path": path, "reason": reason, "rows": rows} for (path, reason), rows in faults.most_common()]


def stopped_by(options: DeliveryOptions, sample: Sample, census: Census) -> str | None:
    """What would stop the delivery before anything is sent, as far as these rows tell."""
    try:
        if sample.ended:
            check_enough(len(sample.rows), options.min_rows)
        census.require(options.max_dropped)
    except (RoktDroppedError, RoktTooFewRowsError) as error:
        return in_a_line(error)
    return None


def in_a_line(error: RoktError) -> str:
    """What an error says, as one of several results."""
    return " ".join(str(error).splitlines())


def failed_by(options: DeliveryOptions, read: int, rejected: int) -> str | None:
    """What would fail the task once everything deliverable was delivered, judged as its report would be."""
    if not exceeds(rejected, read, options.max_rejected):
        return None
    return f"{rejected:,} of {read:,} rows would be rejected, and max_rejected is {options.max_rejected}"
