"""What Airflow loads: the page's app and where the UI shows it. Imported by every Airflow process, so it is light.

Airflow ignores a provider's ``plugins`` key unless providers are discovered eagerly, hence the entry point.
"""

import logging
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, urlsplit

from airflow.providers.common.compat.sdk import AirflowPlugin, conf

from airflow_provider_rokt.flow.lines import log_wrapped

log = logging.getLogger(__name__)

PREFIX: Final = "/rokt"
"""Of the page's addresses, behind the one of the API server."""

_TASK: Final = "rokt_task"
_EVERYTHING_ELSE: Final = "Everything else of the provider works without it"


class RoktPlugin(AirflowPlugin):
    """The page; nothing where this Airflow cannot show it."""

    name = "rokt"

    # Asked for by what shows the UI and no other process: the API server, and Airflow 2's webserver for the last.
    @cached_property
    def fastapi_apps(self) -> list[Any]:  # type: ignore[override]
        """The app, as Airflow mounts it."""
        return [{"app": self._app, "url_prefix": PREFIX, "name": "Rokt"}] if self._app else []

    @cached_property
    def external_views(self) -> list[Any]:  # type: ignore[override]
        """Where the UI shows it: in the navigation, on a task instance and on a DAG run."""
        if not self._app:
            return []
        # The UI takes an address as it is, also where the API server is not at its host's root.
        base = _root() + PREFIX
        task, run = "/task/{DAG_ID}/{RUN_ID}/{TASK_ID}/{MAP_INDEX}", "/run/{DAG_ID}/{RUN_ID}"
        return [
            {"name": "Rokt", "href": f"{base}/", "destination": "nav", "url_route": "rokt", "nav_top_level": True},
            {"name": "Rokt", "href": base + task, "destination": "task_instance", "url_route": _TASK},
            {"name": "Rokt", "href": base + run, "destination": "dag_run", "url_route": "rokt_run"},
        ]

    @cached_property
    def flask_blueprints(self) -> list[Any]:  # type: ignore[override]
        """None; asked for them, an Airflow 2 is told that it has no page."""
        _ = self._app
        return []

    @cached_property
    def _app(self) -> Any:
        if not _has_places():
            log.info("The Rokt page needs Airflow 3.1 or newer and is left out. %s", _EVERYTHING_ELSE)
            return None
        try:
            from airflow_provider_rokt.plugin.page_app import page_app

            return page_app()
        except Exception as error:
            # The parts of Airflow that a page needs are internal; a minor release may move them.
            text = f"The Rokt page is left out, this Airflow lacks what it needs: {error!r}. {_EVERYTHING_ELSE}"
            log_wrapped(log, logging.WARNING, text)
            return None


def task_page(dag_id: str, run_id: str, task_id: str, map_index: int | None) -> str:
    """Where the UI shows what a task instance delivered; empty where this Airflow shows nothing.

    :param map_index: None or -1 where the task is not mapped.
    """
    return f"{instance_page(dag_id, run_id, task_id, map_index)}/plugin/{_TASK}" if _has_places() else ""


def instance_page(dag_id: str, run_id: str, task_id: str, map_index: int | None) -> str:
    """Where the UI of Airflow 3 shows a task instance and its log.

    :param map_index: None or -1 where the task is not mapped.
    """
    dag, run, task = (quote(name, safe="") for name in (dag_id, run_id, task_id))
    part = "" if map_index is None or map_index < 0 else f"/mapped/{map_index}"
    return f"{_root()}/dags/{dag}/runs/{run}/tasks/{task}{part}"


def _root() -> str:
    """The path that the API server is at, without the last slash."""
    return urlsplit(conf.get("api", "base_url", fallback="") or "").path.rstrip("/")


def _has_places() -> bool:
    return hasattr(AirflowPlugin, "external_views")
