"""What is not as usual, by the deliveries of a sync before."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.flow.degraded import Measures, unusual
from airflow_provider_rokt.flow.warn_when import LEAST_RUNS, warn_when_problem
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox.faults import Status
from tests.commands.commands import order

EMAIL = "user_identities.email"
USUAL = Measures(1000, 0.01, {EMAIL: 0.9, "ip": 0.5}, 60.0)
ALL = {"rows_below": 0.5, "rows_above": 2, "rejected_above": 0.05, "coverage_below": 0.1, "seconds_above": 3}


def told(now, before=(USUAL,) * LEAST_RUNS, **rules):
    return list(unusual(now, before, rules or ALL))


def test_what_is_as_usual_is_not_told():
    assert told(USUAL) == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rows": 499}, "499 rows, fewer than 0.5 times the usual 1,000"),
        ({"rows": 2001}, "2,001 rows, more than 2 times the usual 1,000"),
        ({"rejected": 0.0601}, "6.01% of the rows were rejected, the usual is 1.00%"),
        ({"coverage": {EMAIL: 0.79, "ip": 0.5}}, f"79.0% of the accepted rows carry {EMAIL}, the usual is 90.0%"),
        ({"seconds": 180.5}, "it took 180 s, more than 3 times the usual 60 s"),
    ],
)
def test_each_rule_tells_of_its_own(changes, sentence):
    assert told(USUAL._replace(**changes)) == [sentence]


@pytest.mark.parametrize(
    "changes",
    [{"rows": 500}, {"rows": 2000}, {"rejected": 0.06}, {"coverage": {EMAIL: 0.81, "ip": 0.41}}, {"seconds": 180}],
)
def test_a_rule_allows_what_it_says(changes):
    assert told(USUAL._replace(**changes)) == []


def test_a_rule_that_is_not_given_tells_nothing():
    assert told(Measures(0, 1.0, {}, 1e6), rows_above=2) == []


def test_a_field_that_nobody_carried_before_is_no_loss():
    assert told(USUAL._replace(coverage={EMAIL: 0.9, "ip": 0.5, "user_identities.other2": 0.0})) == []


def test_a_field_that_is_gone_from_the_query_is_told():
    gone = USUAL._replace(coverage={EMAIL: 0.9})
    assert told(gone) == ["0.0% of the accepted rows carry ip, the usual is 50.0%"]
    assert len(told(USUAL._replace(coverage={}), coverage_below=0.1)) == 2


def test_no_rows_carry_nothing_and_lack_nothing():
    nothing = Measures.of({"rows_read": 5, "rows_rejected": 0, "rows_accepted": 0, "coverage": {EMAIL: 0.0}}, 1.0)
    assert told(nothing, coverage_below=0.1) == []
    # Nor do they make it usual that nobody carries anything.
    lower = USUAL._replace(coverage={EMAIL: 0.2, "ip": 0.5})
    assert len(told(lower, [USUAL] * LEAST_RUNS + [nothing] * 9, coverage_below=0.1)) == 1
    assert told(lower, [USUAL] * (LEAST_RUNS - 1) + [nothing] * 9, coverage_below=0.1) == []


def test_few_runs_say_nothing_of_what_is_usual():
    strange = Measures(1, 1.0, {}, 1e6)
    assert told(strange, [USUAL] * (LEAST_RUNS - 1)) == []
    assert told(strange, [USUAL] * LEAST_RUNS)


@given(st.lists(st.integers(0, 10**6), min_size=LEAST_RUNS), st.integers(0, 10**6))
def test_one_run_that_was_unusual_changes_little(rows, now):
    """The median of runs of which fewer than half are odd is among the others."""
    before = [USUAL] * (len(rows) + 1) + [USUAL._replace(rows=one) for one in rows]
    assert bool(told(USUAL._replace(rows=now), before, rows_below=0.5)) == (now < 500)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (None, None),
        ({}, None),
        ({**ALL, "runs": 30}, None),
        ("rows", "must be a dict with some of rows_below, "),
        ({"rows_bellow": 0.5}, "cannot be used: 'rows_bellow' is none of its rules"),
        ({"rows_below": 50, "rows_above": 0.5}, "rows_below must be a fraction from 0 to 1; rows_above must be a num"),
        ({"runs": 2}, "runs must be a whole number from 3 to 100"),
        ({"seconds_above": float("inf")}, "seconds_above must be a number of times"),
    ],
)
def test_what_is_wrong_with_the_rules_is_told(given, problem):
    found = warn_when_problem(given)
    assert found is None if problem is None else problem in found


# --- by the sync's own history


@pytest.fixture
def send(rokt, ledger, sandbox):
    """Sends so many orders of the sync ``shop``, and gives what was not as usual."""

    def send(count, *, bad=0, **options):
        rows = [order(number, **({"email": "nobody"} if number < bad else {})) for number in range(count)]
        given = {"sync": "shop", "max_rejected": count, "warn_when": {"rows_below": 0.5}} | options
        return RoktHook().send_conversions(rows, **given).get("degraded")

    return send


def test_a_delivery_is_held_against_those_before_it(send, ledger):
    assert [send(10) for _ in range(LEAST_RUNS)] == [[]] * LEAST_RUNS
    assert send(4) == ["4 rows, fewer than 0.5 times the usual 10"]
    kept = [delivery.report()["degraded"] for delivery in ledger.deliveries(9)]
    assert sorted(kept) == [[]] * LEAST_RUNS + [["4 rows, fewer than 0.5 times the usual 10"]]


def test_the_log_says_it(send, caplog):
    for count in (10, 10, 10, 4):
        send(count)
    (warning,) = [one for one in caplog.records if "Not as usual" in one.getMessage()]
    assert (warning.levelname, warning.getMessage()) == (
        "WARNING",
        "Not as usual: 4 rows, fewer than 0.5 times the usual 10",
    )


def test_nobody_asked_is_no_key(send):
    assert send(10, warn_when=None) is None


def test_only_the_last_runs_count(send):
    for count in (100, 100, 100, 100, 10, 10, 10):
        if count == 10:
            # Ids sort by the second.
            time.sleep(1.1)
        send(count)
    assert send(9, warn_when={"rows_below": 0.5, "runs": 3}) == []


def test_what_was_chosen_is_not_held_against_whole_runs(send, ledger):
    for _ in range(LEAST_RUNS):
        send(10, bad=2)
    chosen = ledger.deliveries(1)[0].delivery_id
    rules = {"rejected_above": 0.01, "coverage_below": 0.1, "rows_below": 0.5}
    assert send(4, bad=2, resend_from=chosen, warn_when=rules) == []
    # The same rows without a choice are not as usual.
    assert len(send(4, bad=2, warn_when=rules)) == 2


def test_a_column_that_the_query_has_no_more_is_told(send):
    def sent(**columns):
        rows = [order(number, **columns) for number in range(10)]
        return RoktHook().send_conversions(rows, sync="shop", warn_when={"coverage_below": 0.1})["degraded"]

    for _ in range(LEAST_RUNS):
        assert sent(customerid="c-1") == []
    assert sent() == ["0.0% of the accepted rows carry user_identities.customerid, the usual is 100.0%"]


def test_what_was_chosen_or_failed_or_is_anothers_is_not_compared_with(send, sandbox, ledger, monkeypatch):
    for _ in range(LEAST_RUNS):
        send(10, bad=1)
    chosen = ledger.deliveries(1)[0].delivery_id
    for _ in range(LEAST_RUNS + 1):
        send(10, resend_from=chosen, max_rejected=10)
        send(1, sync="another")
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")
    sandbox.faults.add(Status(status=503))
    with pytest.raises(RoktIncompleteError):
        send(2)
    sandbox.faults.clear()
    assert send(4) == ["4 rows, fewer than 0.5 times the usual 10"]


def test_a_history_that_is_damaged_is_no_history(send, ledger, tmp_path, caplog):
    for _ in range(LEAST_RUNS):
        send(10)
    for report in (tmp_path / "ledger").rglob("report.jsonl"):
        report.write_text("{")
    assert send(4) == []
