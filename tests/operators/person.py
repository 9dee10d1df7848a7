"""A person at Airflow's required actions: reads each question there and answers by the function that serves the API."""

import time
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import Any, Self

NEVER = "never"


class Person:
    """Answers what tasks ask, as long as the context is open.

    :param answers: by task: the option to choose, or :data:`NEVER` for what Airflow does when the time is over.
    :param before: called with a task's name before it is answered.
    :ivar shown: by task: what was asked, each question as ``(subject, body, options)``.
    """

    def __init__(self, answers: Mapping[str, str], before: Callable[[str], None] = lambda _: None) -> None:
        self._answers = answers
        self._before = before
        self._over = Event()
        self._thread = Thread(target=self._answer_all, daemon=True)
        self.shown: dict[str, list[tuple[str, str, list[str]]]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _answer_all(self) -> None:
        from airflow.models.hitl import HITLDetail
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        while not self._over.is_set():
            with create_session() as session:
                asked = (
                    session.query(TaskInstance, HITLDetail)
                    .join(HITLDetail, HITLDetail.ti_id == TaskInstance.id)
                    .filter(HITLDetail.responded_at.is_(None), TaskInstance.state.in_(("awaiting_input", "deferred")))
                    .all()
                )
                found = [
                    (one.dag_id, one.run_id, one.task_id, (asks.subject, asks.body, asks.options))
                    for one, asks in asked
                    if one.task_id in self._answers
                ]
            for dag_id, run_id, task_id, question in found:
                self.shown.setdefault(task_id, []).append(question)
                self._before(task_id)
                _answer(dag_id, run_id, task_id, self._answers[task_id])
            time.sleep(0.2)


def _answer(dag_id: str, run_id: str, task_id: str, option: str) -> None:
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from airflow.api_fastapi.core_api.routes.public import hitl
    from airflow.utils.session import create_session

    with create_session() as session:
        if option == NEVER:
            _end_the_waiting(dag_id, run_id, task_id, session)
            return
        hitl.update_hitl_detail(
            dag_id=dag_id,
            dag_run_id=run_id,
            task_id=task_id,
            update_hitl_detail_payload=hitl.UpdateHITLDetailPayload(chosen_options=[option], params_input={}),
            user=SimpleAuthManagerUser(username="jane", role="admin"),
            session=session,
        )


def _end_the_waiting(dag_id: str, run_id: str, task_id: str, session: Any) -> None:
    """As the scheduler does once the time is over, which is a day later."""
    from datetime import UTC, datetime, timedelta

    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
    from airflow.models.taskinstance import TaskInstance

    (waiting,) = session.query(TaskInstance).filter_by(dag_id=dag_id, run_id=run_id, task_id=task_id)
    assert timedelta(hours=23) < waiting.trigger_timeout - datetime.now(UTC) < timedelta(hours=24)
    waiting.trigger_timeout = datetime.now(UTC) - timedelta(seconds=1)
    session.flush()
    SchedulerJobRunner.check_awaiting_input_timeouts(_Scheduler(), session=session)


class _Scheduler:
    """What that function needs of one."""

    import logging

    log = logging.getLogger(__name__)
