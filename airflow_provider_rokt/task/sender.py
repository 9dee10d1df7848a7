"""Which task is sending, for the ledger."""

from typing import Any

from airflow.providers.common.compat.sdk import get_current_context

_NAMES = ("dag_id", "task_id", "run_id", "map_index", "try_number")


def current_sender(conn_id: str) -> dict[str, Any]:
    """Names the running task instance and the connection; outside of a task, the connection alone."""
    sender: dict[str, Any] = {"connection": conn_id}
    try:
        task_instance = get_current_context()["ti"]
    except Exception:
        return sender
    return {**sender, **{name: getattr(task_instance, name, None) for name in _NAMES}}
