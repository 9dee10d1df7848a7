"""A mirror's memory: where it is kept, and which list at Rokt it is of."""

import logging
import os
import secrets
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from airflow_provider_rokt.audiences.mirror_files import MappedPart
from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.connection.settings import RoktSettings
from airflow_provider_rokt.exceptions import RoktAudienceError
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.runs.mirrored_list import TASKS, MirroredList, memories
from airflow_provider_rokt.runs.options import AudienceOptions
from airflow_provider_rokt.runs.place import Place
from airflow_provider_rokt.storage.folder import ABANDONED_SECONDS, digest_name

log = logging.getLogger(__name__)

_NOTES_READ: Final = 200


def open_memory(place: Place, options: AudienceOptions) -> MirrorState:
    """The memory of the mirror that a task or a call keeps."""
    mirrored = MirroredList(place.ledger, place.settings.conn_id, options.via, options.audience)
    return MirrorState(
        mirrored.folder,
        _settings_of(place.settings, options),
        _run_name(place.sender),
        owner=place.sync_name(options.sync),
        part=_part_of(place.sender),
        check=partial(mirrored.check, place.register),
        note=partial(mirrored.note, place.register),
    )


class TaskNote:
    """Which audience a task mirrors: renamed, the list it left would stay at Rokt as it is.

    The other way round, which sync mirrors a list, is in the list's own memory.

    Not for mapped tasks, whose places in the map may stand for other audiences tomorrow; nor outside of a task.
    """

    def __init__(self, place: Place, audience: str) -> None:
        sender = place.sender
        self._audience = audience
        self._folder = memories(place.ledger).folder(TASKS)
        self._task = (str(sender["dag_id"]), str(sender["task_id"])) if sender.get("map_index", 0) == -1 else None

    def check(self) -> None:
        """Makes sure that the task did not mirror another audience.

        :raises RoktAudienceError: when it did.
        """
        if self._task is None:
            return
        folder, name = self._folder, digest_name(*self._task)
        try:
            with folder.read(name) as file:
                before = file.read().decode()
        except FileNotFoundError:
            self._warn_of_twins()
            return
        if before != self._audience:
            raise RoktAudienceError(
                f"Task {self._task[1]!r} mirrored the audience {before!r} so far; nothing was sent. Mirroring "
                f"{self._audience!r} would leave {before!r} as it is at Rokt: give the other audience a task of its "
                f"own, or delete {folder.uri}/{name} if that is meant."
            )

    def _warn_of_twins(self) -> None:
        """Says once where another task mirrors an audience whose name differs by case alone."""
        for other in self._others():
            if other != self._audience and other.casefold() == self._audience.casefold():
                text = (
                    f"Another task mirrors the audience {other!r}, whose name differs from {self._audience!r} by case "
                    "alone: whether Rokt tells the two apart is not published"
                )
                log_wrapped(log, logging.WARNING, text)
                return

    def _others(self) -> Iterator[str]:
        """What other tasks mirror. It only serves a warning, so a note that cannot be read ends no run."""
        names: list[str] = []
        with suppress(Exception):
            names = self._folder.names()
        for name in names[:_NOTES_READ]:
            with suppress(Exception), self._folder.read(name) as file:
                yield file.read().decode()

    def write(self) -> None:
        """Remembers it, once a run was confirmed: a name that never worked binds nobody."""
        if self._task is not None:
            self._folder.tidy(time.time() - ABANDONED_SECONDS)
            with suppress(FileExistsError):
                self._folder.create(digest_name(*self._task), self._audience.encode())


def _settings_of(settings: RoktSettings, options: AudienceOptions) -> dict[str, str | bool]:
    """What tells the list at Rokt from any other: remembered of one, another would be told nothing.

    No credentials: they are rotated, and the list stays. So where a key alone names the account, as with v1.0 of the
    import and with events, nobody here can see that it was exchanged for another account's.
    """
    kept: dict[str, str | bool] = {
        "connection": settings.conn_id,
        "via": options.via,
        "audience": options.audience,
        "hash_emails": options.hash_emails,
    }
    if options.via == "import":
        return {**kept, "address": settings.addresses.audience, "account_id": settings.account_id or ""}
    return {**kept, "address": settings.addresses.events, "environment": options.environment, "flag": options.flag}


def _part_of(sender: Mapping[str, Any]) -> MappedPart | None:
    """None for what is not sent by a mapped task."""
    index = sender.get("map_index", -1)
    run = (str(sender.get(name)) for name in ("dag_id", "task_id", "run_id"))
    return MappedPart("/".join(run), index) if index >= 0 else None


def _run_name(sender: Mapping[str, Any]) -> str:
    """The same for every try of a task instance, and for nothing else; named to whom it keeps out."""
    if "task_id" not in sender:
        return f"process {os.getpid()} on {socket.gethostname()}, {secrets.token_hex(4)}"
    return "/".join(str(sender[name]) for name in ("dag_id", "task_id", "run_id", "map_index"))
