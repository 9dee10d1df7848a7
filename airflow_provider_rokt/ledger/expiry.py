"""Deliveries that are over for long enough to be removed, and their removal."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktStorageError
from airflow_provider_rokt.ledger.layout import Layout, day_of, is_begun, is_day
from airflow_provider_rokt.ledger.parts import REPORT_NAME
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.storage.failure import failure_of, reading
from airflow_provider_rokt.storage.folder import Folder, part_name

QUIET_SECONDS: Final = 7 * 86_400.0
"""A delivery without report counts as killed only when nothing was written on it for this long beyond its days."""

_DAY_SECONDS: Final = 86_400.0


@dataclass(frozen=True)
class Expired:
    """A delivery that may be removed.

    :ivar ended: whether it has a report that says when.
    :ivar at: when it ended; of one without report, when it was last written on.
    """

    delivery_id: str
    folder: Folder
    ended: bool
    at: datetime


@dataclass(frozen=True)
class Unjudged:
    """A delivery's folder, or a day's, of which the storage did not tell how old it is.

    :ivar failure: its kind, as :class:`RoktStorageError` carries it.
    """

    folder: Folder
    failure: str


class Expiry:
    """What ended more than some days ago. Of other records, and of what is no delivery, it knows nothing.

    :param days: for how many a delivery is kept after its end; at least 1.
    :ivar before: what ended earlier may be removed.
    """

    def __init__(self, layout: Layout, days: int) -> None:
        self._layout = layout
        self._before = max(time.time() - days * _DAY_SECONDS, 0.0)
        self.before = datetime.fromtimestamp(self._before, UTC)

    def look(self) -> tuple[list[Expired], list[Unjudged]]:
        """What may be removed, the oldest first, and what cannot be told. Later days are not read."""
        due: list[Expired] = []
        unjudged: list[Unjudged] = []

        def left_out(folder: Folder, error: OSError) -> None:
            if not isinstance(error, NotADirectoryError):
                unjudged.append(Unjudged(folder, failure_of(error)))

        # A delivery cannot have ended before the day it began.
        for name, folder in self._layout.newest(until=self._last_day, left_out=left_out):
            try:
                if found := self._judged(name, folder):
                    due.append(found)
            except RoktStorageError as error:
                unjudged.append(Unjudged(folder, error.failure))
        return sorted(due, key=lambda one: (one.at, one.delivery_id)), unjudged

    def remove(self, expired: Expired) -> bool:
        """Removes one; False where it turns out to be running.

        The report goes last, or the header of one that has none. So what is left when the storage fails, or this is
        killed, is still a delivery that is over, which says that it is damaged, and the next time removes it.

        :raises RoktStorageError: where it cannot be removed.
        """
        # A report is the last word, but who has none may have been written on since it was judged.
        if not expired.ended and self._judged(expired.delivery_id, expired.folder) is None:
            return False
        expired.folder.delete(last=REPORT_NAME if expired.ended else part_name(0))
        return True

    def tidy(self) -> None:
        """Removes the folders of days of which nothing is left; one that cannot be removed stays."""
        for day, folder in self._layout.days(until=self._last_day):
            # Nothing begins in a day that is over, whatever the clocks of other machines.
            if day < self._last_day:
                with suppress(RoktStorageError, OSError):
                    if not folder.names():
                        folder.delete()

    @property
    def _last_day(self) -> str:
        return f"{self.before:%Y%m%d}"

    def _judged(self, name: str, folder: Folder) -> Expired | None:
        """The delivery where it may be removed.

        :raises RoktStorageError: where the storage fails.
        """
        with reading(folder.uri):
            try:
                names = folder.names()
            except NotADirectoryError:
                return None
            # What has a day's name holds the deliveries of that day, even where it is one of an older release itself.
            if is_day(name) or not _is_delivery(name, names):
                return None
            ended = _ended(LedgerReader(folder, name))
            last = _last_written(name, folder, names) if ended is None else ended
        over = self._before - (QUIET_SECONDS if ended is None else 0.0)
        if last is None or last.timestamp() >= over:
            return None
        return Expired(name, folder, ended is not None, last)


def _is_delivery(name: str, names: Sequence[str]) -> bool:
    """Whether a folder is a delivery's, or was, before a removal that was killed had emptied it."""
    return is_begun(names) or (day_of(name) is not None and not names)


def _ended(reader: LedgerReader) -> datetime | None:
    """When its report says that it ended; None where it has none that can be read."""
    try:
        report = reader.report()
        at = datetime.fromisoformat(report["finished_at"]) if report else None
    except (RoktLedgerDamagedError, ValueError):
        return None
    return at if at and at.tzinfo else None


def _last_written(name: str, folder: Folder, names: Sequence[str]) -> datetime | None:
    """When one of its files was last written on; of an empty one, when it began. None where that is not known."""
    times = [folder.written_at(file) for file in names] or [_begun_at(name)]
    known = [at for at in times if at is not None]
    return datetime.fromtimestamp(max(known), UTC) if len(known) == len(times) else None


def _begun_at(name: str) -> float | None:
    try:
        return datetime.strptime(f"{name[:16]}+0000", "%Y%m%dT%H%M%SZ%z").timestamp()
    except ValueError:
        return None
