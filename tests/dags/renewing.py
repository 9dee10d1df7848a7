"""Tasks that remember what they sent, for ``test_syncs.py``."""

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator

QUERY = {"sql_conn_id": "shop", "sql": "SELECT * FROM orders"}

with DAG(dag_id="renewing_one", schedule=None, start_date=datetime(2026, 1, 1)) as one:
    RoktConversionOperator(task_id="send", send="new", **QUERY)

with DAG(dag_id="renewing", schedule=None, start_date=datetime(2026, 1, 1), params={"of": "shop"}) as many:
    send = RoktConversionOperator(task_id="send", send="new", **QUERY)
    RoktConversionOperator(
        task_id="named", send="new", sync="orders of the {{ params.of }}", rokt_conn_id="rokt_{{ 'eu' }}", **QUERY
    )
    RoktConversionOperator(
        task_id="unrenderable", send="new", sql="SELECT {{ ti.xcom_pull('send') }}", sql_conn_id="shop"
    )
    RoktConversionOperator(task_id="narrowed", send="new", resend_from="20260101T000000Z-a", **QUERY)
    RoktConversionOperator(task_id="everything", **QUERY)
    RoktAudienceOperator(task_id="audience", audience="vip", sql="SELECT email FROM orders", sql_conn_id="shop")
