"""The task that is killed: an operator that sends a warehouse's rows, as a try of one task instance."""

from multiprocessing.connection import Connection
from typing import Any

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from tests.runs.killable import in_task


def send(says: Connection, road: str, run_id: str, options: dict[str, Any]) -> None:
    """One try; says its result."""
    operator = RoktConversionOperator if road == "conversions" else RoktAudienceOperator
    with in_task(run_id):
        says.send(operator(task_id="send", sql_conn_id="shop", **options).execute({}))
