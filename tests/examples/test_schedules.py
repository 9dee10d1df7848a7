"""Which rows a run selects: of every example and README snippet, scheduled, repeated, back-filled and by hand."""

import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from textwrap import indent

import pytest
from airflow.providers.common.compat.sdk import DAG
from airflow.utils.types import DagRunType

from dags_examples import conversions_mapped
from dags_examples.shop import write_shop
from tests.audiences.people import hashed
from tests.examples.conftest import FOLDER, Connected
from tests.examples.runs import backfilled, by_hand, by_hand_without_date, execute, imported, scheduled
from tests.examples.zones import run_where

README = (FOLDER.parent / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
# What the README says that a DAG around its snippets is to have.
START = re.search(r"`(start_date=datetime\(.*?\))`", README).group(1)
AROUND = f"""
from datetime import UTC, datetime
from airflow.providers.common.compat.sdk import DAG

with DAG("{{}}", schedule="{{}}", {START}, catchup=False) as dag:
"""
SNIPPET_OF_A_DAY = 'RoktConversionOperator(\n    task_id="send_conversions"'
SNIPPET_OF_A_SYNC = 'RoktConversionOperator(\n    task_id="send_new_orders"'
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
# A moment in the middle of a day and of an hour, three days ago.
AFTERNOON = datetime.now(UTC).replace(hour=14, minute=20, second=7, microsecond=0) - 3 * DAY
MIDNIGHT = AFTERNOON.replace(hour=0, minute=0, second=0)
# When clocks change, in spring and in autumn.
CLOCK_CHANGES = {
    "Europe/London": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/New_York": (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
}
# So many runs around each: the third is the first one after it.
AROUND_A_CHANGE = 4


@dataclass(frozen=True)
class Example:
    """A DAG whose runs select a span that ends with the last whole `period` before the run.

    :ivar name: a module of the examples, or how the README's snippet begins.
    :ivar schedule: of the DAG around a snippet.
    :ivar count: how many scheduled runs are tried; a mapped one takes its time.
    """

    name: str
    period: timedelta = DAY
    span: timedelta = DAY
    schedule: str = ""
    count: int = 3

    def __str__(self) -> str:
        return re.sub(r"\s+", " ", f"{self.name} {self.schedule}").strip()

    def until(self, moment: datetime) -> datetime:
        """The end of the last whole period before a moment."""
        seconds = self.period.total_seconds()
        return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, UTC)

    def wants(self, order: "Order", moment: datetime) -> bool:
        """Whether a run at a moment is to select an order."""
        until = self.until(moment)
        return until - self.span <= order.ordered_at < until


CONVERSIONS = [
    Example("conversions_daily"),
    Example("conversions_alerts", count=2),
    Example("conversions_mapped", count=2),
    Example("conversions_incremental", period=HOUR, span=HOUR),
    Example(SNIPPET_OF_A_DAY, schedule="@daily"),
    Example("send = RoktConversionOperator.partial(", schedule="0 3 * * *", count=2),
]
SYNCS = [
    Example("conversions_sync", period=HOUR, span=3 * DAY),
    Example(SNIPPET_OF_A_SYNC, period=HOUR, span=3 * DAY, schedule="@hourly"),
]
AUDIENCES = [
    Example("audience_mirror", span=14 * DAY),
    Example("RoktAudienceOperator(", span=14 * DAY, schedule="@daily"),
]
# These say that they take everything; the last has no query.
WHOLE_TABLE = {"audience_both_roads", "audience_from_asset", "conversions_taskflow", "outcomes_in_sql"}


@dataclass(frozen=True)
class Order:
    order_id: str
    ordered_at: datetime
    email: str


@pytest.fixture
def orders(connected) -> list[Order]:
    """The shop's orders; none is spoiled, and they have the README's columns too."""
    return _tidied(connected, connected.spoiled)


def _tidied(connected: Connected, spoiled: Iterable[str]) -> list[Order]:
    with sqlite3.connect(connected.shop) as shop:
        shop.executemany("DELETE FROM orders WHERE order_id = ?", [(order_id,) for order_id in spoiled])
        shop.execute("ALTER TABLE orders ADD COLUMN order_number")
        shop.execute("UPDATE orders SET order_number = confirmation")
        rows = shop.execute("SELECT order_id, ordered_at, email FROM orders").fetchall()
    return [Order(number, datetime.fromisoformat(f"{time}+00:00"), *rest) for number, time, *rest in rows]


@pytest.fixture
def file_of(connected) -> Callable[[Example], Path]:
    """The file of an example's DAG, written where it is one of the README's snippets."""

    def write(example: Example) -> Path:
        if not example.schedule:
            return FOLDER / f"{example.name}.py"
        (snippet,) = (snippet for snippet in SNIPPETS if f"\n{example.name}" in snippet)
        dag_id = re.sub(r"\W+", "_", str(example))
        file = connected.dags / f"{dag_id}.py"
        file.write_text(AROUND.format(dag_id, example.schedule) + indent(snippet, "    "))
        (connected.dags / "orders_of_part.sql").write_text(
            conversions_mapped.dag.get_task("send_part").partial_kwargs["sql"]
        )
        return file

    return write


@pytest.fixture
def load(file_of) -> Callable[[Example], DAG]:
    """Imports an example's DAG."""
    return lambda example: imported(file_of(example))


@pytest.fixture
def sent(sandbox) -> Callable[[], list[str]]:
    """The ids of the orders that have arrived since it was asked last."""

    def take() -> list[str]:
        ids = sorted(event["data"]["source_message_id"] for event in sandbox.store.events)
        sandbox.reset()
        return ids

    return take


@pytest.mark.parametrize("example", CONVERSIONS, ids=str)
def test_scheduled_runs_send_every_order_once_and_repeated_ones_the_same(example, airflow_db, orders, load, sent):
    dag = load(example)
    infos = scheduled(dag, MIDNIGHT, example.count)
    runs = []
    for info in infos:
        execute(dag, info)
        runs.append(sent())
        assert runs[-1] == _wanted(example, orders, info.run_after)
    begin, end = example.until(infos[0].run_after) - example.period, example.until(infos[-1].run_after)
    assert end - begin == example.count * example.period
    between = (order for order in orders if begin <= order.ordered_at < end)
    assert sorted(chain(*runs)) == sorted(order.order_id for order in between)
    assert all(runs)

    execute(dag, infos[0])
    assert sent() == runs[0]
    (again,) = backfilled(dag, infos[-1].logical_date, infos[-1].logical_date)
    execute(dag, again, DagRunType.BACKFILL_JOB)
    assert sent() == runs[-1]


@pytest.mark.parametrize("zone", CLOCK_CHANGES)
@pytest.mark.parametrize(
    "example", [CONVERSIONS[0], *(pytest.param(other, marks=pytest.mark.slow) for other in CONVERSIONS[1:])], ids=str
)
def test_every_order_goes_once_where_clocks_change(example, zone, airflow_db, connected, file_of, sent):
    """Whatever Airflow's default timezone is."""
    spring, autumn = CLOCK_CHANGES[zone]
    end = autumn + AROUND_A_CHANGE * DAY
    hours = (end - spring) // HOUR + 24 * AROUND_A_CHANGE
    spoiled = write_shop(connected.shop, orders=hours, customers=900, until=end, span=hours * HOUR)
    orders = _tidied(connected, spoiled)
    starts = [example.until(change) - 2 * example.period for change in (spring, autumn)]
    run_where(zone, file_of(example), AROUND_A_CHANGE, starts)
    ids = sent()
    # Which run is the first one depends on Airflow: some make a run for a span when it is over.
    when = {order.order_id: order.ordered_at for order in orders}
    for change in (spring, autumn):
        times = [when[order_id] for order_id in ids if abs(when[order_id] - change) < 30 * DAY]
        begin, end = example.until(min(times)), example.until(max(times)) + example.period
        assert end - begin == AROUND_A_CHANGE * example.period
        assert sorted(times) == sorted(order.ordered_at for order in orders if begin <= order.ordered_at < end)


@pytest.mark.parametrize("start", [by_hand, by_hand_without_date])
@pytest.mark.parametrize("example", CONVERSIONS, ids=str)
def test_a_run_by_hand_sends_the_last_whole_period(example, start, airflow_db, orders, load, sent):
    start(load(example), AFTERNOON)
    ids = sent()
    assert ids
    assert ids == _wanted(example, orders, AFTERNOON)


@pytest.mark.parametrize("example", SYNCS, ids=str)
def test_a_sync_sends_every_order_once_whatever_its_query_returns_again(
    example, airflow_db, orders, load, sent, connected
):
    """Also one that comes late, and what a run by hand finds between two scheduled ones."""
    dag = load(example)
    first, second, third = scheduled(dag, MIDNIGHT, 3)
    execute(dag, first)
    assert sent() == _wanted(example, orders, first.run_after)
    late = _loaded(connected, orders, second.run_after - DAY)
    execute(dag, second)
    hour = [order.order_id for order in orders if first.run_after <= order.ordered_at < second.run_after]
    assert sent() == sorted([*hour, late])
    execute(dag, second)
    assert sent() == []
    execute(dag, third)
    assert sent() == sorted(o.order_id for o in orders if second.run_after <= o.ordered_at < third.run_after)


def _loaded(connected: Connected, orders: list[Order], moment: datetime) -> str:
    """An order of a moment, loaded now."""
    with sqlite3.connect(connected.shop) as shop:
        shop.execute("CREATE TEMP TABLE late AS SELECT * FROM orders WHERE order_id = ?", [orders[0].order_id])
        shop.execute("UPDATE late SET order_id = 'late', ordered_at = ?", [moment.strftime("%Y-%m-%d %H:%M:%S")])
        shop.execute("INSERT INTO orders SELECT * FROM late")
    return "late"


@pytest.mark.parametrize("example", AUDIENCES, ids=str)
def test_an_audience_is_who_bought_in_its_days(example, airflow_db, orders, load, sandbox):
    dag = load(example)

    def check(moment: datetime) -> None:
        (members,) = sandbox.store.audiences.values()
        wanted = {order.email for order in orders if example.wants(order, moment)}
        assert members == {hashed(email.strip().lower()) for email in wanted}
        assert len(wanted) < len({order.email for order in orders})

    for info in scheduled(dag, MIDNIGHT - DAY, 2):
        execute(dag, info)
        check(info.run_after)
    by_hand(dag, AFTERNOON)
    check(AFTERNOON)


def test_an_audience_by_hand_without_a_date_too(airflow_db, orders, load, sandbox):
    for example in AUDIENCES:
        by_hand_without_date(load(example), AFTERNOON)
        wanted = {order.email for order in orders if example.wants(order, AFTERNOON)}
        (members,) = sandbox.store.audiences.values()
        assert members == {hashed(email.strip().lower()) for email in wanted}
        sandbox.reset()


def test_no_example_is_left_out():
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"demo", "shop"}
    tested = [example.name for example in CONVERSIONS + SYNCS + AUDIENCES]
    assert modules - WHOLE_TABLE == {name for name in tested if name.isidentifier()}
    operators = [
        line
        for snippet in SNIPPETS
        for line in re.findall(r"^.*(?:Conversion|Audience)Operator.*\($", snippet, re.MULTILINE)
    ]
    assert sorted(operators) == sorted(name.partition("\n")[0] for name in tested if not name.isidentifier())


def _wanted(example: Example, orders: list[Order], moment: datetime) -> list[str]:
    return sorted(order.order_id for order in orders if example.wants(order, moment))
