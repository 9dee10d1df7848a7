"""What tests/plugin/showing.py runs: a delivery in parts, one a region, and one that fails because of its rows."""

import os
from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

REGIONS = ("north", "east", "south", "west", "centre", "islands", "coast", "abroad")[: int(os.environ.get("PARTS", 8))]
ORDERS = {
    "sql_conn_id": "shop",
    "mapping": {
        "user_identities.email": "email",
        "user_attributes.mobile": "phone",
        "events[].data.source_message_id": "id",
        "events[].data.timestamp_unixtime_ms": "at",
        "events[].data.custom_attributes.amount": "total",
        "events[].data.custom_attributes.currency": {"literal": "USD"},
        "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    },
}

with DAG("regions", start_date=datetime(2024, 1, 1), schedule=None) as regions:
    RoktConversionOperator.partial(
        task_id="orders",
        sql="SELECT * FROM orders WHERE region = :region",
        max_rejected=100,
        map_index_template="{{ task.parameters['region'] }}",
        **ORDERS,
    ).expand(parameters=[{"region": region} for region in REGIONS])

with DAG("refunds", start_date=datetime(2024, 1, 1), schedule=None) as refunds:
    RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", max_rejected=0.01, **ORDERS)
