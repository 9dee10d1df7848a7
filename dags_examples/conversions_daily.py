"""The guide's mapping, once a day: yesterday's orders of a shop become conversions at Rokt.

Each run sends the last whole day before it, of UTC: every order goes once, and a repeated or back-filled run sends the
same ones. One started by hand at 14:00 sends yesterday's.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

with DAG(
    dag_id="rokt_conversions_daily",
    schedule="@daily",
    # A schedule is in the timezone of this date, or else in Airflow's default_timezone. Where clocks change that may be
    # another day of UTC: one would go twice, or never.
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    RoktConversionOperator(
        task_id="send_conversions",
        # A run without a logical date has no data interval. Airflow 2 knows no run_after, but always an interval.
        # A customer's orders come together, so that they share batches however many rows there are: Rokt limits
        # batches per second.
        sql="""
            {% set today = (dag_run.data_interval_end or dag_run.run_after) | ds %}
            SELECT * FROM orders
            WHERE ordered_at >= '{{ macros.ds_add(today, -1) }}' AND ordered_at < '{{ today }}'
            ORDER BY customer_id, ordered_at, order_id
        """,
        sql_conn_id="shop",
        mapping={
            "user_identities.email": "email",
            "user_identities.customerid": "customer_id",
            "user_identities.other2": "rokt_click_id",
            "events[].data.timestamp_unixtime_ms": "ordered_at",
            "events[].data.source_message_id": "order_id",
            "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
            "events[].data.custom_attributes.confirmationref": "confirmation",
            "events[].data.custom_attributes.amount": "total",
            "events[].data.custom_attributes.currency": {"column": "currency", "default": "USD"},
            "user_attributes.firstname": "first_name",
            "user_attributes.lastname": "last_name",
            "user_attributes.mobilesha256": "phone",
            "user_attributes.city": "city",
            "user_attributes.state": "state",
            "user_attributes.zip": "zip",
            "ip": "ip",
        },
        # A few bad rows should not wake anyone; more than one in fifty should.
        max_rejected=0.02,
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
