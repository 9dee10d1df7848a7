"""How many batches leave per second, over all threads of a delivery."""

import re
from collections.abc import Mapping
from typing import Final

from airflow_provider_rokt.api.client import Answer
from airflow_provider_rokt.api.pace import Departure, Pace
from airflow_provider_rokt.flow.threads import THREADS, Flag, Threads

# A waiting request looks this often whether answers changed the pace.
_LOOK_AGAIN: Final = 0.25
# Whoever sends nothing for longer has no share any more: others have grown into it.
_WARM: Final = 2.0
_PERCENT: Final = re.compile(r"[0-9]{1,4}(\.[0-9]{1,9})?")


class Pacer:
    """Lets requests leave at the delivery's :class:`~airflow_provider_rokt.api.pace.Pace`, first come, first served.

    No second holds more departures than the rate, wherever it begins: how Rokt counts is not published, and this is the
    strictest reading. A request of more batches than the rate leaves alone and counts for as many seconds as its
    batches need.

    :param batches_per_second: the account's limit, above 0; also below 1.
    :param concurrency: how many threads send.
    :param ramps: whether it begins slowly.
    """

    def __init__(
        self, batches_per_second: float, *, concurrency: int = 4, ramps: bool = True, threads: Threads = THREADS
    ) -> None:
        if not batches_per_second > 0:
            raise ValueError("batches_per_second must be above 0")
        self.batches_per_second = batches_per_second
        self._clock = threads.now
        self._pace = Pace(batches_per_second, self._clock(), concurrency, ramps=ramps)
        self._held_until = 0.0
        self._left_at = float("-inf")
        self._turn, self._changing = threads.lock(), threads.lock()

    def acquire(self, batches: int, stop: Flag) -> Departure | None:
        """Waits until so many batches may leave in one request, and counts them as gone.

        :returns: ``None`` where ``stop`` was set first: nothing may leave.
        """
        # The one whose turn it is waits with the lock held, so a large request is not overtaken for ever. The others
        # wait for the lock; the same stop frees them one after the other.
        with self._turn:
            while (seconds := self._wait_for(batches)) > 0:
                if stop.wait(seconds):
                    return None
            return None if stop.is_set() else self._depart(batches)

    def answered(self, departure: Departure, answer: Answer) -> None:
        """Learns from an answer; one that is no acceptance and no 429 says nothing of the pace."""
        with self._changing:
            if answer.status == 429:
                exceeded = answer.headers.get("X-mp-rate-limit-exceeded") or ""
                self._pace.refused(self._clock(), departure, exceeded.strip().lower())
            elif 200 <= answer.status < 300:
                self._pace.accepted(self._clock(), departure, used_share(answer.headers))

    def hold(self, seconds: float) -> None:
        """Lets nobody leave for so long, as Rokt asks with a 429; a longer hold stays. Does not wait itself."""
        with self._changing:
            self._held_until = max(self._held_until, self._clock() + seconds)

    @property
    def is_warm(self) -> bool:
        """Whether another delivery may go on from its pace."""
        return self._clock() - self._left_at < _WARM

    def size(self) -> int:
        """How many batches the next request should carry."""
        return self._pace.size

    def is_too_large(self, batches: int) -> bool:
        """Whether a request that was packed at a higher rate should go in halves."""
        return self._pace.is_too_large(batches)

    def _wait_for(self, batches: int) -> float:
        """Seconds until so many batches may leave, or until it is worth asking again."""
        with self._changing:
            now = self._clock()
            if now < self._held_until:
                return self._held_until - now
            return min(self._pace.delay(now, batches), _LOOK_AGAIN)

    def _depart(self, batches: int) -> Departure:
        with self._changing:
            self._left_at = self._clock()
            return self._pace.depart(self._left_at, batches)


def used_share(headers: Mapping[str, str]) -> float | None:
    """The share of the account's limit that is used; ``None`` where an answer does not tell it, or tells nonsense."""
    text = (headers.get("X-mp-rate-limit-percentage-used") or "").strip()
    return float(text) / 100 if _PERCENT.fullmatch(text) else None
