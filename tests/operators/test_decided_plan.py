"""What a person lets pass: this query's rows, each as it was, by these arguments, and nothing else."""

import os

import pytest

from airflow_provider_rokt.events.destinations import CONVERSION
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.sandbox.faults import Refuse
from airflow_provider_rokt.sources import mapped_rows
from airflow_provider_rokt.task.approval import RoktDecisionNeeded
from airflow_provider_rokt.task.question_text import body_of
from tests.operators.test_approval import order

COLUMNS = "email, mobile, conversiontype, timestamp_unixtime_ms FROM orders"
QUERY = f"SELECT id AS source_message_id, {COLUMNS} WHERE list = '%s'"


def rows(numbers, list_="", **changes):
    return [order(number, list_, **changes) for number in numbers]


def sending(sql=QUERY % "shown", **options):
    """A task of which the guard ``max_dropped`` stops whatever it reads here, in windows of 100 rows."""
    asking = {"sql_conn_id": "shop", "on_guard": "ask", "fetch_size": 100, "sync": "s"} | options
    return RoktConversionOperator(task_id="t", sql=sql, **asking)


def asked_by(task, decide=None):
    """The question that a run of the task ends with."""

    def undecided(question):
        raise RoktDecisionNeeded(question)

    with pytest.raises(RoktDecisionNeeded) as needed:
        task._deliver(decide or undecided)
    return needed.value.question


def yes(shown):
    """Lets pass what was shown."""

    def decide(question):
        if question.plan != shown.plan:
            raise RoktDecisionNeeded(question)

    return decide


def test_of_conversions_it_sends_the_rows_that_were_shown_wherever_they_stand(sandbox, rokt, shop):
    shown = rows(range(250), "shown")
    shop(shown)
    question = asked_by(sending())
    assert question.facts == {"Rows read": 250, "Rows that cannot be used": 0}
    assert not sandbox.store.requests
    shop(shown[::-1])
    assert sending()._deliver(yes(question)).rows_accepted == 250


OTHERS = {
    "another query of the same numbers": (lambda shown: shown, QUERY % "other"),
    "more rows behind the first window": (lambda shown: shown, f"{QUERY % 'shown'} UNION ALL {QUERY % 'later'}"),
    "another value behind the first window": (
        lambda shown: [*shown[:249], shown[249] | {"conversiontype": "sell"}],
        QUERY % "shown",
    ),
    "another id behind the first window": (lambda shown: [*shown[:249], shown[249] | {"id": "x"}], QUERY % "shown"),
    "the same query in other words": (lambda shown: shown, f"{QUERY % 'shown'} AND 1"),
}


@pytest.mark.parametrize("other", OTHERS)
def test_of_conversions_it_sends_nothing_else(sandbox, rokt, shop, other):
    change, sql = OTHERS[other]
    shown, rest = rows(range(250), "shown"), [*rows(range(300, 550), "other"), *rows(range(600, 700), "later")]
    shop([*shown, *rest])
    question = asked_by(sending())
    shop([*change(shown), *rest])
    asked = asked_by(sending(sql), yes(question))
    assert asked.plan != question.plan
    assert not sandbox.store.requests


def test_no_other_argument_has_the_plan(rokt, shop, monkeypatch, sandbox):
    shop(rows(range(250), "shown"))
    monkeypatch.setenv("AIRFLOW_CONN_OTHER", os.environ["AIRFLOW_CONN_SHOP"])
    numbered = f"{QUERY % 'shown'} AND 1 = ?"
    tasks = [
        sending(),
        sending(sql_conn_id="other"),
        sending(numbered, parameters=[1]),
        sending(numbered, parameters=[True]),
        sending(sql_hook_params={}),
        sending(max_dropped=0.3),
        sending(group_by_user=False),
    ]
    plans = [asked_by(task).plan for task in tasks]
    assert len(set(plans)) == len(plans)
    assert asked_by(sending()).plan == plans[0]


@pytest.mark.parametrize(("grouped", "batches"), [(True, 1), ("result", 1), (False, 250)])
def test_what_is_asked_about_is_read_whole_and_grouped_as_ever(sandbox, rokt, ledger, grouped, batches):
    mapped = [
        {name: value for name, value in row.items() if name not in ("id", "list")} | {"source_message_id": row["id"]}
        for row in rows(range(250), email="a@example.com")
    ]
    options = ConversionOptions(on_guard="ask", group_by_user=grouped, fetch_size=40, min_rows=251)
    asked = []
    report = RoktHook().deliver_conversions(mapped_rows(mapped, None, CONVERSION, 40), options, decide=asked.append)
    assert [type(error).__name__ for error in asked[0].objections] == ["RoktTooFewRowsError", "RoktDroppedError"]
    assert (report.rows_accepted, report.batches) == (250, batches * (3 if batches == 1 else 1))


def test_the_question_tells_what_a_resend_is_narrowed_to(sandbox, rokt, shop):
    shop([*rows(range(248), "shown"), *rows([248, 249], "shown", conversiontype=None)])
    first = sending(max_dropped=1.0, max_rejected=2, on_guard="fail").execute({})
    shop(rows(range(250), "shown"))
    question = asked_by(sending(resend_from=first["delivery_id"]))
    assert question.facts == {
        "Rows read": 250,
        "Rows named by resend_from, which alone are sent": 2,
        "Rows that cannot be used": 0,
    }
    assert "| Rows named by resend\\_from, which alone are sent | 2 |" in body_of(question, 24)
    assert sending(resend_from=first["delivery_id"])._deliver(yes(question)).rows_accepted == 2


def test_of_an_audience_too(sandbox, rokt, shop):
    def including(**options):
        asks = {"sql_conn_id": "shop", "audience": "vip", "via": "events", "on_guard": "ask", "sync": "s"}
        return RoktAudienceOperator(
            task_id="t", sql="SELECT email, id AS source_message_id FROM orders", **asks, **options
        )

    class Seventh(frozenset):
        def __contains__(self, id_):
            return id_.startswith("aud_7_")

    shop(rows(range(10)))
    sandbox.faults.add(Refuse(message_ids=Seventh()))
    first = including(max_rejected=1).execute({})
    sandbox.faults.clear()
    question = asked_by(including(resend_from=first["delivery_id"], min_rows=11))
    assert question.facts == {
        "Rows read": 10,
        "Members named by resend_from, which alone are sent": 1,
        "Members to add": 1,
        "Members to remove": 0,
        "Members who stay as they are": 0,
        "Rows that cannot be used": 0,
    }
    report = including(resend_from=first["delivery_id"], min_rows=11)._deliver(yes(question))
    assert report.summary()["members_added"] == 1


def test_the_question_says_what_holds(rokt, shop):
    shop(rows(range(250), "shown"))
    assert "unless it gives the same rows, by id and content, nothing is sent" in body_of(asked_by(sending()), 24)


def test_the_ledger_says_that_a_try_which_asks_waits(rokt, shop, ledger):
    shop(rows(range(250), "shown"))
    asked_by(sending())
    (delivery,) = ledger.deliveries(2)
    assert delivery.report()["failure"] == {
        "kind": "RoktDecisionNeeded",
        "text": "Waits for a person's decision: 100 % of user_attributes.mobile cannot be sent: not a phone number for "
        "region US",
    }
