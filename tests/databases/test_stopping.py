"""A task whose query hangs is stopped, for real: within seconds, and every row that was read is accounted for."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.sources import SqlSource
from tests.databases.drivers import DRIVERS
from tests.databases.test_drivers import HANGING
from tests.runs.killable import Running, run_dag

# A driver that can be asked to end its query does so at once; the rest is Airflow's.
SECONDS = 4.0
# Two windows of rows come, and part of a third; MariaDB fills 16 kB before it sends anything, hence the padding.
QUERIES = {
    "postgres": "SELECT 'p' || n || '@example.com' AS email, 'order-' || n AS id, {at} AS at, "
    "CASE WHEN n > 220 THEN pg_sleep(60)::text END AS pause FROM generate_series(1, 300) AS n",
    "mariadb": "SELECT concat('p', seq, '@example.com') AS email, concat('order-', seq) AS id, {at} AS at, "
    "repeat('x', 2000) AS pad, if(seq > 220, sleep(60), 0) AS pause FROM seq_1_to_300",
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
    "SELECT 'p' || x || '@example.com' AS email, 'order-' || x AS id, {at} AS at FROM n WHERE x <= 220",
}


@pytest.fixture(params=list(QUERIES))
def hanging(request: pytest.FixtureRequest, shop: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tests/dags/hanging.py reads."""
    if request.param == "sqlite":
        shop([{"id": 0}])
        conn_id = "shop"
    else:
        conn_id = request.getfixturevalue(request.param).connection()
    monkeypatch.setenv("HANGING_CONN_ID", conn_id)
    monkeypatch.setenv("HANGING_SQL", QUERIES[request.param].format(at=int(time.time() * 1000)))


def kept_by_airflow() -> dict[str, Any]:
    """The report that the failed task left as XCom."""
    from airflow.models import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        ran = session.query(TaskInstance).filter_by(dag_id="hanging").order_by(TaskInstance.start_date).all()[-1]
        return dict(ran.xcom_pull(task_ids="send", session=session))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGTERM", "execution_timeout"])
def test_a_task_whose_query_hangs_ends_with_its_report(
    hanging: None, sandbox: Any, rokt: Any, ledger: Any, airflow_db: None, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "execution_timeout":
        monkeypatch.setenv("HANGING_SECONDS", "3")
    with Running(run_dag, "hanging") as running:
        running.until(lambda: ledger.deliveries(1) and sandbox.store.counts.events)
        time.sleep(1 if how == "SIGTERM" else 2)
        if how == "SIGTERM":
            running.terminate()
        started = time.monotonic()
        running.until(lambda: ledger.deliveries(1)[0].finished)
        assert time.monotonic() - started < SECONDS
        running.process.join()
    report = ledger.deliveries(1)[0].report()
    assert (report["complete"], report["rows_read"]) == (False, 200)
    assert report["rows_accepted"] == sandbox.store.counts.events > 0
    assert report["rows_accepted"] + report["rows_failed"] == 200
    assert kept_by_airflow()["delivery_id"] == report["delivery_id"]


def test_a_hooks_stop_ends_a_query_that_hangs(driver: str, hook_of: Callable[[str], Any], rokt: Any) -> None:
    """In a handler that returns, as Airflow's of SIGTERM does, which calls ``on_kill``."""
    if driver == "pyodbc":
        pytest.skip("the ODBC driver for SQLite cannot be interrupted")
    hook, source = RoktHook(), SqlSource(hook_of(driver), HANGING[DRIVERS[driver][0]])
    before = signal.signal(signal.SIGALRM, lambda *_: hook.stop())
    started = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(RoktIncompleteError, match="The task was stopped and its query cancelled"):
            hook.deliver_conversions(source, ConversionOptions())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - started < 1.0 + SECONDS


def test_a_hooks_stop_ends_a_query_that_another_thread_waits_for(
    driver: str, hook_of: Callable[[str], Any], rokt: Any
) -> None:
    if driver == "pyodbc":
        pytest.skip("the ODBC driver for SQLite cannot be interrupted")
    hook, source = RoktHook(), SqlSource(hook_of(driver), HANGING[DRIVERS[driver][0]])
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(hook.deliver_conversions, source, ConversionOptions())
        time.sleep(1.0)
        hook.stop()
        with pytest.raises(RoktIncompleteError, match="The task was stopped and its query cancelled"):
            running.result(timeout=SECONDS)
