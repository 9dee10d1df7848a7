"""A retry sends what is missing, and nothing else, in whatever order the query has its rows."""

import pytest

from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox.faults import Refuse, Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.operators.test_conversions import orders
from tests.syncs.tries import change, in_try, reconciled, send


@pytest.fixture(autouse=True)
def impatient(monkeypatch, rokt, ledger):
    """Requests are tried once."""
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")


def ids(sandbox):
    return sorted(event["data"]["source_message_id"] for event in sandbox.store.events)


def all_of(rows):
    return sorted(row["source_message_id"] for row in rows)


def fails_midway(sandbox, attempt):
    """A try that ends with the first request that is lost, one of two."""
    sandbox.faults.add(Status(503, probability=0.5))
    with pytest.raises(RoktIncompleteError) as failed:
        attempt()
    sandbox.faults.clear()
    return failed.value.report


def certain(report):
    """What is remembered of it."""
    return report["rows_accepted"] - report["rows_unconfirmed"]


def test_only_what_is_missing_is_sent(sandbox, shop):
    rows = orders(2_000)
    shop(rows)
    first = fails_midway(sandbox, lambda: send())
    assert 0 < first["rows_accepted"] < 2_000
    second = fails_midway(sandbox, lambda: send(number=2))
    assert second["rows_resumed"] == certain(first)
    third = send(number=3)
    assert reconciled(third)
    assert third["rows_accepted"] == 2_000
    # What the first try sent without an end was accepted under ids that it may have used up.
    assert third["rows_resumed"] == certain(second) >= certain(first)
    assert third["coverage"] == {"user_identities.email": 1.0}
    assert ids(sandbox) == all_of(rows)
    assert sandbox.store.counts.repeated_messages == 0


def test_a_retry_that_names_its_accepted_rows_names_those_of_the_try_before(sandbox, shop, ledger):
    rows = orders(500)
    shop(rows)
    fails_midway(sandbox, lambda: send(record_accepted=True))
    result = send(number=2, record_accepted=True)
    taken = list(ledger.open(result["delivery_id"]).outcomes())
    assert sorted(row.key for record in taken for row in record.rows) == all_of(rows)
    resumed = sum(len(record.rows) for record in taken if record.status is None)
    assert 0 < resumed == result["rows_resumed"]
    assert sum(len(record.rows) for record in taken if not record.confirmed) == result["rows_unconfirmed"]
    assert {record.status for record in taken} == {None, 202}


def test_where_a_try_left_nothing_the_log_says_why(sandbox, shop, said):
    shop(orders(3))
    send(number=2)
    assert "This is try 2, and nothing can be resumed: no earlier one has left anything in" in said()


def test_another_run_is_no_try_of_this_one(sandbox, shop):
    shop(orders(500))
    fails_midway(sandbox, send)
    assert send("tuesday")["rows_resumed"] == 0


def test_rejected_rows_are_rejected_again(sandbox, shop):
    rows = orders(500)
    rows[7]["amount"] = "much"
    shop(rows)
    sandbox.faults.add(Refuse(frozenset({"order-9"})))
    with pytest.raises(RoktTaskFailed):
        send()
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    report = failed.value.__cause__.report
    assert (report["rows_resumed"], report["rows_accepted"], report["rows_rejected"]) == (498, 498, 2)
    sandbox.faults.clear()
    rows[7]["amount"] = "7.00"
    shop(rows)
    result = send()
    assert (result["rows_resumed"], result["rows_accepted"], result["rows_rejected"]) == (498, 500, 0)
    assert ids(sandbox) == all_of(rows)


def test_a_row_that_changed_between_tries_is_told(sandbox, shop):
    rows = orders(500)
    shop(rows)
    first = fails_midway(sandbox, send)
    taken = set(ids(sandbox))
    for row in rows:
        row["amount"] = "8.88"
    shop(rows)
    result = send()
    assert reconciled(result)
    assert result["skipped"] == {"changed since it was sent": len(taken)}
    assert (result["rows_resumed"], result["rows_accepted"]) == (0, 500 - first["rows_accepted"])
    assert ids(sandbox) == all_of(rows)


def test_a_cleared_success_sends_all_again_and_says_so(sandbox, shop, said):
    shop(orders(50))
    send()
    result = send(number=2)
    assert (result["rows_accepted"], result["rows_resumed"]) == (50, 0)
    assert sandbox.store.counts.repeated_messages == 50
    assert "This task had succeeded, and runs again" in said()


def test_parts_of_a_mapped_task_resume_each_on_its_own(sandbox, shop):
    shop(orders(1_000))
    parts = {part: f"SELECT * FROM orders WHERE abs(random()) >= 0 AND rowid % 2 = {part}" for part in range(2)}
    first = {part: fails_midway(sandbox, lambda: send(part=part, sql=parts[part])) for part in parts}  # noqa: B023
    for part, sql in parts.items():
        result = send(part=part, sql=sql)
        assert (result["rows_resumed"], result["rows_accepted"]) == (first[part]["rows_accepted"], 500)
    assert sandbox.store.counts.repeated_messages == 0
    assert len(sandbox.store.held) == 1_000


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize("mode", ["include", "exclude"])
def test_an_audience_goes_on(sandbox, shop, via, mode):
    shop([{"email": f"person{number}@example.com"} for number in range(600)])
    options = {"via": via, "mode": mode, "members_per_request": 20}
    sandbox.faults.add(Status(503, probability=0.5))
    with pytest.raises(RoktIncompleteError) as failed:
        change(**options)
    sandbox.faults.clear()
    first, before = failed.value.report, members_sent(sandbox)
    assert 0 < first["rows_accepted"] < 600
    result = change(**options)
    assert reconciled(result)
    assert (result["rows_resumed"], result["rows_accepted"]) == (first["rows_accepted"], 600)
    assert members_sent(sandbox) - before == 600 - first["rows_accepted"]
    assert result["coverage"]
    again = change(**options)
    assert (again["rows_resumed"], again["rows_accepted"]) == (0, 600)


def test_what_one_audience_took_another_one_did_not(sandbox, shop):
    """Calls outside of a task share what they remember."""
    rows = [{"email": f"person{number}@example.com"} for number in range(100)]
    sandbox.faults.add(Status(503, probability=0.5))
    with pytest.raises(RoktIncompleteError):
        RoktHook().send_audience(rows, "vip", members_per_request=10)
    sandbox.faults.clear()
    assert RoktHook().send_audience(rows, "lapsed", members_per_request=10)["rows_resumed"] == 0
    assert len(sandbox.store.audiences["lapsed"]) == 100


def members_sent(sandbox):
    return sum(one.members for one in sandbox.store.imports) + len(sandbox.store.events)


def test_on_an_object_store(sandbox, shop, memory_store):
    rows = orders(1_000)
    shop(rows)
    first = fails_midway(sandbox, send)
    result = send(number=2)
    assert (result["rows_resumed"], result["rows_accepted"]) == (first["rows_accepted"], 1_000)
    assert ids(sandbox) == all_of(rows)


def test_calls_outside_of_a_task_resume_until_one_succeeds(sandbox):
    rows = orders(500)
    first = fails_midway(sandbox, lambda: RoktHook().send_conversions(rows))
    assert RoktHook().send_conversions(rows)["rows_resumed"] == certain(first)
    assert RoktHook().send_conversions(rows)["rows_resumed"] == 0


def test_a_task_of_the_taskflow_api_resumes(sandbox):
    rows = orders(500)
    with in_try("monday"):
        first = fails_midway(sandbox, lambda: RoktHook().send_conversions(rows))
    with in_try("monday", number=2):
        assert RoktHook().send_conversions(rows)["rows_resumed"] == certain(first)
    assert sandbox.store.counts.repeated_messages == 0
