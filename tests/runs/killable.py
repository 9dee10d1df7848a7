"""Runs that a test can kill: each in a process of its own, forked from one that has imported everything already."""

import importlib.util
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from inspect import signature
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from tests.audiences.people import address
from tests.bounded import PATIENCE, until
from tests.runs.variables import variables_beside_the_ledger

try:
    from airflow.sdk.execution_time.context import set_current_context
except ImportError:  # Airflow 2
    from airflow.models.taskinstance import set_current_context

_NAMES: dict[str, object] = {"dag_id": "audiences", "task_id": "mirror", "map_index": -1, "try_number": 1}
_FORKING = get_context("forkserver")
_FORKING.set_forkserver_preload(["pytest", __name__])


@contextmanager
def in_task(run_id: str | None, **names: object) -> Iterator[None]:
    """Inside of a task instance of that DAG run, as far as Airflow tells; outside of any task for None."""
    ti = SimpleNamespace(**(_NAMES | names), run_id=run_id)
    with set_current_context({"ti": ti}) if run_id else nullcontext(), variables_beside_the_ledger():
        yield


def people(numbers: range) -> Iterator[dict[str, str]]:
    """Rows of an audience."""
    return ({"email": address(number)} for number in numbers)


def mirror(
    says: Connection, numbers: range, run_id: str | None, hangs_after: int | None = None, **options: Any
) -> None:
    """Mirrors people; says ``hangs`` before the row of that place, until a signal comes."""
    hook, stopped = RoktHook(), threading.Event()

    def on_term(*_: object) -> None:
        """What Airflow's handler comes to: ``on_kill``, in the thread that works."""
        hook.stop()
        stopped.set()

    signal.signal(signal.SIGTERM, on_term)

    def rows() -> Iterator[dict[str, str]]:
        for place, row in enumerate(people(numbers)):
            if place == hangs_after:
                says.send("hangs")
                while not stopped.is_set():
                    time.sleep(0.01)
            yield row

    with in_task(run_id):
        hook.send_audience(rows(), "vip", mode="mirror", max_removed=1.0, **options)


def convert(says: Connection, **options: Any) -> None:
    """Sends all orders of the shop."""
    RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", sql_conn_id="shop", **options).execute({})


def run_dag(says: Connection, name: str) -> None:
    """Runs a DAG of ``tests/dags`` as Airflow does, whose runner handles SIGTERM in this process."""
    _dag(name).test()


def run_undated(says: Connection, name: str) -> None:
    """The same, where Airflow knows such runs without a logical date."""
    dag = _dag(name)
    if "logical_date" in signature(dag.test).parameters:
        dag.test(logical_date=None, run_after=datetime.now(UTC))
    else:
        dag.test(execution_date=datetime.now(UTC))


def _dag(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "dags" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.dag


class Running:
    """A run under way; as a context manager, until its end or the context's.

    :param target: what to run; its first argument is a connection to say things to the test with.
    """

    def __init__(self, target: Callable[..., None], *args: Any, **options: Any) -> None:
        self._heard, self._says = _FORKING.Pipe(duplex=False)
        self.process = _FORKING.Process(target=_run, args=(dict(os.environ), target, self._says, args, options))

    def __enter__(self) -> "Running":
        self.process.start()
        self._says.close()
        self.until_said("begins")
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.join(PATIENCE)

    def ends(self) -> None:
        """Waits for its end."""
        self.process.join(PATIENCE)
        assert self.process.exitcode is not None, "it does not end"

    def until_said(self, word: str) -> None:
        """Waits for a word; ``EOFError`` where it ended without."""
        while self.said() != word:
            pass

    def said(self) -> Any:
        """The next thing that it says; ``EOFError`` where it ended without."""
        assert self._heard.poll(PATIENCE), "it says nothing"
        return self._heard.recv()

    def until(self, condition: Callable[[], object]) -> None:
        """Waits for what the run brings about."""

        def come() -> object:
            found = condition()
            assert found or self.process.exitcode is None, "it ended before that"
            return found

        until(come)

    def terminate(self) -> None:
        """Asks it to end, as Airflow does."""
        self.process.terminate()

    def kill(self) -> None:
        """Kills it as the system does when memory runs out."""
        self.process.kill()
        self.process.join(PATIENCE)
        assert self.process.exitcode == -signal.SIGKILL, "it ended before that"


def _run(
    environment: Mapping[str, str], target: Callable[..., None], says: Connection, args: Any, options: dict[str, Any]
) -> None:
    os.environ.update(environment)
    says.send("begins")
    try:
        target(says, *args, **options)
    except RoktError as error:
        says.send(type(error).__name__)
    else:
        says.send("ends")
