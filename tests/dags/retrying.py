"""Tasks that fail in each way that the retry policy tells apart; run by tests/task/test_retry_policy.py."""

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, task

from airflow_provider_rokt.exceptions import RoktAuthError, RoktIncompleteError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.sources import DictSource
from airflow_provider_rokt.task.retry_policy import rokt_retries

# A retry after the task's own delay would keep the test waiting for an hour.
LATE = {"retries": 1, "retry_delay": timedelta(hours=1), **rokt_retries(delay=0.1, max_delay=0.2)}

with DAG("retrying", start_date=datetime(2024, 1, 1), schedule=None) as dag:
    RoktConversionOperator(task_id="unreachable", sql="SELECT * FROM orders", sql_conn_id="shop", **LATE)
    RoktConversionOperator(task_id="unmapped", sql="SELECT 1 AS email", sql_conn_id="shop", **LATE)

    @task(**LATE)
    def limited() -> None:
        """Is told when to come back."""
        error = RoktIncompleteError("3 of 3 rows were not delivered: Rokt answered 429")
        error.retry_after = 0.1
        raise error

    @task(**LATE)
    def refused() -> None:
        """Meets an error that nothing has wrapped."""
        raise RoktAuthError("Rokt refused the credentials")

    @task(**LATE)
    def delivering() -> None:
        """Takes the hook's own way, whose errors are raw."""
        RoktHook().deliver_conversions(DictSource([{"emial": "x"}]), ConversionOptions())

    @task(**(LATE | {"retry_delay": timedelta(seconds=0.1)}))
    def foreign() -> None:
        """Fails of its own."""
        raise ValueError

    limited()
    refused()
    delivering()
    foreign()
