"""A thread that ends a query while the thread that runs it waits in C, where Python runs no handler.

Airflow stops a task with SIGTERM, and its ``execution_timeout`` is SIGALRM: both would otherwise be noticed when the
query ends by itself. C code of Python's own takes the signal at once and writes its number to a file; the thread that
reads it ends the query, and the handler then runs as soon as the driver returns. Whoever else wants the query's end
writes there too: a signal's handler must not wait for a server, nor for a lock that the thread below it holds.
"""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

_STOPPING: Final = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGALRM))
_ASKED: Final = bytes([signal.SIGTERM])
# A query that had not begun when its end was asked for heard nothing of it.
_AGAIN_SECONDS: Final = 1.0
# A server that does not even answer that its query is to end must not hold up the stop.
END_SECONDS: Final = 5.0


@contextmanager
def woken(interrupt: Callable[[], bool]) -> Iterator[Callable[[], None]]:
    """Calls ``interrupt`` in a thread when asked to, and for each of these signals that the process handles.

    Only the main thread gets signals, and none where an event loop reads them already.

    :param interrupt: tells whether it wants to be called again after a while, until the context ends.
    :returns: asks for it; for any thread and any signal handler.
    """
    near, far = socket.socketpair()
    far.setblocking(False)
    thread = threading.Thread(target=_listen, args=(near, interrupt), name="rokt-query-end", daemon=True)

    def wake() -> None:
        # Full of numbers, or closed since the query is over.
        with suppress(OSError):
            far.send(_ASKED)

    with near, far:
        mine = threading.current_thread() is threading.main_thread() and _listens(far)
        thread.start()
        try:
            yield wake
        finally:
            if mine:
                signal.set_wakeup_fd(-1)
            # Ends the thread, which a query that ended meanwhile no longer concerns.
            far.shutdown(socket.SHUT_RDWR)
            thread.join(END_SECONDS)


def _listens(far: socket.socket) -> bool:
    before = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
    if before == -1:
        return True
    signal.set_wakeup_fd(before)
    return False


def _listen(near: socket.socket, interrupt: Callable[[], bool]) -> None:
    # Closed, where ending the query took longer than anybody waited for.
    with suppress(OSError):
        while numbers := _received(near):
            if _STOPPING.intersection(numbers) and interrupt():
                near.settimeout(_AGAIN_SECONDS)


def _received(near: socket.socket) -> bytes:
    try:
        return near.recv(64)
    except TimeoutError:
        return _ASKED
