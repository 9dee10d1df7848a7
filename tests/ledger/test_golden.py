"""What every release left behind is read by this one: its ledgers, and its mirrors' memories."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from airflow_provider_rokt.exceptions import RoktAudienceError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.ledger.batch_status import BatchStatus
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.audience_memory import TaskNote
from airflow_provider_rokt.task.failures import RoktTaskFailed
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator
from tests.audiences.people import ListAtRokt, address, hashed
from tests.ledger.golden.writing import COMPLETE, ELSEWHERE, KILLED, MAPPING, STOPPED, mirror, orders, place

RELEASES = sorted(path.name for path in Path(__file__).with_name("golden").iterdir() if [*path.rglob(COMPLETE)])


@pytest.fixture(params=RELEASES)
def root(request, tmp_path, monkeypatch) -> Path:
    """A copy of what a release left, as the ledger that is configured."""
    copy = tmp_path / "ledger"
    shutil.copytree(Path(__file__).with_name("golden") / request.param, copy)
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(copy))
    return copy


def people(numbers):
    return {hashed(address(number)) for number in numbers}


def test_the_first_release_is_among_them():
    assert "1.0.0" in RELEASES


def test_deliveries_are_listed(root, rokt_cli):
    status, out, err = rokt_cli("deliveries", "list", "-o", "json")
    assert (status, err) == (0, "")
    assert [
        (entry["delivery_id"], entry["state"], entry["read"], entry["accepted"], entry["rejected"], entry["failed"])
        for entry in json.loads(out)
    ] == [
        (KILLED, "running", None, None, None, None),
        (STOPPED, "incomplete", 5, 0, 2, 3),
        (COMPLETE, "complete", 9, 5, 3, 0),
    ]


def test_a_delivery_is_shown(root, rokt_cli):
    shown = json.loads(rokt_cli("deliveries", "show", f"{ELSEWHERE}/{COMPLETE}", "-o", "json")[1])
    assert (shown["state"], shown["damage"], shown["operation"]) == ("complete", [], "conversions")
    assert [(row["number"], row["key"], row["outcome"]) for row in shown["rows"]] == [
        (3, "row 3", "rejected"),
        (5, "order-5", "rejected"),
        (2, "order-2", "rejected"),
    ]
    assert [(one["outcome"], one["batches"]) for one in shown["batches"]] == [("accepted", 5), ("rejected", 1)]
    assert shown["report"]["dropped"] == {"user_attributes.mobile": 1}
    assert "order-5 (row 5): user_identities.email" in rokt_cli("deliveries", "show", COMPLETE)[1]


def test_its_batches_have_their_status(root):
    ledger = Ledger(root)
    status = BatchStatus.of(ledger.open(delivery) for delivery in (COMPLETE, STOPPED))
    assert (status.batches, dict(status.status_codes), status.rows_rejected) == (6, {"202": 6}, 5)
    status.check(max_rejected=5, max_failed=3)


def test_its_outcomes_go_into_a_database(root, tmp_path, monkeypatch):
    path = tmp_path / "warehouse.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    deliveries = [f"{ELSEWHERE}/{COMPLETE}", STOPPED]
    RoktDeliveryToSqlOperator(task_id="t", delivery=deliveries, sql_conn_id="lite").execute({})
    with sqlite3.connect(path) as warehouse:
        counted = warehouse.execute(
            "SELECT state, rows_read, rows_rejected, rows_failed, values_dropped FROM rokt_deliveries ORDER BY 1"
        ).fetchall()
        rows = warehouse.execute(
            "SELECT row_key, outcome, path FROM rokt_rows WHERE delivery_id = ? ORDER BY row_place", [COMPLETE]
        ).fetchall()
    assert counted == [("complete", 9, 3, 0, 1), ("incomplete", 5, 2, 3, 0)]
    assert [(key, outcome) for key, outcome, _ in rows] == [
        ("order-2", "rejected"),
        ("row 3", "rejected"),
        ("order-5", "rejected"),
        ("order-6", "dropped"),
    ]
    assert rows[-1][2] == "user_attributes.mobile"


def test_what_was_not_delivered_is_resent(sandbox, rokt, root):
    rows = orders()
    rows[2]["source_message_id"] = "order-3"
    rows[4]["email"] = "jane5@example.com"
    result = RoktHook().send_conversions(rows, MAPPING, resend_from=COMPLETE)
    assert (result["rows_accepted"], result["rows_skipped"]) == (3, 6)
    sent = [event["data"]["source_message_id"] for one in sandbox.store.documents for event in one["events"]]
    assert sorted(sent) == ["order-2", "order-3", "order-5"]
    for unfinished in (STOPPED, KILLED):
        with pytest.raises(RoktTaskFailed, match="without resend_from"):
            RoktHook().send_conversions(rows, MAPPING, resend_from=unfinished)


def test_a_mirror_goes_on_from_its_memory(root):
    list_at_rokt = ListAtRokt()
    list_at_rokt.members = people(range(10))
    assert mirror(root, range(5, 15), list_at_rokt) == {"added": 5, "removed": 5, "unchanged": 5}
    assert list_at_rokt.members == people(range(5, 15))
    assert mirror(root, range(5, 15), list_at_rokt) == {"added": 0, "removed": 0, "unchanged": 10}


def test_the_task_of_a_mirror_is_known(root):
    with pytest.raises(RoktAudienceError, match="mirrored the audience 'vip' so far"):
        TaskNote(place(root), "another").check()
