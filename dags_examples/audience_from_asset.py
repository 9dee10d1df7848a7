"""As soon as the table changes: whatever refreshes the customers announces it, and the audience grows.

Each run reads the whole table and adds everyone who ever spent more than 200 on an order; nobody is removed.
"""

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG, Asset, task

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator

CUSTOMERS = Asset("sqlite://shop/orders")

with DAG(
    dag_id="shop_refreshes_customers",
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["rokt", "example"],
):

    @task(outlets=[CUSTOMERS])
    def refresh_customers() -> None:
        """Stands for the job that loads the table."""

    refresh_customers()

with DAG(
    dag_id="rokt_audience_from_asset",
    schedule=[CUSTOMERS],
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    RoktAudienceOperator(
        task_id="include_big_spenders",
        sql="SELECT DISTINCT email FROM orders WHERE CAST(total AS REAL) > 200",
        sql_conn_id="shop",
        audience="Big spenders",
        mode="include",
        max_rejected=0.02,
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
