"""All that a ledger tells of one delivery, in one pass; what it holds does not grow with the delivery."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from airflow_provider_rokt.flow.row import NO_ROW, Outcome, RowRef
from airflow_provider_rokt.ledger.parts import Damage
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import DroppedRecord, RequestRecord, RowRecord, VerdictRecord
from airflow_provider_rokt.ledger.report import OTHERS, REASON_CHARS, count_apart, printable

PAGE: Final = 50
"""Batches a page of the table names."""
_EXAMPLES: Final = 3
_COLUMNS: Final = 240


class Why(NamedTuple):
    """Why a row, or a value of it, did not go."""

    outcome: str
    path: str
    reason: str


@dataclass
class Reasons:
    """How many rows each reason cost, with the keys of the first ones."""

    counts: Counter[Why] = field(default_factory=Counter)
    examples: dict[Why, list[str]] = field(default_factory=dict)

    def add(self, why: Why, row: RowRef) -> None:
        """Counts one row."""
        counted = count_apart(self.counts, why, Why(why.outcome, "", OTHERS.reason))
        keys = self.examples.setdefault(counted, [])
        if len(keys) < _EXAMPLES:
            keys.append(printable(row.label))

    def listed(self) -> list[tuple[Why, int, list[str]]]:
        """All of them, the commonest first."""
        return [(why, rows, self.examples[why]) for why, rows in self.counts.most_common()]


@dataclass
class Strip:
    """What became of a delivery's batches in their order, in at most some hundred columns of as many batches each."""

    columns: list[Counter[str]] = field(default_factory=list)
    each: int = 1
    _in_last: int = 0

    def add(self, outcome: str) -> None:
        """Adds the next batch."""
        if not self.columns or self._in_last == self.each:
            if len(self.columns) == _COLUMNS:
                pairs = zip(self.columns[::2], self.columns[1::2], strict=True)
                self.columns = [first + second for first, second in pairs]
                self.each *= 2
            self.columns.append(Counter())
            self._in_last = 0
        self.columns[-1][outcome] += 1
        self._in_last += 1


@dataclass
class DeliveryDetails:
    """What one delivery's ledger tells.

    :ivar batches: by outcome and status; ``rows`` the rows in them, ``refusals`` why they were not accepted.
    :ivar sent_again: attempts beyond a request's first.
    :ivar slowest: milliseconds of the slowest request, waits between its attempts included.
    """

    batches: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    rows: Counter[tuple[str, int | None]] = field(default_factory=Counter)
    undelivered: Reasons = field(default_factory=Reasons)
    dropped: Reasons = field(default_factory=Reasons)
    strip: Strip = field(default_factory=Strip)
    counts: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    sent_again: int = 0
    size: int = 0
    slowest: float = 0.0
    damage: str = ""

    @classmethod
    def of(cls, reader: LedgerReader) -> "DeliveryDetails":
        """Reads all of it; what is damaged costs itself."""
        details, damage = cls(), Damage()
        for record in reader.records(damage):
            if isinstance(record, RequestRecord):
                details._add_request(record)
            elif isinstance(record, RowRecord):
                details._add_row(record)
            else:
                details._add_dropped(record)
        details.damage = str(damage)
        return details

    def _add_request(self, request: RequestRecord) -> None:
        self.requests += 1
        self.sent_again += max(request.attempts - 1, 0)
        self.size += request.size
        self.slowest = max(self.slowest, request.milliseconds)
        for verdict in request.batches:
            kind = (str(verdict.outcome), verdict.status)
            self.batches[kind] += 1
            self.rows[kind] += verdict.rows
            self.strip.add(kind[0])
            if verdict.outcome is Outcome.ACCEPTED:
                self.counts[Outcome.ACCEPTED] += verdict.rows

    def _add_row(self, record: RowRecord) -> None:
        if record.number != NO_ROW:
            self.counts[record.outcome] += 1
        first = record.faults[0] if record.faults else None
        why = Why(
            str(record.outcome),
            first.path if first else "",
            printable(first.reason, REASON_CHARS) if first else "unknown",
        )
        self.undelivered.add(why, RowRef(record.number, record.key))

    def _add_dropped(self, record: DroppedRecord) -> None:
        for fault in record.faults:
            why = Why("dropped", fault.path, printable(fault.reason, REASON_CHARS))
            self.dropped.add(why, RowRef(record.number, record.key))


class ShownBatch(NamedTuple):
    """One batch in the table.

    :param place: among all batches of the delivery, from 1.
    :param request: the number of its request.
    """

    place: int
    request: int
    attempts: int
    milliseconds: float
    verdict: VerdictRecord


def batches_of(reader: LedgerReader, page: int, outcome: str = "") -> list[ShownBatch]:
    """One page of a delivery's batches, in the order their requests ended; nothing behind it is read.

    :param page: from 1.
    :param outcome: that they have; empty for any.
    """
    wanted = (batch for batch in _batches(reader) if outcome in ("", batch.verdict.outcome))
    return list(islice(wanted, (page - 1) * PAGE, page * PAGE))


def _batches(reader: LedgerReader) -> Iterator[ShownBatch]:
    place = 0
    for request in reader.requests(Damage()):
        for verdict in request.batches:
            place += 1
            yield ShownBatch(place, request.number, request.attempts, request.milliseconds, verdict)
