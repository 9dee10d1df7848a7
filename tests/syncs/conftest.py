"""Airflow's variables for tests without an Airflow: what a task's supervisor answers, from a dict."""

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

try:
    from airflow.sdk.execution_time import comms, task_runner
except ImportError:  # Airflow 2, whose variables are in its database
    comms = task_runner = None


class Supervisor:
    """What a task asks its supervisor, as far as variables go.

    :ivar variables: those that there are.
    """

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}

    def send(self, asked: Any) -> Any:
        """Its answer."""
        if isinstance(asked, comms.PutVariable):
            self.variables[asked.key] = asked.value
        elif isinstance(asked, comms.DeleteVariable):
            self.variables.pop(asked.key, None)
        elif isinstance(asked, comms.GetVariable) and asked.key in self.variables:
            return comms.VariableResult(key=asked.key, value=self.variables[asked.key])
        return None


class _OfThread(threading.local):
    """A stack of contexts, one for each thread."""

    def __init__(self) -> None:
        self._contexts: list[Any] = []

    def __bool__(self) -> bool:
        return bool(self._contexts)

    def __getitem__(self, at: int) -> Any:
        return self._contexts[at]

    def append(self, context: Any) -> None:
        self._contexts.append(context)

    def pop(self) -> Any:
        return self._contexts.pop()


@pytest.fixture(autouse=True)
def _threads_are_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow has a process for each task, and all its threads share one stack of contexts: of tasks side by side in
    threads one would be taken for another.
    """
    contexts = _OfThread()
    for name in (
        "airflow.sdk.definitions._internal.contextmanager",
        "airflow.sdk.execution_time.context",
        "airflow.models.taskinstance",
        "airflow.operators.python",
    ):
        if hasattr(sys.modules.get(name), "_CURRENT_CONTEXT"):
            monkeypatch.setattr(f"{name}._CURRENT_CONTEXT", contexts)


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Airflow's variables, as a task of Airflow 3 asks for them."""
    if task_runner is None:
        pytest.skip("on Airflow 2 a task reads its database itself, see tests/examples")
    supervisor = Supervisor()
    monkeypatch.setattr(task_runner, "SUPERVISOR_COMMS", supervisor, raising=False)
    yield supervisor.variables


@pytest.fixture
def memory_store(monkeypatch: pytest.MonkeyPatch, ledger: object) -> Iterator[None]:
    """A ledger on an object store, which Airflow does not register itself."""
    try:
        from airflow.sdk.io.store import attach
    except ImportError:
        from airflow.io.store import attach
    from fsspec.implementations.memory import MemoryFileSystem

    attach("memory", fs=MemoryFileSystem())
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", "memory://bucket/ledger")
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]
