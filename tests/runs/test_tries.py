"""What a retry sends is the same request at Rokt, which drops it; what a second run sends on purpose is another."""

import pytest

from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.faults import Refuse, Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.operators.test_conversions import orders
from tests.runs.killable import in_task

# Older than 72 hours, so that /historical takes them.
OLD = 5 * 24 * 3600 * 1000


@pytest.fixture
def rows():
    return orders(40)


def send(rows, run_id="monday", **options):
    with in_task(run_id):
        return RoktHook().send_conversions(rows, **options)


def fails(sandbox, rows, **options):
    """A try of which the second half does not arrive."""
    sandbox.faults.add(Status(503, path="/v2"))
    with pytest.raises(RoktIncompleteError):
        send(rows, **options)
    sandbox.faults.clear()


@pytest.mark.parametrize("run_id", ["monday", None])
def test_a_retry_is_dropped_as_the_repeat_it_is(sandbox, rokt, ledger, monkeypatch, rows, run_id):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")
    sandbox.faults.add(Status(503, after=True))
    with pytest.raises(RoktIncompleteError):
        send(rows, run_id)
    sandbox.faults.clear()
    assert sandbox.store.counts.events == 40
    assert send(rows, run_id)["rows_accepted"] == 40
    counts = sandbox.store.counts
    assert (counts.events, counts.repeated_batches, counts.repeated_messages) == (40, 40, 0)


@pytest.mark.parametrize("run_id", ["monday", None])
def test_a_second_run_of_a_success_arrives_again(sandbox, rokt, ledger, rows, run_id):
    send(rows, run_id)
    assert send(rows, run_id)["rows_accepted"] == 40
    assert sandbox.store.counts.repeated_batches == 0
    assert sandbox.store.counts.repeated_messages == 40


def test_the_run_of_another_day_arrives(sandbox, rokt, ledger, monkeypatch, rows):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")
    fails(sandbox, rows, run_id="monday")
    send(rows, "tuesday")
    send(rows, "monday")
    assert sandbox.store.counts.repeated_batches == 0


@pytest.mark.parametrize("remembered", ["acceptance", "receipt"])
def test_what_was_refused_is_not_hidden_by_its_own_id(sandbox, rokt, ledger, rows, remembered):
    """Nobody has published whether Rokt notes the id of a batch that it refuses."""
    sandbox.reset(Settings(request_id_remembered=remembered))
    sandbox.faults.add(Refuse(frozenset({"order-7"})))
    with pytest.raises(RoktTaskFailed):
        send(rows)
    sandbox.faults.clear()
    assert send(rows)["rows_accepted"] == 40
    assert sandbox.store.held == {f"order-{number}" for number in range(40)}


def test_too_many_rows_that_are_wrong_here_are_no_success(sandbox, rokt, ledger, rows):
    wrong = [*rows, rows[0] | {"source_message_id": "order-40", "amount": "much"}]
    with pytest.raises(RoktTaskFailed):
        send(wrong)
    assert send(rows)["rows_resumed"] == 40
    assert sandbox.store.counts.batches == 40


def test_what_went_to_historical_arrives_on_the_usual_road(sandbox, rokt, ledger, rows):
    """/historical is not forwarded to event outputs; the repair of such a delivery must not be dropped."""
    old = [row | {"timestamp_unixtime_ms": row["timestamp_unixtime_ms"] - OLD} for row in rows]
    sandbox.faults.add(Refuse(frozenset({"order-7"})))
    with pytest.raises(RoktTaskFailed):
        send(old, historical=True)
    sandbox.faults.clear()
    send(old)
    assert sandbox.store.counts.repeated_batches == 0


def test_nothing_is_left_of_a_success(rokt, sandbox, ledger, rows, tmp_path):
    send(rows)
    assert not list(tmp_path.glob("**/_tries/*"))
