"""Runs as the scheduler, a backfill and a person make them, executed by ``dag.test()``: no scheduler need be there."""

import importlib.util
from datetime import datetime
from inspect import signature
from pathlib import Path
from typing import Any
from unittest import mock

import pendulum
import pytest
from airflow.models import dag as dag_module
from airflow.models import dagrun as dagrun_module
from airflow.providers.common.compat.sdk import DAG
from airflow.timetables.base import DagRunInfo, TimeRestriction
from airflow.utils.state import DagRunState
from airflow.utils.types import DagRunType

try:
    from airflow.serialization.serialized_objects import DagSerialization
except ImportError:  # before Airflow 3.2
    from airflow.serialization.serialized_objects import SerializedDAG as DagSerialization

# Airflow 2 calls it by its older name, and it has a run for every one.
RUN_DATE = "logical_date" if "logical_date" in signature(DAG.test).parameters else "execution_date"


def imported(file: Path) -> DAG:
    """The DAG of a file."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    dag: DAG = module.dag
    return dag


def scheduled(dag: DAG, first: datetime, count: int) -> list[DagRunInfo]:
    """The runs that the scheduler makes of a DAG that starts at `first` and catches up."""
    timetable = _as_the_scheduler_has_it(dag).timetable
    restriction = TimeRestriction(earliest=pendulum.instance(first), latest=None, catchup=True)
    infos: list[DagRunInfo] = []
    for _ in range(count):
        last = infos[-1].data_interval if infos else None
        infos.append(timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction))
    return infos


def backfilled(dag: DAG, first: datetime, last: datetime) -> list[DagRunInfo]:
    """The runs of a backfill from one logical date to another."""
    between = _as_the_scheduler_has_it(dag).iter_dagrun_infos_between
    return list(between(pendulum.instance(first), pendulum.instance(last)))


def execute(dag: DAG, info: DagRunInfo, run_type: DagRunType = DagRunType.SCHEDULED) -> None:
    """Makes the run as the scheduler or a backfill does, and executes it; a run that is there is cleared and repeated.

    ``dag.test()`` knows only runs by hand, so what creates its run is replaced.
    """

    def create(*, dag: Any, session: Any, start_date: datetime, **_: Any) -> Any:
        run_id = f"{run_type.value}__{info.logical_date.isoformat()}"
        runs = {run.run_id: run for run in dagrun_module.DagRun.find(dag_id=dag.dag_id, session=session)}
        if run_id in runs:
            run = runs[run_id]
            run.dag, run.state = dag, DagRunState.RUNNING
            # As clearing does where Airflow's database has the DAG, which that of Airflow 3.0 has not here.
            for instance in run.get_task_instances(session=session):
                more = instance.try_number + dag.get_task(instance.task_id).retries
                instance.max_tries = max(instance.max_tries, more)
            session.commit()
            return run
        for run in runs.values():
            if getattr(run, RUN_DATE) == info.logical_date:
                session.delete(run)
        session.commit()
        arguments = {
            "run_id": run_id,
            "run_type": run_type,
            RUN_DATE: info.logical_date,
            "data_interval": info.data_interval,
            "state": DagRunState.RUNNING,
            "start_date": start_date,
            "session": session,
        }
        return dag.create_dagrun(**arguments, **_only_on_airflow_3(info, run_type))

    new = hasattr(dagrun_module, "get_or_create_dagrun")  # since Airflow 3.1
    module, name = (dagrun_module, "get_or_create_dagrun") if new else (dag_module, "_get_or_create_dagrun")
    with mock.patch.object(module, name, create):
        run = dag.test(**{RUN_DATE: info.logical_date})
    assert (run.state, run.run_type) == (DagRunState.SUCCESS, run_type)


def by_hand(dag: DAG, logical_date: datetime) -> None:
    """A run that a person starts for a logical date."""
    assert dag.test(**{RUN_DATE: logical_date}).state == DagRunState.SUCCESS


def by_hand_without_date(dag: DAG, moment: datetime) -> None:
    """A run that a person starts at a moment, without a logical date."""
    if RUN_DATE != "logical_date":
        pytest.skip("Airflow 2 gives every run a logical date")
    run = dag.test(logical_date=None, run_after=moment)
    assert (run.state, run.logical_date, run.data_interval_end) == (DagRunState.SUCCESS, None, None)


def _as_the_scheduler_has_it(dag: DAG) -> Any:
    return DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))


def _only_on_airflow_3(info: DagRunInfo, run_type: DagRunType) -> dict[str, Any]:
    if RUN_DATE != "logical_date":
        return {}
    from airflow.utils.types import DagRunTriggeredByType as By

    return {"run_after": info.run_after, "triggered_by": By.BACKFILL if run_type == "backfill" else By.TIMETABLE}
