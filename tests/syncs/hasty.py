"""Time that passes a hundred times as fast, for what waits for minutes."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_rokt.flow.threads import Flag, Mailbox, RealThreads

# When such time began to pass: a test long after would find every file of the disk's own time an abandoned one.
_began, _began_at = time.monotonic(), datetime.now(UTC)


def begin() -> None:
    """Lets such time begin to pass."""
    global _began, _began_at
    _began, _began_at = time.monotonic(), datetime.now(UTC)


class HastyThreads(RealThreads):
    """Threads of a machine on which a second takes a hundredth of one.

    :ivar asleep: seconds for which it stood still, as others see it.
    """

    def __init__(self, haste: float = 100.0) -> None:
        self._haste = haste
        self._frozen = threading.Event()
        self.asleep = 0.0

    def now(self) -> float:
        return (time.monotonic() - _began) * self._haste

    def utc(self) -> datetime:
        return _began_at + timedelta(seconds=self.now() + self.asleep)

    def flag(self) -> Flag:
        return _HastyFlag(self._haste, self._frozen)

    def freeze(self) -> None:
        """Lets no thread of it go on that waits: as a process that is stopped."""
        self._frozen.set()

    def mailbox(self) -> Mailbox:
        raise NotImplementedError

    def lock(self) -> AbstractContextManager[Any]:
        return threading.Lock()

    def start(self, work: Callable[[], None], name: str) -> None:
        super().start(work, name)


class _HastyFlag:
    def __init__(self, haste: float, frozen: threading.Event) -> None:
        self._haste = haste
        self._frozen = frozen
        self._event = threading.Event()

    def set(self) -> None:
        self._event.set()

    def is_set(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        is_set = self._event.wait(seconds / self._haste)
        return self._event.wait(60) if self._frozen.is_set() and not is_set else is_set
