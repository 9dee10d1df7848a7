"""Calls of the public face that a type checker must refuse; each says behind it with which error.

Not run and not linted: ``test_typing.py`` has mypy read it.
"""

from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator

RoktConversionOperator(task_id="t", sql="q", sql_conn_id="c", sqll="q")  # Unexpected keyword argument "sqll"
RoktConversionOperator(task_id="t", sql="q", sql_conn_id="c", fetch_size="many")  # Argument "fetch_size"
RoktConversionOperator(task_id="t", sql_conn_id="c")  # Missing named argument "sql"
RoktConversionOperator(sql="q", sql_conn_id="c")  # Missing named argument "task_id"
RoktConversionOperator(task_id="t", sql="q", sql_conn_id="c", environment="prod")  # Argument "environment"
RoktConversionOperator(task_id="t", sql="q", sql_conn_id="c", retrys=3)  # Unexpected keyword argument "retrys"
RoktConversionOperator(task_id="t", sql="q", sql_conn_id="c", mapping=["email"])  # Argument "mapping"
RoktConversionOperator(task_id="t", sql="q", sql_conn_id="c", on_guard="stop")  # Argument "on_guard"
RoktConversionOperator("q", task_id="t", sql_conn_id="c")  # Too many positional arguments
RoktConversionOperator(task_id="t", sql="q", sql_conn_id="c", group_by_user="window")  # Argument "group_by_user"
RoktAudienceOperator(task_id="t", sql="q", sql_conn_id="c", audience="A", mode="mirrow")  # Argument "mode"
RoktAudienceOperator(task_id="t", sql="q", sql_conn_id="c", audience="A", via="mail")  # Argument "via"
RoktAudienceOperator(task_id="t", sql="q", sql_conn_id="c")  # Missing named argument "audience"
RoktAudienceOperator(
    task_id="t", sql="q", sql_conn_id="c", audience="A", historical=True
)  # keyword argument "historical"
RoktBatchStatusSensor(task_id="t")  # Missing named argument "delivery"
RoktBatchStatusSensor(task_id="t", delivery="d", max_failed="none")  # Argument "max_failed"
RoktBatchStatusSensor(task_id="t", delivery="d", poke_intervall=5)  # Unexpected keyword argument "poke_intervall"
RoktDeliveryToSqlOperator(task_id="t", delivery="d")  # Missing named argument "sql_conn_id"
RoktDeliveryToSqlOperator(task_id="t", delivery="d", sql_conn_id="c", rows_table=3)  # Argument "rows_table"
RoktDeliveryToSqlOperator(task_id="t", delivery="d", sql_conn_id="c", row_table="r")  # keyword argument "row_table"
RoktHook().send_conversions([], concurency=3)  # Unexpected keyword argument "concurency"
RoktHook().send_conversions([], timestamp_unit="minutes")  # Argument "timestamp_unit"
RoktHook().send_conversions([], group_by_user="results")  # Argument "group_by_user"
RoktHook().send_conversions([], mode="mirror")  # Unexpected keyword argument "mode"
RoktHook().send_audience([])  # Missing positional argument "audience"
RoktHook().send_audience([], "A", max_removed="half")  # Argument "max_removed"
