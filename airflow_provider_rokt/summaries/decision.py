"""What became of a run that a guard stopped, and that a person was asked about."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from airflow_provider_rokt.summaries.known_delivery import UNDECIDED, KnownDelivery, State
from airflow_provider_rokt.task.approval import WAITS


class Decision(StrEnum):
    """What a person's answer was, as a sentence before the objection."""

    STOPPED = "A person decided to stop it, so nothing was sent"
    UNANSWERED = "Nobody decided in time, so nothing was sent"
    ALLOWED = "A person let it pass, and this delivery itself sent nothing"
    UNKNOWN = "A person was asked, and nothing was sent"


Decided = Callable[[Mapping[str, Any]], Decision]
"""What a person answered to the try that a sender names."""


def told_failure(delivery: KnownDelivery, state: State, decided: Decided) -> str:
    """What the error says that its task failed with, by now: its ledger is closed before anybody answers.

    :param state: how it stands.
    """
    if delivery.failure != UNDECIDED or state is State.WAITING:
        return delivery.failure_text
    return f"{decided(delivery.sender)}: {delivery.failure_text.removeprefix(WAITS)}"
