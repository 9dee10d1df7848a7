"""Yesterday's orders, region by region: one mapped task for each, and a sensor that answers for all of them.

Which day that is, is said in ``conversions_daily.py``.
"""

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor

REGIONS = ("north", "east", "south", "west")

with DAG(
    dag_id="rokt_conversions_by_region",
    schedule="@daily",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    send = RoktConversionOperator.partial(
        task_id="send_region",
        sql_conn_id="shop",
        sql="""
            {% set today = (dag_run.data_interval_end or dag_run.run_after) | ds %}
            SELECT email, customer_id AS customerid, ordered_at AS timestamp_unixtime_ms,
                   order_id AS source_message_id, 'purchase' AS conversiontype,
                   confirmation AS confirmationref, total AS amount, currency
            FROM orders
            WHERE region = :region
              AND ordered_at >= '{{ macros.ds_add(today, -1) }}' AND ordered_at < '{{ today }}'
            ORDER BY customer_id, ordered_at, order_id
        """,
        # Rejected rows are judged once, by the sensor, over all regions.
        max_rejected=1.0,
    ).expand(parameters=[{"region": region} for region in REGIONS])

    RoktBatchStatusSensor(
        task_id="every_batch_has_its_verdict",
        delivery=send.output,
        max_rejected=0.02,
        mode="reschedule",
        poke_interval=5,
        timeout=600,
    )
