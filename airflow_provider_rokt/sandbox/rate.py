"""How many batches a second come in, and which are too many."""

import math
import time
from collections import deque
from email.utils import formatdate
from typing import NoReturn

from airflow_provider_rokt.sandbox.behaviour import Settings
from airflow_provider_rokt.sandbox.reply import Refused, Reply


class SlidingWindow:
    """The batches of the last ``span`` seconds; half-open, so two requests exactly a span apart never share one."""

    def __init__(self, span: float) -> None:
        self._span = span
        self._arrivals: deque[tuple[float, int]] = deque()
        self._total = 0

    def add(self, at: float, batches: int) -> int:
        """Counts batches that arrive at this time, never before an earlier one; the new total."""
        self._arrivals.append((at, batches))
        self._total += batches
        return self.total(at)

    def total(self, at: float) -> int:
        """How many batches the window that ends at this time holds."""
        while self._arrivals and self._arrivals[0][0] <= at - self._span:
            self._total -= self._arrivals.popleft()[1]
        return self._total

    def wait(self, at: float, excess: int) -> float:
        """Seconds until the window holds so many batches fewer, or its span where it never held them."""
        for arrived, batches in self._arrivals:
            excess -= batches
            if excess <= 0:
                return arrived + self._span - at
        return self._span


class Rate:
    """The limits of one account, and the most batches it was ever offered in one second.

    The limit counts what was let through, as a server's does; the peak counts all that was offered, refused or not,
    because it is what the sender is judged by.
    """

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.batches_per_second
        self._acceleration = settings.acceleration
        self._retry_after = settings.retry_after
        self._offered, self._second, self._two_seconds = SlidingWindow(1), SlidingWindow(1), SlidingWindow(2)
        self.peak = 0

    def offer(self, at: float, batches: int) -> None:
        """Counts batches that a request brings, whatever becomes of them."""
        self.peak = max(self.peak, self._offered.add(at, batches))

    def admit(self, at: float, batches: int) -> dict[str, str]:
        """Lets batches through, or refuses them with a 429.

        :returns: the headers that tell the sender how much of its limit is used.
        """
        used = self._second.total(at)
        if self._limit is not None and used + batches > self._limit:
            self._refuse("account", self._second.wait(at, used + batches - self._limit))
        before = self._two_seconds.total(at) - used
        if self._acceleration is not None and used + batches > before + self._acceleration:
            self._refuse("acceleration", 1.0)
        self._second.add(at, batches)
        self._two_seconds.add(at, batches)
        if self._limit is None:
            return {}
        return {"x-mp-rate-limit-percentage-used": str(100 * (used + batches) // self._limit)}

    def _refuse(self, exceeded: str, wait: float) -> NoReturn:
        headers = {"x-mp-rate-limit-exceeded": exceeded}
        if self._retry_after != "none":
            headers |= retry_after(wait, as_date=self._retry_after == "date")
        raise Refused(Reply(429, headers=headers))


def retry_after(seconds: float, *, as_date: bool) -> dict[str, str]:
    """A ``Retry-After`` header in whole seconds or as the HTTP date they lead to; both rounded up."""
    if as_date:
        return {"retry-after": formatdate(math.ceil(time.time() + seconds), usegmt=True)}
    return {"retry-after": str(math.ceil(seconds))}
