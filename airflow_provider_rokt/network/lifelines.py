"""Connections that can be cut from outside: of an attempt that takes too long, or of a task that has to end.

A socket's own timeout starts anew with every byte, so a server that drips could hold an attempt for ever; and nothing
in Python ends a thread that waits for one. A second handle of the same socket does, whatever happens on it then: a
proxy's tunnel, a TLS handshake, a header, a body.
"""

import os
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

from requests.adapters import HTTPAdapter

_LOOK_EVERY: Final = 0.1


class Attempt:
    """One attempt, on whatever connection it gets; to be used as a context manager.

    :param seconds: how long it may take.
    :ivar is_cut: whether it took longer, or had to end: what was read may not be all there was.
    """

    def __init__(self, lines: "Lifelines", seconds: float) -> None:
        self._lines = lines
        self.seconds = seconds
        self.deadline = time.monotonic() + seconds
        self.is_cut = False
        self._line: socket.socket | None = None

    def hold(self, connection: socket.socket) -> None:
        """Takes note of the connection it goes over, once it has one and again where that was kept open."""
        # A handle of its own: http.client gives a socket away while its last answer is still to be read.
        if self._line is not None:
            self._line.close()
        self._line = socket.socket(connection.family, connection.type, fileno=os.dup(connection.fileno()))
        if self.is_cut:
            self.cut()

    def cut(self) -> None:
        """Ends it; its thread finds the connection closed."""
        self.is_cut = True
        if self._line is not None:
            # The other side, or urllib3, may have closed it at this moment.
            with suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._lines.begin(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lines.end(self)
        if self._line is not None:
            self._line.close()


class Lifelines:
    """Watches a client's attempts."""

    def __init__(self) -> None:
        self._attempts: set[Attempt] = set()
        self._changing = threading.Lock()
        self._mine = threading.local()
        self._closed = threading.Event()
        self._watches = False
        self.is_cut = False

    @property
    def current(self) -> Attempt | None:
        """The attempt of the calling thread."""
        found: Attempt | None = getattr(self._mine, "attempt", None)
        return found

    def begin(self, attempt: Attempt) -> None:
        """An attempt of the calling thread begins."""
        self._mine.attempt = attempt
        with self._changing:
            self._attempts.add(attempt)
            watches, self._watches = self._watches, True
        if not watches:
            threading.Thread(target=self._watch, name="rokt-deadlines", daemon=True).start()
        if self.is_cut:
            attempt.cut()

    def end(self, attempt: Attempt) -> None:
        """It ended."""
        self._mine.attempt = None
        with self._changing:
            self._attempts.discard(attempt)

    def cut(self) -> None:
        """Ends all attempts, and every later one as it begins."""
        self.is_cut = True
        for attempt in self._now():
            attempt.cut()

    def close(self) -> None:
        """Watches no longer."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(_LOOK_EVERY):
            now = time.monotonic()
            for attempt in self._now():
                if now > attempt.deadline and not attempt.is_cut:
                    attempt.cut()

    def _now(self) -> list[Attempt]:
        with self._changing:
            return list(self._attempts)


class LifelineAdapter(HTTPAdapter):
    """Makes connections that hand their lifeline to the attempt they serve."""

    def __init__(self, lines: Lifelines, **kwargs: Any) -> None:
        self._lines = lines
        super().__init__(**kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Makes the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._equip(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Makes the pools of connections through a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not known:
            self._equip(manager)
        return manager

    def _equip(self, manager: Any) -> None:
        manager.pool_classes_by_scheme = {
            scheme: type(pool.__name__, (pool,), {"ConnectionCls": self._with_lifeline(pool.ConnectionCls)})
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }

    def _with_lifeline(self, connection: Any) -> Any:
        return type(connection.__name__, (_Lifeline, connection), {"lines": self._lines})


class _Lifeline:
    """What a connection of urllib3 does besides."""

    lines: Lifelines
    host: str
    port: int
    timeout: Any
    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        attempt = self.lines.current
        if attempt is not None:
            self.timeout = self._share(attempt)
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._handed(made)
        return made

    def putrequest(self, *args: Any, **kwargs: Any) -> Any:
        if self.sock is not None:
            self._handed(self.sock)
        return super().putrequest(*args, **kwargs)  # type: ignore[misc]

    def _handed(self, connection: socket.socket) -> None:
        if attempt := self.lines.current:
            attempt.hold(connection)

    def _share(self, attempt: Attempt) -> float:
        """Seconds for each address of the host's name, since they are tried one after the other."""
        try:
            addresses = len(socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM))
        except OSError:
            # Whoever connects meets it again, and says so.
            addresses = 1
        return max(attempt.deadline - time.monotonic(), 0.1) / max(addresses, 1)
