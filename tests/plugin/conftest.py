"""The page as Airflow mounts it, with a door keeper, and a past to show."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_rokt.plugin.rokt_plugin import RoktPlugin
from tests.plugin.history import History

needs_places = pytest.mark.skipif(
    not hasattr(AirflowPlugin, "external_views"), reason="this Airflow has no place for a page"
)

Ask = Callable[..., Any]

COLLECTED = datetime.now(UTC)


@pytest.fixture(autouse=True)
def _of_today(monkeypatch) -> None:
    """Where midnight has passed since these tests were collected, their yesterday is another day."""
    now = datetime.now(UTC)
    passed = now.date() - COLLECTED.date()
    for module in [module for name, module in sys.modules.items() if passed and name.startswith("tests.plugin.")]:
        for name, value in list(vars(module).items()):
            if isinstance(value, datetime) and module is not sys.modules[__name__]:
                monkeypatch.setattr(module, name, now if name == "NOW" else value + passed)


@pytest.fixture
def history(ledger, tmp_path: Path) -> History:
    """Writes into the ledger that ``[rokt] ledger_path`` names; empty."""
    return History(tmp_path / "ledger")


@pytest.fixture
def no_tasks(airflow_db) -> Iterator[None]:
    """Airflow's database is that of all tests; of what others ran and left the page would tell."""
    _forget_tasks()
    yield
    _forget_tasks()


def _forget_tasks() -> None:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.execute(delete(TaskInstance))
        session.execute(delete(DagRun))


def mounted() -> Any:
    """A client of the page's app, mounted as Airflow does it."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    root = FastAPI()
    for app in RoktPlugin().fastapi_apps:
        root.mount(app["url_prefix"], app["app"])
    return TestClient(root, raise_server_exceptions=True)


@pytest.fixture
def ask(ledger, no_tasks, monkeypatch) -> Iterator[Ask]:
    """Asks for an address behind ``/rokt``, as a user, ``admin`` if none is named; None is nobody."""
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser

    monkeypatch.setenv("AIRFLOW__CORE__AUTH_MANAGER", "tests.plugin.door_keeper.DoorKeeper")
    purge_cached_app()
    manager = create_auth_manager()
    client = mounted()

    def asked(path: str, user: str | None = "admin", method: str = "GET", **more: Any) -> Any:
        headers = {}
        if user:
            known = SimpleAuthManagerUser(username=user, role="admin" if user == "admin" else "viewer")
            headers = {"Authorization": f"Bearer {manager.generate_jwt(known)}"}
        return client.request(method, f"/rokt{path}", headers=headers, **more)

    yield asked
    purge_cached_app()
