"""The example in parts on two Celery workers, one of which dies midway; see ``tests/kills/real.py``."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from airflow_provider_rokt.sandbox import Sandbox
from airflow_provider_rokt.sandbox.faults import Delay
from dags_examples import conversions_mapped, shop
from tests.kills.asking import ask, until
from tests.kills.onlooker import Taken, held_twice, remembered

DAG_ID: Final = conversions_mapped.dag.dag_id
_RUNS: Final = f"/api/v2/dags/{DAG_ID}/dagRuns"
_ORDERS: Final = 20_000
_CUSTOMERS: Final = 6_000
# More than there are requests.
_MANY: Final = 1_000_000


class Broken(Exception):
    """What should hold when the run is over did not."""


class Parts:
    """One run of the example, and the worker that dies in it.

    :param folder: for the DAG and the shop.
    :param seconds: that an answer of the sandbox takes.
    """

    name = "the example in parts"
    dag_id = DAG_ID

    def __init__(self, sandbox: Sandbox, folder: Path, ledger: Path, workers: list[Any], seconds: float) -> None:
        self._sandbox, self._ledger, self._workers, self._seconds = sandbox, ledger, workers, seconds
        self._shop = folder / "parts.sqlite"
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        shop.write_shop(self._shop, _ORDERS, _CUSTOMERS, until=today, span=timedelta(days=1))

    def environment(self) -> dict[str, str]:
        """What the tasks need to be told of the shop."""
        return {
            "AIRFLOW_CONN_SHOP": json.dumps({"conn_type": "sqlite", "host": str(self._shop)}),
            "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        }

    @staticmethod
    def write_dag(path: Path) -> None:
        """The example, which here runs only when it is told to."""
        text = Path(conversions_mapped.__file__).read_text()
        path.write_text(text.replace('schedule="@daily"', "schedule=None"))

    def play(self) -> str:
        """Plays it; what came of it, by part.

        :raises Broken: with the same, where an order is missing or stored twice, or a part's counts are wrong.
        """
        run_id = f"parts-{time.time():.0f}"
        self._sandbox.faults.add(Delay(seconds=self._seconds, times=_MANY))
        ask(_RUNS, {"dag_run_id": run_id, "logical_date": None})
        until("a task on each worker", lambda: all(self._tasks_of(worker) for worker in self._workers))
        until("a part of the requests", lambda: len(self._sandbox.store.requests) >= 40)
        dead = self._kill(self._workers[0])
        before, marks = Taken.by(self._sandbox, "conversions"), len(remembered(self._ledger))
        state = until("the end of the run", lambda: _ended(run_id))
        told = [f"A worker and {dead} processes under it were killed; the run: {state}"]
        after, twice = Taken.by(self._sandbox, "conversions"), held_twice(self._sandbox)
        told.append(
            f"{len(before.rows)} orders were taken when it died, {marks} of them remembered. In the end "
            f"{len(after.rows)} are there, {twice} stored twice, {after.again(before)} sent again"
        )
        judged = _xcom(run_id, "every_batch_has_its_verdict", -1)["partitions"]
        told += [_line(run_id, *found) for found in enumerate(judged)]
        accepted = sum(part["rows_accepted"] for part in judged)
        right = [part["rows_read"] == _ended_rows(part) for part in judged]
        right += [self._orders_by_part() == [part["rows_read"] for part in judged], len(after.rows) == accepted]
        if not all(right) or twice or state != "success":
            raise Broken("\n".join(told))
        return "\n".join(told)

    def _orders_by_part(self) -> list[int]:
        """Counted by other means than the query's."""
        with sqlite3.connect(self._shop) as connection:
            rows = connection.execute("SELECT customer_id, rowid FROM orders").fetchall()
        numbers = [int(customer.removeprefix("cust_")) if customer else rowid for customer, rowid in rows]
        parts = conversions_mapped.PARTS
        return [sum(number % parts == part for number in numbers) for part in range(parts)]

    @staticmethod
    def _tasks_of(worker: Any) -> bool:
        """Whether a process of its pool has one of its own, which is a task."""
        return any(True for child in _children(worker.pid) for _ in _children(child))

    @staticmethod
    def _kill(worker: Any) -> int:
        """Kills it and all that is under it, at once; how many that was."""
        pids = list(_below(worker.pid))
        for pid in (worker.pid, *pids):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        worker.wait(15)
        return len(pids)


def _children(pid: int) -> list[int]:
    try:
        lists = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except FileNotFoundError:
        return []
    return [int(child) for children in lists for child in children]


def _below(pid: int) -> Iterator[int]:
    """The processes that descend from one."""
    for child in _children(pid):
        yield child
        yield from _below(child)


def _line(run_id: str, index: int, part: dict[str, Any]) -> str:
    task, instance = _xcom(run_id, "send_part", index), ask(f"{_RUNS}/{run_id}/taskInstances/send_part/{index}")
    return (
        f"{part['partition']} (in the UI {instance['rendered_map_index']}): try {instance['try_number']}, "
        f"{part['rows_read']} orders read, {part['rows_accepted']} accepted, {task['rows_resumed']} of them in an "
        f"earlier try, {part['rows_rejected']} rejected, {part['rows_failed']} failed, {part['batches']} batches"
    )


def _ended(run_id: str) -> str:
    state = ask(f"{_RUNS}/{run_id}")["state"]
    return str(state) if state in ("success", "failed") else ""


def _xcom(run_id: str, task_id: str, index: int) -> Any:
    path = f"{_RUNS}/{run_id}/taskInstances/{task_id}/xcomEntries/return_value?map_index={index}&deserialize=true"
    return ask(path)["value"]


def _ended_rows(part: dict[str, Any]) -> int:
    return sum(part[f"rows_{outcome}"] for outcome in ("accepted", "rejected", "failed", "skipped"))
