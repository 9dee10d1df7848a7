"""How a server may count an account's batches; code of its own, which shares nothing with what it judges."""

from collections import deque
from dataclasses import dataclass
from math import ceil
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the account's limit says to one request.

    :param used: the share of the limit that is used, of a request that is let through.
    :param exceeded: which limit a refused one exceeds.
    :param retry_after: seconds that a refused one is asked to wait.
    """

    used: float | None = None
    exceeded: str = ""
    retry_after: float = 0.0


class Counting(Protocol):
    """One way to count."""

    cap: int

    def ask(self, at: float, batches: int) -> Verdict:
        """Lets batches through, or refuses them."""


class _Seconds:
    def __init__(self) -> None:
        self._came: deque[tuple[float, int]] = deque()
        self.total = 0

    def forget(self, before: float) -> int:
        while self._came and self._came[0][0] <= before:
            self.total -= self._came.popleft()[1]
        return self.total

    def add(self, at: float, batches: int) -> None:
        self._came.append((at, batches))
        self.total += batches


class Sliding:
    """Any second, wherever it begins."""

    def __init__(self, cap: int) -> None:
        self.cap, self._second = cap, _Seconds()

    def ask(self, at: float, batches: int) -> Verdict:
        total = self._second.forget(at - 1.0) + batches
        if total > self.cap:
            return Verdict(exceeded="account", retry_after=1)
        self._second.add(at, batches)
        return Verdict(used=total / self.cap)


class Calendar:
    """Whole seconds of a clock."""

    def __init__(self, cap: int) -> None:
        self.cap, self._second, self._total = cap, 0, 0

    def ask(self, at: float, batches: int) -> Verdict:
        if int(at) != self._second:
            self._second, self._total = int(at), 0
        if self._total + batches > self.cap:
            return Verdict(exceeded="account", retry_after=1)
        self._total += batches
        return Verdict(used=self._total / self.cap)


class Bucket:
    """A bucket of tokens, full at first, that fills at the cap."""

    def __init__(self, cap: int) -> None:
        self.cap, self._tokens, self._at = cap, float(cap), 0.0

    def ask(self, at: float, batches: int) -> Verdict:
        self._tokens = min(self.cap, self._tokens + (at - self._at) * self.cap)
        self._at = at
        if batches > self._tokens:
            return Verdict(exceeded="account", retry_after=ceil((batches - self._tokens) / self.cap))
        self._tokens -= batches
        return Verdict(used=1 - self._tokens / self.cap)


class Growth:
    """Any second, and no more than 90 and one and a half times what came in the second before it."""

    def __init__(self, cap: int) -> None:
        self.cap, self._second, self._two = cap, _Seconds(), _Seconds()

    def ask(self, at: float, batches: int) -> Verdict:
        second = self._second.forget(at - 1.0)
        before = self._two.forget(at - 2.0) - second
        if second + batches > self.cap:
            return Verdict(exceeded="account", retry_after=1)
        if second + batches > self.cap / 3 + 1.5 * before:
            return Verdict(exceeded="acceleration", retry_after=1)
        self._second.add(at, batches)
        self._two.add(at, batches)
        return Verdict(used=(second + batches) / self.cap)


WAYS: dict[str, type[Sliding] | type[Calendar] | type[Bucket] | type[Growth]] = {
    "sliding": Sliding,
    "calendar": Calendar,
    "bucket": Bucket,
    "growth": Growth,
}


def jain_of(shares: list[float]) -> float:
    """Jain's index: 1 where all have the same, 1/n where one has all."""
    return sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares)) if any(shares) else 0.0
