"""What a mirror remembers of its list, as ``airflow rokt syncs forget --audience`` takes it away."""

import os
import socket
from argparse import Namespace
from collections.abc import Iterator
from typing import Any, Final, get_args

from airflow_provider_rokt.audiences.guards import Via
from airflow_provider_rokt.audiences.membership_file import STARTED_OVER
from airflow_provider_rokt.commands.known_syncs import KnownSyncs
from airflow_provider_rokt.connection.form import DEFAULT_CONN_ID
from airflow_provider_rokt.exceptions import RoktMemoryError, RoktSettingsError
from airflow_provider_rokt.runs.mirrored_list import MirroredList

_ROADS: Final = get_args(Via)


def memory_problems(arguments: Namespace) -> list[str]:
    """What is wrong with the arguments that name a memory to forget."""
    if (arguments.name is None) == (arguments.audience is None):
        return ["give either the sync's name or --audience"]
    if arguments.via is not None and arguments.audience is None:
        return ["--via is for audiences: add --audience"]
    if arguments.via not in (None, *_ROADS):
        return [f"--via has to be {' or '.join(_ROADS)}"]
    return []


class MirrorMemory:
    """The memory of one mirrored list, here and in Airflow's database.

    :raises RoktSettingsError: where neither knows of it.
    """

    def __init__(self, known: KnownSyncs, arguments: Namespace) -> None:
        connection, via = arguments.rokt_conn_id or DEFAULT_CONN_ID, arguments.via or _ROADS[0]
        self._list = MirroredList(known.ledger, connection, via, arguments.audience)
        self._register = known.register
        self._run = f"airflow rokt syncs forget, process {os.getpid()} on {socket.gethostname()}"
        if not self._list.is_here() and not self._in_database():
            where = f"neither in {self._list.folder.uri} nor in Airflow's database"
            raise RoktSettingsError(self._list.words, [f"nothing is remembered of it, {where}"])

    def require_idle(self) -> None:
        """Makes sure that no run is at work, as far as this machine sees.

        :raises RoktAudienceBusyError: when one is.
        """
        self._list.require_free(self._run)

    def told(self) -> Iterator[str]:
        """What is remembered, and what follows once it is not."""
        here = "A mirror's memory of" if self._list.is_here() else "Nothing is remembered here of"
        yield f"{here} {self._list.words}"
        yield f"in {self._list.folder.uri}"
        yield self._in_database() or "Airflow's database knows of no memory"
        yield f"Once it is forgotten, a memory can begin in this place alone: {STARTED_OVER}"

    def data(self) -> dict[str, Any]:
        """The same for programs."""
        return {
            "audience": self._list.audience,
            "via": self._list.via,
            "connection": self._list.connection,
            "folder": self._list.folder.uri,
            "is_here": self._list.is_here(),
            "database": self._in_database(),
        }

    def remove(self) -> None:
        """Takes it away.

        :raises RoktAudienceBusyError: when a run has begun meanwhile.
        """
        self._list.forget(self._register, self._run)

    def _in_database(self) -> str | None:
        try:
            there = self._list.known(self._register)
        except RoktMemoryError as error:
            return str(error)
        if there is None:
            return None
        if not there.number:
            return f"Airflow's database knows that it was forgotten, in {there.place}"
        return f"Airflow's database knows of memory {there.number} in {there.place}"
