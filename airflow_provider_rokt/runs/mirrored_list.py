"""A list at Rokt that a mirror keeps: where it is remembered, what Airflow's database knows of that, and its end."""

from dataclasses import dataclass
from typing import Final

from airflow_provider_rokt.audiences.guards import Via
from airflow_provider_rokt.audiences.membership_file import STARTED_OVER
from airflow_provider_rokt.audiences.mirror_files import forget_command
from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.place import syncs_of
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import Folder, digest_name
from airflow_provider_rokt.storage.lease import Holder, Lease
from airflow_provider_rokt.syncs.anchor import RESTORE, Anchor, Known, Register

# Beside the lists lies which one a task mirrors.
TASKS: Final = "tasks"


@dataclass(frozen=True)
class MirroredList:
    """One list: the two roads lead to two lists at Rokt, so each has a memory of its own.

    :param ledger: beside which it is remembered.
    :param connection: the id of the connection to Rokt.
    """

    ledger: Ledger
    connection: str
    via: Via
    audience: str

    @property
    def folder(self) -> Folder:
        """Where it is remembered."""
        return memories(self.ledger).folder(self._digest)

    @property
    def words(self) -> str:
        """What it is called."""
        return f"audience {self.audience!r} (via={self.via!r}, connection {self.connection!r})"

    @property
    def start_over(self) -> str:
        """The command that forgets it."""
        return forget_command({"audience": self.audience, "via": self.via, "connection": self.connection})

    def at_work(self) -> Holder | None:
        """Who is changing it now; None for nobody. A RoktAudienceBusyError where that cannot be told."""
        return Lease(self.folder, "").at_work()

    def is_here(self) -> bool:
        """Whether anything of it is remembered, as this machine sees it."""
        with reading(self.folder.uri):
            return bool(self.folder.names())

    def known(self, register: Register) -> Known | None:
        """What Airflow's database knows of its memory.

        :raises RoktMemoryError: where somebody changed it by hand.
        """
        return self._anchor(register, "").known()

    def require_free(self, run: str) -> None:
        """Makes sure that no run is changing the audience.

        :param run: names who asks.
        :raises RoktAudienceBusyError: when one is.
        """
        MirrorState(self.folder, {}, run).require_free()

    def check(self, register: Register | None, number: int) -> None:
        """Makes sure that what is remembered here is the newest there is; leaves nothing, as a preview wants it.

        :param register: texts in Airflow's own database; None outside of a task, where nothing can be known.
        :param number: of the memory that lies here; 0 for none.
        :raises RoktMemoryError: where it is missing, older than it was, or in another place.
        """
        if register is not None:
            self._anchor(register, syncs_of(self.ledger).known_store()).check(number)

    def note(self, register: Register | None, number: int) -> None:
        """Tells the database how far the memory has come; to be called before anything is sent.

        :raises RoktMemoryError: where a newer one has begun in another place meanwhile.
        """
        if register is not None:
            self._anchor(register, syncs_of(self.ledger).store()).note(number)

    def forget(self, register: Register | None, run: str) -> None:
        """Takes its memory away, here and in Airflow's database; the list at Rokt stays as it is.

        :param register: texts in Airflow's own database.
        :param run: names who does it.
        :raises RoktAudienceBusyError: when a run is changing the audience.
        :raises RoktStorageError: when something of the memory stays; the database knows of it as before then.
        """
        # The files first: where they cannot be removed, a memory that was refused is refused still.
        MirrorState(self.folder, {}, run).forget()
        if register is not None:
            self._anchor(register, syncs_of(self.ledger).store()).restart()

    def _anchor(self, register: Register, store: str) -> Anchor:
        return Anchor(
            register,
            f"rokt_mirror_{self._digest}",
            store=store,
            place=self.ledger.uri,
            what=self.words,
            way_out=f"{RESTORE} To start over on purpose: {self.start_over}; {STARTED_OVER}",
        )

    @property
    def _digest(self) -> str:
        return digest_name(self.connection, self.via, self.audience)


def memories(ledger: Ledger) -> Folder:
    """The memories of all mirrored lists; they lie beside the deliveries, where nobody looks for one."""
    return ledger.beside("_audiences")


def remembered_lists(ledger: Ledger) -> list[Folder]:
    """A folder for each list that is remembered, or whose first run has begun."""
    folder = memories(ledger)
    with reading(folder.uri):
        return [folder.folder(name) for name in folder.names() if name != TASKS]
