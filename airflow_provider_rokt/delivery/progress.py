"""What a delivery tells of itself while it runs."""

import logging
from typing import Final

from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.threads import THREADS, Threads
from airflow_provider_rokt.ledger.closing import closing_lines
from airflow_provider_rokt.ledger.report import Report, Tally

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 10.0
"""How often a running delivery is told of, at most."""


class Progress:
    """Logs how far a delivery is, now and then, and how it ended.

    :param cap: batches a second that the account takes.
    """

    def __init__(self, cap: float, threads: Threads = THREADS) -> None:
        self._cap = cap
        self._now = threads.now
        self._began = self._told_at = threads.now()
        self._batches = self._ended = self._slowed = 0
        self._is_all_read = False

    @property
    def seconds(self) -> float:
        """Since it began."""
        return self._now() - self._began

    def all_read(self) -> None:
        """Tells that the source has no more rows, so that the end can be foreseen."""
        self._is_all_read = True

    def show(self, tally: Tally) -> None:
        """Logs the counts as they stand, unless it did so a moment ago."""
        seconds = self._now() - self._told_at
        if seconds < EVERY_SECONDS:
            return
        pace = self._pace((tally.batches - self._batches) / seconds, tally.status_codes["429"] - self._slowed)
        left = self._left(tally, (tally.ended - self._ended) / seconds)
        self._told_at, self._batches, self._ended = self._now(), tally.batches, tally.ended
        self._slowed = tally.status_codes["429"]
        counts = (
            f"{tally.read:,} rows read, {tally.accepted:,} accepted, {tally.rejected:,} rejected, "
            f"{tally.failed:,} failed, {tally.skipped.total():,} skipped"
        )
        log_wrapped(log, logging.INFO, f"{counts}; {pace}{left}")

    def end(self, report: Report) -> None:
        """Logs how it ended."""
        for is_good, line in closing_lines(report, self.seconds):
            log.log(logging.INFO if is_good else logging.WARNING, "%s", line)

    def _pace(self, rate: float, slowed: int) -> str:
        answers = f", {slowed:,} answers 429" if slowed else ""
        return f"{rate:,.1f} batches/s, {100 * rate / self._cap:.0f} % of the cap{answers}"

    def _left(self, tally: Tally, rate: float) -> str:
        """How long it goes on, where that is known."""
        if not self._is_all_read or rate <= 0:
            return ""
        return f", over in about {(tally.read - tally.ended) / rate:,.0f} s"


class Repeats:
    """Logs what is sent again, now and then. Threads may share it."""

    def __init__(self, threads: Threads = THREADS) -> None:
        self._now = threads.now
        self._told_at = self._now() - EVERY_SECONDS
        self._untold = 0

    def tell(self, status: int | None, seconds: float) -> None:
        """Logs that a request is sent again, unless it did so of another a moment ago.

        :param status: the answer; None where none came.
        :param seconds: until then.
        """
        # A 429 is how senders that share an account find their pace; the delivery's progress counts them together.
        if status == 429:
            return
        self._untold += 1
        if self._now() - self._told_at < EVERY_SECONDS:
            return
        others = f"; {self._untold:,} such attempts since it was told last" if self._untold > 1 else ""
        self._told_at, self._untold = self._now(), 0
        log.info("Rokt answered %s; trying again in %.1f s%s", status or "nothing", seconds, others)
