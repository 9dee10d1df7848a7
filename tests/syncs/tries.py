"""Tasks that send the shop's orders, try by try, without an Airflow around them."""

from contextlib import AbstractContextManager
from types import SimpleNamespace
from typing import Any

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator

try:
    from airflow.sdk.execution_time.context import set_current_context
except ImportError:  # Airflow 2
    from airflow.models.taskinstance import set_current_context

ORDERS = "SELECT * FROM orders"
IN_ANY_ORDER = f"{ORDERS} ORDER BY random()"


def in_try(
    run_id: str, *, part: int = -1, number: int = 1, dag_id: str = "shop", task_id: str = "orders"
) -> AbstractContextManager[Any]:
    """Inside of a try of a task, as far as Airflow tells."""
    names = {"dag_id": dag_id, "task_id": task_id, "run_id": run_id, "map_index": part, "try_number": number}
    return set_current_context({"ti": SimpleNamespace(**names)})  # type: ignore[typeddict-item]


def send(run_id: str = "monday", sql: str = IN_ANY_ORDER, **options: Any) -> dict[str, Any]:
    """One try of a task that sends conversions; ``part``, ``number``, ``dag_id`` and ``task_id`` are the try's."""
    about = {name: options.pop(name) for name in ("part", "number", "dag_id", "task_id") if name in options}
    with in_try(run_id, **about):
        return RoktConversionOperator(task_id="send", sql=sql, sql_conn_id="shop", **options).execute({})


def change(run_id: str = "monday", sql: str = IN_ANY_ORDER, **options: Any) -> dict[str, Any]:
    """One try of a task that changes an audience."""
    options = {"audience": "vip", **options}
    with in_try(run_id, task_id="vip"):
        return RoktAudienceOperator(task_id="send", sql=sql, sql_conn_id="shop", **options).execute({})


def reconciled(result: dict[str, Any]) -> bool:
    """Whether every row that was read ended in one way."""
    ends = sum(result[f"rows_{end}"] for end in ("accepted", "rejected", "failed", "skipped"))
    return bool(result["rows_read"] == ends and result["rows_skipped"] == sum(result["skipped"].values()))
