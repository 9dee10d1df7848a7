"""Tasks that a guard stops and that ask a person, for ``test_approval.py``; each is one case of it."""

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator

ASKING = {"sql_conn_id": "shop", "on_guard": "ask", "retries": 1, "retry_delay": timedelta(0)}

with DAG("deciding", schedule=None, start_date=datetime(2026, 1, 1)) as dag:
    for case in ("sent", "stopped", "unanswered", "changed"):
        RoktAudienceOperator(
            task_id=case,
            sql=f"SELECT email FROM orders WHERE list = '{case}' ORDER BY id DESC",
            audience=case,
            sync=f"{case} list",
            mode="mirror",
            max_rejected=0,
            **ASKING,
        )
    RoktConversionOperator(
        task_id="conversions",
        sql="SELECT id AS source_message_id, email, mobile, conversiontype, timestamp_unixtime_ms "
        "FROM orders WHERE list = ''",
        min_rows=1_000,
        **ASKING,
    )
