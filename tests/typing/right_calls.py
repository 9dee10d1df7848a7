"""Calls of the public face that a type checker must accept; ``mypy --strict`` reads this file in ``make lint``."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator


def rows() -> Iterator[dict[str, Any]]:
    yield {"email": "a@example.com", "source_message_id": "1"}


with DAG("typed", start_date=datetime(2026, 1, 1), schedule=None):
    send = RoktConversionOperator(
        task_id="send",
        sql="SELECT * FROM orders WHERE region = %(region)s",
        sql_conn_id="warehouse",
        mapping={"user_identities.email": "email", "events[].data.source_message_id": {"column": "id", "default": 1}},
        parameters={"region": "north"},
        max_rejected=0.02,
        on_guard="ask",
        group_by_user="result",
        environment="development",
        retries=3,
        retry_delay=timedelta(minutes=5),
        on_failure_callback=lambda context: None,
    )
    again = RoktConversionOperator(task_id="again", sql="orders.sql", sql_conn_id="w", resend_from=send.output)
    RoktConversionOperator(task_id="by_id", sql="orders.sql", sql_conn_id="w", parameters=["north"], resend_from="id")
    mirror = RoktAudienceOperator(
        task_id="mirror", sql="SELECT email FROM a", sql_conn_id="w", audience="A", mode="mirror", via="events"
    )
    RoktBatchStatusSensor(task_id="wait", delivery=send.output, deferrable=True, timeout=60)
    RoktBatchStatusSensor(task_id="wait_for_both", delivery=[send.output, again.output, "id"], max_rejected=5)
    mapped = RoktConversionOperator.partial(task_id="mapped", sql="orders.sql", sql_conn_id="w").expand(
        parameters=[{"region": "north"}]
    )
    RoktBatchStatusSensor(task_id="wait_for_all", delivery=mapped.output)

    RoktDeliveryToSqlOperator(task_id="write", delivery=mapped.output, sql_conn_id="w", trigger_rule="all_done")
    RoktDeliveryToSqlOperator(
        task_id="write_both", delivery=[send.output, "id"], sql_conn_id="w", rows_table="a.b", sql_hook_params={"x": 1}
    )

report: dict[str, Any] = RoktHook("rokt").send_conversions(rows(), {"user_identities.email": "email"}, concurrency=3)
report = RoktHook().send_conversions([], historical=True, resend_from={"delivery_id": "id"}, group_by_user="result")
report = RoktHook().send_audience(rows(), "A", mode="mirror", max_removed=0.5)
report = RoktHook().preview_conversions(rows(), rows_shown=3, show_values=True, phone_region="GB")
report = RoktHook().preview_audience(rows(), "A", via="events", flag="in_{audience}")
