"""Tasks that failed before they delivered anything: Airflow's database alone knows of them."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from tests.plugin.conftest import needs_places
from tests.plugin.history import CLOSED, EMAIL, OPEN, sender_of
from tests.plugin.test_pages import words

pytestmark = needs_places

NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = datetime.combine(NOW.date(), time(), UTC)
YESTERDAY = TODAY - timedelta(hours=15)
RUN = "scheduled__2026-11-27T03:00:00+00:00"


@pytest.fixture
def fails(no_tasks) -> Any:
    """Writes a task instance into Airflow's database, failed yesterday if nothing else is said."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import insert, select

    def write(run_id: str = RUN, *, ended: datetime = YESTERDAY, **columns: Any) -> None:
        dag_id = columns.get("dag_id", CLOSED)
        run = {"dag_id": dag_id, "run_id": run_id, "run_type": "manual", "run_after": ended, "state": "failed"}
        row = {"task_id": "orders", "map_index": -1, "try_number": 1, "max_tries": 0, "state": "failed"}
        row |= {"pool": "default_pool", "pool_slots": 1, "priority_weight": 1, "queue": "default"}
        row |= {"operator": "RoktConversionOperator", "executor_config": {}}
        row |= {"dag_id": dag_id, "run_id": run_id, "start_date": ended - timedelta(seconds=9), "end_date": ended}
        with create_session() as session:
            if not session.scalar(select(DagRun.id).where(DagRun.dag_id == dag_id, DagRun.run_id == run_id)):
                session.execute(insert(DagRun).values(**run, start_date=ended, conf={}, clear_number=0))
            session.execute(insert(TaskInstance.__table__).values(**{**row, **columns}))

    return write


def answer(ask: Any, query: str = "", user: str = "admin") -> str:
    """What the box at the top reads like."""
    found = re.search('<section class="answer".*?</section>', ask(f"/{query}", user).text, re.DOTALL)
    assert found
    return words(f"<main>{found[0]}</main>")


def test_what_failed_before_it_delivered_is_told_with_its_log(ask, ledger, fails) -> None:
    fails()
    text = answer(ask)
    assert "Nothing was delivered 1 task failed before it delivered anything Commonest reasons " in text
    assert "The failed task's log says why: shop.orders " in text
    assert "What to do Task that delivered nothing: see its log in Airflow, then clear it." in text
    assert "There are no deliveries yet" not in text
    # From elsewhere than the workers' ledger all that failed would look like this.
    assert f"Looked at: {ledger.uri} ," in text
    run = RUN.replace("+", "%2B").replace(":", "%3A")
    assert f'<a href="/dags/shop/runs/{run}/tasks/orders"' in ask("/").text


def test_beside_what_arrived_it_is_not_said_that_nothing_failed(ask, history, fails) -> None:
    history.add(YESTERDAY, sender_of("another"), 12)
    fails(map_index=3)
    text = answer(ask)
    assert "12 rows arrived 0 did not 1 task failed before it delivered anything 0 rejected, 0 failed" in text
    assert "nothing failed" not in text
    assert "Nothing." not in text
    assert '/tasks/orders/mapped/3"' in ask("/").text


def test_of_today_it_is_told_today(ask, history, fails) -> None:
    history.add(YESTERDAY, sender_of("another"), 12)
    fails(ended=datetime.now(UTC))
    yesterday, _, today = answer(ask).partition("Today so far")
    assert "None: nothing was rejected, nothing failed. What to do Nothing." in yesterday
    assert "1 task failed before it delivered anything " in today
    assert "The failed task's log says why: shop.orders " in today
    assert "see its log in Airflow" in today


@pytest.mark.parametrize(
    "row",
    [
        {"operator": "RoktDeliverySensor"},
        {"operator": "PythonOperator"},
        {"state": "upstream_failed"},
        {"state": "up_for_retry"},
        {"state": "success"},
        {"ended": TODAY - timedelta(days=1, seconds=1)},
        # It may have delivered on the day before, which is not read.
        {"start_date": TODAY - timedelta(days=1, seconds=1)},
    ],
    ids=str,
)
def test_no_other_task_is_told(ask, history, fails, row) -> None:
    history.add(YESTERDAY, sender_of("another", task_id="vip"), 12)
    fails(**row)
    assert "None: nothing was rejected, nothing failed. What to do Nothing." in answer(ask)


def test_what_has_a_delivery_is_told_by_it(ask, history, fails) -> None:
    for part in range(3):
        fails(map_index=part)
    history.add(YESTERDAY, sender_of(RUN, part=0), 12, {EMAIL: 2})
    history.add(YESTERDAY, sender_of(RUN, part=1), 12)
    history.add(YESTERDAY, sender_of("another run", part=2), 12)
    text = answer(ask)
    assert "2 did not 1 task failed before it delivered anything 2 rejected" in text
    assert "2 rows user_identities.email is no e-mail address The failed task's log says why: shop.orders " in text


def test_many_are_counted_and_some_are_named(ask, fails) -> None:
    for number in range(7):
        fails(task_id=f"t{number}", ended=YESTERDAY - timedelta(minutes=number))
    for hour in range(3):
        fails(f"r{hour}", task_id="hourly", ended=YESTERDAY + timedelta(hours=hour + 1))
    text = answer(ask)
    assert "10 tasks failed before they delivered anything " in text
    assert "The failed tasks' logs say why: shop.hourly × 3 , " in text
    assert " × 3 , shop.t0 , shop.t1 , shop.t2 , shop.t3 and 3 more" in text
    assert "see their logs in Airflow" in text
    assert "/runs/r2/tasks/hourly" in ask("/").text


def test_an_operator_of_another_name_is_known_by_what_it_delivered(ask, history, fails) -> None:
    fails(operator="ShopOperator")
    assert "failed before" not in answer(ask)
    history.add(YESTERDAY - timedelta(days=9), sender_of("before"), 12)
    for query in ("", f"?day={YESTERDAY:%Y-%m-%d}"):
        assert "The failed task's log says why: shop.orders " in answer(ask, query)


def test_it_is_narrowed_to_a_dag(ask, fails) -> None:
    fails()
    assert "shop.orders" in answer(ask, f"?dag={CLOSED}")
    assert "shop.orders" not in answer(ask, f"?dag={OPEN}")


def test_who_may_not_read_its_dag_is_not_told(ask, history, fails) -> None:
    fails()
    fails(dag_id=OPEN, task_id="vip")
    assert "2 tasks failed before they delivered anything " in answer(ask, user="bob")
    text = answer(ask, user="carol")
    assert "1 task failed before it delivered anything " in text
    assert "The failed task's log says why: loyalty.vip " in text
    assert CLOSED not in ask("/", "carol").text
