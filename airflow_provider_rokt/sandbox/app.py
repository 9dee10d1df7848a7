"""The sandbox as a web application: it reads a request, lets faults strike, asks the surface and keeps count."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from airflow_provider_rokt import limits
from airflow_provider_rokt.sandbox import control, events_api, import_api
from airflow_provider_rokt.sandbox.account import Account
from airflow_provider_rokt.sandbox.faults import Struck
from airflow_provider_rokt.sandbox.holdings import HISTORICAL
from airflow_provider_rokt.sandbox.kept import Handled
from airflow_provider_rokt.sandbox.reply import Post, Refused, Reply
from airflow_provider_rokt.sandbox.wire import ConnectionReset


class Door(NamedTuple):
    """One address Rokt answers at.

    :param bytes_: the largest body it takes.
    """

    method: str
    answer: Callable[[Account, Post, Struck], Reply]
    bytes_: int = limits.REQUEST_BYTES


def _not_found(_: Account, post: Post, __: Struck) -> Reply:
    return Reply(405 if post.path in DOORS else 404)


DOORS = {
    events_api.SINGLE: Door("POST", events_api.answer),
    events_api.BULK: Door("POST", events_api.answer),
    HISTORICAL: Door("POST", events_api.answer),
    import_api.IMPORT_V1: Door("POST", import_api.take_in, import_api.REQUEST_BYTES),
    import_api.IMPORT_V3: Door("POST", import_api.take_in, import_api.REQUEST_BYTES),
    import_api.CHECK_V1: Door("GET", import_api.check),
    import_api.CHECK_V3: Door("POST", import_api.check),
}
_NOT_FOUND = Door("", _not_found)
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def application(account: Account) -> Starlette:
    """The web application; ``state.account`` is the account it stands for."""
    app = Starlette(routes=[*control.ROUTES, Route("/{path:path}", _serve, methods=_METHODS)])
    app.state.account = account
    return app


async def _serve(request: Request) -> Response:
    path, account = request.url.path, control.account_of(request)
    surface = DOORS.get(path, _NOT_FOUND)
    body, size = await _read(request, surface.bytes_)
    post = Post(path, request.headers, body, time.monotonic())
    answer = await _answer(account, surface if request.method == surface.method else _NOT_FOUND, post)
    account.store.handled(Handled(path, answer.status, size, post.at))
    if answer.status is None:
        return ConnectionReset()
    if answer.pause:
        headers = {**answer.headers, "content-length": str(len(answer.body))}
        return StreamingResponse(_dripping(answer), answer.status, headers)
    return Response(answer.body, answer.status, answer.headers)


async def _dripping(answer: Reply) -> AsyncIterator[bytes]:
    for index in range(len(answer.body)):
        yield answer.body[index : index + 1]
        await asyncio.sleep(answer.pause)


async def _read(request: Request, most: int) -> tuple[bytes | None, int]:
    """The body and its size; what is too large is read to its end but not kept, so that the sender hears of it."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= most:
            chunks.append(chunk)
    return (b"".join(chunks) if size <= most else None), size


async def _answer(account: Account, surface: Door, post: Post) -> Reply:
    struck = account.faults.strike(post.path)
    if surface.answer is events_api.answer:
        account.rate.offer(post.at, events_api.batches_in(post))
    await asyncio.sleep(struck.delay(after=False))
    answer = struck.answer(after=False)
    if answer is None:
        answer = _ask(account, surface, post, struck)
    elif answer.leaves_open and surface.answer is events_api.answer:
        events_api.receive(account, post)
    await asyncio.sleep(struck.delay(after=True))
    return struck.answer(after=True) or answer


def _ask(account: Account, surface: Door, post: Post, struck: Struck) -> Reply:
    try:
        return surface.answer(account, post, struck)
    except Refused as refusal:
        return refusal.answer
