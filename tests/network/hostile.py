"""A server that speaks what no web server would: bytes, pauses and ends, as they are scripted."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Self

# Bytes to send, or seconds to wait.
Script = Iterable[bytes | float]


def drip(text: bytes, seconds: float) -> Iterator[bytes | float]:
    """One byte after the other."""
    for index in range(len(text)):
        yield text[index : index + 1]
        yield seconds


class Hostile:
    """Plays a script on each connection, once the request's header has come, and closes it.

    :param scripts: one for each connection; the last one stays.
    :param greets: plays without waiting for a request.
    :param context: speaks TLS.
    :param reads: whether it reads what it is sent.
    """

    def __init__(
        self,
        *scripts: Callable[[], Script],
        greets: bool = False,
        context: ssl.SSLContext | None = None,
        reads: bool = True,
    ) -> None:
        self._scripts: Sequence[Callable[[], Script]] = scripts
        self._greets, self._context, self._reads = greets, context, reads
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._socket, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._socket.accept()
                self._open.append(line)
                script = self._scripts[min(self.connections, len(self._scripts) - 1)]
                self.connections += 1
                threading.Thread(target=self._play, args=(line, script), daemon=True).start()

    def _play(self, line: socket.socket, script: Callable[[], Script]) -> None:
        # The other side hangs up on it, which is what the tests are about.
        with suppress(OSError):
            if self._context:
                line = self._context.wrap_socket(line, server_side=True)
            if not self._greets:
                self._read(line)
            for part in script():
                if isinstance(part, bytes):
                    line.sendall(part)
                else:
                    time.sleep(part)
        with suppress(OSError):
            line.close()

    def _read(self, line: socket.socket) -> None:
        if not self._reads:
            time.sleep(60)
        head = b""
        while b"\r\n\r\n" not in head:
            if not (more := line.recv(65536)):
                return
            head += more
        head, _, body = head.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        rest = sum(int(line.split(b":")[1]) for line in lengths) - len(body)
        while rest > 0 and (more := line.recv(65536)):
            rest -= len(more)
