"""A server that takes every request, and counts, in a process of its own.

``python -m benchmarks.sink [SECONDS]`` prints its port, and answers each request after so many seconds.

It is no sandbox: it looks for nothing but the names that every batch and every event has once, so that it costs
next to nothing beside the client that is measured.
"""

import asyncio
import json
import re
import sys
from collections import Counter
from typing import ClassVar

_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)
# Requests whose bodies are kept.
_KEPT = 100
_BATCH, _EVENT = b'"environment"', b'"custom_event_type"'


class Sink(asyncio.Protocol):
    """One connection. ``GET /counts`` tells what came since it was last asked, ``GET /first`` its first bodies."""

    counts: ClassVar[Counter[str]] = Counter()
    first: ClassVar[list[bytes]] = []
    answer_after: ClassVar[float] = float(sys.argv[1]) if len(sys.argv) > 1 else 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._unread = bytearray()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while self._take():
            pass

    def _take(self) -> bool:
        """Answers one whole request, if there is one."""
        head_end = self._unread.find(b"\r\n\r\n")
        if head_end < 0:
            return False
        head = bytes(self._unread[:head_end])
        length = int(found[1]) if (found := _LENGTH.search(head)) else 0
        end = head_end + 4 + length
        if len(self._unread) < end:
            return False
        body = bytes(self._unread[head_end + 4 : end])
        del self._unread[:end]
        self._answer(head.split(b" ", 2)[:2], body)
        return True

    def _answer(self, request: list[bytes], body: bytes) -> None:
        status, content = b"200 OK", b""
        if request == [b"GET", b"/counts"]:
            content = json.dumps(self.counts).encode()
            self.counts.clear()
            self.first.clear()
        elif request == [b"GET", b"/first"]:
            content = b"[%b]" % b",".join(self.first)
        else:
            status = b"202 Accepted"
            if len(self.first) < _KEPT:
                self.first.append(body)
            self.counts.update(requests=1, batches=body.count(_BATCH), events=body.count(_EVENT), bytes=len(body))
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(content))
        delay = self.answer_after if request[0] == b"POST" else 0
        asyncio.get_running_loop().call_later(delay, self._transport.write, head + content)  # type: ignore[attr-defined]


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
