"""A lease that a thread renews for as long as the process lives, whatever the task waits for."""

import logging
from collections.abc import Callable
from typing import Final

from airflow_provider_rokt.exceptions import RoktError, RoktSyncBusyError
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.threads import Threads
from airflow_provider_rokt.storage.lease import SECONDS, Lease

log = logging.getLogger(__name__)

_RENEW_SECONDS: Final = SECONDS / 5


class Renewal:
    """Renews a lease that is held, until it is given back.

    :param renew: renews it once.
    :param what: is held, in words.
    :ivar lost: why it is not held any more; None while it is.
    """

    def __init__(self, lease: Lease, renew: Callable[[], None], what: str, threads: Threads) -> None:
        self._lease = lease
        self._renew = renew
        self._what = what
        self._threads = threads
        self._over = threads.flag()
        self._renewing = threads.lock()
        self.lost: RoktError | None = None

    def start(self) -> None:
        """Begins to renew it."""
        self._threads.start(self._go, "rokt-turn")

    def end(self) -> None:
        """Gives it back, once."""
        if self._over.is_set():
            return
        self._over.set()
        with self._renewing:
            self._lease.release()

    def give_up(self) -> None:
        """Gives it back where it may not have begun: an alarm may go off between any two lines."""
        self._over.set()
        self._lease.release()

    def _go(self) -> None:
        while not self._over.wait(_RENEW_SECONDS):
            with self._renewing:
                if self._over.is_set():
                    return
                try:
                    self._renew()
                except RoktSyncBusyError as error:
                    self.lost = error
                    return
                except RoktError as error:
                    text = f"The {self._what} could not be renewed: {error}"
                    log_wrapped(log, logging.WARNING, text, breaks_words=False)
