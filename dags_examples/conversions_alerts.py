"""Yesterday's orders, and word to people: by e-mail when a run fails, on Slack when one is not as usual.

The task tells what is unusual by the sync's own last runs; it succeeds all the same. Callbacks find the report as
``rokt_report``. Needs apache-airflow-providers-slack and apache-airflow-providers-smtp.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator


def tell_on_slack(context: Any) -> None:
    """Says what of a run that succeeded is not as usual."""
    from airflow.providers.slack.notifications.slack import SlackNotifier

    if context["rokt_report"].get("degraded"):
        SlackNotifier(
            channel="#conversions",
            text="{{ ti.task_id }} is not as usual: {{ rokt_report.degraded | join('; ') }}\n{{ rokt_report.ledger }}",
        )(context)


def tell_by_mail(context: Any) -> None:
    """Says why a run failed: what did not arrive, what did, and what to do."""
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    SmtpNotifier(
        to="data-team@example.com",
        from_email="airflow@example.com",
        # What fails before the task itself does has no exception here on Airflow 3.0 to 3.2.
        subject="{{ ti.dag_id }}: {{ (exception | default('failed') | string).splitlines() | first }}",
        html_content="<pre>{{ exception | default('Its log says why.') | string | e }}</pre>",
    )(context)


with DAG(
    dag_id="rokt_conversions_alerts",
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    RoktConversionOperator(
        task_id="send_conversions",
        sql="""
            {% set today = (dag_run.data_interval_end or dag_run.run_after) | ds %}
            SELECT email,
                   customer_id  AS customerid,
                   ordered_at   AS timestamp_unixtime_ms,
                   order_id     AS source_message_id,
                   'purchase'   AS conversiontype,
                   confirmation AS confirmationref,
                   total        AS amount,
                   currency
            FROM orders
            WHERE ordered_at >= '{{ macros.ds_add(today, -1) }}' AND ordered_at < '{{ today }}'
            ORDER BY customer_id, ordered_at, order_id
        """,
        sql_conn_id="shop",
        max_rejected=0.02,
        # Fewer than half of the usual orders, twice as many, 1 point more rejected, 10 points fewer with an e-mail.
        warn_when={"rows_below": 0.5, "rows_above": 2, "rejected_above": 0.01, "coverage_below": 0.1},
        on_success_callback=tell_on_slack,
        on_failure_callback=tell_by_mail,
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
