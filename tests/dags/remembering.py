"""Tasks that go by what they remember, one and mapped; run by tests/runs/test_workers.py, a process for each run."""

import json
import os
from datetime import datetime
from pathlib import Path

from airflow.providers.common.compat.sdk import DAG
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator

try:
    from airflow.sdk.io.store import attach
except ImportError:  # Airflow 2
    from airflow.io.store import attach

if bucket := os.environ.get("BUCKET"):
    # An object store that processes share; Airflow does not know this one by itself.
    attach("memory", fs=DirFileSystem(bucket, LocalFileSystem(auto_mkdir=True)))


def tell(context) -> None:
    """Adds why a task failed to a file: Airflow may have imported this one more than once."""
    with Path(os.environ["FAILURES"]).open("a") as file:
        file.write(json.dumps([context["ti"].task_id, str(context["exception"])]) + "\n")


MIRROR = {"sql": "SELECT email FROM orders", "mode": "mirror", "max_removed": 1.0}
SEND = {"send": "new", "concurrency": 1}

with DAG(
    "remembering",
    start_date=datetime(2024, 1, 1),
    schedule=None,
    catchup=False,
    default_args={"sql_conn_id": "shop", "on_failure_callback": tell},
) as dag:
    RoktAudienceOperator(task_id="mirror", audience="one", **MIRROR)
    RoktAudienceOperator.partial(task_id="mirrors", **MIRROR).expand(audience=["first", "second"])
    RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", **SEND)
    RoktConversionOperator.partial(
        task_id="parts",
        sql="SELECT 'p' || source_message_id AS source_message_id, email, timestamp_unixtime_ms, conversiontype "
        "FROM orders WHERE substr(source_message_id, 2) % 2 = :part",
        **SEND,
    ).expand(parameters=[{"part": 0}, {"part": 1}])
