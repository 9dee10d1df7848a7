"""Whom a result counts, and what it gives as the reason: a row's own, or nobody's row at all."""

import re

import pytest

from airflow_provider_rokt.exceptions import (
    RoktAuthError,
    RoktEndpointError,
    RoktIncompleteError,
    RoktRejectedError,
    RoktTooFewRowsError,
)
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.sandbox.faults import Refuse, Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.commands.commands import order


class Any(frozenset):
    """Every id there is."""

    def __contains__(self, message_id):
        return True


def mirror(numbers, **options):
    rows = [{"email": f"person{number}@example.com"} for number in numbers]
    return RoktHook().send_audience(rows, "vip", mode="mirror", via="events", max_removed=1.0, **options)


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (Refuse(message_ids=Any()), RoktRejectedError, "0 of 5 rows and 2 removals were rejected"),
        (Status(status=503), RoktIncompleteError, "0 of 5 rows and 2 removals were not delivered"),
    ],
    ids=["refused", "failed"],
)
def test_who_left_is_no_row_of_the_query(sandbox, rokt, ledger, monkeypatch, fault, kind, says):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.05")
    mirror(range(7))
    sandbox.faults.add(fault)
    # What a retry can mend is not a task's final failure.
    with pytest.raises((RoktTaskFailed, RoktIncompleteError), match=says) as failed:
        mirror(range(5))
    error = failed.value.__cause__ or failed.value
    assert isinstance(error, kind)
    report = error.report
    counts = {name: report[name] for name in ("rows_read", "rows_skipped", "rows_rejected", "rows_failed")}
    assert counts == {"rows_read": 5, "rows_skipped": 5, "rows_rejected": 0, "rows_failed": 0}


@pytest.mark.parametrize(
    ("status", "kind", "reason"), [(401, RoktAuthError, "credentials"), (404, RoktEndpointError, "address")]
)
def test_rows_that_a_wrong_setting_keeps_back_blame_the_setting(sandbox, rokt, ledger, status, kind, reason):
    sandbox.faults.add(Status(status=status))
    with pytest.raises(RoktTaskFailed) as failed:
        RoktHook().send_audience([{"email": "jane@example.com"}], "vip", via="events")
    assert isinstance(failed.value.__cause__, kind)
    delivery = ledger.open(failed.value.__cause__.report["delivery_id"])
    (row,) = delivery.rows({Outcome.FAILED})
    assert re.search(rf"\b{reason}\b", row.faults[0].reason)


def test_what_was_read_and_never_sent_fails_for_what_ended_it() -> None:
    tally = Tally(read=5, accepted=2)
    tally.fail_the_rest("the task was stopped")
    with pytest.raises(RoktIncompleteError, match=r"3 of 5 rows were not delivered: the task was stopped \(3 rows\)"):
        tally.report("a-delivery", "file:///ledger").judged(0)


@pytest.mark.parametrize(
    ("options", "bad", "kind"),
    [
        ({}, {"amount": "much"}, "RoktRejectedError"),
        ({"max_rejected": 4}, {"amount": "much"}, None),
        ({"min_rows": 6000}, {}, "RoktTooFewRowsError"),
        ({"min_rows": 5}, {}, "RoktTooFewRowsError"),
    ],
)
def test_the_ledger_says_what_the_task_ended_with(sandbox, rokt, ledger, shop, options, bad, kind):
    shop([order(number) | bad for number in range(4)])
    task = RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", sql_conn_id="shop", **options)
    try:
        task.execute({})
    except (RoktTaskFailed, RoktTooFewRowsError) as error:
        told = error
    (delivery,) = ledger.deliveries(2)
    failure = delivery.report()["failure"]
    if kind is None:
        assert failure is None
        return
    assert failure == {"kind": kind, "text": str(told)}
    # Callbacks find the report on the exception, too.
    assert told.report["delivery_id"] == delivery.delivery_id
    assert told.report["rows_read"] == 4


def test_the_ledger_says_whose_removal_failed(sandbox, rokt, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.05")
    mirror(range(7))
    sandbox.faults.add(Status(status=503))
    with pytest.raises(RoktIncompleteError):
        mirror(range(5))
    ended = [one for one in (delivery.report() for delivery in ledger.deliveries(2)) if one["failure"]]
    assert [(one["rows_failed"], one["failed_without_row"]) for one in ended] == [(0, 2)]
    assert ended[0]["failure"]["kind"] == "RoktIncompleteError"


def test_what_others_say_is_not_kept(sandbox, rokt, ledger):
    def rows():
        yield order(1)
        raise ValueError("jane@example.com")

    with pytest.raises(ValueError, match="jane"):
        RoktHook().send_conversions(rows(), fetch_size=1)
    (delivery,) = ledger.deliveries(2)
    assert delivery.report()["failure"] == {"kind": "ValueError", "text": ""}
