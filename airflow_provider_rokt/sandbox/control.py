"""The sandbox's own addresses, which Rokt does not have: health, what it holds, faults, reset, and a page.

They ask for no credentials, so whoever reaches the sandbox may read what it holds.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from airflow_provider_rokt.sandbox.account import Account
from airflow_provider_rokt.sandbox.faults import AnyFault
from airflow_provider_rokt.sandbox.kept import Kept
from airflow_provider_rokt.sandbox.page import page

_MOST = 1_000
_FAULTS: msgspec.json.Decoder[AnyFault | list[AnyFault]] = msgspec.json.Decoder(AnyFault | list[AnyFault])


def account_of(request: Request) -> Account:
    """The account as it is now."""
    account: Account = request.app.state.account
    return account


def summary(account: Account) -> dict[str, Any]:
    """What the account holds, in numbers."""
    store = account.store
    return {
        **vars(store.counts),
        "requests": dict(store.counts.requests),
        "unique_message_ids": len(store.message_ids),
        "peak_batches_per_second": account.rate.peak,
        "audiences": {name: len(members) for name, members in store.audiences.items()},
    }


async def _health(_: Request) -> Response:
    return _json({"status": "ok"})


async def _home(request: Request) -> Response:
    account = account_of(request)
    return HTMLResponse(page(summary(account), account.faults.active))


async def _summary(request: Request) -> Response:
    return _json(summary(account_of(request)))


async def _events(request: Request) -> Response:
    return _page(request, account_of(request).store.batches)


async def _unprocessed(request: Request) -> Response:
    return _page(request, account_of(request).store.unprocessed)


async def _audiences(request: Request) -> Response:
    return _json({name: sorted(members) for name, members in account_of(request).store.audiences.items()})


async def _reset(request: Request) -> Response:
    """Forgets everything; the settings stay."""
    request.app.state.account = Account(account_of(request).settings)
    return Response(status_code=204)


async def _faults(request: Request) -> Response:
    """Sets faults (one object or an array), lists them or removes them all."""
    account = account_of(request)
    if request.method == "DELETE":
        account.faults.clear()
        return Response(status_code=204)
    if request.method == "GET":
        return _json(account.faults.active)
    try:
        given = _FAULTS.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return _json({"error": str(error)}, 400)
    account.faults.add(*(given if isinstance(given, list) else [given]))
    return _json(account.faults.active, 201)


def _page(request: Request, kept: Sequence[Kept]) -> Response:
    """A part of what is kept: ``?after=N&limit=M``; ``next`` is the ``after`` of the next part."""
    try:
        after, limit = (
            int(request.query_params.get(name, default)) for name, default in (("after", 0), ("limit", 100))
        )
    except ValueError:
        return _json({"error": "after and limit must be whole numbers"}, 400)
    after, limit = max(after, 0), min(max(limit, 1), _MOST)
    shown = [
        {"path": each.path, "reason": each.reason, "batch": msgspec.Raw(each.body)} for each in kept[after:][:limit]
    ]
    following = after + len(shown)
    return _json({"total": len(kept), "next": following if following < len(kept) else None, "batches": shown})


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


ROUTES = (
    Route("/", _home),
    Route("/health", _health),
    Route("/sandbox/health", _health),
    Route("/sandbox/summary", _summary),
    Route("/sandbox/events", _events),
    Route("/sandbox/unprocessed", _unprocessed),
    Route("/sandbox/audiences", _audiences),
    Route("/sandbox/faults", _faults, methods=["GET", "POST", "DELETE"]),
    Route("/sandbox", _reset, methods=["DELETE"]),
)
