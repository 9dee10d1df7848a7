"""Ends a delivery of which nothing at all is accepted, before it has asked Rokt about every row by itself."""

from typing import Final

from airflow_provider_rokt.delivery.exchange import Halt
from airflow_provider_rokt.flow.threads import THREADS, Threads

# Halving a first request of 100 bad batches down to single ones takes 199 requests, and may yet find a good one.
MOST_IN_VAIN: Final = 200
NOTHING_ACCEPTED: Final = f"nothing at all was accepted in {MOST_IN_VAIN} requests: check account, mapping and address"


class Brake:
    """Counts refusals until something is accepted; from then on a refusal is about its rows. Threads may share it.

    :param halt: set when nothing was accepted for too long.
    """

    def __init__(self, halt: Halt, threads: Threads = THREADS) -> None:
        self._halt = halt
        self._lock = threads.lock()
        self._in_vain = 0
        self.released = False

    @property
    def stopped(self) -> bool:
        """Whether it ended the delivery."""
        return not self.released and self._in_vain >= MOST_IN_VAIN

    def answered(self, accepted: bool) -> None:
        """Tells that a request was answered.

        :param accepted: whether some of it was accepted.
        """
        if self.released:
            return
        with self._lock:
            self.released = self.released or (accepted and not self.stopped)
            self._in_vain += 1
            stopped = self.stopped
        if stopped:
            self._halt.because(NOTHING_ACCEPTED)
