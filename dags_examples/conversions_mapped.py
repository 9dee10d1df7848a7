"""Yesterday's orders in four parts, each a task of its own on a worker that is free, and a sensor that judges them all.

A customer's orders are all in one part, so that they still share batches. Which day that is, is said in
``conversions_daily.py``.
"""

from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor

PARTS = 4

with DAG(
    dag_id="rokt_conversions_in_parts",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    send = RoktConversionOperator.partial(
        task_id="send_part",
        sql_conn_id="shop",
        # SQLite has no hash, so it takes the number in "cust_17"; README has those of other databases.
        # A row without a customer goes by its own number: NULL would be in no part.
        sql="""
            {% set today = (dag_run.data_interval_end or dag_run.run_after) | ds %}
            SELECT email, customer_id AS customerid, ordered_at AS timestamp_unixtime_ms,
                   order_id AS source_message_id, 'purchase' AS conversiontype,
                   confirmation AS confirmationref, total AS amount, currency
            FROM orders
            WHERE COALESCE(CAST(substr(customer_id, 6) AS INTEGER), rowid) % :parts = :part
              AND ordered_at >= '{{ macros.ds_add(today, -1) }}' AND ordered_at < '{{ today }}'
            ORDER BY customer_id, ordered_at, order_id
        """,
        # What the grid, the logs and the sensor call a part.
        map_index_template="customers {{ task.parameters.part + 1 }} of {{ task.parameters.parts }}",
        # Rejected rows are judged once, by the sensor, over all parts.
        max_rejected=1.0,
        # A part whose worker is lost goes on where it was, on another one.
        retries=3,
    ).expand(parameters=[{"part": part, "parts": PARTS} for part in range(PARTS)])

    RoktBatchStatusSensor(
        task_id="every_batch_has_its_verdict",
        delivery=send.output,
        max_rejected=0.02,
        mode="reschedule",
        poke_interval=5,
        timeout=600,
    )
