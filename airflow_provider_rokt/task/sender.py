"""Which task is sending, for the ledger."""

from typing import Any

from airflow.providers.common.compat.sdk import Context, get_current_context

from airflow_provider_rokt.ledger.report import printable

_NAMES = ("dag_id", "task_id", "run_id", "map_index", "try_number", "max_tries")


def current_sender(conn_id: str) -> dict[str, Any]:
    """Names the running task instance and the connection; outside of a task, the connection alone."""
    sender: dict[str, Any] = {"connection": conn_id}
    try:
        context = get_current_context()
        task_instance = context["ti"]
    except Exception:
        return sender
    sender |= {name: getattr(task_instance, name, None) for name in _NAMES}
    partition = _partition(context)
    return {**sender, "partition": partition} if partition else sender


def _partition(context: Context) -> str | None:
    """What Airflow's pages call this part of a mapped task, by its ``map_index_template``.

    It is rendered here: Airflow before 3.3 does so only after the task, when the ledger has begun long ago.
    """
    template = context.get("map_index_template")
    if not template:
        return None
    try:
        # A DAG that renders native objects makes a number of "{{ task.parameters.part }}".
        name = str(context["task"].render_template(template, context))
    except Exception:
        # It may want what the task is still to put into its context. Airflow tries again then, and tells.
        return None
    return printable(name.strip()) or None
