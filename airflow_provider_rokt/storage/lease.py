"""A right that one run at a time holds, given up by itself when its holder is killed: to change an audience, say."""

import json
import logging
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from airflow_provider_rokt.exceptions import RoktAudienceBusyError, RoktError, RoktStorageError
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import ABANDONED_SECONDS, Folder

log = logging.getLogger(__name__)

LOCK: Final = "lock"
# A killed worker's lease ends by itself after this time; a living one renews it long before. A run that cannot, since
# it waits for its query's first row or for Rokt, loses it only where another one wants the audience meanwhile.
SECONDS: Final = 300.0
_RENEW_AFTER: Final = 0.2
# One small read for this long a stretch of requests, so that a run that was overtaken stops soon.
_CHECK_SECONDS: Final = 3.0
# The end of the year 9999, the last that Python can write.
_LATEST: Final = 253_402_300_799


class Holder(msgspec.Struct):
    """What the file says.

    :param expires: seconds since the epoch.
    """

    run: str
    token: str
    expires: Annotated[float, msgspec.Meta(ge=0, le=_LATEST)]

    @property
    def until(self) -> str:
        """When it ends unless it is renewed, as a time to be read."""
        return datetime.fromtimestamp(self.expires, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class Lease:
    """A lock file that expires.

    Taking it is exclusive where the store can create a file exclusively. Where it cannot, two runs that start
    within the same moment may both believe to hold it until one of them checks: what is remembered stays right, as
    the one that lost it cannot commit.

    :param folder: the folder to lock.
    :param what: is locked, in words.
    :param busy: the error for what another run holds; a retry helps.
    :param name: of the file.
    :param run: names the holder. A retry of the same task instance has the same name and takes its lease over.
    :param seconds: how long the lease lasts unless it is renewed.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self,
        folder: Folder,
        run: str,
        *,
        what: str = "audience",
        busy: type[RoktError] = RoktAudienceBusyError,
        name: str = LOCK,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._what = what
        self._busy = busy
        self._name = name
        self._run = run
        self._seconds = seconds
        self._clock = clock
        self._renew_at = 0.0
        self._check_at = 0.0
        self.token = secrets.token_hex(8)

    def take(self) -> bool:
        """Takes it, unless another run holds it, and tidies what killed ones left unfinished in the folder.

        :returns: whether it was taken over from a run that did not give it back. That one was killed, or it hangs, and
            what it has on its way may still arrive.
        :raises RoktError: the one given, when another run holds it.
        :raises RoktStorageError: when the storage fails, as all that is asked of a lease does then.
        """
        try:
            self._folder.create(self._name, self._content())
            taken_over = False
        except FileExistsError:
            self.require_free()
            self._write()
            taken_over = True
        self.check()
        self._folder.tidy(self._clock() - ABANDONED_SECONDS)
        return taken_over

    def keep(self) -> None:
        """Checks and renews it when that is due; cheap enough to be called for every request.

        :raises RoktError: the one given, when it was lost: another run took it over.
        """
        now = self._clock()
        if now >= min(self._check_at, self._renew_at):
            self.check()
            if now >= self._renew_at:
                self._write()

    def renew(self) -> None:
        """Checks and renews it.

        :raises RoktError: as :meth:`keep` does.
        """
        self.check()
        self._write()

    def check(self) -> None:
        """Makes sure that it is still held.

        :raises RoktError: the one given, when it was lost.
        """
        holder = self.holder()
        if holder is None or holder.token != self.token:
            what = f"{holder.run!r} took it over" if holder else "it is gone, as after a run that took it over"
            raise self._busy(
                f"This run no longer holds {self._folder.uri}/{self._name}: {what}. It makes no further requests and "
                "remembers nothing. Those on their way may still reach Rokt, so a run that takes over has the next "
                "one send all that it changed once more."
            )
        self._check_at = self._clock() + _CHECK_SECONDS

    def release(self) -> None:
        """Gives it back, if it is still held. Never an error: it ends by itself, and what a run raised goes first."""
        try:
            holder = self.holder()
            if holder and holder.token == self.token:
                self._folder.remove(self._name)
        except self._busy:
            pass
        except RoktStorageError as error:
            # What else the error advises is not to be done: nobody waits for it but the next run.
            log.warning("The %s is not given back, it is free in %.0f s: %s", self._what, self._seconds, error.failure)

    def require_free(self) -> None:
        """Makes sure that no other run holds it.

        :raises RoktError: the one given, when one does, or when that cannot be told.
        """
        holder = self.at_work()
        if holder is None or holder.run == self._run:
            return
        raise self._busy(
            f"The {self._what} is being changed by another run, {holder.run!r}; nothing was sent. Run this task "
            f"again after it. If that run is dead, the {self._what} is free from {holder.until} on."
        )

    def _write(self) -> None:
        self._folder.write(self._name, [self._content()])

    def _content(self) -> bytes:
        now = self._clock()
        self._renew_at = now + self._seconds * _RENEW_AFTER
        return json.dumps({"run": self._run, "token": self.token, "expires": now + self._seconds}).encode("ascii")

    def at_work(self) -> Holder | None:
        """Who holds it now; None for nobody, as where it was not given back and has ended by itself.

        :raises RoktError: as :meth:`holder` does.
        """
        holder = self.holder()
        return holder if holder and holder.expires > self._clock() else None

    def holder(self) -> Holder | None:
        """Who holds it, or held it last; None where there is no file.

        :raises RoktError: the one given, when it cannot be understood. Taken for free, two runs could hold it at
            once.
        """
        with reading(f"{self._folder.uri}/{self._name}"):
            try:
                with self._folder.read(self._name) as file:
                    content = file.read()
            except FileNotFoundError:
                return None
        try:
            return msgspec.json.decode(content, type=Holder)
        except ValueError:
            raise self._busy(
                f"{self._folder.uri}/{self._name} cannot be read, so another run may be changing the {self._what}; "
                "nothing was sent. Run this task again; if this stays so and no other run is under way, delete "
                "that file."
            ) from None
