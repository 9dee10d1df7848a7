"""From one answer to a verdict on every batch of the request; pure."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from airflow_provider_rokt.api.refusals import UNREADABLE, Refusal, refusals_in
from airflow_provider_rokt.api.retry import is_retryable
from airflow_provider_rokt.exceptions import RoktAuthError, RoktEndpointError, RoktError
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import FieldFault, Outcome


class Verdict(NamedTuple):
    """A batch's fate.

    :param outcome: accepted, rejected, or failed where the answer cannot be read though the batch was sent alone.
    :param faults: why it was not accepted.
    """

    outcome: Outcome
    faults: tuple[FieldFault, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether Rokt took it."""
        return self.outcome is Outcome.ACCEPTED


_ACCEPTED: Final = Verdict(Outcome.ACCEPTED)
_TOO_LARGE: Final = 413
# What Rokt answers when it refuses rows. Any other final status is not its verdict on a row but somebody else's on
# the request (407 is a proxy's, 404 a wrong path's), and rows must not be given up for it.
_BLAMES_ROWS: Final = frozenset({400, 409, 413, 422})
_WEB_PAGE: Final = re.compile(rb"<!doctype\s+html|<html[\s>]", re.IGNORECASE)
_WEB_PAGE_BYTES: Final = 2048
_FAULTS_KEPT: Final = 5


def judge(request: Request, status: int, body: bytes) -> list[Verdict | None]:
    """What an answer says of each of the request's batches, in their order.

    None where it says nothing of a batch, which is then to be sent again in smaller company.

    :param status: any but the retryable ones, which say nothing of the batches.
    :raises RoktAuthError: for 401 and 403.
    :raises RoktEndpointError: where the answer is not that of Rokt's API.
    """
    if error := stopping_error(request.endpoint, status, body):
        raise error
    refusals = refusals_in(body, request.paths)
    if 200 <= status <= 299:
        return _judge_accepted(request, refusals)
    if status == _TOO_LARGE:
        refusals = [Refusal(f"too large: Rokt refuses {len(request.body):,} bytes in one request")]
    return _judge_refused(request, refusals or [Refusal(f"status {status} and no reason")])


def stopping_error(endpoint: Endpoint, status: int, body: bytes = b"") -> RoktError | None:
    """Why nothing more should be sent after such an answer; ``None`` for the answers that concern rows."""
    if status in (401, 403):
        return RoktAuthError(f"Rokt refused the credentials ({status}): {endpoint.refused[status]}")
    if 300 <= status <= 399:
        why = f"Rokt's address answered with a redirect ({status}), which is never followed"
    elif status == 407:
        return RoktEndpointError("The proxy wants credentials (407). Check the proxy variables of the environment.")
    elif status in (404, 405, 410, 501, 505):
        why = f"There is no API at Rokt's address ({status} for /{endpoint.path})"
    elif not 200 <= status <= 299 and status not in _BLAMES_ROWS and not is_retryable(status):
        why = f"Rokt's address answered {status}, which is no verdict on any row"
    elif 200 <= status <= 299 and _WEB_PAGE.search(body[:_WEB_PAGE_BYTES]):
        # A web server or a captive proxy: counting this as accepted would lose every row silently.
        why = f"Rokt's address answered with a web page ({status})"
    else:
        return None
    return RoktEndpointError(f"{why}. Check {endpoint.settings} in the connection's extra.")


def _judge_accepted(request: Request, refusals: Sequence[Refusal]) -> list[Verdict | None]:
    """A 2xx: what is not complained of is accepted, if it is known what is complained of."""
    if not refusals:
        return [_ACCEPTED for _ in request.batches]
    attributed, all_of_them = _attribute(request, refusals)
    rest = _ACCEPTED if all_of_them else None
    return [_refused(found) if found else rest for found in attributed]


def _judge_refused(request: Request, refusals: Sequence[Refusal]) -> list[Verdict | None]:
    """A 4xx: nothing was taken, and only what is complained of is to blame."""
    attributed, _ = _attribute(request, refusals)
    return [_refused(found) if found else None for found in attributed]


def _refused(refusals: Sequence[Refusal]) -> Verdict:
    faults = [FieldFault(found.path, f"Rokt: {found.reason or 'no reason given'}") for found in refusals]
    outcome = Outcome.FAILED if UNREADABLE in refusals else Outcome.REJECTED
    return Verdict(outcome, tuple(dict.fromkeys(faults))[:_FAULTS_KEPT])


def _attribute(request: Request, refusals: Sequence[Refusal]) -> tuple[list[list[Refusal]], bool]:
    """The refusals of each batch, and whether every refusal found its batch. A single batch is to blame for all."""
    attributed: list[list[Refusal]] = [[] for _ in request.batches]
    if len(attributed) == 1:
        return [list(refusals)], True
    spans = _spans(request)
    owners = [_owner(request, refusal, spans) for refusal in refusals]
    for refusal, owner in zip(refusals, owners, strict=True):
        if owner is not None:
            attributed[owner].append(refusal)
    return attributed, None not in owners


def _owner(request: Request, refusal: Refusal, spans: tuple[list[int], list[int]]) -> int | None:
    # An index counts batches only where the batches are the members of the posted array.
    if refusal.index is not None and request.endpoint.verdict_per_batch:
        return refusal.index if refusal.index < len(request.batches) else None
    if refusal.position is None:
        return None
    starts, ends = spans
    # The position counts the characters read, so it is the 1-based offset of the last one.
    offset = refusal.position - 1
    owner = bisect_right(starts, offset) - 1
    return owner if owner >= 0 and offset < ends[owner] else None


def _spans(request: Request) -> tuple[list[int], list[int]]:
    """Where each batch starts and ends in the body, in bytes.

    Those are characters: a body of several batches is ASCII, since a batch that is not travels alone.
    """
    sizes = [len(batch.body) for batch in request.batches]
    starts = list(accumulate((size + 1 for size in sizes[:-1]), initial=len(request.prefix)))
    return starts, [start + size for start, size in zip(starts, sizes, strict=True)]
