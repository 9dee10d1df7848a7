"""Writes what a release leaves behind: ``python -m tests.ledger.golden.writing tests/ledger/golden/<release>``.

A folder like ``[rokt] ledger_path`` with three deliveries in it, and a mirror's memory. It is made once, by the release
itself, and never changed afterwards: later ones must read it.
"""

import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.connection.settings import read_settings
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.audience_memory import TaskNote, open_memory
from airflow_provider_rokt.runs.options import AudienceOptions
from airflow_provider_rokt.runs.place import Place
from tests.audiences.people import ListAtRokt, address, plan_of, requests_of

COMPLETE = "20260101T000000Z-000000000001"
STOPPED = "20260102T000000Z-000000000002"
KILLED = "20260103T000000Z-000000000003"
# Where the report says that it lies.
ELSEWHERE = "file:///srv/airflow/rokt_ledger"
OPTIONS = AudienceOptions(audience="vip", mode="mirror")


def orders() -> list[dict[str, object]]:
    """Nine conversions: one has no id, one no e-mail address, one a phone number that is none, one comes twice."""
    at = int(time.time() * 1000)
    rows: list[dict[str, object]] = [
        {"source_message_id": f"order-{n}", "email": f"jane{n}@example.com", "at": at - n, "mobile": "2025550123"}
        for n in range(1, 9)
    ]
    rows[2]["source_message_id"] = None
    rows[4]["email"] = "nobody"
    rows[5]["mobile"] = "07"
    return [*rows, dict(rows[0])]


MAPPING = {
    "user_identities.email": "email",
    "user_attributes.mobile": "mobile",
    "events[].data.source_message_id": "source_message_id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
}


def place(root: Path) -> Place:
    """A task that mirrors with a connection to Rokt itself; nothing is sent."""
    extra = {"audience_api_key": "key"}
    settings = read_settings("rokt_default", login="key", password="secret", host=None, extra=extra)
    sender = {"dag_id": "crm", "task_id": "vip", "run_id": "r1", "map_index": -1, "try_number": 1}

    def nobody(connections: int) -> None:
        raise AssertionError("nothing is sent here")

    return Place(settings, nobody, Ledger(root), sender, 1.0)  # type: ignore[arg-type]


def mirror(root: Path, people: Iterable[int], rokt: ListAtRokt) -> dict[str, int]:
    """One run of a mirror, with nothing but its memory; whom it added, removed and left alone."""
    note = TaskNote(place(root), "vip")
    note.check()
    state: MirrorState = open_memory(place(root), OPTIONS)
    with state:
        plan, _ = plan_of(map(address, people), remembered=state.remembered())
        with plan:
            state.begin(plan)
            for request in requests_of(plan.changes()):
                rokt.take(request)
            state.commit(plan)
            counts = plan.counts
    note.write()
    return {"added": counts.added, "removed": counts.removed, "unchanged": counts.unchanged}


def _deliver(root: Path) -> None:
    from airflow_provider_rokt.hooks.rokt import RoktHook
    from airflow_provider_rokt.sandbox import Sandbox
    from airflow_provider_rokt.sandbox.faults import Refuse, Status

    os.environ["AIRFLOW__ROKT__LEDGER_PATH"] = str(root)
    os.environ["AIRFLOW__ROKT__RETRY_SECONDS"] = "0.01"
    with Sandbox() as sandbox:
        os.environ["AIRFLOW_CONN_ROKT_DEFAULT"] = json.dumps(sandbox.connection("v1"))
        sandbox.faults.add(Refuse(message_ids={"order-2"}))
        first = RoktHook().send_conversions(orders(), MAPPING, max_rejected=1.0, max_dropped=1.0, group_by_user=False)
        sandbox.faults.add(Status(status=503))

        def stopped() -> Iterable[dict[str, object]]:
            yield from orders()
            raise KeyboardInterrupt

        try:
            RoktHook().send_conversions(stopped(), MAPPING, fetch_size=5)
        except KeyboardInterrupt:
            (second,) = {one.delivery_id for one in Ledger(root).deliveries(9)} - {first["delivery_id"]}
    for made, name in ((first["delivery_id"], COMPLETE), (second, STOPPED)):
        (folder,) = root.glob(f"*/{made}")
        for file in folder.iterdir():
            file.write_text(
                file.read_text()
                .replace(f"{made[:8]}/{made}", f"{name[:8]}/{name}")
                .replace(made, name)
                .replace(root.as_uri(), ELSEWHERE)
            )
        (root / name[:8]).mkdir()
        folder.rename(root / name[:8] / name)
    folder.parent.rmdir()
    Ledger(root).begin("conversions", {"connection": "rokt_default"}, {}, KILLED)


def main() -> None:
    """Writes it."""
    root = Path(sys.argv[1]).absolute()
    root.mkdir(parents=True)
    _deliver(root)
    mirror(root, range(10), ListAtRokt())


if __name__ == "__main__":
    main()
