"""A task that fails because of its rows, for ``test_reports.py``."""

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

with DAG(dag_id="rejecting", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    RoktConversionOperator(
        task_id="send",
        sql="SELECT * FROM orders",
        sql_conn_id="shop",
        retries=2,
        retry_delay=timedelta(seconds=1),
    )
