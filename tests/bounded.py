"""Waits and processes that end, whatever a test does."""

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

PATIENCE = 240.0


def until(condition: Callable[[], object], seconds: float = PATIENCE) -> None:
    """Waits for what somebody else brings about; fails the test where it does not come in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"it did not come within {seconds:g} s"
        time.sleep(0.002)


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[str]"]:
    """A process whose output is read as text; it is killed where the test leaves it running, or fails."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()
