"""From one request to a final verdict on every row in it, over as many exchanges as that takes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final, NamedTuple

from airflow_provider_rokt.api.verdicts import Judgement, Ruling, judge
from airflow_provider_rokt.delivery.exchange import Exchange, Halt
from airflow_provider_rokt.exceptions import RoktAuthError, RoktEndpointError
from airflow_provider_rokt.flow.packing import RequestPacker
from airflow_provider_rokt.flow.request import Batch, Request
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault
from airflow_provider_rokt.ledger.records import BatchVerdict, RequestRecord

# Halving 1,000,000 members down to one bad one meets at most 20 refusals in a row and 100 bad events at most 200. More
# come from a setting Rokt answers 400 for, where every member would be posted alone.
_GIVE_UP_AFTER: Final = 256


class _Final(NamedTuple):
    """A batch's final verdict."""

    batch: Batch
    outcome: Outcome
    faults: tuple[FieldFault, ...] = ()


@dataclass(slots=True)
class Settlement:
    """What became of one request's rows; each row is counted once.

    :param records: of the exchanges that settled batches, all numbered 0.
    :param accepted: how many rows.
    :param requests: how many exchanges reached the network.
    :param answers: how many answers of each status came, ``"none"`` for none.
    :param error: what must end the delivery.
    """

    records: list[RequestRecord] = field(default_factory=list)
    accepted: int = 0
    rejected: list[RowFault] = field(default_factory=list)
    failed: list[RowFault] = field(default_factory=list)
    requests: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    error: Exception | None = None

    def book(self, exchange: Exchange, finals: Sequence[_Final]) -> None:
        """Adds an exchange and the verdicts it brought."""
        self.requests += exchange.attempts > 0
        self.answers += exchange.answers
        if finals:
            self.records.append(_record(exchange, finals))
        self.accepted += sum(
            [row.number > 0 for final in finals if final.outcome is Outcome.ACCEPTED for row in final.batch.rows]
        )
        for batch, outcome, faults in finals:
            if outcome is not Outcome.ACCEPTED:
                booked = self.rejected if outcome is Outcome.REJECTED else self.failed
                booked.extend(RowFault(row, faults) for row in batch.rows)


class Settler:
    """Settles requests. Threads may share it.

    :param send: sends the request of an exchange and fills in its answer, or why there is none.
    :param halt: set when an answer, or a fault in this provider, must end the delivery.
    """

    def __init__(self, send: Callable[[Exchange], None], halt: Halt) -> None:
        self._send = send
        self._halt = halt

    def settle(self, request: Request) -> Settlement:
        """Sends a request, and what its answer does not settle again in smaller requests, until all is settled."""
        settlement = Settlement()
        pending, in_vain = [request], 0
        while pending:
            # The last first: halves are followed down to single batches before others are begun, so few are kept.
            exchange = Exchange(pending.pop())
            before = settlement.accepted
            finals, again = self._exchange(exchange, in_vain, settlement)
            settlement.book(exchange, finals)
            pending += again
            in_vain = in_vain + 1 if settlement.accepted == before else 0
        settlement.rejected.sort(key=lambda fault: fault.row)
        return settlement

    def _exchange(self, exchange: Exchange, in_vain: int, settlement: Settlement) -> tuple[list[_Final], list[Request]]:
        """The verdicts an exchange brings, and the requests to make of what it leaves open."""
        try:
            if in_vain < _GIVE_UP_AFTER:
                self._send(exchange)
            else:
                exchange.failure = f"not sent: Rokt refused {in_vain} requests in a row"
            if not exchange.failure:
                return _sort(exchange.request, judge(exchange.request, exchange.status or 0, exchange.body))
        except Exception as error:  # the delivery raises it, once every row is accounted for
            settlement.error = error
            exchange.failure = _why(error)
            self._halt.because(exchange.failure)
        fault = FieldFault("", exchange.failure)
        return [_Final(batch, Outcome.FAILED, (fault,)) for batch in exchange.request.batches], []


def _sort(request: Request, judgements: Sequence[Judgement]) -> tuple[list[_Final], list[Request]]:
    finals: list[_Final] = []
    unknown: list[Batch] = []
    parts: list[Batch] = []
    for batch, judgement in zip(request.batches, judgements, strict=True):
        if judgement.ruling is Ruling.ACCEPTED:
            finals.append(_Final(batch, Outcome.ACCEPTED))
        elif judgement.ruling is Ruling.UNKNOWN:
            unknown.append(batch)
        elif judgement.ruling is Ruling.UNREADABLE:
            finals.append(_Final(batch, Outcome.FAILED, judgement.faults))
        elif len(smaller := batch.split()) > 1:
            # One bad event must not cost its user's others.
            parts.extend(smaller)
        else:
            finals.append(_Final(batch, Outcome.REJECTED, judgement.faults))
    return finals, [*_halves(request, unknown), *_repacked(request, parts)]


def _halves(request: Request, batches: Sequence[Batch]) -> list[Request]:
    middle = len(batches) // 2
    return [request.with_batches(half) for half in (batches[:middle], batches[middle:]) if half]


def _repacked(request: Request, batches: Sequence[Batch]) -> list[Request]:
    """Requests of no more batches than the one they come from, which was sized to keep the pace.

    An import has one verdict for the whole request, so there each goes alone.
    """
    if not request.endpoint.is_events:
        return [request.with_batches([batch]) for batch in batches]
    # A part repeats what it shares with the others, so the parts can need more room than the whole.
    packer = RequestPacker(request, batches=len(request.batches))
    packed = [*[packer.add(batch) for batch in batches], packer.flush()]
    return [smaller for smaller in packed if smaller]


def _record(exchange: Exchange, finals: Sequence[_Final]) -> RequestRecord:
    # 0 is no row's number: what is sent without a row has no place in the range.
    numbers = [row.number for final in finals for row in final.batch.rows if row.number] or [0]
    return RequestRecord(
        number=0,
        endpoint=exchange.request.endpoint,
        status=exchange.status,
        attempts=exchange.attempts,
        size=len(exchange.request.body),
        milliseconds=round(exchange.milliseconds, 1),
        first_row=min(numbers),
        last_row=max(numbers),
        batches=tuple(_verdicts(finals, exchange.status)),
    )


def _verdicts(finals: Iterable[_Final], status: int | None) -> Iterator[BatchVerdict]:
    """One for each batch; equal neighbours share it, since most requests of a hundred batches have a single one."""
    for (outcome, faults, rows), equal in groupby(finals, _ending):
        path, reason = faults[0] if faults else ("", "")
        verdict = BatchVerdict(outcome, status, rows, reason, path)
        yield from (verdict for _ in equal)


def _ending(final: _Final) -> tuple[Outcome, tuple[FieldFault, ...], int]:
    return final.outcome, final.faults, len(final.batch.rows)


def _why(error: Exception) -> str:
    """Why an error leaves rows unsent: few different texts, since failed rows are counted by them."""
    if isinstance(error, RoktAuthError):
        return "Rokt refused the credentials"
    if isinstance(error, RoktEndpointError):
        return "the address is not that of Rokt's API"
    return f"a fault in this provider ({type(error).__name__})"
