"""Where a run takes place: what it needs of the connection, of the task and of Airflow's configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.connection.settings import RoktSettings
from airflow_provider_rokt.flow.request import Surface
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.syncs.anchor import RESTORE, Anchor, Register
from airflow_provider_rokt.syncs.sync import Sync, Syncs
from airflow_provider_rokt.turns.uses import RoktAccount


@dataclass(frozen=True)
class Place:
    """Where a run takes place.

    :param connect: makes a client with so many connections, for the run to close.
    :param sender: the task and its connection, as the ledger names them.
    :param retry_seconds: how long one request is tried.
    :param register: texts in Airflow's own database; None outside of a task.
    :param pacers: of earlier runs through the same hook: one that follows at once need not begin slowly again.
    """

    settings: RoktSettings
    connect: Callable[[int], RoktClient]
    ledger: Ledger
    sender: Mapping[str, Any]
    retry_seconds: float
    register: Register | None = field(default=None, compare=False)
    pacers: dict[tuple[Surface, int, float], Pacer] = field(default_factory=dict, compare=False)

    def pacer(self, surface: Surface, concurrency: int) -> Pacer:
        """The pace of a run."""
        rate = self.settings.batches_per_second
        pacer = self.pacers.get((surface, concurrency, rate))
        if pacer is None or not pacer.is_warm:
            # Rokt limits batches of events; one request carries a whole list's members, and is none of them.
            pacer = Pacer(rate, concurrency=concurrency, ramps=surface is Surface.EVENTS)
            self.pacers[surface, concurrency, rate] = pacer
        return pacer

    def sync_name(self, given: str | None) -> str | None:
        """The name of a run's sync; None for what is sent outside of a task and names none.

        :param given: by the argument ``sync``.
        """
        if given is None and "task_id" in self.sender:
            return f"{self.sender['dag_id']}.{self.sender['task_id']}"
        return given

    def sync(self, given: str | None) -> Sync:
        """The sync of a run. Calls that name none share one without a name."""
        return syncs_of(self.ledger).sync(self.settings.conn_id, self.sync_name(given) or "")

    def account(self, surface: Surface) -> RoktAccount:
        """Where a run's rows go."""
        return RoktAccount(surface.name, self.settings.addresses.base(surface), self.settings.account_id or "")

    def anchor(self, sync: Sync) -> Anchor:
        """What holds a sync's memory to what Airflow's database knows of it."""
        return anchor_of(self.ledger, sync, self.register)


def syncs_of(ledger: Ledger) -> Syncs:
    """The syncs whose deliveries are in a ledger; they lie beside them, where nobody looks for one."""
    return Syncs(ledger.beside("_syncs"))


def anchor_of(ledger: Ledger, sync: Sync, register: Register | None, *, only_reads: bool = False) -> Anchor:
    """What holds a sync's memory to what Airflow's database knows of it.

    :param only_reads: leave a ledger as it is that has no store yet.
    """
    syncs = syncs_of(ledger)
    store = syncs.known_store() if only_reads else syncs.store()
    way_out = f"{RESTORE} To start over on purpose: {sync.start_over}"
    return Anchor(register, f"rokt_{sync.key}", store=store, place=ledger.uri, what=sync.words, way_out=way_out)
