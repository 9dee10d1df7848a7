"""Writes what a release remembers: ``python -m tests.syncs.golden.writing tests/syncs/golden/<release>``.

A folder like ``[rokt] ledger_path`` with a sync in it, and what Airflow's database knows of that, as ``register.json``.
It is made once, by the release itself, and never changed afterwards: later ones must read it.
"""

import json
import shutil
import socket
import sys
from pathlib import Path

from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.place import anchor_of, syncs_of
from airflow_provider_rokt.syncs.memory import fold
from airflow_provider_rokt.syncs.sync import today
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery

CONNECTION, NAME = "rokt_default", "shop.orders"
FOLDED = range(8)
IN_TRAIL = 8
ONLY_ITS_ID = 9
FAILED = 10


def delivery(root: Path, register: dict[str, str], run_id: str, *, part: int = -1) -> SyncDelivery:
    """One delivery of the sync, which remembers whatever was sent since 1970."""
    ledger = Ledger(root)
    sync = syncs_of(ledger).sync(CONNECTION, NAME)
    sender = {"connection": CONNECTION, "dag_id": "shop", "task_id": "orders", "run_id": run_id, "map_index": part}
    return SyncDelivery(sync, {**sender, "try_number": 1}, anchor_of(ledger, sync, register), today())


def order(number: int, content: int = 1) -> bytes:
    """The mark of an order."""
    return mark(f"order-{number}", content)


def run(
    root: Path, register: dict[str, str], run_id: str, marks: bytes, *, part: int = -1, succeeds: bool = True
) -> None:
    """A delivery with these rows accepted."""
    with delivery(root, register, run_id, part=part) as one:
        one.begin(f"delivery-{run_id}")
        one.remember(marks)
        if succeeds:
            one.succeeded()


def main() -> None:
    """Writes it."""
    root, register = Path(sys.argv[1]).absolute(), dict[str, str]()
    for number in FOLDED:
        run(root, register, f"run {number}", order(number))
    sync = syncs_of(Ledger(root)).sync(CONNECTION, NAME)
    assert fold(sync.folder, [], sync.contents().trails, "run", 0)
    run(root, register, "run 8", order(IN_TRAIL), part=3)
    run(root, register, "run 9", order(ONLY_ITS_ID, 0))
    run(root, register, "run 10", order(FAILED), succeeds=False)
    place = f"{root.as_uri()} of {socket.gethostname()}"
    (root / "register.json").write_text(json.dumps(register, indent=1).replace(place, "file:///srv/ledger of worker"))
    shutil.rmtree(root / "_syncs" / sync.key / "turns", ignore_errors=True)


if __name__ == "__main__":
    main()
