"""Who is at work beside all others: a delivery that sends every row waits for nobody and keeps nobody out.

People ask who is at work before they take a memory away, from which such a delivery's retry would go on.
"""

from types import TracebackType
from typing import Final, Self

from airflow_provider_rokt.exceptions import RoktSyncBusyError
from airflow_provider_rokt.flow.threads import THREADS, Threads
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import Folder, is_unfinished
from airflow_provider_rokt.storage.lease import Lease
from airflow_provider_rokt.turns.renewal import Renewal

_BESIDE: Final = "all-"
_DAY_SECONDS: Final = 86_400


class Presence:
    """Shows that a delivery is at work; a context manager.

    :param folder: of the sync's turns.
    :param run: names the run to whom it is shown.
    :param name: of this part's lease.
    :param sync: the sync's name.
    """

    def __init__(self, folder: Folder, run: str, name: str, sync: str, threads: Threads = THREADS) -> None:
        self._folder = folder
        self._sync = sync
        self._threads = threads
        self._lease = self._lease_of(f"{_BESIDE}{self._today():05}-{name}", run)
        self._renewal = Renewal(self._lease, self._lease.renew, f"sign of being at work on sync {sync!r}", threads)

    def __enter__(self) -> Self:
        """Shows it.

        :raises RoktStorageError: where that cannot be.
        """
        try:
            self._tidy()
            self._lease.take()
            self._renewal.start()
        except BaseException:
            self._renewal.give_up()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def end(self) -> None:
        """Shows it no longer; where it is over already, nothing is done."""
        self._renewal.end()

    def _tidy(self) -> None:
        """Removes what killed ones have left on an earlier day; one that goes on for days is renewed."""
        today = f"{_BESIDE}{self._today():05}"
        with reading(self._folder.uri):
            names = self._folder.names()
        for name in names:
            if is_beside(name) and name < today:
                holder = self._lease_of(name).holder()
                if holder and holder.expires < self._clock() - _DAY_SECONDS:
                    self._folder.remove(name)

    def _today(self) -> int:
        return int(self._clock()) // _DAY_SECONDS

    def _clock(self) -> float:
        return self._threads.utc().timestamp()

    def _lease_of(self, name: str, run: str = "") -> Lease:
        what = f"sync {self._sync!r}"
        return Lease(self._folder, run, what=what, busy=RoktSyncBusyError, name=name, clock=self._clock)


def is_beside(name: str) -> bool:
    """Whether a lease of that name keeps nobody out."""
    return name.startswith(_BESIDE) and not is_unfinished(name)
