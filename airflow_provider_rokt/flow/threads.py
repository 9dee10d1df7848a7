"""Time and threads, as everything that waits uses them: one seam, so that a simulation can stand in for all of it.

Nothing here waits without an end, and nothing that waits in this package does so past it.
"""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Final, Protocol


class Flag(Protocol):
    """Something that happened, or did not yet."""

    def set(self) -> None:
        """It happened."""

    def is_set(self) -> bool:
        """Whether it did."""

    def wait(self, seconds: float) -> bool:
        """Waits for it, at most so long; whether it happened."""


class Mailbox(Protocol):
    """Hands things from thread to thread, first in, first out."""

    def put(self, item: Any) -> None:
        """Leaves something, not None, for whoever comes first; safe in a signal handler."""

    def get(self, seconds: float) -> Any:
        """Takes the next thing; None where nothing came in that time."""


class Threads(Protocol):
    """A clock, threads, and what they need to wait for each other."""

    def now(self) -> float:
        """Seconds that never go back."""

    def utc(self) -> datetime:
        """Date and time of day, which may jump; for comparing with what others wrote, never for waiting."""

    def flag(self) -> Flag:
        """A new flag."""

    def mailbox(self) -> Mailbox:
        """A new, empty mailbox."""

    def lock(self) -> AbstractContextManager[Any]:
        """A new lock, to be held only for what ends by itself."""

    def start(self, work: Callable[[], None], name: str) -> None:
        """Runs something in a thread that the process does not wait for when it ends."""


class _Mailbox:
    def __init__(self) -> None:
        # Of all queues this one alone may be put into by a signal handler of the thread that gets.
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def put(self, item: Any) -> None:
        self._items.put(item)

    def get(self, seconds: float) -> Any:
        try:
            return self._items.get(timeout=max(seconds, 0.0))
        except queue.Empty:
            return None


class RealThreads:
    """Those of this process."""

    def now(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def utc(self) -> datetime:
        """Date and time of day."""
        return datetime.now(UTC)

    def flag(self) -> Flag:
        """A new flag."""
        return threading.Event()

    def mailbox(self) -> Mailbox:
        """A new, empty mailbox."""
        return _Mailbox()

    def lock(self) -> AbstractContextManager[Any]:
        """A new lock."""
        return threading.Lock()

    def start(self, work: Callable[[], None], name: str) -> None:
        """Runs something in a daemon thread: one that hangs must not keep the process from ending."""
        threading.Thread(target=work, name=name, daemon=True).start()


THREADS: Final = RealThreads()
