"""A suppression list, every night: whoever bought on one of the last fourteen days is in it, everybody else is not.

The days are whole ones, of UTC, before the day of the run: its own morning counts from the next night on. Repeating
an older run would bring its older list back, until the next night.

The first run adds everyone. Each later run sends only who came and who went, and stops before sending anything when
the query is empty or would remove more than a third of the list: that is a broken query, not a change of heart.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator

with DAG(
    dag_id="rokt_audience_mirror",
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # Two runs at once would both compare with the same yesterday; the second would stop with an error.
    max_active_runs=1,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    RoktAudienceOperator(
        task_id="mirror_recent_buyers",
        sql="""
            {% set today = (dag_run.data_interval_end or dag_run.run_after) | ds %}
            SELECT DISTINCT email FROM orders
            WHERE ordered_at >= '{{ macros.ds_add(today, -14) }}' AND ordered_at < '{{ today }}'
        """,
        sql_conn_id="shop",
        audience="Recent buyers (suppression)",
        mode="mirror",
        max_removed=0.34,
        # A row without a usable address would count as somebody who left, so only a few are let pass.
        max_rejected=0.02,
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
