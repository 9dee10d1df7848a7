"""Ends a delivery of which nothing at all is accepted, before it has asked Rokt about every row by itself."""

from typing import Final

from airflow_provider_rokt.delivery.exchange import Halt
from airflow_provider_rokt.flow.threads import THREADS, Threads

# Halving a first request of 100 bad batches down to single ones takes 199 requests, and may yet find a good one.
MOST_IN_VAIN: Final = 200


def nothing_accepted(requests: int) -> str:
    """Why rows fail that were refused: so many requests were answered and none accepted anything."""
    counted = "1 request" if requests == 1 else f"{requests} requests"
    return f"nothing at all was accepted in {counted}: check account, mapping and address"


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
            self._halt.because(nothing_accepted(MOST_IN_VAIN))

    def verdict(self, blamed: bool) -> str:
        """Why what was refused failed instead; ``""`` where its rows are to blame, as others were accepted.

        A few rows cannot be told from a wrong account by their number, so Rokt is believed to mean them where it says
        what is wrong with one, or took others before.

        :param blamed: whether it did.
        """
        if self.released or (blamed and not self.stopped):
            return ""
        return nothing_accepted(min(self._in_vain, MOST_IN_VAIN))
