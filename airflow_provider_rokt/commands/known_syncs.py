"""The syncs that a command can name, and what is known of them: in the ledger's folder, and in Airflow's database."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from airflow.models.variable import Variable

from airflow_provider_rokt.connection.form import DEFAULT_CONN_ID
from airflow_provider_rokt.exceptions import RoktMemoryError, RoktSettingsError
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.place import anchor_of, syncs_of
from airflow_provider_rokt.syncs.anchor import Anchor
from airflow_provider_rokt.syncs.sync import Sync
from airflow_provider_rokt.task.register import AirflowVariables

_MOST_NAMES: Final = 10


class KnownSyncs:
    """The syncs of a ledger, and Airflow's database as a command reaches it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._syncs = syncs_of(ledger)
        # A command is no task, so Airflow 3 has nobody whom the variables of tasks could be asked of.
        self.register = AirflowVariables(Variable)

    def all(self) -> list[Sync]:
        """Those that have left something in the ledger's folder, by name."""
        return sorted(self._syncs.all(), key=lambda sync: (sync.name, sync.connection))

    def at(self, connection: str, name: str) -> Sync:
        """The sync of a name over a connection, whether it has run or not."""
        return self._syncs.sync(connection, name)

    def anchor(self, sync: Sync, *, only_reads: bool = False) -> Anchor:
        """What Airflow's database knows of a sync's memory.

        :param only_reads: nothing is to be made in the ledger's folder.
        """
        return anchor_of(self.ledger, sync, self.register, only_reads=only_reads)

    def named(self, name: str, connection: str | None) -> Sync:
        """The sync of a name, also where its folder is lost and only the database knows of it.

        :param connection: needed where syncs of several connections have that name; None for the one that has it.
        :raises RoktSettingsError: where there is none, naming those that are close, or several.
        """
        known = self.all()
        found = [sync for sync in known if sync.name == name and connection in (None, sync.connection)]
        if len(found) > 1:
            over = ", ".join(sync.connection for sync in found)
            raise _unknown(name, f"syncs of several connections have that name: add --rokt-conn-id, one of {over}")
        if found:
            return found[0]
        lost = self.at(connection or DEFAULT_CONN_ID, name)
        if self.in_database(lost, 0):
            return lost
        raise _unknown(
            name,
            f"there is none in {self._syncs.uri}{_others(name, known)}, and Airflow's database knows of none over "
            f"connection {lost.connection!r}" + ("" if connection else ": if it is another, add --rokt-conn-id"),
        )

    def in_database(self, sync: Sync, number: int) -> dict[str, Any] | None:
        """What Airflow's database knows of a sync's memory; None for nothing.

        :param number: of the memory that lies here.
        :returns: ``number``, ``place``, and the ``problem`` for which a run would be refused, or None.
        """
        anchor = self.anchor(sync, only_reads=True)
        try:
            there = anchor.known()
        except RoktMemoryError as error:
            return {"number": None, "place": None, "problem": str(error)}
        if there is None:
            return None
        return {"number": there.number, "place": there.place, "problem": anchor.problem(number)}

    def close_to(self, name: str) -> list[str]:
        """The names of syncs that are much like one."""
        return _close(name, self.all())


def database_lines(there: Mapping[str, Any] | None) -> list[str]:
    """The same in words."""
    if there is None:
        return ["Airflow's database knows of no memory"]
    if there["number"] == 0:
        return [f"Airflow's database knows that it was forgotten, and may begin again in {there['place']}"]
    known = f"Airflow's database knows of memory {there['number']} in {there['place']}"
    return [*([known] if there["place"] else []), *([there["problem"]] if there["problem"] else [])]


def _unknown(name: str, why: str) -> RoktSettingsError:
    return RoktSettingsError(f"the sync {name!r}", [why])


def _others(name: str, known: Sequence[Sync]) -> str:
    names = sorted({sync.name for sync in known})
    if close := _close(name, known):
        return f" (close: {', '.join(map(repr, close))})"
    more = ", …" if len(names) > _MOST_NAMES else ""
    return f" (there is: {', '.join(map(repr, names[:_MOST_NAMES])) or 'none'}{more})"


def _close(name: str, known: Sequence[Sync]) -> list[str]:
    return difflib.get_close_matches(name, sorted({sync.name for sync in known}))
