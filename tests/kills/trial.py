"""One trial: a task is killed at a random moment and tried again until it succeeds, while an onlooker counts."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from typing import Final

from airflow_provider_rokt.sandbox import Sandbox
from airflow_provider_rokt.sandbox.faults import Delay
from tests.bounded import until
from tests.kills.killed_task import send
from tests.kills.onlooker import Taken, held_twice, id_of, remembered, unconfirmed
from tests.kills.plan import ROWS, Plan
from tests.runs.killable import Running

# More than any trial has requests.
_MANY: Final = 1_000_000
_LOOK_SECONDS: Final = 0.001
_SETTLE_SECONDS: Final = 0.1


@dataclass
class Killed:
    """One kill, and what the try after it sent again.

    :param on_the_wire: requests that the sandbox had and had not answered.
    :param unknown: rows that the sandbox took and the task left no mark of.
    :param most: rows that may be in flight, and such as an answer left in doubt.
    :param again: rows that were sent again.
    """

    on_the_wire: int
    unknown: int
    most: int
    again: int = 0


@dataclass
class Trial:
    """What came of one.

    :param broken: what did not hold.
    :param kills: those that struck; the others came when the task was over.
    """

    seed: int
    plan: Plan
    broken: list[str] = field(default_factory=list)
    kills: list[Killed] = field(default_factory=list)
    seconds: float = 0.0

    def left(self, ledger: Path) -> float:
        """How many requests the next try has to make."""
        return (self.plan.rows - len(set(remembered(ledger)))) / self.plan.per_request

    def note_again(self, rows: int) -> None:
        """Adds rows that a try sent again, which is due to the kill before it; what the first one did, to faults."""
        if self.kills:
            last = self.kills[-1]
            last.again += rows
            if last.again > last.most:
                self.broken.append(f"{last.again} rows were sent again, at most {last.most} were in flight")


class Warehouse:
    """What all trials read, and where their ledgers are.

    :param folder: may be empty.
    """

    def __init__(self, folder: Path) -> None:
        self.ledger = folder / "ledger"
        self._path = folder / "shop.sqlite"
        now = int(time.time() * 1000)
        with sqlite3.connect(self._path) as database:
            database.execute(
                "CREATE TABLE orders (email, source_message_id, timestamp_unixtime_ms, conversiontype, amount)"
            )
            rows = [
                (f"jane{number // 3}@example.com", f"order-{number}", now - number, "purchase", "9.99")
                for number in range(ROWS)
            ]
            database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", rows)
            database.execute("CREATE TABLE people (email)")
            people = [(f"jane{number}@example.com",) for number in range(ROWS)]
            database.executemany("INSERT INTO people VALUES (?)", people)

    def environment(self, sandbox: Sandbox) -> dict[str, str]:
        """What a task needs to be told of them."""
        connection = sandbox.connection()
        connection["extra"] |= {"batches_per_second": 100_000}
        return {
            "AIRFLOW_CONN_ROKT_DEFAULT": json.dumps(connection),
            "AIRFLOW_CONN_SHOP": json.dumps({"conn_type": "sqlite", "host": str(self._path)}),
            "AIRFLOW__ROKT__LEDGER_PATH": str(self.ledger),
        }


def play(seed: int, sandbox: Sandbox, warehouse: Warehouse) -> Trial:
    """Plays one seed."""
    begin = time.monotonic()
    sandbox.reset()
    rmtree(warehouse.ledger, ignore_errors=True)
    trial = Trial(seed, Plan.of(seed))
    with _set(warehouse.environment(sandbox)):
        _play(trial, sandbox, warehouse.ledger)
    trial.seconds = time.monotonic() - begin
    return trial


def _play(trial: Trial, sandbox: Sandbox, ledger: Path) -> None:
    plan, run_id = trial.plan, f"seed-{trial.seed}"
    for number, kill in enumerate(plan.kills):
        before, answered = Taken.by(sandbox, plan.road), len(sandbox.store.requests)
        sandbox.faults.add(Delay(seconds=plan.delay, times=_MANY), *([] if number else plan.faults))
        with Running(send, plan.road, run_id, plan.options) as running:
            _kill(running, sandbox, trial.left(ledger), *kill)
        on_the_wire = _came(sandbox) + answered - len(sandbox.store.requests)
        _until_answered(sandbox, answered)
        now = Taken.by(sandbox, plan.road)
        trial.note_again(now.again(before))
        if running.process.exitcode != -signal.SIGKILL:
            # It was over before its time came.
            break
        trial.kills.append(_killed(trial, on_the_wire, now, ledger))
    else:
        _last_try(trial, sandbox, run_id, ledger)
    _judge(trial, sandbox)


def _kill(running: Running, sandbox: Sandbox, requests: float, share: float, seconds: float) -> None:
    """Kills a task that has so many requests to make, unless it is over before that."""
    process = running.process
    while process.exitcode is None and _came(sandbox) < int(share * requests):
        time.sleep(_LOOK_SECONDS)
    process.join(seconds)
    process.kill()
    running.ends()


def _came(sandbox: Sandbox) -> int:
    """The requests that came in this try."""
    return _MANY - (sandbox.faults.active[0].times or 0)


def _until_answered(sandbox: Sandbox, before: int) -> None:
    """Waits for what was on its way when its sender was gone, also for what had not been read yet."""
    came = -1
    while came < _came(sandbox):
        came = _came(sandbox)
        until(lambda: len(sandbox.store.requests) >= before + came)  # noqa: B023  it is called at once
        time.sleep(_SETTLE_SECONDS)
    sandbox.faults.clear()


def _killed(trial: Trial, on_the_wire: int, now: Taken, ledger: Path) -> Killed:
    marks, plan = remembered(ledger), trial.plan
    if len(marks) != len(set(marks)):
        trial.broken.append("a row was remembered twice")
    if plan.road == "conversions" and not set(marks) <= set(map(id_of, now.rows)):
        trial.broken.append("a row is remembered that Rokt never took")
    unknown = len(now.rows) - len(marks)
    most = 2 * plan.concurrency * plan.per_request + unconfirmed(ledger)
    if not 0 <= unknown <= most:
        trial.broken.append(f"{unknown} rows were taken and not remembered, at most {most} were in flight")
    return Killed(on_the_wire, unknown, most)


def _last_try(trial: Trial, sandbox: Sandbox, run_id: str, ledger: Path) -> None:
    plan, before, marks = trial.plan, Taken.by(sandbox, trial.plan.road), len(remembered(ledger))
    with Running(send, plan.road, run_id, plan.options) as running:
        result = running.said()
        running.ends()
    trial.note_again(Taken.by(sandbox, plan.road).again(before))
    accepted, resumed = result["rows_accepted"], result["rows_resumed"]
    if (accepted, resumed) != (plan.rows, marks):
        trial.broken.append(f"{accepted} of {plan.rows} rows accepted, {resumed} of {marks} remembered ones resumed")


def _judge(trial: Trial, sandbox: Sandbox) -> None:
    """What the sandbox holds when the task succeeded."""
    plan, taken = trial.plan, Taken.by(sandbox, trial.plan.road)
    if len(taken.rows) != plan.rows:
        trial.broken.append(f"{plan.rows - len(taken.rows)} of {plan.rows} rows are lost")
    if plan.road == "conversions" and (sandbox.store.held != taken.rows or held_twice(sandbox)):
        trial.broken.append(f"{len(taken.rows - sandbox.store.held)} are not stored, {held_twice(sandbox)} twice")
    if sandbox.store.counts.conflicting_batches or sandbox.store.counts.swallowed_batches:
        trial.broken.append("a batch was dropped as a repeat and was none")


@contextmanager
def _set(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ |= values
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
