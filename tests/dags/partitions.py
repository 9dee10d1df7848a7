"""A query shared among tasks by range, and by the partitions that it has; run by tests/sensors/test_partitions.py."""

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator

from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor


def part(task_id: str, where: str, **arguments: str):
    """A mapped task; each makes of the orders conversions of its own."""
    sql = f"""
        SELECT '{task_id} ' || number AS source_message_id, email, timestamp_unixtime_ms, '{task_id}' AS conversiontype
        FROM orders WHERE {where}
    """
    return RoktConversionOperator.partial(task_id=task_id, sql=sql, sql_conn_id="shop", max_rejected=1.0, **arguments)


with DAG("partitions", start_date=datetime(2024, 1, 1), schedule=None) as dag:
    ranged = part(
        "range",
        "day >= :since AND day < :until",
        map_index_template="since {{ task.parameters.since }}",
    ).expand(parameters=[{"since": 0, "until": 2}, {"since": 2, "until": 9}])
    listed = SQLExecuteQueryOperator(
        task_id="listed", sql="SELECT DISTINCT COALESCE(region, '') FROM orders ORDER BY 1", conn_id="shop"
    )
    regional = part(
        "region", "COALESCE(region, '') = :region", map_index_template="{{ task.parameters.region or 'nowhere' }}"
    ).expand(parameters=listed.output.map(lambda row: {"region": row[0]}))
    RoktBatchStatusSensor(task_id="judge", delivery=[ranged.output, regional.output], max_rejected=2)
