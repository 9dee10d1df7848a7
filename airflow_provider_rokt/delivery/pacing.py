"""How many batches leave per second, over all threads of a delivery."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

# The server sees the spacing of arrivals, not of departures: 5 % absorb 50 ms of difference between two requests.
WINDOW_SECONDS: Final = 1.05


class _Departure(NamedTuple):
    batches: int
    forgotten_at: float


class Pacer:
    """Lets batches leave at a fixed rate, first come, first served.

    The rule holds in every one-second window, wherever it starts, because how Rokt counts is not published and this
    is the strictest reading. A request with more batches than the rate leaves alone and is followed by a pause
    as long as its batches need. How fast is decided in ``_room_in`` alone: a rate that adapts belongs there.

    :param batches_per_second: the rate, above 0; also below 1.
    :param clock: seconds that never go back.
    """

    def __init__(self, batches_per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        if not batches_per_second > 0:
            raise ValueError("batches_per_second must be above 0")
        self._rate = batches_per_second
        self._clock = clock
        self._departures: deque[_Departure] = deque()
        self._leaving = 0
        self._held_until = 0.0
        self._turn = threading.Lock()
        self._holding = threading.Lock()

    def acquire(self, batches: int, stop: threading.Event) -> bool:
        """Waits until so many batches may leave in one request, and counts them as gone.

        :returns: ``False`` where ``stop`` was set first: nothing may leave.
        """
        # The one whose turn it is waits with the lock held, so a large request is not overtaken for ever. The others
        # wait for the lock; the same stop event frees them one after the other.
        with self._turn:
            while (seconds := self._room_in(batches)) > 0:
                if stop.wait(seconds):
                    return False
            if stop.is_set():
                return False
            self._depart(batches)
            return True

    def hold(self, seconds: float) -> None:
        """Lets nobody leave for so long, as Rokt asks with a 429; a longer hold stays. Does not wait itself."""
        with self._holding:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def _room_in(self, batches: int) -> float:
        """Seconds until there is room for so many batches, or until it is worth asking again."""
        now = self._clock()
        while self._departures and self._departures[0].forgotten_at <= now:
            self._leaving -= self._departures.popleft().batches
        if now < self._held_until:
            return self._held_until - now
        if not self._departures or self._leaving + batches <= self._rate:
            return 0.0
        return self._departures[0].forgotten_at - now

    def _depart(self, batches: int) -> None:
        seconds = WINDOW_SECONDS * max(1.0, batches / self._rate)
        self._departures.append(_Departure(batches, self._clock() + seconds))
        self._leaving += batches
