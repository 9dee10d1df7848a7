"""The right to change an audience: held by one run at a time, given up by itself when its holder is killed."""

import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from airflow_provider_rokt.audiences.membership_file import StateFolder
from airflow_provider_rokt.exceptions import RoktAudienceError

NAME: Final = "lock"
# A killed worker's lease ends by itself after this time; a living one renews it long before.
SECONDS: Final = 1_800.0
_RENEW_AFTER: Final = 0.2


class Lease:
    """A lock file that expires.

    Taking it is exclusive where the store can create a file exclusively. Where it cannot, two runs that start
    within the same moment may both believe to hold it until one of them checks: what is remembered stays right, as
    the one that lost it cannot commit.

    :param folder: the folder to lock.
    :param run: names the holder. A retry of the same task instance has the same name and takes its lease over.
    :param seconds: how long the lease lasts unless it is renewed.
    :param clock: seconds since the epoch.
    """

    def __init__(
        self, folder: StateFolder, run: str, *, seconds: float = SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._run = run
        self._seconds = seconds
        self._clock = clock
        self._renew_at = 0.0
        self.token = secrets.token_hex(8)

    def take(self) -> None:
        """Takes it, unless another run holds it.

        :raises RoktAudienceError: when another run holds it.
        """
        try:
            self._folder.create(NAME, self._content())
        except FileExistsError:
            self._refuse_if_held()
            self._write()
        self.check()

    def keep(self) -> None:
        """Renews it when it is due; cheap enough to be called for every request.

        :raises RoktAudienceError: when it was lost: another run took it over after it had expired.
        """
        if self._clock() >= self._renew_at:
            self.check()
            self._write()

    def check(self) -> None:
        """Makes sure that it is still held.

        :raises RoktAudienceError: when it was lost.
        """
        holder = self._read()
        if holder.get("token") != self.token:
            raise RoktAudienceError(
                f"This run no longer holds {self._folder.uri}/{NAME}: {holder.get('run', 'somebody')!r} took it over "
                "or removed it. Nothing more is sent and nothing is remembered of this run; the next one repairs the "
                "audience."
            )

    def release(self) -> None:
        """Gives it back, if it is still held."""
        if self._read().get("token") == self.token:
            self._folder.remove(NAME)

    def _write(self) -> None:
        self._folder.write(NAME, [self._content()])

    def _content(self) -> bytes:
        now = self._clock()
        self._renew_at = now + self._seconds * _RENEW_AFTER
        return json.dumps({"run": self._run, "token": self.token, "expires": now + self._seconds}).encode("ascii")

    def _read(self) -> dict[str, Any]:
        """What the file says; empty where there is none or none that can be read, as after a kill while it was made."""
        try:
            with self._folder.read(NAME) as file:
                content = json.loads(file.read())
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def _refuse_if_held(self) -> None:
        holder = self._read()
        expires = holder.get("expires", 0.0)
        if holder.get("run", self._run) == self._run or expires <= self._clock():
            return
        until = datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        raise RoktAudienceError(
            f"The audience is being changed by another run, {holder['run']!r}, until {until} at the latest; nothing "
            f"was sent. Run this task again after it. If that run is dead, delete "
            f"{self._folder.uri}/{NAME} to go on at once."
        )
