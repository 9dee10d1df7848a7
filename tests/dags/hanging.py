"""A delivery of a query that never ends by itself; run by tests/databases/test_stopping.py, which says which query."""

import os
from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

MAPPING = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
}

with DAG("hanging", start_date=datetime(2024, 1, 1), schedule=None) as dag:
    RoktConversionOperator(
        task_id="send",
        sql=os.environ.get("HANGING_SQL", "SELECT 1 AS id"),
        sql_conn_id=os.environ.get("HANGING_CONN_ID", "shop"),
        mapping=MAPPING,
        fetch_size=100,
        execution_timeout=timedelta(seconds=float(os.environ.get("HANGING_SECONDS", "60"))),
    )
