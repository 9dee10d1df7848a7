"""Rows as a sync remembers them, and the trails that deliveries of them leave."""

from collections.abc import Iterable

from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.syncs.trails import DONE, Trail, TrailName, TrailWriter

RUN = "0123456789ab"
SENDER = {"connection": "rokt_default", "dag_id": "shop", "task_id": "orders", "run_id": "monday"}


def marks(numbers: Iterable[int], content: int = 1) -> bytes:
    """The marks of orders, end to end."""
    return b"".join(mark(f"order-{number}", content) for number in numbers)


def leave(folder: Folder, name: TrailName, held: bytes, *, done: bool = True) -> Trail:
    """A trail with these marks."""
    writer = TrailWriter(folder, name, "delivery", SENDER, b"salt")
    writer.write(held)
    writer.close()
    if done:
        writer.trail.note(DONE)
    return writer.trail


def listed(folder: Folder) -> list[Trail]:
    """The trails in a sync's folder."""
    names = [name for name in map(TrailName.read, folder.names()) if name]
    return [Trail(folder.folder(str(name)), name) for name in names]
