"""The tasks of the Rokt operators that failed, as Airflow's own database knows them: of some the ledger has nothing."""

from collections.abc import Collection
from datetime import date
from typing import Annotated, Any, Final

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.taskinstance import TaskInstance
from fastapi import Depends
from sqlalchemy import select, tuple_

from airflow_provider_rokt.plugin.task_instances import OPERATORS
from airflow_provider_rokt.summaries.failed_task import FailedTask
from airflow_provider_rokt.summaries.yesterday import day_of_utc

# In two days.
_FAILED: Final = 10_000


class FailedTasks:
    """The failed task instances of Airflow's database."""

    def __init__(self, session: SessionDep) -> None:
        self._session: Any = session

    def since(self, first: date, senders: Collection[tuple[str, str]], dag: str) -> list[FailedTask]:
        """Those that ended since a day began, UTC, the newest first.

        :param senders: the DAG and the id of tasks that are known to have delivered, whatever their class is called.
        :param dag: of this DAG alone; empty for all.
        """
        of: Any = TaskInstance
        ours = of.operator.in_(OPERATORS)
        if senders:
            ours |= tuple_(of.dag_id, of.task_id).in_(list(senders))
        asked = [of.state == "failed", of.end_date >= day_of_utc(first)[0], ours]
        asked += [of.dag_id == dag] if dag else []
        columns = of.dag_id, of.run_id, of.task_id, of.map_index, of.start_date, of.end_date
        query = select(*columns).where(*asked).order_by(of.end_date.desc()).limit(_FAILED)
        return [FailedTask(*row) for row in self._session.execute(query)]


FailedTasksDep = Annotated[FailedTasks, Depends(FailedTasks)]
