"""What Airflow loads: light, in its place, and nothing where this Airflow has none for it."""

import logging
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import AirflowPlugin

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.plugin import rokt_plugin
from airflow_provider_rokt.plugin.rokt_plugin import RoktPlugin, task_page
from tests.plugin.conftest import needs_places

NAMES = ("shop", "manual__2026-11-28T10:00:00+00:00", "a b", None)
PAGE = "/dags/shop/runs/manual__2026-11-28T10%3A00%3A00%2B00%3A00/tasks/a%20b/plugin/rokt_task"


def test_airflow_finds_it_by_its_entry_point() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    (target,) = project["entry-points"]["airflow.plugins"].values()
    module, name = target.split(":")
    assert getattr(sys.modules[module], name) is RoktPlugin


@needs_places
def test_it_is_in_the_navigation_and_beside_tasks_and_runs(ledger, monkeypatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.com/team/airflow/")
    plugin = RoktPlugin()
    (app,) = plugin.fastapi_apps
    assert app["url_prefix"] == "/rokt"
    views = {view["destination"]: view for view in plugin.external_views}
    assert list(views) == ["nav", "task_instance", "dag_run"]
    assert len({view["url_route"] for view in views.values()}) == 3
    assert {view["name"] for view in views.values()} == {"Rokt"}
    assert all(view["href"].startswith("/team/airflow/rokt/") for view in views.values())
    assert task_page(*NAMES) == f"/team/airflow{PAGE}"


@needs_places
@pytest.mark.parametrize("module", ["airflow.api_fastapi.core_api.security", "airflow.models.taskinstancehistory"])
def test_without_what_it_needs_of_airflow_it_is_nothing_and_says_so(ledger, monkeypatch, caplog, module) -> None:
    for name in [name for name in sys.modules if name.startswith(f"{rokt_plugin.__package__}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    plugin = RoktPlugin()
    assert plugin.fastapi_apps == plugin.external_views == []
    text = "".join(record.getMessage() for record in caplog.records if record.name == rokt_plugin.__name__)
    assert text.count("The Rokt page is left out") == 1
    assert module in text


def test_an_airflow_without_places_for_pages_is_told_once(monkeypatch, caplog) -> None:
    monkeypatch.delattr(AirflowPlugin, "external_views", raising=False)
    caplog.set_level(logging.INFO)
    plugin = RoktPlugin()
    plugin.on_load()
    assert not caplog.records, "every process loads it, and only one shows pages"
    assert plugin.flask_blueprints == plugin.fastapi_apps == plugin.external_views == []
    (line,) = [record.getMessage() for record in caplog.records if record.name == rokt_plugin.__name__]
    assert "needs Airflow 3.1 or newer" in line
    assert task_page(*NAMES) == ""


@needs_places
@pytest.mark.parametrize(("map_index", "part"), [(None, ""), (-1, ""), (0, "/mapped/0"), (7, "/mapped/7")])
@pytest.mark.parametrize("kind", [RoktConversionOperator, RoktAudienceOperator])
def test_a_task_leads_to_its_delivery(kind, map_index, part) -> None:
    more = {"audience": "vip"} if kind is RoktAudienceOperator else {}
    task = kind(task_id="orders", sql="SELECT 1", sql_conn_id="shop", **more)
    (link,) = task.operator_extra_links
    assert link.name == "Rokt delivery"
    key = SimpleNamespace(dag_id=NAMES[0], run_id=NAMES[1], task_id=NAMES[2], map_index=map_index)
    assert link.get_link(task, ti_key=key) == PAGE.replace("/plugin/", f"{part}/plugin/")
