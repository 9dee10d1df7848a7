"""``send="new"``: the query may overlap, and what Rokt took is not sent again."""

import threading

import pytest

from airflow_provider_rokt.exceptions import RoktIncompleteError, RoktMemoryError, RoktRejectedError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox.faults import Delay, Refuse, Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.bounded import PATIENCE, until
from tests.operators.test_conversions import orders
from tests.syncs.tries import in_try, reconciled, send

pytestmark = pytest.mark.usefixtures("register")


@pytest.fixture(autouse=True, params=["disk", "store"])
def place(request, monkeypatch, rokt, ledger):
    """Where the ledger is; requests are tried once."""
    if request.param == "store":
        request.getfixturevalue("memory_store")
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")


def new(run_id="monday", **options):
    result = send(run_id, **{"send": "new", **options})
    assert reconciled(result)
    return result


def refused(run_id="monday", **options):
    with pytest.raises(RoktTaskFailed) as failed:
        new(run_id, **options)
    return failed.value.__cause__


def numbers(sandbox):
    return sorted(int(event["data"]["source_message_id"].rpartition("-")[2]) for event in sandbox.store.events)


def test_a_window_that_overlaps_sends_each_row_once(sandbox, shop):
    rows = orders(400)
    for run in range(6):
        shop(rows[run * 50 : run * 50 + 150])
        result = new(f"run {run}")
        assert result["skipped"] == ({"sent before": 100} if run else {})
        assert result["rows_accepted"] == (50 if run else 150)
    assert numbers(sandbox) == list(range(400))
    assert sandbox.store.counts.repeated_messages == 0


def test_a_rejected_row_is_tried_again_once_it_is_right(sandbox, shop):
    rows = orders(50)
    rows[7]["amount"] = "much"
    shop(rows)
    assert isinstance(refused(), RoktRejectedError)
    assert isinstance(refused("tuesday"), RoktRejectedError)
    rows[7]["amount"] = "7.00"
    shop(rows)
    assert new("wednesday")["rows_accepted"] == 1
    assert numbers(sandbox) == list(range(50))


def test_what_rokt_refused_is_sent_again(sandbox, shop):
    shop(orders(50))
    sandbox.faults.add(Refuse(frozenset({"order-7"})))
    refused()
    sandbox.faults.clear()
    assert new("tuesday")["rows_accepted"] == 1
    assert numbers(sandbox) == list(range(50))


def test_what_failed_is_made_good_by_the_next_run(sandbox, shop):
    shop(orders(500))
    sandbox.faults.add(Status(503, probability=0.4))
    with pytest.raises(RoktIncompleteError) as failed:
        new()
    sandbox.faults.clear()
    taken = failed.value.report["rows_accepted"]
    assert 0 < taken < 500
    result = new("tuesday")
    assert (result["skipped"], result["rows_accepted"]) == ({"sent before": taken}, 500 - taken)
    assert sandbox.store.counts.repeated_messages == 0


def test_its_own_retry_resumes_it(sandbox, shop):
    shop(orders(500))
    new("sunday", sql="SELECT * FROM orders LIMIT 100")
    sandbox.faults.add(Status(503, probability=0.4))
    with pytest.raises(RoktIncompleteError) as failed:
        new()
    sandbox.faults.clear()
    taken = failed.value.report["rows_accepted"]
    result = new(number=2)
    assert (result["skipped"], result["rows_resumed"], result["rows_accepted"]) == ({"sent before": 100}, taken, 400)
    assert sandbox.store.counts.repeated_messages == 0


def test_a_success_that_runs_again_sends_nothing(sandbox, shop):
    shop(orders(50))
    new()
    result = new()
    assert (result["rows_accepted"], result["skipped"]) == (0, {"sent before": 50})


def test_a_row_that_changed_is_told_as_such(sandbox, shop):
    rows = orders(50)
    shop(rows)
    new()
    rows[3]["amount"] = "3.33"
    rows[4]["amount"] = "much"
    shop(rows)
    result = new("tuesday")
    assert result["skipped"] == {"sent before": 48, "changed since it was sent": 2}
    assert result["rows_rejected"] == 0
    rows[3]["amount"] = rows[4]["amount"] = "9.99"
    shop(rows)
    assert new("wednesday")["skipped"] == {"sent before": 50}


def test_all_and_new_share_what_is_remembered(sandbox, shop):
    shop(orders(50))
    send("monday")
    assert new("tuesday")["skipped"] == {"sent before": 50}
    send("wednesday")
    assert sandbox.store.counts.repeated_messages == 50
    assert new("thursday")["skipped"] == {"sent before": 50}


def test_what_development_took_production_did_not(sandbox, shop):
    rows = orders(50)
    shop(rows)
    new(environment="development")
    assert new("tuesday", environment="development")["skipped"] == {"sent before": 50}
    assert new("tuesday")["rows_accepted"] == 50
    rows[3]["amount"] = "much"
    shop(rows)
    assert new("wednesday", environment="development")["skipped"]["changed since it was sent"] == 1
    assert new("wednesday")["skipped"]["changed since it was sent"] == 1


def test_tasks_of_one_sync_share_its_memory(sandbox, shop):
    shop(orders(50))
    assert new(sync="shop")["sync"] == "shop"
    result = new(dag_id="again", task_id="other", sync="shop")
    assert result["skipped"] == {"sent before": 50}
    assert new(dag_id="again", task_id="other")["sync"] == "again.other"
    assert sandbox.store.counts.repeated_messages == 50


def test_ids_that_move_between_partitions_are_sent_once(sandbox, shop):
    shop(orders(200))

    def part_of(number, divisor):
        return f"SELECT * FROM orders WHERE rowid / {divisor} % 2 = {number}"

    for run, divisor in (("monday", 1), ("tuesday", 3)):
        for part in range(2):
            new(run, part=part, sql=part_of(part, divisor))
    assert numbers(sandbox) == list(range(200))
    assert sandbox.store.counts.repeated_messages == 0


def test_outside_of_a_task_it_names_its_sync(sandbox):
    rows = orders(50)
    with pytest.raises(RoktTaskFailed, match="argument 'sync' cannot be used: send='new' remembers what was sent"):
        RoktHook().send_conversions(rows, send="new")
    assert RoktHook().send_conversions(rows, send="new", sync="shop")["rows_accepted"] == 50
    assert RoktHook().send_conversions(rows, send="new", sync="shop")["skipped"] == {"sent before": 50}
    with in_try("monday"):
        assert RoktHook().send_conversions(rows, send="new", sync="shop")["skipped"] == {"sent before": 50}
    assert sandbox.store.counts.repeated_messages == 0


def test_a_memory_that_is_lost_is_refused(sandbox, shop, register, monkeypatch, tmp_path):
    shop(orders(50))
    new()
    (key,) = register
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(tmp_path / "elsewhere"))
    error = refused("tuesday")
    assert isinstance(error, RoktMemoryError)
    assert "nothing is remembered in" in str(error)
    assert sandbox.store.counts.repeated_messages == 0
    del register[key]
    assert new("tuesday")["rows_accepted"] == 50


def test_the_later_of_two_runs_waits_for_the_first(sandbox, shop, said):
    """As in a backfill, or where somebody starts one by hand beside a scheduled one."""
    shop(orders(200))
    sandbox.faults.add(Delay(seconds=1.0, times=1))
    results = []
    runs = [threading.Thread(target=lambda run=run: results.append(new(run))) for run in ("monday", "tuesday")]
    runs[0].start()
    until(lambda: sandbox.faults.active == [])
    runs[1].start()
    for run in runs:
        run.join(PATIENCE)
    assert sorted(result["rows_accepted"] for result in results) == [0, 200]
    assert sandbox.store.counts.repeated_messages == 0
    assert "for another run of sync 'shop.orders', 'shop/orders/monday'" in said()


def test_parts_of_a_run_go_side_by_side(sandbox, shop, register):
    shop(orders(400))
    results = []

    def part(number):
        results.append(new("monday", part=number, sql=f"SELECT * FROM orders WHERE rowid % 4 = {number}"))

    parts = [threading.Thread(target=part, args=(number,)) for number in range(4)]
    for one in parts:
        one.start()
    for one in parts:
        one.join(PATIENCE)
    assert [result["rows_accepted"] for result in results] == [100] * 4
    assert len(register) == 1
    assert new("tuesday")["skipped"] == {"sent before": 400}
