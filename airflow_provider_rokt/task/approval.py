"""A person decides in Airflow whether a run that a guard stopped is sent: asked, waited for and heard.

Airflow shows one question for each task instance, the first: a further one, also of a later try, keeps the first one's
text and only forgets its answer (``upsert_hitl_detail`` of the execution API, Airflow 3.1 to 3.3). What was written is
therefore compared with what is shown, so that nobody lets pass what he was not shown.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NoReturn, Self

from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException, TaskDeferred

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.flow.gate import Question
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.task.failures import RoktTaskFailed
from airflow_provider_rokt.task.question_text import SEND, STOP, body_of, subject_of

log = logging.getLogger(__name__)

WAIT: Final = timedelta(hours=24)
"""How long an answer is waited for; a day, so that somebody has been at work in between."""
MOST_QUESTIONS: Final = 3
"""How often one try asks, where the result changes while it waits."""
WAITS: Final = "Waits for a person's decision: "
"""Before the objection, in what is recorded while nobody has answered."""


class RoktDecisionNeeded(RoktError):
    """A guard stopped the run and waits for a person's decision; nothing was sent.

    :ivar question: what is to be asked.
    """

    def __init__(self, question: Question) -> None:
        first = question.objections[0]
        self.objection = first.objection or str(first)
        super().__init__(f"{WAITS}{self.objection}")
        self.question = question


def nobody_to_ask(question: Question) -> NoReturn:
    """Stops a run that no operator started.

    :raises RoktError: the first objection.
    """
    log.warning(
        "on_guard='ask' does as 'fail': only an operator's task can wait for a person, a call of the hook cannot"
    )
    raise question.objections[0]


class Asker:
    """Asks for one task, and knows what was answered.

    :param plan: the digest of what a person let pass; None before anybody was asked.
    :param by: who that was.
    :param asked: how often was asked.
    """

    def __init__(self, plan: str | None = None, by: str = "", asked: int = 0) -> None:
        self._plan = plan
        self._by = by
        self._asked = asked

    @classmethod
    def answered(cls, event: Mapping[str, Any], plan: str, asked: int) -> Self:
        """After an answer.

        :param event: as Airflow hands it over.
        :raises RoktTaskFailed: unless it is that of a person who lets the plan pass.
        """
        person: Mapping[str, Any] = event.get("responded_by_user") or {}
        by, chosen = str(person.get("name") or person.get("id") or "somebody"), list(event.get("chosen_options") or ())
        # Nobody but a person can choose it: what Airflow chooses itself is to stop.
        if chosen == [SEND] and plan:
            return cls(plan, by, asked)
        if event.get("timedout") or event.get("error_type") == "timeout":
            raise RoktTaskFailed(f"Nobody decided within {_hours()} hours whether to send it, so nothing was sent")
        if chosen == [STOP]:
            raise RoktTaskFailed(f"{by} decided to stop, so nothing was sent. Correct the query, or run the DAG anew")
        # dag.test() before Airflow 3.3 loses what a task goes on with; and what is no answer sends nothing.
        raise RoktTaskFailed("Airflow handed over no answer to what was shown, so nothing was sent")

    def __call__(self, question: Question) -> None:
        """Lets pass what a person let pass.

        :raises RoktDecisionNeeded: where a person is to be asked.
        :raises RoktError: the first objection, where nobody can be.
        """
        if question.plan == self._plan:
            log.info("A guard objects, and %s decided to send it: exactly what was shown goes to Rokt", self._by)
            return
        if not _can_ask():
            log.warning(
                "on_guard='ask' does as 'fail': to ask a person takes a task of Airflow 3.1 or newer, and "
                "apache-airflow-providers-standard"
            )
            raise question.objections[0]
        raise RoktDecisionNeeded(question)

    def ask(self, question: Question, instance: Any) -> BaseException:
        """Asks.

        :param instance: the id of the task instance.
        :returns: what gives the worker back until there is an answer, which comes to ``execute_complete``.
        :raises RoktTaskFailed: where the question cannot be shown, or was asked too often.
        """
        if self._plan:
            log.warning("The query or its result changed since %s let it pass: that is not sent", self._by)
        if self._asked == MOST_QUESTIONS:
            _give_up(
                question,
                f"The result changed each of the {MOST_QUESTIONS} times that a person was asked.",
                "Let the query give the same rows later, too, and run the DAG anew.",
            )
        subject, body = subject_of(question), body_of(question, _hours())
        shown = _show(instance, subject, body)
        if (shown.subject, shown.body) != (subject, body):
            # No question may stay where its numbers are not those of the plan.
            _give_up(
                question,
                "Nobody was asked: Airflow goes on showing the first question of a task instance, of other numbers.",
                "Run the DAG anew to be asked.",
            )
        for error in question.objections:
            log_wrapped(log, logging.WARNING, error.objection or str(error))
        log.warning("Nothing was sent: a person has %d hours to decide in Airflow's required actions", _hours())
        return _waiting(instance, {"plan": question.plan, "asked": self._asked + 1})


def _hours() -> int:
    return int(WAIT.total_seconds() // 3600)


def _give_up(question: Question, why: str, advice: str) -> NoReturn:
    first = question.objections[0]
    raise RoktTaskFailed(f"{first.objection or first}\n{why}\nNothing was sent. {advice}") from first


def _can_ask() -> bool:
    try:
        # Older ones lack it; where no task runs, it has no value.
        from airflow.providers.standard.triggers.hitl import HITLTrigger  # noqa: F401
        from airflow.sdk.execution_time.comms import CreateHITLDetailPayload  # noqa: F401
        from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS  # noqa: F401
    except (ImportError, AirflowOptionalProviderFeatureException):
        return False
    return True


def _show(instance: Any, subject: str, body: str) -> Any:
    """Writes the question, and gives back the one that Airflow shows."""
    from airflow.sdk.execution_time.comms import CreateHITLDetailPayload
    from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

    return SUPERVISOR_COMMS.send(
        CreateHITLDetailPayload(
            ti_id=instance,
            subject=subject,
            body=body,
            options=[SEND, STOP],
            # What Airflow answers itself when the time is over.
            defaults=[STOP],
            multiple=False,
            params={},
            assigned_users=[],
        )
    )


def _waiting(instance: Any, goes_on_with: dict[str, Any]) -> BaseException:
    try:
        from airflow.sdk.exceptions import TaskAwaitingInput
    except ImportError:  # before Airflow 3.3
        return TaskDeferred(trigger=_trigger(instance), method_name="execute_complete", kwargs=goes_on_with)
    return TaskAwaitingInput(method_name="execute_complete", kwargs=goes_on_with, timeout=WAIT)


def _trigger(instance: Any) -> Any:
    from airflow.providers.standard.triggers.hitl import HITLTrigger

    until = datetime.now(UTC) + WAIT
    return HITLTrigger(ti_id=instance, options=[SEND, STOP], defaults=[STOP], params={}, timeout_datetime=until)
