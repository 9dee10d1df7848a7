"""The sandbox's own addresses, which Rokt does not have: health, what it holds, faults, reset, and a page.

They ask for no credentials, so whoever reaches the sandbox may read what it holds.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from airflow_provider_rokt.sandbox.account import Account
from airflow_provider_rokt.sandbox.behaviour import Settings
from airflow_provider_rokt.sandbox.faults import AnyFault
from airflow_provider_rokt.sandbox.kept import Dropped, Kept
from airflow_provider_rokt.sandbox.page import page

_MOST = 1_000
_Shown = TypeVar("_Shown", Kept, Dropped)
_FAULTS: msgspec.json.Decoder[AnyFault | list[AnyFault]] = msgspec.json.Decoder(AnyFault | list[AnyFault])


def account_of(request: Request) -> Account:
    """The account as it is now."""
    account: Account = request.app.state.account
    return account


def summary(account: Account) -> dict[str, Any]:
    """What the account holds, in numbers, and the readings by which it does."""
    store = account.store
    return {
        **vars(store.counts),
        "unique_message_ids": len(store.message_ids),
        "held_message_ids": len(store.held),
        "peak_batches_per_second": account.rate.peak,
        "audiences": {name: len(members) for name, members in store.audiences.items()},
        "memberships": {name: len(members) for name, members in store.memberships.items()},
        "readings": account.settings.readings,
    }


async def _health(_: Request) -> Response:
    return _json({"status": "ok"})


async def _home(request: Request) -> Response:
    account = account_of(request)
    return HTMLResponse(page(summary(account), account.faults.active))


async def _summary(request: Request) -> Response:
    return _json(summary(account_of(request)))


async def _events(request: Request) -> Response:
    return _page(request, "batches", account_of(request).store.batches, _batch)


async def _unprocessed(request: Request) -> Response:
    return _page(request, "batches", account_of(request).store.unprocessed, _batch)


async def _dropped(request: Request) -> Response:
    return _page(request, "events", account_of(request).store.dropped, Dropped._asdict)


async def _audiences(request: Request) -> Response:
    return _json({name: sorted(members) for name, members in account_of(request).store.audiences.items()})


async def _members(request: Request) -> Response:
    return _json({name: sorted(members) for name, members in account_of(request).store.members.items()})


async def _reset(request: Request) -> Response:
    """Forgets everything; of the settings, those in the body change."""
    before = account_of(request).settings
    try:
        settings = _changed(before, await request.body())
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return _json({"error": str(error)}, 400)
    request.app.state.account = Account(settings)
    return Response(status_code=204)


def _changed(settings: Settings, body: bytes) -> Settings:
    """The settings with those of a JSON object in their places.

    :raises msgspec.MsgspecError: where the body is none, or of something that is no setting.
    """
    given = msgspec.json.decode(body or b"{}", type=dict[str, Any])
    if unknown := given.keys() - Settings.__dataclass_fields__.keys():
        raise msgspec.ValidationError(f"no such setting: {', '.join(sorted(unknown))}")
    return msgspec.convert({**vars(settings), **given}, Settings)


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


def _batch(kept: Kept) -> dict[str, Any]:
    return {"path": kept.path, "reason": kept.reason, "batch": msgspec.Raw(kept.body)}


def _page(request: Request, name: str, kept: Sequence[_Shown], shown: Callable[[_Shown], dict[str, Any]]) -> Response:
    """A part of what is kept: ``?after=N&limit=M``; ``next`` is the ``after`` of the next part."""
    try:
        after, limit = (
            int(request.query_params.get(name, default)) for name, default in (("after", 0), ("limit", 100))
        )
    except ValueError:
        return _json({"error": "after and limit must be whole numbers"}, 400)
    after, limit = max(after, 0), min(max(limit, 1), _MOST)
    part = [shown(each) for each in kept[after:][:limit]]
    following = after + len(part)
    return _json({"total": len(kept), "next": following if following < len(kept) else None, name: part})


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")


ROUTES = (
    Route("/", _home),
    Route("/health", _health),
    Route("/sandbox/health", _health),
    Route("/sandbox/summary", _summary),
    Route("/sandbox/events", _events),
    Route("/sandbox/unprocessed", _unprocessed),
    Route("/sandbox/dropped", _dropped),
    Route("/sandbox/audiences", _audiences),
    Route("/sandbox/members", _members),
    Route("/sandbox/faults", _faults, methods=["GET", "POST", "DELETE"]),
    Route("/sandbox", _reset, methods=["DELETE", "PUT"]),
)
