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

    def wait(self, at: float, excess: float) -> float:
        """Seconds until the window holds so many batches fewer, or its span where it never held them."""
        for arrived, batches in self._arrivals:
            excess -= batches
            if excess <= 0:
                return arrived + self._span - at
        return self._span


class CalendarSecond:
    """The batches of a clock's whole second, which begins anew with the next one."""

    def __init__(self) -> None:
        self._second = self._total = 0

    def add(self, at: float, batches: int) -> int:
        """Counts batches that arrive at this time; the new total."""
        self._total = self.total(at) + batches
        return self._total

    def total(self, at: float) -> int:
        """How many batches the second of this time holds."""
        if self._second != math.floor(at):
            self._second, self._total = math.floor(at), 0
        return self._total

    def wait(self, at: float, excess: float) -> float:
        """Seconds until the next one begins, whatever is too much."""
        return math.floor(at) + 1 - at


class TokenBucket:
    """What a bucket lacks that holds a second's batches and fills evenly, full at first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lacks = self._at = 0.0

    def add(self, at: float, batches: int) -> float:
        """Takes batches out that arrive at this time; what is lacking now."""
        self._lacks = self.total(at) + batches
        return self._lacks

    def total(self, at: float) -> float:
        """What is lacking at this time."""
        self._lacks = max(0.0, self._lacks - (at - self._at) * self._limit)
        self._at = at
        return self._lacks

    def wait(self, at: float, excess: float) -> float:
        """Seconds until so much more is in it."""
        return excess / self._limit


class Rate:
    """The limits of one account, and the most batches it was ever offered in one second.

    The limit counts what was let through, as a server's does; the peak counts all that was offered, refused or not,
    because it is what the sender is judged by.
    """

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.batches_per_second
        self._acceleration, self._growth = settings.acceleration, settings.growth
        self._retry_after = settings.retry_after
        self._tells = settings.usage == "told"
        self._counted = _counted(settings)
        self._offered, self._second, self._two_seconds = SlidingWindow(1), SlidingWindow(1), SlidingWindow(2)
        self.peak = 0

    def offer(self, at: float, batches: int) -> None:
        """Counts batches that a request brings, whatever becomes of them."""
        self.peak = max(self.peak, self._offered.add(at, batches))

    def admit(self, at: float, batches: int) -> dict[str, str]:
        """Lets batches through, or refuses them with a 429.

        :returns: the headers that tell the sender how much of its limit is used.
        """
        used = self._counted.total(at) + batches
        if self._limit is not None and used > self._limit:
            self._refuse("account", self._counted.wait(at, used - self._limit))
        second = self._second.total(at)
        before = self._two_seconds.total(at) - second
        if self._acceleration is not None and second + batches > self._growth * before + self._acceleration:
            self._refuse("acceleration", 1.0)
        for counted in (self._counted, self._second, self._two_seconds):
            counted.add(at, batches)
        if self._limit is None or not self._tells:
            return {}
        return {"x-mp-rate-limit-percentage-used": str(int(100 * used // self._limit))}

    def _refuse(self, exceeded: str, wait: float) -> NoReturn:
        headers = {"x-mp-rate-limit-exceeded": exceeded}
        if self._retry_after != "none":
            headers |= retry_after(wait, as_date=self._retry_after == "date")
        raise Refused(Reply(429, headers=headers))


def _counted(settings: Settings) -> SlidingWindow | CalendarSecond | TokenBucket:
    if settings.counting == "calendar":
        return CalendarSecond()
    if settings.counting == "bucket" and settings.batches_per_second:
        return TokenBucket(settings.batches_per_second)
    return SlidingWindow(1)


def retry_after(seconds: float, *, as_date: bool) -> dict[str, str]:
    """A ``Retry-After`` header in whole seconds or as the HTTP date they lead to; both rounded up."""
    if as_date:
        return {"retry-after": formatdate(math.ceil(time.time() + seconds), usegmt=True)}
    return {"retry-after": str(math.ceil(seconds))}
