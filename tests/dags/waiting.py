"""Sensors in every mode, each before a delivery that ends while it waits; run by test_sensor_modes.py."""

import threading
from collections import Counter
from datetime import datetime
from functools import partial

from airflow.providers.common.compat.sdk import DAG, task, task_group

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor
from airflow_provider_rokt.task.configuration import open_ledger

MODES = {"poke": {}, "reschedule": {"mode": "reschedule"}, "deferrable": {"deferrable": True}}


def deliver(rejected: int, begun=None):
    """A whole delivery of one row, or the rest of one begun."""
    writer = begun or open_ledger().begin("conversions", {}, {})
    tally = Tally(read=1, accepted=1 - rejected, batches=1, requests=1)
    outcome, status = (Outcome.REJECTED, 400) if rejected else (Outcome.ACCEPTED, 202)
    faults = [RowFault(RowRef(1, "order-1"), [FieldFault("ip", "is no address")])] * rejected
    tally.reject(faults)
    writer.rows(Outcome.REJECTED, faults)
    writer.request(RequestRecord(1, BULK.path, status, 1, 10, 1.0, 1, 1, (VerdictRecord(outcome, status, 1),)))
    report = tally.report(writer.delivery_id, writer.uri)
    writer.finish(report, complete=True)
    return report.summary()


@task
def check(found) -> None:
    """The sensor's result as the next task gets it."""
    if found["status_codes"] != {"202": 1}:
        raise ValueError(found)


started: Counter[str] = Counter()


def end_soon(context, delivery_id: str, rejected: int) -> None:
    """Let the delivery begin and end after the sensor's first look."""
    started[delivery_id] += 1
    if started[delivery_id] == 1:
        writer = open_ledger().begin("conversions", {}, {}, delivery_id)
        threading.Timer(1.0, deliver, (rejected, writer)).start()


def waiting(name: str, rejected: int, **arguments) -> RoktBatchStatusSensor:
    """A sensor that waits for a delivery named like itself."""
    return RoktBatchStatusSensor(
        task_id=name,
        delivery=name,
        pre_execute=partial(end_soon, delivery_id=name, rejected=rejected),
        poke_interval=0.5,
        timeout=60,
        retries=2,
        retry_delay=0.1,
        **arguments,
    )


with DAG("waiting", start_date=datetime(2024, 1, 1), schedule=None) as dag:
    for mode, arguments in MODES.items():
        check.override(task_id=f"check_{mode}")(waiting(f"good_{mode}", 0, **arguments).output)
        waiting(f"soft_{mode}", 1, soft_fail=True, **arguments)
        waiting(f"hard_{mode}", 1, **arguments)

    sent = task(deliver, task_id="sent").expand(rejected=[0, 1, 0])
    RoktBatchStatusSensor(task_id="together", delivery=sent, max_rejected=1, poke_interval=0.5)
    RoktBatchStatusSensor.partial(task_id="each", max_rejected=1, poke_interval=0.5).expand(delivery=sent)

    @task
    def nobody() -> list[int]:
        """Nothing to map over."""
        return []

    @task
    def silent() -> None:
        """Returns nothing."""

    @task_group
    def group(rejected: int):
        """A task for each."""
        return task(deliver, task_id="one")(rejected)

    of_any = partial(RoktBatchStatusSensor, poke_interval=0.5, trigger_rule="none_failed")
    none = task(deliver, task_id="none").expand(rejected=nobody())
    of_any(task_id="of_none", delivery=none)
    of_any(task_id="of_lists_of_none", delivery=[none, none])
    of_any(task_id="of_no_groups", delivery=group.expand(rejected=nobody.override(task_id="no_group")()))
    of_any(task_id="of_silence", delivery=silent())
    of_any(task_id="of_nothing_in_text", delivery="{{ ti.xcom_pull(task_ids='silent') }}").set_upstream(
        dag.get_task("silent")
    )
