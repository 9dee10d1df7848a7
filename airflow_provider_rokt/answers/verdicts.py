"""From one answer to a verdict on every batch of the request; pure."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import inf
from typing import Final, NamedTuple

from airflow_provider_rokt.answers.meanings import ROKTS, Form, Ruling, form_of, meaning_of, members_of, stopping_error
from airflow_provider_rokt.answers.places import stands_at
from airflow_provider_rokt.answers.refusals import Refusal, refusals_in
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.row import FieldFault, Outcome


class Verdict(NamedTuple):
    """A batch's fate.

    :param outcome: accepted, rejected, or failed where the answer cannot be read though the batch was sent alone.
    :param faults: why it was not accepted, or not confirmed.
    :param confirmed: whether the answer that accepted it can only mean that it was taken.
    :param blames: whether the answer that rejected it names something in it.
    """

    outcome: Outcome
    faults: tuple[FieldFault, ...] = ()
    confirmed: bool = True
    blames: bool = False

    @property
    def accepted(self) -> bool:
        """Whether Rokt took it."""
        return self.outcome is Outcome.ACCEPTED


_ACCEPTED: Final = Verdict(Outcome.ACCEPTED)
_UNCONFIRMED: Final = Verdict(
    Outcome.ACCEPTED, (FieldFault("", "an earlier attempt may have used up the request id"),), confirmed=False
)
_CONFLICT: Final = 409
_FAULTS_KEPT: Final = 5
# A list of errors that is cut at some number is cut at a round one.
_ROUND: Final = 5


def judge(request: Request, status: int, body: bytes, *, repeats: bool = False) -> list[Verdict | None]:
    """What an answer says of each of the request's batches, in their order.

    None where it says nothing of a batch, which is then to be sent again in smaller company.

    :param status: any but the retryable ones, which say nothing of the batches.
    :param repeats: whether an earlier attempt at the same bytes may have arrived, as one at single batches may. Rokt
        drops a repeated request id without a word, and nobody has published whether it notes an id when it takes a
        batch, or before.
    :raises RoktAuthError: for 401 and 403.
    :raises RoktEndpointError: where the answer is not that of Rokt's API.
    """
    form = form_of(body, request.endpoint.success)
    accepted = [_UNCONFIRMED if repeated else _ACCEPTED for repeated in _repeated(request, repeats)]
    if status == _CONFLICT and _UNCONFIRMED in accepted:
        # Of the others nothing is known: they are sent again by themselves.
        return [verdict if verdict is _UNCONFIRMED else None for verdict in accepted]
    if error := stopping_error(request.endpoint, status, form):
        raise error
    ruling = meaning_of(status, form, request.endpoint.surface).ruling
    if ruling is Ruling.OPEN:
        return _open(request, f"Rokt's address answered {status}{'' if form in ROKTS else f' with {form}'}")
    if ruling is Ruling.UNCONFIRMED:
        why = f"the answer is not known to mean success (its members: {members_of(body)})"
        return [Verdict(Outcome.ACCEPTED, (FieldFault("", why),), confirmed=False) for _ in request.batches]
    refusals = refusals_in(body, request.paths) if form is Form.ERRORS else []
    if ruling is Ruling.TAKEN:
        return _judge_accepted(request, refusals, accepted)
    if ruling is Ruling.TOO_LARGE:
        refusals = [Refusal(f"too large: Rokt refuses {len(request.body):,} bytes in one request")]
    return _judge_refused(request, refusals or [Refusal(f"status {status} and no reason")])


def _open(request: Request, why: str) -> list[Verdict | None]:
    """Nothing was taken and no batch is to blame; one that was alone fails, as it cannot go in smaller company."""
    if len(request.batches) > 1:
        return [None for _ in request.batches]
    return [Verdict(Outcome.FAILED, (FieldFault("", why),))]


def errors_told(body: bytes) -> float:
    """How many errors an answer lists; any number where they cannot be read."""
    form = form_of(body)
    if form is Form.UNREADABLE:
        return inf
    return len(refusals_in(body)) if form is Form.ERRORS else int(form is Form.FAILURE)


def _repeated(request: Request, repeats: bool) -> list[bool]:
    """Of each batch, whether it may be a repeat to Rokt. An import knows none."""
    return [request.endpoint.verdict_per_batch and (repeats or batch.repeats) for batch in request.batches]


def _judge_accepted(request: Request, refusals: Sequence[Refusal], accepted: Sequence[Verdict]) -> list[Verdict | None]:
    """A 2xx: what is not complained of is accepted, if it is known what is complained of, and that this is all."""
    if not refusals:
        return list(accepted)
    attributed, all_of_them = _attribute(request, refusals)
    is_all = all_of_them and len(refusals) % _ROUND
    rest = [verdict if is_all else None for verdict in accepted]
    return [_refused(found) if found else verdict for found, verdict in zip(attributed, rest, strict=True)]


def _judge_refused(request: Request, refusals: Sequence[Refusal]) -> list[Verdict | None]:
    """A 4xx: nothing was taken, and only what is complained of is to blame."""
    attributed, _ = _attribute(request, refusals)
    return [_refused(found) if found else None for found in attributed]


def _refused(refusals: Sequence[Refusal]) -> Verdict:
    faults = [FieldFault(found.path, f"Rokt: {found.reason or 'no reason given'}") for found in refusals]
    blames = any(found.blames for found in refusals)
    return Verdict(Outcome.REJECTED, tuple(dict.fromkeys(faults))[:_FAULTS_KEPT], blames=blames)


def _attribute(request: Request, refusals: Sequence[Refusal]) -> tuple[list[list[Refusal]], bool]:
    """The refusals of each batch, and whether every refusal found its batch. A single batch is to blame for all."""
    attributed: list[list[Refusal]] = [[] for _ in request.batches]
    if len(attributed) == 1:
        return [list(refusals)], True
    # An import's members stand in several blocks, and it takes all or nothing: there is nothing to tell apart.
    spans = _spans(request) if request.endpoint.verdict_per_batch else ([], [])
    owners = [_owner(request, refusal, spans) for refusal in refusals]
    for refusal, owner in zip(refusals, owners, strict=True):
        if owner is not None:
            attributed[owner].append(refusal)
    return attributed, None not in owners


def _owner(request: Request, refusal: Refusal, spans: tuple[list[int], list[int]]) -> int | None:
    """The batch that an error is about, if all that it says of the place agrees.

    Nobody has published whether places count from 0, and from where positions do: only one sender's code shows it. So
    no single word is believed: a position needs a path that stands there, and an index must be the same batch's, or no
    other batch have that at the same position from its own start.
    """
    if refusal.position is None:
        return None
    starts, ends = spans
    # The position counts the characters read, so it is the 1-based offset of the last one.
    offset = refusal.position - 1
    owner = bisect_right(starts, offset) - 1
    if owner < 0 or offset >= ends[owner] or refusal.index not in (None, owner):
        return None
    stands = _stands(request, owner, offset - starts[owner], refusal)
    if refusal.index is None:
        return owner if stands and _is_alone(request, owner, refusal) else None
    return owner if stands or not refusal.where else None


def _stands(request: Request, owner: int, offset: int, refusal: Refusal) -> bool:
    body = request.batches[owner].body
    return offset < len(body) and stands_at(body, offset, refusal.where)


def _is_alone(request: Request, owner: int, refusal: Refusal) -> bool:
    offset = (refusal.position or 0) - 1
    return not any(_stands(request, other, offset, refusal) for other in range(len(request.batches)) if other != owner)


def _spans(request: Request) -> tuple[list[int], list[int]]:
    """Where each batch starts and ends in the body, in bytes.

    Those are characters: a body of several batches is ASCII, since a batch that is not travels alone.
    """
    sizes = [len(batch.body) for batch in request.batches]
    starts = list(accumulate((size + 1 for size in sizes[:-1]), initial=len(request.prefix)))
    return starts, [start + size for start, size in zip(starts, sizes, strict=True)]
