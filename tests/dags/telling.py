"""A task with an asset and a callback, for ``test_reports.py``."""

import json
import os
from datetime import datetime
from pathlib import Path

from airflow import __version__ as airflow_version
from airflow.providers.common.compat.sdk import DAG, Asset

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

# dag.test() of Airflow 3.0 refuses a task with an asset that no scheduler has seen.
ASSETS = [] if airflow_version.startswith("3.0.") else [Asset("rokt://conversions")]


def tell(context):
    """Airflow makes an event of the asset of what stands there, once the task has succeeded."""
    told = {"report": context["rokt_report"], "events": [context["outlet_events"][asset].extra for asset in ASSETS]}
    Path(os.environ["TOLD"]).write_text(json.dumps(told))


with DAG(dag_id="telling", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    RoktConversionOperator(
        task_id="send",
        sql="SELECT * FROM orders",
        sql_conn_id="shop",
        outlets=ASSETS,
        warn_when={"rows_below": 0.5},
        max_rejected=1,
        on_success_callback=tell,
        on_failure_callback=tell,
    )
