"""Only what is new: each run sends the orders of its own data interval, so it can be repeated and back-filled.

One started by hand at 14:20 sends those from 13:00 to 14:00, UTC.
"""

from datetime import datetime, timedelta

from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.interval import CronDataIntervalTimetable

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

# A run that was triggered without a logical date has no interval: it sends the last whole hour before it.
HOUR = "dag_run.run_after.replace(minute=0, second=0, microsecond=0)"
SINCE = f"(dag_run.data_interval_start or {HOUR} - macros.timedelta(hours=1))"
UNTIL = f"(dag_run.data_interval_end or {HOUR})"
SQLITE_TIME = ".strftime('%Y-%m-%d %H:%M:%S')"

with DAG(
    dag_id="rokt_conversions_incremental",
    # Airflow 3 gives "@hourly" an interval of no length, which would select nothing; this one covers the hour.
    schedule=CronDataIntervalTimetable("@hourly", timezone="UTC"),
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["rokt", "example"],
    doc_md=__doc__,
) as dag:
    RoktConversionOperator(
        task_id="send_new_orders",
        # The query names its columns as Rokt names its fields, so no mapping is needed.
        sql="sql/new_orders.sql",
        sql_conn_id="shop",
        # An hour has few orders: two that cannot be sent should not wake anyone.
        max_rejected=2,
        parameters={"since": f"{{{{ {SINCE}{SQLITE_TIME} }}}}", "until": f"{{{{ {UNTIL}{SQLITE_TIME} }}}}"},
        retries=3,
        retry_delay=timedelta(minutes=5),
    )
