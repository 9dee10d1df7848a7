"""What the page takes from Airflow's database: when a task was at work, whether it is, what its parts are called."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from airflow_provider_rokt.ledger.report import Tally
from tests.plugin.conftest import needs_places
from tests.plugin.history import EMAIL, SILENCE, sender_of
from tests.plugin.test_pages import words

pytestmark = needs_places

NOW = datetime.now(UTC).replace(microsecond=0)
RUN = "manual__2026-11-28T10:00:00+00:00"
ADDRESS = RUN.replace("+", "%2B").replace(":", "%3A")


@pytest.fixture
def instances(no_tasks) -> Any:
    """Writes task instances of one run into Airflow's database: their columns, but for what is alike in all."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.taskinstancehistory import TaskInstanceHistory
    from airflow.utils.session import create_session
    from sqlalchemy import insert

    def write(*rows: dict[str, Any], past: Sequence[dict[str, Any]] = ()) -> None:
        """:param past: of those tries that are not the last of theirs."""
        with create_session() as session:
            run = {"dag_id": "shop", "run_id": RUN, "run_type": "manual", "run_after": NOW, "state": "running"}
            session.execute(insert(DagRun).values(**run, start_date=NOW, conf={}, clear_number=0))
            for number, row in enumerate((*rows, *past)):
                ours = {"dag_id": "shop", "run_id": RUN, "task_id": "orders", "map_index": -1, "try_number": 1}
                more = {"pool": "default_pool", "pool_slots": 1}
                more |= {"priority_weight": 1, "operator": "RoktConversionOperator", "queue": "default", "max_tries": 0}
                values = {**ours, **more, "state": "success", "start_date": NOW, "executor_config": {}, **row}
                if number < len(rows):
                    session.execute(insert(TaskInstance.__table__).values(**values))
                else:
                    past_try = TaskInstanceHistory.__table__
                    # A text before Airflow 3.2.
                    key = past_try.c.task_instance_id.type.python_type(str(uuid4()))
                    session.execute(insert(past_try).values(**values, task_instance_id=key))

    return write


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({"state": "running"}, "in flight"),
        ({"state": "running", "try_number": 2}, "stopped"),
        ({"state": "failed"}, "stopped"),
        ({"state": "success"}, "stopped"),
    ],
)
def test_without_a_report_it_is_in_flight_while_its_task_is(ask, history, instances, row, state) -> None:
    instances(row)
    found = history.add(NOW, sender_of(RUN), 40, ends=False)
    page = ask(f"/deliveries/{found}").text
    assert words(page).startswith(f"Conversions {state} ")
    assert ("data-live" in page) == (row["state"] == "running")
    # Where the next try is at work there is nothing to do about this one.
    assert ("it goes on where it ended" in page) == (state == "stopped" and "try_number" not in row)
    assert f'"badge {state.replace(" ", "-")}"' in ask("/").text


def becomes(**values: Any) -> None:
    """Changes the task instances of the run in Airflow's database."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(TaskInstance).where(TaskInstance.run_id == RUN).values(**values))


def test_what_has_just_succeeded_is_not_told_as_stopped(ask, history, instances) -> None:
    """What the page remembers of a delivery is older than what it asks Airflow's database."""
    instances({"state": "running"})
    paths = (f"/task/shop/{ADDRESS}/orders/-1", f"/run/shop/{ADDRESS}", "/")
    found = history.add(NOW, sender_of(RUN), 40, ends=False)
    for path in (f"/deliveries/{found}", *paths):
        assert '"badge in-flight"' in ask(path).text
    told = {"complete": True, "finished_at": NOW.isoformat()}
    history.end(found, Tally(read=40, accepted=40).report(found, "").summary() | told)
    becomes(state="success", end_date=NOW)
    for path in (f"/deliveries/{found}", *paths):
        assert '"badge delivered"' in ask(path).text


@pytest.fixture
def answered(instances) -> Iterator[Any]:
    """Writes a task that a person was asked about and that has failed since: its columns, and the answer's."""
    from airflow.models.hitl import HITLDetail
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import delete, insert

    # A text before Airflow 3.2.
    instance = TaskInstance.__table__.c.id.type.python_type(str(UUID(int=13)))

    def write(row: dict[str, Any], answer: dict[str, Any]) -> None:
        instances({"id": instance, "state": "failed", **row})
        asked = {
            "ti_id": instance,
            "options": ["Send it", "Stop"],
            "subject": "Send?",
            "params": {},
            "params_input": {},
        }
        with create_session() as session:
            session.execute(insert(HITLDetail).values(**asked, **answer))

    yield write
    with create_session() as session:
        session.execute(delete(HITLDetail).where(HITLDetail.ti_id == instance))


JANE = {"responded_by": {"id": "7", "name": "jane"}}


@pytest.mark.parametrize(
    ("row", "answer", "words_of_it"),
    [
        ({}, {"chosen_options": ["Stop"], **JANE}, "A person decided to stop it, so nothing was sent"),
        ({}, {"chosen_options": ["Stop"]}, "Nobody decided in time, so nothing was sent"),
        ({}, {"chosen_options": ["Send it"], **JANE}, "A person let it pass, and this delivery itself sent nothing"),
        ({}, {"chosen_options": None}, "A person was asked, and nothing was sent"),
        # The answer is to a later try's question.
        ({"try_number": 2}, {"chosen_options": ["Stop"], **JANE}, "A person was asked, and nothing was sent"),
    ],
)
def test_what_was_decided_is_told_with_the_objection(ask, history, answered, row, answer, words_of_it) -> None:
    answered(row, answer)
    told = {"failure": {"kind": "RoktDecisionNeeded", "text": "Waits for a person's decision: 9 of 10 would go"}}
    counts = {"complete": False, "rows_read": 10, "rows_failed": 10}
    found = history.add(NOW - timedelta(days=1), sender_of(RUN), **counts, **told)
    page = words(ask(f"/deliveries/{found}").text)
    assert page.startswith("Conversions failed ")
    assert page.count(f" {words_of_it}: 9 of 10 would go ") == 2
    listed = words(ask("/").text)
    assert f"10 rows {words_of_it}: 9 of 10 would go " in listed
    for text in (page, listed):
        assert "Waits for" not in text
        assert "jane" not in text


@pytest.mark.parametrize(
    ("at", "answer", "state", "advice"),
    [
        ("awaiting_input", {"chosen_options": None}, "waits for a decision", "Answer Airflow's required action"),
        ("scheduled", {"chosen_options": ["Send it"], **JANE}, "in flight", "Wait: the task is at work."),
        ("queued", {"chosen_options": ["Send it"], **JANE}, "in flight", "Wait: the task is at work."),
        ("running", {"chosen_options": ["Send it"], **JANE}, "in flight", "Wait: the task is at work."),
        ("queued", {"chosen_options": ["Stop"], **JANE}, "failed", "Wait: the task has not ended."),
        ("failed", {"chosen_options": ["Stop"]}, "failed", "Correct the query, then run the DAG anew"),
        ("failed", {"chosen_options": ["Send it"], **JANE}, "failed", "See the task's log why it failed when a person"),
    ],
)
def test_once_somebody_has_answered_nothing_waits_for_it(ask, history, answered, at, answer, state, advice) -> None:
    answered({"state": at}, answer)
    told = {"failure": {"kind": "RoktDecisionNeeded", "text": "Waits for a person's decision: 9 of 10 would go"}}
    counts = {"complete": False, "rows_read": 10, "rows_failed": 10}
    found = history.add(NOW - timedelta(days=1), sender_of(RUN), **counts, **told)
    page = ask(f"/deliveries/{found}").text
    assert words(page).startswith(f"Conversions {state} ")
    assert f"What to do {advice}" in words(page)
    assert ("data-live" in page) == (at != "failed")
    listed = words(ask("/").text).partition("Syncs")[0]
    assert ("10 failed" in listed) == (state == "failed")
    assert ("1 delivery waits for a decision" in listed) == (state == "waits for a decision")
    assert (advice in listed) == (state != "in flight")


@pytest.mark.parametrize("at", ["awaiting_input", "deferred", "failed"])
def test_a_decision_is_waited_for_while_the_task_waits(ask, history, instances, at) -> None:
    instances({"state": at})
    told = {"failure": {"kind": "RoktDecisionNeeded", "text": "9 of 10 would go"}}
    found = history.add(NOW, sender_of(RUN), complete=False, **told)
    text = words(ask(f"/deliveries/{found}").text)
    assert text.startswith("Conversions failed " if at == "failed" else "Conversions waits for a decision ")
    assert ("What to do Answer Airflow's required action" in text) == (at != "failed")
    assert ("What to do Correct the query, then run the DAG anew" in text) == (at == "failed")


def test_the_tab_of_a_task_shows_its_last_delivery(ask, history, instances) -> None:
    ended = NOW - timedelta(hours=2)
    instances({"start_date": ended - timedelta(minutes=10), "end_date": ended, "try_number": 2})
    first = history.add(ended - timedelta(minutes=9), sender_of(RUN), 30, ends=False)
    last = history.add(ended - timedelta(minutes=2), sender_of(RUN, try_number=2), 40)
    stranger = history.add(ended - timedelta(minutes=1), sender_of("another"), 50)
    for index in ("-1", "{MAP_INDEX}"):
        page = ask(f"/task/shop/{ADDRESS}/orders/{index}").text
        assert "40 rows arrived" in words(page)
        assert "Earlier tries: " in page
        assert first in page
        assert last in page
    run = ask(f"/run/shop/{ADDRESS}").text
    assert "40 rows arrived, 0 did not" in words(run)
    assert last in run
    assert stranger not in run


def test_of_an_earlier_try_the_page_leads_to_the_later_one(ask, history, instances) -> None:
    instances({"start_date": NOW - timedelta(minutes=9), "end_date": NOW, "try_number": 2})
    first = history.add(NOW - timedelta(minutes=8), sender_of(RUN), 30, {EMAIL: 1}, {SILENCE: 5})
    last = history.add(NOW - timedelta(minutes=2), sender_of(RUN, try_number=2), 35, {EMAIL: 1})
    page = ask(f"/deliveries/{first}").text
    assert "What to do Nothing about this try: a later one counts in its place, rejected rows" in words(page)
    assert f'/rokt/deliveries/{last}">a later one</a>' in page
    for text, told in ((words(page), False), (words(ask(f"/deliveries/{last}").text), True)):
        assert ("resend_from" in text) == told
        assert ("Clear the failed task" in text) is False
        assert ("Correct the rejected rows" in text) == told


@pytest.mark.parametrize(("number", "is_past"), [(1, False), (2, True)])
def test_where_a_later_try_has_begun_there_is_no_advice(ask, history, instances, number, is_past) -> None:
    instances({"state": "running", "try_number": number})
    found = history.add(NOW, sender_of(RUN), 30, {EMAIL: 1}, {SILENCE: 5})
    for path in (f"/deliveries/{found}", f"/task/shop/{ADDRESS}/orders/-1"):
        text = words(ask(path).text)
        assert ("What to do Nothing about this try: a later one has begun" in text) == is_past
        assert ("resend_from" in text) != is_past


@pytest.mark.parametrize(
    ("ends", "row", "goes_on"),
    [
        # The report is written before the task ends.
        (True, {"state": "running"}, True),
        (True, {"state": "up_for_retry"}, True),
        (False, {"state": "up_for_retry"}, True),
        (True, {"state": None}, True),
        (True, {"state": "queued", "try_number": 2}, True),
        (False, {"state": "queued", "try_number": 2}, True),
        (True, {"state": "failed"}, False),
        (False, {"state": "failed"}, False),
        (True, {"state": "failed", "try_number": 2}, False),
    ],
)
def test_what_airflow_tries_again_is_waited_for(ask, history, instances, ends, row, goes_on) -> None:
    instances(row)
    found = history.add(NOW - timedelta(days=1), sender_of(RUN), 30, {}, {SILENCE: 5}, ends=ends)
    for path in (f"/deliveries/{found}", "/"):
        text = words(ask(path).text).partition("Syncs")[0]
        is_past = path != "/" and "try_number" in row
        assert ("What to do Wait: the task has not ended. When Airflow tries it again" in text) == (
            goes_on and not is_past
        )
        assert ("What to do Clear the " in text) == (not goes_on and not is_past)
    assert ("data-live" in ask(f"/deliveries/{found}").text) == goes_on


def test_a_run_is_followed_while_airflow_tries_it_again(ask, history, instances) -> None:
    instances({"state": "up_for_retry"})
    history.add(NOW, sender_of(RUN), 30, {}, {SILENCE: 5})
    pages = (f"/run/shop/{ADDRESS}", f"/task/shop/{ADDRESS}/orders/-1")
    assert ["data-live" in ask(path).text for path in pages] == [True, True]
    becomes(state="failed")
    assert ["data-live" in ask(path).text for path in pages] == [False, False]


def test_a_part_that_is_cleared_after_months_hides_no_other(ask, history, instances, monkeypatch) -> None:
    monkeypatch.setattr("airflow_provider_rokt.plugin.delivery_page._LOOKED_AT", 5)
    then = {"start_date": NOW - timedelta(days=60), "end_date": NOW - timedelta(days=60, minutes=-9)}
    cleared = {"map_index": 1, "try_number": 2, "start_date": NOW - timedelta(minutes=2), "end_date": NOW}
    instances({"map_index": 0, **then}, cleared, past=[{"map_index": 1, **then}])
    for part in range(2):
        history.add(then["start_date"] + timedelta(minutes=1), sender_of(RUN, part=part), 40 + part)
    for days in range(2, 50):
        history.add(NOW - timedelta(days=days), sender_of("another"), 1)
    history.add(NOW - timedelta(minutes=1), sender_of(RUN, part=1, try_number=2), 90)
    for part, rows in enumerate((40, 90)):
        text = words(ask(f"/task/shop/{ADDRESS}/orders/{part}").text)
        assert f" {rows} rows arrived" in text
        assert "Together delivered 130 " in text
    text = words(ask(f"/run/shop/{ADDRESS}").text)
    assert "orders delivered 130 rows arrived, 0 did not." in text
    assert "Earlier tries" in words(ask(f"/task/shop/{ADDRESS}/orders/1").text)


def test_before_anything_is_sent_the_tab_says_so(ask, instances, ledger) -> None:
    ended = {"task_id": "ended", "state": "success"}
    instances({"state": "running"}, ended, {"task_id": "other", "operator": "PythonOperator"})
    page = ask(f"/task/shop/{ADDRESS}/orders/-1").text
    assert "Nothing was delivered yet." in words(page)
    assert "data-live" in page
    page = ask(f"/task/shop/{ADDRESS}/ended/-1").text
    assert "Nothing was delivered. If the task has ended, its log says why" in words(page)
    assert f"Looked at: {ledger.uri} ," in words(page)
    assert "data-live" not in page
    assert "This task delivered nothing to Rokt." in words(ask(f"/task/shop/{ADDRESS}/other/-1").text)


@pytest.mark.parametrize(("index", "status"), [(2**31 - 1, 200), (2**31, 404), ("9" * 20, 404), ("9" * 5_000, 404)])
def test_a_number_that_no_place_in_a_map_has_is_no_error(ask, instances, index, status) -> None:
    instances({})
    answer = ask(f"/task/shop/{ADDRESS}/orders/{index}")
    assert answer.status_code == status
    assert ("There is no such page" in answer.text) == (status == 404)


def test_parts_are_called_what_the_map_calls_them(ask, history, instances) -> None:
    names = ["north", None, "south"]
    instances(*({"map_index": part, "rendered_map_index": name} for part, name in enumerate(names)))
    found = [history.add(NOW, sender_of(RUN, part=part), 10 + part, {EMAIL: part}) for part in range(3)]
    for path in (f"/task/shop/{ADDRESS}/orders/2", f"/deliveries/{found[2]}"):
        text = words(ask(path).text)
        assert text.startswith("Conversions south #2 rejected rows ")
        assert "12 rows arrived 2 did not" in text
        assert "Parts 3 of this mapped task" in text
        assert "north #0 delivered 10 0 0 0" in text
        assert "part #1 rejected rows 11 1 0 0" in text
        assert "Together rejected rows 33 3 0 0" in text
    text = words(ask(f"/run/shop/{ADDRESS}").text)
    assert "orders rejected rows 33 rows arrived, 3 did not." in text
    assert "north #0" in text
    # Without its place in the map, the task as a whole is meant.
    assert "Parts 3 of this mapped task" in words(ask(f"/task/shop/{ADDRESS}/orders/{{MAP_INDEX}}").text)
