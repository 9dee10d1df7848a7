"""How often a delivery may try again, so that a server that fails is not hammered by all its threads."""

from typing import Final

from airflow_provider_rokt.flow.threads import THREADS, Flag, Threads

# As retry quotas of cloud SDKs do: a burst is free, then a retry for every five successes, and some all the same.
_BURST: Final = 20.0
_PER_SUCCESS: Final = 0.2
_PER_SECOND: Final = 0.5
# Who waits looks this often whether successes have refilled it; never at once, whatever is lost in adding.
_LOOK_AGAIN: Final = 0.5
_AT_LEAST: Final = 0.01


class RetryQuota:
    """A bucket of retries. Where it is empty nothing is lost: a retry waits until there is one. Threads share it.

    :param stop: ends all waiting.
    """

    def __init__(self, stop: Flag, threads: Threads = THREADS) -> None:
        self._stop = stop
        self._clock = threads.now
        self._lock = threads.lock()
        self._left, self._at = _BURST, self._clock()

    def take(self, until: float) -> None:
        """Takes one out, as soon as there is one; goes without at that time, or where all is stopped."""
        while (seconds := min(self._missing(), until - self._clock())) > 0:
            if self._stop.wait(seconds):
                return

    def succeeded(self) -> None:
        """Puts a part of one in: the server answers."""
        with self._lock:
            self._left = min(_BURST, self._left + _PER_SUCCESS)

    def _missing(self) -> float:
        """Takes one out and says 0, or says in how many seconds it is worth looking again."""
        with self._lock:
            now = self._clock()
            self._left = min(_BURST, self._left + (now - self._at) * _PER_SECOND)
            self._at = now
            if self._left >= 1.0:
                self._left -= 1.0
                return 0.0
            return min(_LOOK_AGAIN, max(_AT_LEAST, (1.0 - self._left) / _PER_SECOND))
