"""``group_by_user="result"``: all is read, then each customer's orders go together; everything else stays as it is."""

import os
import random
import tempfile
import threading
from pathlib import Path

import pytest

from airflow_provider_rokt.exceptions import (
    RoktDroppedError,
    RoktIncompleteError,
    RoktStorageError,
    RoktTooFewRowsError,
)
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.sandbox.faults import Refuse, Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.bounded import until
from tests.operators.test_conversions import orders
from tests.runs.killable import in_task

# Older than 72 hours, so that /historical takes them.
OLD = 5 * 24 * 3600 * 1000


def send(rows, **options):
    return RoktHook().send_conversions(rows, **{"group_by_user": "result", "fetch_size": 30} | options)


@pytest.fixture
def small_files(monkeypatch):
    """So little is held that a hundred rows lie in many files."""
    monkeypatch.setattr("airflow_provider_rokt.events.result_grouping.MEMORY_BYTES", 1_000)
    monkeypatch.setattr("airflow_provider_rokt.sorting.line_sorter.RUNS", 4)


def held_in_order(sandbox):
    """The ids that arrived, by address."""
    found = {}
    for batch in sandbox.store.batches:
        ids = [event["data"]["source_message_id"] for event in batch.document["events"]]
        found.setdefault(batch.document["user_identities"]["email"], []).extend(ids)
    return found


def test_a_shop_of_repeat_customers_makes_no_more_batches_than_ordered_by_customer(sandbox, rokt, ledger):
    """As benchmarks/grouping.py of 50,000 rows: who comes often follows Zipf's law, and a window is a tenth of all."""
    chance, buyers = random.Random(5), []
    while len(buyers) < 800:
        buyers += [f"p{len(buyers)}@example.com"] * min(int(chance.paretovariate(1.2)), 100)
    chance.shuffle(buyers)
    rows = [order | {"email": buyer} for order, buyer in zip(orders(800), buyers, strict=False)]
    ordered = sorted(rows, key=lambda row: row["email"])
    options = {"fetch_size": 80, "concurrency": 1}
    by_order, by_customer = (send(one, group_by_user=True, **options)["batches"] for one in (rows, ordered))
    sandbox.reset()
    result = send(rows, **options)
    assert result["batches"] <= by_customer < by_order / 1.5
    assert result["batches"] == len({row["email"] for row in rows}), "nobody has more than a batch holds"
    assert (result["rows_accepted"], sandbox.store.counts.events) == (800, 800)
    by_buyer = {}
    for row in rows:
        by_buyer.setdefault(row["email"], []).append(row["source_message_id"])
    assert held_in_order(sandbox) == by_buyer


def test_nothing_is_sent_before_the_query_is_over(sandbox, rokt, ledger):
    def rows():
        yield from orders(100, 7)
        assert not sandbox.store.requests

    assert send(rows())["batches"] == 7


@pytest.mark.usefixtures("small_files")
def test_a_retry_sends_what_is_missing_and_under_the_same_ids(sandbox, rokt, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")
    rows = orders(250, 40)
    sandbox.faults.add(Status(503, after=True, times=1))
    with in_task("monday"):
        with pytest.raises(RoktIncompleteError):
            send(rows, concurrency=1)
        assert 0 < sandbox.store.counts.events < 250
        # The same rows, and each customer's as before, in another order.
        result = send(sorted(rows, key=lambda row: row["email"]), concurrency=1)
    counts = sandbox.store.counts
    assert (result["rows_accepted"], counts.events, counts.repeated_messages) == (250, 250, 0)
    assert counts.repeated_batches > 0
    assert result["rows_unconfirmed"] > 0


def test_new_rows_alone_are_sent_and_the_others_told(sandbox, rokt, ledger):
    rows = [*orders(40, 5), orders(1)[0] | {"source_message_id": "x", "amount": "much"}]
    first = send(rows[:20], send="new", sync="orders")
    second = send([*rows, rows[30]], send="new", sync="orders", max_rejected=1)
    assert (first["rows_accepted"], second["rows_accepted"], second["rows_rejected"]) == (20, 20, 1)
    assert second["skipped"] == {"same id twice": 1, "sent before": 20}
    assert sandbox.store.counts.repeated_messages == 0


def test_what_rokt_refused_is_sent_again_alone(sandbox, rokt, ledger):
    rows = orders(40, 5)
    sandbox.faults.add(Refuse(frozenset({"order-7"})))
    with pytest.raises(RoktTaskFailed) as failed:
        send(rows)
    report = failed.value.__cause__.report
    assert (report["rows_accepted"], report["rows_rejected"]) == (39, 1)
    sandbox.faults.clear()
    again = send(rows, resend_from=report)
    assert (again["rows_accepted"], again["skipped"]) == (1, {"not named by resend_from": 39})


def test_old_events_go_to_historical_and_the_others_not(sandbox, rokt, ledger):
    rows = orders(40, 5)
    for row in rows[::2]:
        row["timestamp_unixtime_ms"] -= OLD
    result = send(rows, historical=True)
    assert (result["rows_accepted"], result["batches"], result["requests"]) == (40, 10, 2)


# --- thresholds


def test_too_few_rows_send_nothing_whatever_a_window_holds(sandbox, rokt, ledger):
    with pytest.raises(RoktTooFewRowsError) as failed:
        send(orders(100), min_rows=101)
    assert failed.value.report["rows_failed"] == 100
    assert not sandbox.store.requests
    assert send(orders(101), min_rows=101)["rows_accepted"] == 101


@pytest.mark.parametrize("first", [True, False])
def test_a_fields_values_are_judged_over_all_rows(sandbox, rokt, ledger, first):
    """A window of wrong ones is not a column of them; and one that is right does not make up for the rest."""
    rows = [row | {"mobile": "nonsense"} for row in orders(200)]
    for row in rows[150:] if first else rows[:150]:
        row["mobile"] = "+15551234567"
    options = {"fetch_size": 150}
    assert send(rows, max_dropped=0.76, **options)["rows_accepted"] == 200
    sandbox.reset()
    with pytest.raises(RoktTaskFailed) as failed:
        send(rows, max_dropped=0.24, **options)
    assert isinstance(failed.value.__cause__, RoktDroppedError)
    assert "Nothing was sent" in str(failed.value.__cause__)
    assert not sandbox.store.requests


@pytest.mark.parametrize("wrong", ["results", "Result", 1, None, ["result"]])
def test_another_grouping_is_refused(wrong):
    with pytest.raises(RoktTaskFailed, match="group_by_user must be True, False or 'result'"):
        send([], group_by_user=wrong)
    with pytest.raises(Exception, match="group_by_user must be True, False or 'result'"):
        RoktConversionOperator(task_id="t", sql="SELECT 1", sql_conn_id="shop", group_by_user=wrong)


# --- ends


def test_a_stop_while_rows_are_read_sends_nothing_and_accounts_for_them(sandbox, rokt, ledger):
    hook = RoktHook()

    def rows():
        yield from orders(70)
        hook.stop()
        yield from orders(30)

    with pytest.raises(RoktIncompleteError) as stopped:
        hook.send_conversions(rows(), group_by_user="result", fetch_size=30)
    assert stopped.value.report["rows_failed"] == stopped.value.report["rows_read"] == 60
    assert not sandbox.store.requests


@pytest.mark.usefixtures("small_files")
def test_a_stop_is_noticed_while_files_are_merged(sandbox, rokt, ledger):
    hook, made = RoktHook(), orders(100)

    class Rows(list):
        """One window, that a stop comes in."""

        def __getitem__(self, place):
            hook.stop()
            return super().__getitem__(place)

    class Source:
        def read(self, consume):
            consume(tuple(made[0]), Rows(tuple(row.values()) for row in made))

        def cancel(self):
            pass

    with pytest.raises(RoktIncompleteError, match="stopped") as stopped:
        hook.deliver_conversions(Source(), ConversionOptions(group_by_user="result"))
    assert any(entry.path.name == "line_sorter.py" for entry in stopped.traceback)
    assert stopped.value.report["rows_failed"] == 100


def test_a_stop_while_requests_are_sent_leaves_the_rest_to_a_retry(sandbox, rokt, ledger):
    hook, delivered = RoktHook(), orders(300)
    rokt(extra={"batches_per_second": 10})

    def stop():
        until(lambda: sandbox.store.requests)
        hook.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    with in_task("monday"), pytest.raises(RoktIncompleteError) as stopped:
        hook.send_conversions(delivered, group_by_user="result", concurrency=1)
    stopping.join()
    report = stopped.value.report
    assert 0 < report["rows_accepted"] < 300
    assert report["rows_accepted"] + report["rows_failed"] == 300
    rokt(extra={"batches_per_second": 1e6})
    with in_task("monday"):
        assert send(delivered)["rows_resumed"] == report["rows_accepted"]
    assert (sandbox.store.counts.events, sandbox.store.counts.repeated_messages) == (300, 0)


@pytest.mark.usefixtures("small_files")
def test_a_disk_that_takes_nothing_is_told_and_every_row_accounted_for(sandbox, rokt, ledger, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(RoktStorageError, match=r"the temporary folder .*gone cannot be written.*Free the disk") as full:
        send(orders(100), fetch_size=40)
    assert full.value.retryable
    assert full.value.report["rows_failed"] == full.value.report["rows_read"] == 40
    assert not sandbox.store.requests
    (delivery,) = ledger.deliveries(1)
    assert list(delivery.rows([Outcome.ACCEPTED])) == []


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("min_rows", [0, 101])
def test_nothing_lies_about_with_a_name_nor_open_when_it_is_over(
    sandbox, rokt, ledger, monkeypatch, tmp_path, min_rows
):
    (tmp_path / "disk").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "disk"))
    looked = []

    def unnamed():
        files = [path for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        return [path for path in files if str(tmp_path / "disk") in os.readlink(path)]

    def rows():
        yield from orders(100)
        looked.append((os.listdir(tmp_path / "disk"), bool(unnamed())))

    if min_rows:
        with pytest.raises(RoktTooFewRowsError):
            send(rows(), min_rows=min_rows)
    else:
        send(rows())
    assert looked == [([], True)]
    assert (os.listdir(tmp_path / "disk"), unnamed()) == ([], [])
