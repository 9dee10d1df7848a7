"""Workers of a real Airflow, a process for each run: one database for all of them, and a disk each, or one folder."""

import json
import shutil
from collections import Counter
from datetime import UTC, datetime

import pytest

from tests.audiences.people import address, hashed
from tests.runs.killable import Running, run_undated

pytestmark = pytest.mark.slow

TASKS = {"mirror": 1, "mirrors": 2, "send": 1, "parts": 2}


@pytest.fixture
def run(sandbox, rokt, shop, airflow_db, tmp_path, monkeypatch):
    """Runs the DAG on a worker with this ledger; gives why its tasks failed, by task."""
    _forget_all()

    def run(ledger_path, orders):
        now = int(datetime.now(UTC).timestamp() * 1000)
        shop(
            [
                {
                    "source_message_id": f"o{number}",
                    "email": address(number),
                    "timestamp_unixtime_ms": now,
                    "conversiontype": "purchase",
                }
                for number in orders
            ]
        )
        failures = tmp_path / "failures"
        failures.write_text("")
        monkeypatch.setenv("FAILURES", str(failures))
        monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(ledger_path))
        with Running(run_undated, "remembering") as running:
            running.until_said("ends")
            running.ends()
        found: dict[str, list[str]] = {}
        for line in failures.read_text().splitlines():
            task_id, text = json.loads(line)
            found.setdefault(task_id, []).append(text)
        return found

    yield run
    _forget_all()


def _forget_all():
    """Airflow's database is that of all tests."""
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    with create_session() as session:
        session.query(Variable).filter(Variable.key.like("rokt%")).delete(synchronize_session=False)


def is_right(sandbox, orders, ever):
    """Every list is the query's result, and every order that there ever was has come once."""
    people = {hashed(address(number)) for number in orders}
    assert sandbox.store.audiences == dict.fromkeys(("one", "first", "second"), people)
    ids = Counter(event["data"]["source_message_id"] for event in sandbox.store.events)
    assert ids == Counter([f"{part}o{number}" for number in ever for part in ("", "p")])


def all_refused(sandbox, failures, says, sent):
    """Every task says this, and nothing was sent since."""
    assert {task_id: len(texts) for task_id, texts in failures.items()} == TASKS
    for text in [text for texts in failures.values() for text in texts]:
        assert says in text
        assert "airflow rokt syncs forget" in text
    assert len(sandbox.store.requests) == sent


def test_workers_that_share_no_disk(run, sandbox, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    assert run(a, range(3)) == {}
    sent = len(sandbox.store.requests)
    all_refused(sandbox, run(b, range(1, 5)), "nothing is remembered in", sent)
    assert run(a, range(1, 5)) == {}
    is_right(sandbox, range(1, 5), range(5))


def test_workers_that_share_a_folder_until_it_is_lost(run, sandbox, tmp_path):
    ledger, backup = tmp_path / "shared", tmp_path / "backup"
    assert run(ledger, range(3)) == {}
    shutil.copytree(ledger, backup)
    assert run(ledger, range(1, 5)) == {}
    is_right(sandbox, range(1, 5), range(5))
    sent = len(sandbox.store.requests)
    shutil.move(ledger, tmp_path / "away")
    all_refused(sandbox, run(ledger, range(2, 6)), "nothing is remembered in", sent)
    shutil.rmtree(ledger)
    shutil.copytree(backup, ledger)
    all_refused(sandbox, run(ledger, range(2, 6)), "is an older one (1, it had come to 2)", sent)
    for memory in ("_audiences", "_syncs"):
        for folder in (ledger / memory).iterdir():
            if folder.is_dir():
                shutil.rmtree(folder)
    all_refused(sandbox, run(ledger, range(2, 6)), "its memory is gone from", sent)
    shutil.rmtree(ledger)
    shutil.move(tmp_path / "away", ledger)
    assert run(ledger, range(2, 6)) == {}
    is_right(sandbox, range(2, 6), range(6))


def test_workers_that_share_an_object_store(run, sandbox, tmp_path, monkeypatch):
    monkeypatch.setenv("BUCKET", str(tmp_path / "store"))
    for orders in (range(3), range(1, 5), range(2, 6)):
        assert run("memory://bucket/rokt", orders) == {}
    is_right(sandbox, range(2, 6), range(6))
    sent = len(sandbox.store.requests)
    all_refused(sandbox, run("memory://bucket/another", range(2, 6)), "nothing is remembered in", sent)
