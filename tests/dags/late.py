"""Deferred sensors before a delivery that never ends, each with two limits; run by test_sensor_modes.py."""

from datetime import datetime, timedelta
from functools import partial

from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor

never = partial(
    RoktBatchStatusSensor,
    delivery="never-begun",
    deferrable=True,
    poke_interval=0.5,
    retries=1,
    retry_delay=0.1,
)

with DAG("late", start_date=datetime(2024, 1, 1), schedule=None) as late:
    never(task_id="hard", timeout=1, execution_timeout=timedelta(seconds=60))
    never(task_id="soft", timeout=1, execution_timeout=timedelta(seconds=60), soft_fail=True)

with DAG("slow", start_date=datetime(2024, 1, 1), schedule=None) as slow:
    never(task_id="hard", timeout=60, execution_timeout=timedelta(seconds=1))
    never(task_id="soft", timeout=60, execution_timeout=timedelta(seconds=1), soft_fail=True)
