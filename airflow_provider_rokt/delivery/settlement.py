"""From one request to a final verdict on every row in it, over as many exchanges as that takes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final

from msgspec.structs import replace as replaced

from airflow_provider_rokt.answers.verdicts import Verdict, errors_told, judge
from airflow_provider_rokt.delivery.brake import Brake
from airflow_provider_rokt.delivery.exchange import Exchange, Halt, failure_of
from airflow_provider_rokt.flow.packing import RequestPacker
from airflow_provider_rokt.flow.request import Batch, Request
from airflow_provider_rokt.flow.row import NO_ROW, FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord

# Halving 1,000,000 members down to one bad one meets at most 20 refusals in a row and 100 bad events at most 200. More
# come from a setting Rokt answers 400 for, where every member would be posted alone.
_GIVE_UP_AFTER: Final = 256

# A batch and the verdict that is final for it.
Judged = tuple[Batch, Verdict]
# Takes an exchange and the verdicts that it brought.
Book = Callable[[Exchange, list[Judged]], None]


@dataclass(slots=True)
class Settlement:
    """What became of one request's rows; each row is counted once.

    :param records: of the exchanges that settled batches, all numbered 0.
    :param accepted: how many rows.
    :param taken: the rows of each batch that was accepted, by the status that took it and whether that is certain; an
        import's are made only when they are asked for.
    :param unconfirmed: how many of them by an answer that may mean something else, by reason; 0 for what has no row.
    :param in_vain: how many exchanges in a row accepted nothing.
    :param marks: of the rows of which it is certain that Rokt took them.
    :param refused: whether Rokt refused a batch, whatever became of it then.
    :param blamed: whether Rokt named something in a batch that it rejected.
    :param requests: how many exchanges reached the network.
    :param coverage: accepted rows by the coverage of their batch.
    :param answers: how many answers of each status came, ``"none"`` for none.
    :param error: what must end the delivery.
    :param retry_after: seconds that Rokt asked to wait, where that was too long.
    """

    records: list[RequestRecord] = field(default_factory=list)
    accepted: int = 0
    taken: dict[tuple[int | None, bool], list[Sequence[RowRef]]] = field(default_factory=dict)
    unconfirmed: Counter[str] = field(default_factory=Counter)
    marks: list[bytes] = field(default_factory=list)
    in_vain: int = 0
    refused: bool = False
    blamed: bool = False
    rejected: list[RowFault] = field(default_factory=list)
    failed: list[RowFault] = field(default_factory=list)
    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    coverage: Counter[int] = field(default_factory=Counter)
    error: Exception | None = None
    retry_after: float | None = None

    @classmethod
    def given_up(cls, request: Request, why: str) -> "Settlement":
        """That of a request whose answer is no longer waited for."""
        settlement = cls()
        settlement.book(Exchange(request), _failed(request, why))
        return settlement

    def count(self, exchange: Exchange, accepted: bool) -> None:
        """Adds an exchange.

        :param accepted: whether it brought an acceptance.
        """
        self.attempted(exchange)
        self.error = self.error or exchange.error
        self.retry_after = self.retry_after or exchange.retry_after
        self.in_vain = 0 if accepted else self.in_vain + 1

    def attempted(self, exchange: Exchange) -> None:
        """Adds the attempts of an exchange, whatever came of them."""
        self.requests += exchange.attempts > 0
        self.answers += exchange.answers

    def book(self, exchange: Exchange, judged: Sequence[Judged]) -> None:
        """Adds the verdicts that an exchange brought."""
        if judged:
            self.records.append(_record(exchange, judged))
        for batch, verdict in judged:
            if verdict.accepted:
                rows = sum([row.number != NO_ROW for row in batch.rows])
                self.accepted += rows
                self.taken.setdefault((exchange.status, verdict.confirmed), []).append(batch.rows)
                if verdict.confirmed:
                    self.marks.append(batch.marks)
                else:
                    self.unconfirmed[verdict.faults[0].reason] += rows
                self.coverage[batch.coverage] += rows
            else:
                self.blamed |= verdict.blames
                booked = self.rejected if verdict.outcome is Outcome.REJECTED else self.failed
                booked.extend(RowFault(row, verdict.faults, exchange.status) for row in batch.rows)

    def fail_rejected(self, why: str) -> None:
        """Takes its rejections for failures: their reasons stay, behind this one."""
        fault = FieldFault("", why)
        self.failed += [replace(rejected, faults=(fault, *rejected.faults)) for rejected in self.rejected]
        self.rejected = []
        self.records = [replaced(record, batches=tuple(map(_as_failed, record.batches))) for record in self.records]


class Settler:
    """Settles requests. Threads may share it.

    :param dispatch: sends a request and returns its answer, or why there is none.
    :param halt: set when an answer, or a fault in this provider, must end the delivery.
    :param brake: is told of every answer.
    """

    def __init__(self, dispatch: Callable[[Request], Exchange], halt: Halt, brake: Brake) -> None:
        self._dispatch = dispatch
        self._halt = halt
        self._brake = brake
        # Whether Rokt was seen to drop, as a repeat, a batch that it had refused.
        self._ids_are_burnt = False

    def settle(self, request: Request) -> Settlement:
        """Sends a request, and what its answer does not settle again in smaller requests, until all is settled."""
        settlement = Settlement()
        self._run([request], settlement, settlement.book)
        settlement.rejected.sort(key=lambda fault: fault.row)
        return settlement

    def _run(self, pending: list[Request], settlement: Settlement, book: Book) -> None:
        while pending:
            # The last first: halves are followed down to single batches before others are begun, so few are kept.
            exchange, verdicts = self._exchange(pending.pop(), settlement.in_vain)
            if exchange.is_too_large:
                settlement.attempted(exchange)
                pending += reversed(_halves(exchange.request, exchange.request.batches))
                continue
            judged, open_, parts = _sorted(exchange.request, verdicts)
            accepted = any(verdict.accepted for _, verdict in judged)
            settlement.count(exchange, accepted)
            settlement.refused |= not exchange.failure and any(not (one and one.accepted) for one in verdicts)
            if not exchange.failure:
                self._brake.answered(accepted)
            book(exchange, judged)
            pending += _repacked(exchange.request, parts)
            if open_:
                pending += self._reopened(exchange, open_, settlement, book)

    def _reopened(self, exchange: Exchange, open_: list[Batch], settlement: Settlement, book: Book) -> list[Request]:
        """The requests to make of what an answer left open."""
        request = exchange.request
        # An attempt without an answer may have used the ids up, too.
        repeats = exchange.repeats or any(batch.repeats for batch in open_)
        if not _took_some(exchange) or self._ids_are_burnt or repeats:
            return _halves(request, _renewed(open_))
        unexplained = errors_told(exchange.body) - len(request.batches) + len(open_)
        if unexplained <= 0:
            # Every error found its batch, but they are so many that there may be more.
            return [request.with_batches(_renewed(open_))]
        return self._doubted(request, open_, unexplained, settlement, book)

    def _doubted(
        self, request: Request, open_: list[Batch], unexplained: float, settlement: Settlement, book: Book
    ) -> list[Request]:
        """Looks for the batches that errors are about, among such as were taken; what to send once more after it.

        The ids stay, so that what was taken is not taken twice. Where fewer are refused than there were errors, some
        were not looked at again but dropped as repeats of the ones refused: those are sent under fresh ids.
        """
        found: list[tuple[Exchange, list[Judged]]] = []
        self._run(_halves(request, open_), settlement, lambda exchange, judged: found.append((exchange, judged)))
        # What failed was not judged, so it explains no error.
        refused = sum(verdict.outcome is Outcome.REJECTED for _, judged in found for _, verdict in judged)
        clean = [batch for _, judged in found for batch, verdict in judged if verdict.accepted]
        believed = refused >= unexplained or not clean
        for exchange, judged in found:
            book(exchange, [one for one in judged if believed or not one[1].accepted])
        self._ids_are_burnt = self._ids_are_burnt or not refused
        return [] if believed else [request.with_batches(_renewed(clean))]

    def _exchange(self, request: Request, in_vain: int) -> tuple[Exchange, Sequence[Verdict | None]]:
        """An exchange, and the verdicts it brings."""
        if in_vain < _GIVE_UP_AFTER:
            exchange = self._dispatch(request)
        else:
            exchange = Exchange(request, failure=f"not sent: Rokt refused {in_vain} requests in a row")
        if not exchange.failure and not exchange.is_too_large:
            try:
                return exchange, judge(request, exchange.status or 0, exchange.body, repeats=exchange.repeats)
            except Exception as error:  # the delivery raises it, once every row is accounted for
                exchange = replace(exchange, failure=failure_of(error), error=error)
        if exchange.error:
            self._halt.because(exchange.failure)
        return exchange, [verdict for _, verdict in _failed(request, exchange.failure)]


def _failed(request: Request, why: str) -> list[Judged]:
    verdict = Verdict(Outcome.FAILED, (FieldFault("", why),))
    return [(batch, verdict) for batch in request.batches]


def _as_failed(record: VerdictRecord) -> VerdictRecord:
    return replaced(record, outcome=Outcome.FAILED) if record.outcome is Outcome.REJECTED else record


def _took_some(exchange: Exchange) -> bool:
    return exchange.status is not None and 200 <= exchange.status <= 299


def _renewed(batches: Iterable[Batch]) -> list[Batch]:
    # One that was refused may be known by its id all the same, and be dropped without a word the next time.
    return [batch.renewed() for batch in batches]


def _sorted(request: Request, verdicts: Sequence[Verdict | None]) -> tuple[list[Judged], list[Batch], list[Batch]]:
    """The verdicts that are final, the batches without one, and the parts of those that were refused as a whole."""
    judged: list[Judged] = []
    open_: list[Batch] = []
    parts: list[Batch] = []
    for batch, verdict in zip(request.batches, verdicts, strict=True):
        if verdict is None:
            open_.append(batch)
        elif verdict.outcome is Outcome.REJECTED and len(smaller := batch.split()) > 1:
            # One bad event must not cost its user's others.
            parts.extend(smaller)
        else:
            judged.append((batch, verdict))
    return judged, open_, parts


def _halves(request: Request, batches: Sequence[Batch]) -> list[Request]:
    middle = len(batches) // 2
    return [request.with_batches(half) for half in (batches[:middle], batches[middle:]) if half]


def _repacked(request: Request, batches: Sequence[Batch]) -> list[Request]:
    """Requests of no more batches than the one they come from, which was sized to keep the pace.

    An import has one verdict for the whole request, so there each goes alone.
    """
    if not request.endpoint.verdict_per_batch:
        return [request.with_batches([batch]) for batch in batches]
    # A part repeats what it shares with the others, so the parts can need more room than the whole.
    packer = RequestPacker(request, batches=len(request.batches))
    packed = [*[packer.add(batch) for batch in batches], packer.flush()]
    return [smaller for smaller in packed if smaller]


def _record(exchange: Exchange, judged: Sequence[Judged]) -> RequestRecord:
    # What is sent without a row has no place in the range.
    numbers = [row.number for batch, _ in judged for row in batch.rows if row.number != NO_ROW] or [NO_ROW]
    return RequestRecord(
        number=0,
        endpoint=exchange.request.endpoint.path,
        status=exchange.status,
        attempts=exchange.attempts,
        size=len(exchange.request.body),
        milliseconds=round(exchange.milliseconds, 1),
        first_row=min(numbers),
        last_row=max(numbers),
        batches=tuple(_verdict_records(judged, exchange.status)),
    )


def _verdict_records(judged: Iterable[Judged], status: int | None) -> Iterator[VerdictRecord]:
    """One for each batch; equal neighbours share it, since most requests of a hundred batches have a single one."""
    for (verdict, rows), equal in groupby(judged, lambda one: (one[1], len(one[0].rows))):
        path, reason = verdict.faults[0] if verdict.faults else ("", "")
        record = VerdictRecord(verdict.outcome, status, rows, reason, path, confirmed=verdict.confirmed)
        yield from (record for _ in equal)
