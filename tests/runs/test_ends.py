"""However hostile the other side, a run ends within its bound, with an account of every row for a retry to go by."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airflow_provider_rokt.delivery.brake import MOST_IN_VAIN, nothing_accepted
from airflow_provider_rokt.delivery.engine import CUT_SECONDS, GRACE_SECONDS
from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox.faults import Drip, Status
from tests.operators.test_conversions import orders
from tests.runs.killable import Running, run_dag

# What a busy machine adds to a bound of seconds; a hang is minutes.
SLACK = 10.0
ON_ITS_WAY = "on its way when the task was stopped"


@contextmanager
def within(seconds: float) -> Iterator[None]:
    begin = time.monotonic()
    yield
    assert time.monotonic() - begin < seconds + SLACK


def send(rows, **options):
    return RoktHook().send_conversions(rows, **options)


def reasons(ledger):
    return {row.faults[0].reason for row in ledger.deliveries(1)[0].rows()}


def all_there(sandbox, rows):
    assert len(sandbox.store.message_ids) == len(rows)
    assert sandbox.store.counts.repeated_messages == 0


def test_a_server_that_drips_holds_a_run_no_longer_than_its_budget(sandbox, rokt, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "1")
    rokt(extra={"timeout_seconds": 0.5})
    sandbox.faults.add(Drip(0.1, after=True))
    rows = orders(300)
    with within(2.0), pytest.raises(RoktIncompleteError, match="300 of 300") as caught:
        send(rows)
    assert caught.value.report["rows_failed"] == 300
    assert "no whole answer within" in str(caught.value)
    sandbox.faults.clear()
    assert send(rows)["rows_accepted"] == 300
    all_there(sandbox, rows)


class Timeout(BaseException):
    """As Airflow's own: no Exception, so that no task swallows it."""


@pytest.mark.parametrize("how", ["stopped", "timed out", "fails"])
def test_a_server_that_drips_does_not_hold_a_task_that_is_to_end(sandbox, rokt, ledger, how):
    """SIGTERM, after which Airflow's handler returns; ``execution_timeout``, which raises; an error of the source."""
    sandbox.faults.add(Drip(0.1, bytes_=10_000, after=True))
    hook, rows = RoktHook(), orders(300)

    def on_signal(*_):
        if how == "timed out":
            raise Timeout
        hook.stop()

    def rows_and_more():
        yield from rows
        if how == "fails":
            raise ZeroDivisionError

    errors = {"stopped": RoktIncompleteError, "timed out": Timeout, "fails": ZeroDivisionError}
    before = signal.signal(signal.SIGUSR1, on_signal)
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGUSR1))
    try:
        with within(0.5 + GRACE_SECONDS + CUT_SECONDS), pytest.raises(errors[how]):
            if how != "fails":
                timer.start()
            hook.send_conversions(rows_and_more(), fetch_size=100)
    finally:
        timer.cancel()
        signal.signal(signal.SIGUSR1, before)
    report = ledger.deliveries(1)[0].report()
    assert report["rows_accepted"] == 0
    assert report["rows_failed"] == report["rows_read"] > 0
    assert any(reason.startswith("on its way when") for reason in reasons(ledger))
    sandbox.faults.clear()
    assert send(rows)["rows_accepted"] == 300
    all_there(sandbox, rows)


@pytest.mark.slow
def test_airflow_stops_a_task_whose_server_drips(sandbox, rokt, shop, ledger, airflow_db):
    shop(orders(300))
    sandbox.faults.add(Drip(0.1, bytes_=10_000, after=True))
    with Running(run_dag, "stopped") as running:
        running.until(lambda: sandbox.store.counts.batches)
        running.terminate()
        running.process.join(GRACE_SECONDS + CUT_SECONDS + SLACK)
        assert running.process.exitcode is not None
    report = ledger.deliveries(1)[0].report()
    assert report["rows_failed"] == report["rows_read"] == 300
    assert ON_ITS_WAY in reasons(ledger)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_server_that_refuses_everything_is_asked_a_few_hundred_times(sandbox, rokt, ledger, status, concurrency):
    sandbox.faults.add(Status(status))
    with pytest.raises(RoktIncompleteError, match="nothing at all was accepted") as caught:
        send(orders(5000), concurrency=concurrency)
    report = caught.value.report
    assert (report["rows_read"], report["rows_failed"], report["rows_rejected"]) == (5000, 5000, 0)
    assert report["requests"] == sum(sandbox.store.counts.requests.values()) <= 300
    assert nothing_accepted(MOST_IN_VAIN) in reasons(ledger)
    assert status == 409 or reasons(ledger) == {nothing_accepted(MOST_IN_VAIN)}
    sandbox.faults.clear()
    assert send(orders(5000), resend_from=report["delivery_id"])["rows_accepted"] == 5000


def refusal(message: str) -> str:
    return json.dumps({"errors": [{"code": "BAD_REQUEST", "message": message}]})


@pytest.mark.parametrize("rows", [1, 2, 20])
@pytest.mark.parametrize(
    ("status", "body"),
    [(400, ""), (413, "{}"), (422, ""), (400, refusal("Workspace is disabled")), (202, refusal("Quota used up."))],
)
def test_a_few_rows_are_not_to_blame_where_nothing_is_accepted(sandbox, rokt, ledger, status, body, rows):
    sandbox.faults.add(Status(status, body=body))
    with pytest.raises(RoktIncompleteError, match="check account, mapping and address") as caught:
        send(orders(rows))
    report = caught.value.report
    assert (report["rows_rejected"], report["rows_failed"]) == (0, rows)
    assert reasons(ledger) == {nothing_accepted(report["requests"])}
    sandbox.faults.clear()
    assert send(orders(rows), resend_from=report["delivery_id"])["rows_accepted"] == rows


@pytest.mark.parametrize(
    "message",
    [
        'Required event field "event_type" is missing or empty.',
        "Odd. Path '[0].user_identities.customerid', line 1, position 44.",
        "[0] is odd",
        "The amount is odd",
    ],
)
@pytest.mark.parametrize("rows", [1, 20])
def test_a_few_rows_are_to_blame_where_rokt_says_what_is_wrong(sandbox, rokt, ledger, message, rows):
    sandbox.faults.add(Status(400, body=refusal(message)))
    report = send(orders(rows), max_rejected=1.0)
    assert (report["rows_rejected"], report["rows_failed"]) == (rows, 0)


def test_rows_are_to_blame_where_rokt_took_others_before(sandbox, rokt, ledger):
    assert send(orders(5), send="new", sync="shop")["rows_accepted"] == 5
    sandbox.faults.add(Status(400))
    report = send(orders(7), send="new", sync="shop", max_rejected=1.0)
    assert (report["rows_skipped"], report["rows_rejected"], report["rows_failed"]) == (5, 2, 0)
    report = send(orders(7), resend_from=report["delivery_id"], max_rejected=1.0)
    assert (report["rows_skipped"], report["rows_rejected"], report["rows_failed"]) == (5, 2, 0)


def test_a_row_that_repeats_an_id_shows_no_account_that_works(sandbox, rokt, ledger):
    sandbox.faults.add(Status(400))
    rows = orders(2)
    with pytest.raises(RoktIncompleteError) as caught:
        send([*rows, *rows])
    assert (caught.value.report["rows_skipped"], caught.value.report["rows_failed"]) == (2, 2)


def test_rows_refused_before_others_are_accepted_stay_rejected(sandbox, rokt, ledger):
    sandbox.faults.add(Status(400, times=39))
    report = send(orders(60), max_rejected=1.0, concurrency=1)
    assert report["rows_failed"] == 0
    assert report["rows_rejected"] > 0
    assert report["rows_accepted"] == sandbox.store.counts.events > 0


def test_a_captive_portal_stores_nothing_and_is_told(sandbox, rokt, ledger):
    sandbox.faults.add(Status(200, body="Please log in to the WiFi"))
    with pytest.raises(Exception, match="something that Rokt does not write") as caught:
        send(orders(250))
    assert caught.value.__cause__.report["rows_accepted"] == 0


def test_a_wait_that_is_too_long_is_told_and_not_begun(sandbox, rokt, ledger):
    sandbox.faults.add(Status(429, retry_after=1_000_000_000))
    with within(1.0), pytest.raises(RoktIncompleteError, match="asks to wait 1,000,000,000 s"):
        send(orders(250))
