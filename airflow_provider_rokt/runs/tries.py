"""The tries of one task instance: what one of them sends again must be the same request at Rokt, until one succeeds.

Rokt drops a batch whose ``source_request_id`` it knows, for 30 days or more (mParticle). That makes a retry harmless,
and would make a deliberate second run of a task that succeeded send nothing at all. So the ids carry a salt that the
tries share, kept beside the ledger, and that the one which succeeds takes away. So does one that Rokt refuses
something: nobody has published whether a refused batch's id is noted, and a retry under it might be dropped without a
word. Its events' own ids then tell Rokt what it has.
"""

import secrets
from collections.abc import Mapping
from typing import Any, Final

from airflow_provider_rokt.storage.folder import Folder, digest_name

_SALT_BYTES: Final = 16
_NAMES: Final = ("dag_id", "task_id", "run_id", "map_index", "connection")


class Tries:
    """The tries of one task instance; outside of a task, those of a connection.

    :param folder: for all of them; shared by the workers, or a try on another one has a salt of its own. Rokt then
        recognises what it took by the events' ids alone.
    :param sender: the task and the connection, as the ledger names them.
    """

    def __init__(self, folder: Folder, sender: Mapping[str, Any]) -> None:
        self._name = digest_name(*[str(sender.get(name)) for name in _NAMES])
        self._folder = folder
        self._kept_here = False

    def salt(self) -> bytes:
        """That of the tries since the last one that succeeded; this one begins with it."""
        salt = secrets.token_hex(_SALT_BYTES).encode()
        self._kept_here = True
        try:
            self._folder.create(self._name, salt)
        except FileExistsError:
            return self._kept() or salt
        return salt

    def end(self) -> None:
        """What is sent by further tries is meant to arrive, or has to: they begin with a salt of their own."""
        if self._kept_here:
            self._folder.remove(self._name)
            self._kept_here = False

    def _kept(self) -> bytes:
        try:
            with self._folder.read(self._name) as file:
                return file.read(2 * _SALT_BYTES)
        except FileNotFoundError:
            # A try beside this one succeeded at this moment.
            return b""
