"""Whose turn it is: two runs of a sync at a time would send the same rows, while the parts of a run may go together.

Each part of a run holds a lease of its own, and begins only where no other run holds one. Two that begin at the same
moment both see the other, and both give way: whoever tries again first has its turn.
"""

import logging
import random
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

from airflow_provider_rokt.exceptions import RoktIncompleteError, RoktSyncBusyError
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.threads import THREADS, Flag, Threads
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import ABANDONED_SECONDS, Folder, is_unfinished
from airflow_provider_rokt.storage.lease import SECONDS, Holder, Lease
from airflow_provider_rokt.turns.presence import is_beside
from airflow_provider_rokt.turns.renewal import Renewal

log = logging.getLogger(__name__)

WAIT_SECONDS: Final = 600.0
"""How long a run waits for another one to end; then its task fails, and is tried again."""
# A run that waits looks so often, some sooner than others.
_LOOK_SECONDS: Final = (2.0, 6.0)


def at_work(folder: Folder, sync: str) -> list[Holder]:
    """Who is at work now: who has a turn, and who needs none; only reads.

    :param folder: of the sync's turns.
    :param sync: the sync's name.
    :raises RoktSyncBusyError: where a lease cannot be understood, so that somebody may be.
    """
    with reading(folder.uri):
        names = [name for name in folder.names() if not is_unfinished(name)]
    leases = [Lease(folder, "", what=f"sync {sync!r}", busy=RoktSyncBusyError, name=name) for name in names]
    return [holder for lease in leases if (holder := lease.at_work())]


class Turn:
    """The turn of one part of a run; a context manager that waits for it.

    A thread renews it for as long as the process lives, whatever the task waits for.

    :param folder: of the sync's turns.
    :param run: names the run, the same for all its parts and their tries; shown to whom it keeps out.
    :param name: of this part's lease.
    :param sync: the sync's name.
    :param stopped: set where the task is to end.
    :param wait: how many seconds it waits for another run to end; 0 to be refused at once.
    """

    def __init__(
        self,
        folder: Folder,
        run: str,
        name: str,
        sync: str,
        stopped: Flag,
        threads: Threads = THREADS,
        wait: float = WAIT_SECONDS,
    ) -> None:
        self._folder = folder
        self._run = run
        self._name = name
        self._sync = sync
        self._stopped = stopped
        self._threads = threads
        self._patience = wait
        self._lease = self._lease_of(name)
        self._renewal = Renewal(self._lease, self._renew_once, f"turn of sync {sync!r}", threads)
        self._over_at = (0.0, 0.0)
        # Who was at work when it was looked last; None where a lease could not be read.
        self._kept_out_by: Holder | None = None

    def __enter__(self) -> Self:
        """Waits for the turn and takes it.

        :raises RoktSyncBusyError: when another run is at work for too long.
        :raises RoktIncompleteError: when the task is to end meanwhile.
        """
        try:
            self._await()
            self._renewal.start()
        except BaseException:
            self._renewal.give_up()
            raise
        return self

    def _await(self) -> None:
        until, told = self._threads.now() + self._patience, False
        while True:
            try:
                self._take()
                return
            except RoktSyncBusyError:
                if self._threads.now() >= until:
                    raise
                if not told:
                    self._tell_of_waiting()
                    told = True
            # Python seeds a forked task anew, so two that began together do not look together for ever.
            if self._stopped.wait(random.uniform(*_LOOK_SECONDS)):  # noqa: S311
                raise RoktIncompleteError("The task was stopped while it waited for another run; nothing was sent.")

    def _tell_of_waiting(self) -> None:
        """Says for whom; what a refusal advises would be too soon, since this run is not refused yet."""
        other = self._kept_out_by
        whom = (
            f"{other.run!r}; if that is dead, its turn ends at {other.until}" if other else "whose turn cannot be read"
        )
        text = f"Waiting at most {self._patience:.0f} s for another run of sync {self._sync!r}, {whom}"
        log_wrapped(log, logging.INFO, text, breaks_words=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._renewal.end()

    @property
    def run(self) -> str:
        """What names the run."""
        return self._run

    def check(self) -> None:
        """Makes sure that it is still this run's turn; cheap enough to be called for every row.

        :raises RoktSyncBusyError: when it is not.
        """
        if self._renewal.lost:
            raise self._renewal.lost
        over_at, over_by_clock = self._over_at
        if self._threads.now() > over_at or self._clock() > over_by_clock:
            raise RoktSyncBusyError(
                f"This machine stood still for more than {SECONDS:.0f} s, so another run of sync {self._sync!r} may be "
                "at work. Nothing more is sent: run this task again"
            )

    def _take(self) -> None:
        # Looked for first: a run that waits must not be seen by the one that it waits for.
        self._require_alone()
        until = self._until()
        self._lease.take()
        try:
            self._require_alone()
        except BaseException:
            self._lease.release()
            raise
        self._over_at = until

    def _require_alone(self) -> None:
        """Makes sure that no other run is at work."""
        for name, holder in self._others():
            if holder.run == self._run:
                continue
            self._kept_out_by = holder
            self._lease_of(name).require_free()
            self._kept_out_by = None
            if holder.expires < self._clock() - ABANDONED_SECONDS:
                self._folder.remove(name)

    def _others(self) -> Iterator[tuple[str, Holder]]:
        with reading(self._folder.uri):
            names = self._folder.names()
        for name in names:
            if name == self._name or is_unfinished(name) or is_beside(name):
                continue
            if holder := self._lease_of(name).holder():
                yield name, holder

    def _renew_once(self) -> None:
        until = self._until()
        self._lease.renew()
        self._require_alone()
        self._over_at = until

    def _until(self) -> tuple[float, float]:
        """Until when a lease that is written now counts, by the clock that never goes back and by the one on the wall,
        which others compare. Where a machine sleeps, the first may stand still with it.
        """
        return self._threads.now() + SECONDS, self._clock() + SECONDS

    def _clock(self) -> float:
        return self._threads.utc().timestamp()

    def _lease_of(self, name: str) -> Lease:
        what = f"sync {self._sync!r}"
        return Lease(self._folder, self._run, what=what, busy=RoktSyncBusyError, name=name, clock=self._clock)
