"""Templates become answers; whatever is put into one is escaped."""

from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from airflow_provider_rokt.plugin import charts, words
from airflow_provider_rokt.plugin.rokt_plugin import instance_page
from airflow_provider_rokt.summaries.failed_task import by_task


@cache
def _environment() -> Environment:
    loader = PackageLoader("airflow_provider_rokt.plugin")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    for name in ("number", "counted", "share", "size", "clock", "ago", "duration"):
        environment.globals[name] = getattr(words, name)
    for name in ("run_bars", "batch_strip", "trend", "meter"):
        environment.globals[name] = getattr(charts, name)
    environment.globals |= {"instance_page": instance_page, "by_task": by_task}
    return environment


def rendered(request: Request, template: str, context: dict[str, Any], status: int = 200) -> HTMLResponse:
    """A page.

    :param request: tells where the app is mounted.
    """
    base = str(request.scope.get("root_path", "")).rstrip("/")
    # Some releases of Starlette leave the mount in the path, others take it off.
    path = base + request.scope["path"].removeprefix(base)
    shown = {"live": False, **context, "base": base, "path": quote(path), "now": datetime.now(UTC)}
    return HTMLResponse(_environment().get_template(template).render(shown), status)
