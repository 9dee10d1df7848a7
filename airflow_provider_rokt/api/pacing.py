"""How many batches leave per second, over all threads of a delivery."""

from dataclasses import dataclass
from typing import Final

from airflow_provider_rokt.flow.threads import THREADS, Flag, Threads

# What a request without an answer may have taken to arrive: a new connection's TLS handshake and 250 kB of upload.
LONGEST_WAY: Final = 0.25
# A waiting request looks this often whether an answer made room earlier than expected.
_LOOK_AGAIN: Final = 0.02


@dataclass(slots=True, eq=False)
class Departure:
    """One request that left.

    :param seconds: how long it counts after its arrival.
    :param forgotten_at: when it certainly no longer counts, as far as is known.
    """

    batches: int
    seconds: float
    forgotten_at: float


class Pacer:
    """Lets batches leave at a fixed rate, first come, first served.

    The rule holds for every one-second window in which they may arrive at the server, wherever it starts: how Rokt
    counts is not published, and this is the strictest reading. When a request arrived is not known either, but its
    answer came later, so it counts until a second after its answer. A request of more batches than the rate leaves
    alone and counts for as many seconds as its batches need. How fast is decided in ``_wait_for`` alone, which is
    where a rate that adapts belongs, with :meth:`answered` to learn from.

    :param batches_per_second: the rate, above 0; also below 1.
    """

    def __init__(self, batches_per_second: float, *, threads: Threads = THREADS) -> None:
        if not batches_per_second > 0:
            raise ValueError("batches_per_second must be above 0")
        self._rate = batches_per_second
        self._clock = threads.now
        self._departures: list[Departure] = []
        self._held_until = 0.0
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

    def answered(self, departure: Departure) -> None:
        """Tells that an answer came: the request must have arrived by now."""
        with self._changing:
            departure.forgotten_at = min(departure.forgotten_at, self._clock() + departure.seconds)

    def hold(self, seconds: float) -> None:
        """Lets nobody leave for so long, as Rokt asks with a 429; a longer hold stays. Does not wait itself."""
        with self._changing:
            self._held_until = max(self._held_until, self._clock() + seconds)

    def _wait_for(self, batches: int) -> float:
        """Seconds until so many batches may leave, or until it is worth asking again."""
        with self._changing:
            now = self._clock()
            if now < self._held_until:
                return self._held_until - now
            self._departures = [departure for departure in self._departures if departure.forgotten_at > now]
            counted = sum([departure.batches for departure in self._departures])
            if not counted or counted + batches <= self._rate:
                return 0.0
            seconds = min(departure.forgotten_at for departure in self._departures) - now
            return min(seconds, max(_LOOK_AGAIN, seconds / 50))

    def _depart(self, batches: int) -> Departure:
        seconds = max(1.0, batches / self._rate)
        departure = Departure(batches, seconds, self._clock() + LONGEST_WAY + seconds)
        with self._changing:
            self._departures.append(departure)
        return departure
