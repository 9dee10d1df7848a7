"""The Events API: ``/v2/events``, ``/v2/bulkevents`` and ``/v2/bulkevents/historical``.

In this order: credentials, size, JSON, the request's limits, the rate, the batches. Rokt does not publish whether it
looks at credentials before the body; the reading ``auth_first`` says whether it does here.
"""

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from airflow_provider_rokt.limits import (
    BATCH_BYTES,
    BATCHES_PER_REQUEST,
    EVENTS_PER_REQUEST,
    HISTORICAL_MIN_AGE,
)
from airflow_provider_rokt.sandbox.account import Account
from airflow_provider_rokt.sandbox.authorization import authorization_of, is_basic
from airflow_provider_rokt.sandbox.contract import Breach, breach_of
from airflow_provider_rokt.sandbox.faults import Struck
from airflow_provider_rokt.sandbox.holdings import HISTORICAL
from airflow_provider_rokt.sandbox.judgement import Judgement
from airflow_provider_rokt.sandbox.kept import PostedBatch
from airflow_provider_rokt.sandbox.reply import Post, Refused, Reply, content_of, refuse

SINGLE = "/v2/events"
BULK = "/v2/bulkevents"

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
# Nesting deeper than the reader's stack ends in a RecursionError.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def answer(account: Account, post: Post, struck: Struck) -> Reply:
    """What Rokt answers to events.

    :raises Refused: with the answer, where the request as a whole is refused.
    """
    settings = account.settings
    if settings.auth_first == "yes":
        _check_credentials(account, post)
    batches = _batches_of(post)
    _check_limits(batches)
    breaches = [_breach_of(batch, struck) for batch in batches]
    judgement = Judgement(settings, batches, breaches, alone=post.path == SINGLE)
    if settings.auth_first == "no":
        _check_after_body(account, post, judgement)
    headers = account.rate.admit(time.monotonic(), len(batches))
    account.store.refuse(judgement.refused, unlisted=judgement.unlisted)
    _take_in(account, judgement.taken)
    _receive(account, batches)
    return judgement.reply(content_of(post), headers)


def receive(account: Account, post: Post) -> None:
    """Gets a request that a fault leaves unanswered, or answers 5xx: no more follows from it than that it came."""
    try:
        _check_credentials(account, post)
        _receive(account, _batches_of(post))
    except Refused:
        return


def batches_in(post: Post) -> int:
    """How many batches a request brings, as far as that can be read; for the rate, before anything is checked."""
    if post.path == SINGLE:
        return 1
    try:
        return len(_ARRAY.decode(post.body or b""))
    except _UNREADABLE:
        return 0


def _check_credentials(account: Account, post: Post) -> None:
    authorization = authorization_of(post)
    if not authorization:
        refuse(401)
    if not is_basic(authorization, account.settings.key, account.settings.secret):
        refuse(403)


def _check_after_body(account: Account, post: Post, judgement: Judgement) -> None:
    try:
        _check_credentials(account, post)
    except Refused:
        if judgement.is_refusal:
            raise Refused(judgement.reply(content_of(post))) from None
        raise


def _batches_of(post: Post) -> list[PostedBatch]:
    path, body = post.path, content_of(post)
    try:
        raws = [msgspec.Raw(body)] if path == SINGLE else _ARRAY.decode(body)
        texts = [bytes(raw) for raw in raws]
        return [PostedBatch(path, text, msgspec.json.decode(text)) for text in texts]
    except _UNREADABLE:
        wanted = "one batch object" if path == SINGLE else "an array of batches"
        refuse(400, f"The request body must be valid JSON: {wanted}.")


def _check_limits(batches: Sequence[PostedBatch]) -> None:
    if not batches:
        refuse(400, "The request carries no batch.")
    if len(batches) > BATCHES_PER_REQUEST:
        refuse(400, f"The request carries {len(batches)} batches; at most {BATCHES_PER_REQUEST} are allowed.")
    events = sum(len(batch.events) for batch in batches)
    if events > EVENTS_PER_REQUEST:
        refuse(400, f"The request carries {events} events; at most {EVENTS_PER_REQUEST} are allowed.")


def _breach_of(batch: PostedBatch, struck: Struck) -> Breach | None:
    if len(batch.body) > BATCH_BYTES:
        return Breach(f"The batch is larger than {BATCH_BYTES} bytes.")
    return breach_of(batch.document) or struck.breach_of(batch.message_ids)


def _receive(account: Account, batches: Sequence[PostedBatch]) -> None:
    if account.settings.request_id_remembered == "receipt":
        account.store.receive(batches)


def _take_in(account: Account, batches: Sequence[PostedBatch]) -> None:
    if not batches or batches[0].path != HISTORICAL:
        account.store.accept(batches)
        return
    newest = (time.time() - HISTORICAL_MIN_AGE) * 1000
    for batch in batches:
        reason = _unprocessed(batch, newest)
        if reason:
            account.store.leave(batch, reason)
        else:
            account.store.accept([batch])


def _unprocessed(batch: PostedBatch, newest: float) -> str:
    """Why ``/historical`` does not process a batch, or ``""``."""
    times: list[Any] = [(event.get("data") or {}).get("timestamp_unixtime_ms") for event in batch.events]
    if not times:
        return "no events"
    if None in times:
        return "an event without timestamp_unixtime_ms"
    return "an event younger than 72 hours" if any(int(moment) > newest for moment in times) else ""
