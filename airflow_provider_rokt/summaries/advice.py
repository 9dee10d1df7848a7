"""What to do about a delivery, a sentence each; empty where there is nothing to do."""

from typing import Final

from airflow_provider_rokt.exceptions import (
    RoktAudienceBusyError,
    RoktAudienceError,
    RoktAuthError,
    RoktDroppedError,
    RoktIncompleteError,
    RoktRejectedError,
    RoktSyncBusyError,
    RoktTooFewRowsError,
    RoktUnreachableError,
)
from airflow_provider_rokt.summaries.decision import Decision
from airflow_provider_rokt.summaries.known_delivery import UNDECIDED, KnownDelivery, State
from airflow_provider_rokt.summaries.sync_runs import Tasks, may_yet_arrive

_CLEAR: Final = "Clear the failed task: it sends only the rows that failed."
DEGRADED: Final = "Look at what is degraded: it succeeded, and is not as usual."
_ALLOWED: Final = "See the task's log why it failed when a person had let it pass, then run the DAG anew."
_WAIT: Final = "Wait: the task has not ended. When Airflow tries it again, it sends what is missing."
_BUSY: Final = "Clear the task when the other run is over."
_BY_STATE: Final = {
    State.WAITING: "Answer Airflow's required action of this task, and do not clear it: nothing is sent before that.",
    State.STOPPED: "Clear the task that was stopped: it goes on where it ended.",
    State.DAMAGED: "Restore the ledger, or run the task again; Rokt recognises what it took already.",
}
_BY_ERROR: Final = {
    UNDECIDED: "Correct the query, then run the DAG anew: nothing was sent.",
    RoktDroppedError.__name__: "Map another column to the field, leave it out, or allow more with max_dropped; then "
    "run the task again.",
    RoktTooFewRowsError.__name__: "Look why the query returned so few rows, or lower min_rows; then run it again.",
    RoktAudienceError.__name__: "Look whether the query is right. If it is, allow this run with the argument that the "
    "reason names.",
    RoktAudienceBusyError.__name__: _BUSY,
    RoktSyncBusyError.__name__: _BUSY,
    RoktAuthError.__name__: "Correct the connection's credentials, then clear the task: it goes on where it ended.",
    RoktIncompleteError.__name__: _CLEAR,
    RoktUnreachableError.__name__: _CLEAR,
    "AirflowTaskTimeout": "Clear the task: it goes on where it ended. Allow it more time with execution_timeout.",
}
# After these every row has its end, so that what else there is to do is told, too.
_READ_TO_THE_END: Final = frozenset(("", RoktIncompleteError.__name__, RoktDroppedError.__name__))


def advice_for(delivery: KnownDelivery, state: State, tasks: Tasks) -> list[str]:
    """What to do about one delivery, as it stands."""
    if state is State.IN_FLIGHT:
        return []
    if may_yet_arrive(delivery, state, tasks):
        return [_WAIT]
    if state in _BY_STATE:
        return [_BY_STATE[state]]
    error = delivery.failure
    is_rejected = error == RoktRejectedError.__name__
    advice = [_of_failure(delivery, tasks)] if state is State.FAILED and not is_rejected else []
    if delivery.rejected and (is_rejected or error in _READ_TO_THE_END):
        advice.append(f"Correct the rejected rows at their source{_again(delivery)}.")
    return [*advice, DEGRADED] if delivery.unusual else advice


def _again(delivery: KnownDelivery) -> str:
    """How rows go that were rejected and are corrected."""
    if delivery.mirrors:
        return ", then run the task again"
    return (
        ": the next run whose query has them sends them"
        if delivery.sends_new
        else ", then send them again with resend_from"
    )


def _of_failure(delivery: KnownDelivery, tasks: Tasks) -> str:
    if not delivery.failure:
        return _CLEAR if delivery.failed else "Clear the task: its rows were not read to the end."
    if delivery.failure == UNDECIDED and tasks.decision(delivery.sender) is Decision.ALLOWED:
        return _ALLOWED
    where = "Do what the reason says" if delivery.failure_text else "See the task's log"
    return _BY_ERROR.get(delivery.failure, f"{where}, then clear the task: it goes on where it ended.")
