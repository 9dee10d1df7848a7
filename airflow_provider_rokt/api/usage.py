"""How much went through lately: what a sender counts itself, and what Rokt tells of the whole account."""

from collections import deque
from math import exp
from typing import Final

# What a 429 costs has the price of 1. Eight senders meet this one, where so much is used; it grows e-fold with so much
# more use, as whole seconds are told less exactly there.
PRICE: Final = 0.03
USED: Final = 0.965
_STEEP: Final = 0.015
_STEEP_BY_SECOND: Final = 0.03
# Where no 429 confirms for so long what is told, it is doubted; then more by the second.
_UNCONFIRMED: Final = 5.0
_DOUBTED: Final = 15.0

# A share that falls by so much from one answer to the next was begun anew in between: the server counts whole seconds.
_FALL: Final = 0.25
# ... and they follow each other so closely that it was begun anew only once.
_APART: Final = 0.8
# So long a server that begins anew is known to. Three of its seconds.
_REMEMBERED: Final = 3.0


class Window:
    """Batches by time."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, float]] = deque()
        self.total = 0.0

    def add(self, at: float, batches: float) -> None:
        """Counts batches at a time, which is hardly before an earlier one's."""
        self._counts.append((at, batches))
        self.total += batches

    def since(self, at: float) -> float:
        """How many came after that time; earlier ones are forgotten."""
        while self._counts and self._counts[0][0] <= at:
            self.total -= self._counts.popleft()[1]
        return self.total

    def time_of(self, most: float) -> float:
        """When that one came without which, and without all before it, no more than so many are left."""
        left, when = self.total, 0.0
        for at, batches in self._counts:
            if left <= most:
                break
            left, when = left - batches, at
        return when


class Usage:
    """The share of the account's limit that is in use, from the percentages that answers tell.

    Where the server counts any second, an answer tells the share itself. Where it counts whole seconds, the percentage
    climbs from 0 within each, and what counts is where it will have climbed to at the end: as it climbs by the share
    within a second, the fall between two answers is the share, less what it climbed between them.
    """

    def __init__(self) -> None:
        self._last_at = self._last = 0.0
        self._fell_at = float("-inf")
        self.share = 0.0

    def told(self, sent: float, used: float) -> float:
        """Takes an answer in.

        :param sent: when the request left, in seconds; a late answer to an early request says nothing new.
        :param used: the share told.
        :returns: the share in use, as far as it is known.
        """
        apart, fall = sent - self._last_at, self._last - used
        if apart < 0:
            return self.share
        self._last_at, self._last = sent, used
        if fall > _FALL and apart < _APART:
            whole = min(1.0, fall / (1.0 - apart))
            self.share += (0.3 if self.by_second(sent) else 1.0) * (whole - self.share)
            self._fell_at = sent
        elif not self.by_second(sent):
            self.share += (0.3 if apart < 1.0 else 1.0) * (used - self.share)
        return self.share

    def by_second(self, now: float) -> bool:
        """Whether the server counts whole seconds."""
        return now - self._fell_at < _REMEMBERED

    def price(self, now: float) -> float:
        """What the use costs who accepts it, at most as much as a 429."""
        steep = _STEEP_BY_SECOND if self.by_second(now) else _STEEP
        return min(1.0, PRICE * exp((min(self.share, 2.0) - USED) / steep))


class Doubt:
    """How low use that is told may take a rate: Rokt tells of several limits the one that is used most.

    That need not be the limit of batches, and then it does not fall with the rate. Where it were, somebody would soon
    be answered 429 all the same.

    :param least: where nothing is doubted longer.
    """

    def __init__(self, least: float, now: float) -> None:
        self._least = least
        self._refused_at, self._unpressed_at = float("-inf"), now

    def refused(self, now: float) -> None:
        """A 429 confirms what is told."""
        self._refused_at = now

    def least(self, now: float, rate: float) -> float:
        """The least to which it may be taken now, where it would be taken to that rate."""
        if now - self._refused_at < _UNCONFIRMED:
            self._unpressed_at = now
            return 0.0
        doubt = max(0.0, now - self._unpressed_at - _UNCONFIRMED) / _DOUBTED
        least = self._least * exp(min(doubt, 5.0))
        if rate > least:
            self._unpressed_at = now
        return least
