"""What became of every order of the shop, in two tables beside its own: refused orders beside their reasons.

Started by hand. The last task asks what a dashboard would ask; its result is the task's XCom.
"""

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator

from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator

with DAG(
    dag_id="rokt_outcomes_in_sql",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    send = RoktConversionOperator(
        task_id="send_conversions",
        sql_conn_id="shop",
        sql="""
            SELECT email, customer_id AS customerid, ordered_at AS timestamp_unixtime_ms,
                   order_id AS source_message_id, 'purchase' AS conversiontype,
                   confirmation AS confirmationref, total AS amount, currency
            FROM orders
            ORDER BY customer_id, ordered_at, order_id
        """,
        # The accepted orders by name, too.
        record_accepted=True,
        max_rejected=0.02,
    )

    write = RoktDeliveryToSqlOperator(
        task_id="write_outcomes",
        delivery=send.output,
        sql_conn_id="shop",
        # Also where the delivery failed: its report is there all the same.
        trigger_rule="all_done",
    )

    refused = SQLExecuteQueryOperator(
        task_id="refused_orders",
        conn_id="shop",
        sql="""
            SELECT o.order_id, o.region, r.path, r.reason
            FROM rokt_rows r
            JOIN orders o ON o.order_id = r.row_key
            WHERE r.delivery_id = '{{ ti.xcom_pull("send_conversions")["delivery_id"] }}'
              AND r.outcome IN ('rejected', 'failed') AND r.reason_number = 1
            ORDER BY o.order_id
        """,
    )

    write >> refused
