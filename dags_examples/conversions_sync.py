"""Every hour what Rokt has not got yet, of the last three days: orders that came late or were put right go too.

The query overlaps with the one before, and no watermark can go wrong: the sync remembers which orders Rokt took. An
order that was rejected is tried again once it is corrected, a failed run is made good by the next one, and a run that
is repeated sends what is still missing.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

with DAG(
    dag_id="rokt_conversions_sync",
    schedule="@hourly",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    RoktConversionOperator(
        task_id="send_new_orders",
        sql="""
            {% set now = dag_run.data_interval_end or dag_run.run_after %}
            SELECT email,
                   customer_id  AS customerid,
                   ordered_at   AS timestamp_unixtime_ms,
                   order_id     AS source_message_id,
                   'purchase'   AS conversiontype,
                   confirmation AS confirmationref,
                   total        AS amount,
                   currency
            FROM orders
            WHERE ordered_at >= '{{ (now - macros.timedelta(days=3)).strftime('%Y-%m-%d %H:%M:%S') }}'
              AND ordered_at < '{{ now.strftime('%Y-%m-%d %H:%M:%S') }}'
            ORDER BY customer_id, ordered_at, order_id
        """,
        sql_conn_id="shop",
        send="new",
        max_rejected=2,
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
