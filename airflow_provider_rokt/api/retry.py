"""When one request is tried again, and after how long."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import tenacity

from airflow_provider_rokt.answers.meanings import is_retryable
from airflow_provider_rokt.api.client import Answer
from airflow_provider_rokt.api.quota import RetryQuota
from airflow_provider_rokt.flow.threads import THREADS, Threads
from airflow_provider_rokt.limits import RETRY_SECONDS
from airflow_provider_rokt.network.outages import NoAnswerError

_LONGEST_HEADER = 64
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how eagerly one request is tried.

    :param budget_seconds: from the first attempt on, waits included. An attempt that began within it is completed.
    :param base_seconds: the longest wait after the first attempt; it doubles with each further one.
    :param cap_seconds: no wait of our own choosing is longer.
    """

    budget_seconds: float = RETRY_SECONDS
    base_seconds: float = 0.5
    cap_seconds: float = 60.0


def retry(
    attempt: Callable[[], Answer],
    policy: RetryPolicy,
    sleep: Sleep,
    *,
    quota: RetryQuota | None = None,
    threads: Threads = THREADS,
) -> Answer:
    """Tries until there is an answer that says more than "not now", or the budget is spent.

    :param attempt: one attempt.
    :param sleep: waits so many seconds; may raise to end it all.
    :param quota: of the delivery's retries. A 429 needs none: it is at the door, and the pace learns from it.
    :returns: the last answer; a retryable one means that the budget is spent.
    :raises NoAnswerError: where the budget is spent and no answer came to the last attempt.
    """
    deadline = threads.now() + policy.budget_seconds
    backoff = tenacity.wait_random_exponential(policy.base_seconds, policy.cap_seconds)

    def wait(state: tenacity.RetryCallState) -> float:
        asked = _asked(state, threads.utc())
        # Jitter on top, too: tasks that were told the same time must not come back together.
        seconds = asked + random.uniform(0.0, policy.base_seconds) if asked else backoff(state)  # noqa: S311
        return min(seconds, max(deadline - threads.now(), 0.0))

    def pause(state: tenacity.RetryCallState) -> None:
        until = threads.now() + (state.next_action.sleep if state.next_action else 0.0)
        if quota and _is_failure(_result(state)):
            quota.take(deadline)
        calls[1](max(until - threads.now(), 0.0))

    # tenacity's objects refer to each other, so whatever they hold stays until the garbage collector comes by, which
    # it rarely does for a few large objects. So they hold this list instead of the request of megabytes behind the
    # calls, and missing answers as values, since a raised error holds the frames it passed.
    calls: list[Any] = [attempt, sleep]
    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(_says_not_now),
        wait=wait,
        # Where Rokt wants more time than is left, waiting for the end of the budget would gain nothing.
        stop=lambda state: threads.now() + _asked(state, threads.utc()) >= deadline,
        # Pauses itself, as it is told the answer; what is told seconds alone has nothing left to do.
        before_sleep=pause,
        sleep=lambda _: None,
        # Without this tenacity raises an error of its own, which holds the last answer only as a future.
        retry_error_callback=_result,
    )
    try:
        last: Answer | NoAnswerError = retrying(lambda: _caught(calls[0]))
    finally:
        calls.clear()
    if isinstance(last, NoAnswerError):
        # Another one: tenacity still holds this, and a raised error holds its frames.
        raise NoAnswerError(last.cause)
    return last


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Seconds that ``Retry-After`` asks to wait; ``None`` where it is absent or cannot be read.

    :param now: an aware time, for dates.
    """
    text = (answer.headers.get("Retry-After") or "").strip()[:_LONGEST_HEADER]
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
    # A date with the zone "-0000" comes without one; HTTP dates are always UTC.
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max((date - now).total_seconds(), 0.0)


def _caught(attempt: Callable[[], Answer]) -> Answer | NoAnswerError:
    try:
        return attempt()
    except NoAnswerError as error:
        return NoAnswerError(error.cause)


def _is_failure(result: Answer | NoAnswerError) -> bool:
    return isinstance(result, NoAnswerError) or result.status != 429


def _says_not_now(result: Answer | NoAnswerError) -> bool:
    return isinstance(result, NoAnswerError) or is_retryable(result.status)


def _asked(state: tenacity.RetryCallState, now: datetime) -> float:
    """Seconds that the last answer asks for; 0 where it asks for none.

    A date in the past counts as none: differing clocks make one of any date, and obeying it would hammer Rokt.
    """
    result = _result(state)
    return 0.0 if isinstance(result, NoAnswerError) else retry_after(result, now) or 0.0


def _result(state: tenacity.RetryCallState) -> Answer | NoAnswerError:
    if state.outcome is None:  # tenacity calls this after an attempt only
        raise RuntimeError("no attempt was made")
    result: Answer | NoAnswerError = state.outcome.result()
    return result
