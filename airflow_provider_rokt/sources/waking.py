"""Ending a query at a signal that the process gets while a driver waits in C, where Python runs no handler.

Airflow stops a task with SIGTERM, and its ``execution_timeout`` is SIGALRM: both would otherwise be noticed when the
query ends by itself. C code of Python's own takes the signal at once and writes its number to a file; a thread that
reads it ends the query, and the handler then runs as soon as the driver returns.
"""

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_STOPPING: Final = frozenset((signal.SIGTERM, signal.SIGINT, signal.SIGALRM))


@contextmanager
def woken(interrupt: Callable[[], None]) -> Iterator[None]:
    """Calls ``interrupt`` in a thread for each of these signals that the process handles.

    Does nothing outside of the main thread, which alone gets signals, or where an event loop reads them already.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    near, far = socket.socketpair()
    far.setblocking(False)
    thread = threading.Thread(target=_listen, args=(near, interrupt), name="rokt-query-signals", daemon=True)
    with near, far:
        mine = _listens(far)
        thread.start()
        try:
            yield
        finally:
            if mine:
                signal.set_wakeup_fd(-1)
            # Ends the thread, which a query that ended meanwhile no longer concerns.
            far.shutdown(socket.SHUT_RDWR)
            thread.join()


def _listens(far: socket.socket) -> bool:
    before = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
    if before == -1:
        return True
    signal.set_wakeup_fd(before)
    return False


def _listen(near: socket.socket, interrupt: Callable[[], None]) -> None:
    while numbers := near.recv(64):
        if _STOPPING.intersection(numbers):
            interrupt()
