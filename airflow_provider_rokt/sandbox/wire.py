"""Resetting a connection for real, which no web framework offers."""

import asyncio
import socket
import struct
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

_transports: dict[tuple[Any, Any], asyncio.Transport] = {}


class Connection(H11Protocol):
    """A connection that can be found by its two addresses, the only name an ASGI application has for it.

    h11 and not the faster httptools, because it comes with every uvicorn: the sandbox behaves the same everywhere.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _transports[self.client, self.server] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _transports.pop((self.client, self.server), None)
        super().connection_lost(exc)


class ConnectionReset(Response):
    """Instead of a response: the connection ends with a TCP reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Resets, and waits until the server has noticed, or it would answer 500 itself."""
        transport = _transports[scope["client"], scope["server"]]
        # Lingering for no time is what makes the kernel send RST and not FIN.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        while (await receive())["type"] != "http.disconnect":
            pass
