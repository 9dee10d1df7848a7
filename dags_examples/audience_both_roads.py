"""Everyone who ever ordered, over both roads while Rokt folds the audience import into its Events API.

``via`` is all that differs. Each road has a memory of its own, so each list is right by itself. When the events' one
has proved itself, drop ``"import"`` from the list.
"""

from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator

with DAG(
    dag_id="rokt_audience_both_roads",
    schedule="@daily",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    RoktAudienceOperator.partial(
        task_id="mirror",
        sql="SELECT DISTINCT email FROM orders",
        sql_conn_id="shop",
        audience="Customers",
        mode="mirror",
        max_rejected=0.02,
        retries=3,
        retry_delay=timedelta(minutes=5),
    ).expand(via=["import", "events"])
