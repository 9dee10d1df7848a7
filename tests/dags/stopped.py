"""A delivery that is stopped in the middle; run by test_kills.py."""

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

with DAG("stopped", start_date=datetime(2024, 1, 1), schedule=None) as dag:
    RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", sql_conn_id="shop", concurrency=2)
