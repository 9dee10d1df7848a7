"""What Airflow's own database knows of the tasks that sent: when they were at work, and what a map calls its parts."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, NamedTuple

from airflow.api_fastapi.common.db.common import SessionDep
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from fastapi import Depends
from sqlalchemy import select

from airflow_provider_rokt.summaries.decision import Decision
from airflow_provider_rokt.task.question_text import SEND, STOP

OPERATORS: Final = ("RoktConversionOperator", "RoktAudienceOperator")
"""What sends, as Airflow names it; a class that is derived from them has a name of its own."""
# A delivery's id has the worker's time, and the database another machine's.
_CLOCKS: Final = timedelta(minutes=5)
# Deferred too: an operator of the user's own may send in several steps, and a person is waited for. What goes on after
# that is scheduled and queued as the same try, while each further try has its number from when it is scheduled.
_AT_WORK: Final = frozenset(
    ("running", "deferred", "awaiting_input", "scheduled", "queued", "restarting", "up_for_reschedule")
)
# What was cleared has no state until it is scheduled.
_TRIED_AGAIN: Final = frozenset(("up_for_retry", None))

Window = tuple[datetime, datetime]


class TaskName(NamedTuple):
    """A task instance's place; ``task_id`` is None for all of a run, ``map_index`` for all of a task."""

    dag_id: str
    run_id: str
    task_id: str | None = None
    map_index: int | None = None


class TaskInstances:
    """The task instances of Airflow's database, for one request: how each stands is asked once."""

    def __init__(self, session: SessionDep) -> None:
        self._session: Any = session
        self._known: dict[TaskName, Any] = {}

    def windows(self, name: TaskName) -> list[Window]:
        """Between when each try began and when it ended, the newest first; those that overlap as one."""
        # One that has begun and not ended is at work.
        now = datetime.now(UTC)
        tries = sorted(
            (row.start_date - _CLOCKS, (row.end_date or now) + _CLOCKS)
            for model in (TaskInstance, TaskInstanceHistory)
            for row in self._session.execute(self._of(model, name, model.start_date, model.end_date))
            if row.start_date
        )
        merged: list[Window] = []
        for began, ended in tries:
            if merged and began <= merged[-1][1]:
                began, earlier = merged.pop()
                ended = max(earlier, ended)
            merged.append((began, ended))
        return merged[::-1]

    def operator(self, name: TaskName) -> str | None:
        """The name of the task's class; None where the database has no such task instance."""
        row = self._session.execute(self._of(TaskInstance, name, TaskInstance.operator)).first()
        return row and str(row.operator)

    def part_names(self, name: TaskName) -> dict[tuple[str, int], str]:
        """What the parts of mapped tasks are called where their ``map_index_template`` says so, by task and index."""
        column: Any = TaskInstance.rendered_map_index
        query = self._of(TaskInstance, name, TaskInstance.task_id, TaskInstance.map_index, column.label("rendered"))
        found = {(row.task_id, row.map_index): row.rendered for row in self._session.execute(query)}
        # Without a template the name is the index itself.
        return {key: name for key, name in found.items() if key[1] >= 0 and name and name != str(key[1])}

    def is_at_work(self, sender: Mapping[str, Any]) -> bool | None:
        """Whether the try that began a delivery goes on; None where the database cannot tell.

        :param sender: as the ledger names it.
        """
        row = self._now(sender)
        if row is None:
            return None
        return row.state in _AT_WORK and row.try_number == sender.get("try_number", row.try_number)

    def goes_on(self, sender: Mapping[str, Any]) -> bool:
        """Whether the task instance is at work in any try, or is tried again by Airflow itself."""
        row = self._now(sender)
        return row is not None and row.state in _AT_WORK | _TRIED_AGAIN

    def has_later_try(self, sender: Mapping[str, Any]) -> bool:
        """Whether the task instance has begun a try after the one that began a delivery."""
        row = self._now(sender)
        return bool(row and row.try_number > (sender.get("try_number") or row.try_number))

    def decision(self, sender: Mapping[str, Any]) -> Decision:
        """What a person answered to the try that began a delivery, as far as the database still tells."""
        row = self._now(sender)
        # A later try has taken the question over, and Airflow forgets the answer when it asks again.
        if row is None or row.try_number != sender.get("try_number", row.try_number):
            return Decision.UNKNOWN
        query = select(HITLDetail.chosen_options, HITLDetail.responded_by).where(HITLDetail.ti_id == row.id)
        answer = self._session.execute(query).first()
        chosen = answer.chosen_options if answer else None
        if chosen == [SEND]:
            return Decision.ALLOWED
        if chosen != [STOP]:
            return Decision.UNKNOWN
        return Decision.STOPPED if answer.responded_by else Decision.UNANSWERED

    def _now(self, sender: Mapping[str, Any]) -> Any:
        """How the task instance stands; None where the database has none."""
        names = [sender.get(part) for part in ("dag_id", "task_id", "run_id")]
        if not all(isinstance(part, str) for part in names):
            return None
        dag_id, task_id, run_id = map(str, names)
        index = sender.get("map_index")
        name = TaskName(dag_id, run_id, task_id, index if isinstance(index, int) else -1)
        if name not in self._known:
            columns = TaskInstance.id, TaskInstance.state, TaskInstance.try_number
            self._known[name] = self._session.execute(self._of(TaskInstance, name, *columns)).first()
        return self._known[name]

    @staticmethod
    def _of(model: Any, name: TaskName, *columns: Any) -> Any:
        asked = [getattr(model, part) == value for part, value in name._asdict().items() if value is not None]
        return select(*columns).where(*asked)


TaskInstancesDep = Annotated[TaskInstances, Depends(TaskInstances)]
