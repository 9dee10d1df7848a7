"""The Events API: ``/v2/events``, ``/v2/bulkevents`` and ``/v2/bulkevents/historical``.

In this order: credentials, size, JSON, the request's limits, the rate, the batches. Rokt does not publish whether it
looks at credentials before the body; here it does, so a harmless probe can tell 400 from 401 and 403.
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
from airflow_provider_rokt.sandbox.kept import PostedBatch
from airflow_provider_rokt.sandbox.reply import Post, Reply, bad_request, content_of, refuse

SINGLE = "/v2/events"
BULK = "/v2/bulkevents"
HISTORICAL = "/v2/bulkevents/historical"

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
# Nesting deeper than the reader's stack ends in a RecursionError.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def answer(account: Account, post: Post, struck: Struck) -> Reply:
    """What Rokt answers to events.

    :raises Refused: with the answer, where the request as a whole is refused.
    """
    _check_credentials(account, post)
    body = content_of(post)
    batches = _batches_of(post.path, body)
    _check_limits(batches)
    headers = account.rate.admit(time.monotonic(), len(batches))
    breaches = [_breach_of(batch, struck) for batch in batches]
    messages = _messages(body, batches, breaches)
    account.store.refuse(len(messages))
    _take_in(account, [batch for batch, breach in zip(batches, breaches, strict=True) if breach is None])
    if not messages:
        return Reply(202, headers=headers)
    status = 400 if len(messages) == len(batches) else 202
    refused = bad_request(*messages, status=status)
    return Reply(status, refused.body, {**refused.headers, **(headers if status == 202 else {})})


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


def _batches_of(path: str, body: bytes) -> list[PostedBatch]:
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


def _messages(body: bytes, batches: Sequence[PostedBatch], breaches: Sequence[Breach | None]) -> list[str]:
    """One message for each refused batch, with where in the posted text it stands."""
    if not any(breaches):
        return []
    messages, text, start = [], body.decode(), 0
    for index, (batch, breach) in enumerate(zip(batches, breaches, strict=True)):
        # Nothing but commas and space lies between batches, so this finds each at once.
        start = body.find(batch.body, start)
        if breach is not None:
            place = None if batch.path == SINGLE else index
            messages.append(breach.message(batch.body.decode(), place, text, _characters(body, start)))
        start += len(batch.body)
    return messages


def _characters(body: bytes, count: int) -> int:
    return count if body.isascii() else len(body[:count].decode())


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
