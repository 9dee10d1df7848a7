"""A run's part in its sync, on a simulated disk; notes for whom the memory spoke."""

from collections.abc import MutableMapping
from hashlib import sha256
from typing import Any

from airflow_provider_rokt.exceptions import RoktDroppedError, RoktIncompleteError, RoktRejectedError
from airflow_provider_rokt.flow.mark import Recall
from airflow_provider_rokt.flow.row import Outcome as Ending
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.syncs.anchor import Anchor
from airflow_provider_rokt.syncs.sync import Sync, Syncs
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from tests.simulation.disk import Disk, MemoryFolder
from tests.simulation.outcome import Outcome
from tests.simulation.plan import Plan
from tests.simulation.scheduler import World

_ID_BYTES = 12
_DAYS = 90


class Remembering:
    """What outlives the processes of one seed.

    :param world: each process's clock and threads.
    """

    def __init__(self, plan: Plan, disk: Disk, world: World) -> None:
        self._plan, self._world = plan, world
        self._syncs = Syncs(MemoryFolder(disk, "_syncs", appends=plan.appends))
        self._sync = self._syncs.sync("rokt_default", "shop.orders")
        self._variables: MutableMapping[str, str] = {}
        self._numbers = {_id(sale.number): sale.number for sale in plan.sales}

    def join(self, run_id: str, try_number: int) -> SyncDelivery:
        """As a run does."""
        sender: dict[str, Any] = {"connection": "rokt_default", "dag_id": "shop", "task_id": "orders"}
        sender |= {"run_id": run_id, "map_index": -1, "try_number": try_number}
        anchor = self._anchor(self._sync) if self._plan.memory == "new" else None
        return SyncDelivery(self._sync, sender, anchor, _DAYS, self._world)

    def recall(self, sync: SyncDelivery, outcome: Outcome) -> Recall:
        """What the sync recalls; an onlooker hears it."""

        def recall(mark: bytes) -> Ending | Skip | None:
            known = sync.recall(mark)
            if known not in (None, Ending.FAILED):
                (outcome.resumed if known is Ending.ACCEPTED else outcome.known).add(self._numbers[mark[:_ID_BYTES]])
            return known

        return recall

    def end(self, sync: SyncDelivery, report: Report) -> None:
        """As a run of conversions does, of which some rows may be rejected."""
        try:
            report.judged(report.rows_read)
        except (RoktIncompleteError, RoktRejectedError, RoktDroppedError):
            return
        try:
            sync.succeeded()
        except Exception as error:
            error.report = report.summary()  # type: ignore[attr-defined]
            raise

    def _anchor(self, sync: Sync) -> Anchor:
        return Anchor(self._variables, sync.key, store=self._syncs.store(), place="memory://", what="the sync")


def _id(number: int) -> bytes:
    return sha256(f"key-{number}".encode()).digest()[:_ID_BYTES]
