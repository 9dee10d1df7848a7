"""When one request is tried again, and after how long."""

import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial

from airflow_provider_rokt.delivery.answer import Answer, NoAnswerError

# 501 and 505 say that the server cannot do it at all; every other 5xx, 408 and 429 say "not now".
_FINAL_SERVER_ERRORS = (501, 505)
_LONGEST_HEADER = 64
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")

Clock = Callable[[], float]
Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long and how eagerly one request is tried.

    :param budget_seconds: from the first attempt on, waits included. An attempt that began within it is completed.
    :param base_seconds: the longest wait after the first attempt; it doubles with each further one.
    :param cap_seconds: no wait of our own choosing is longer.
    """

    budget_seconds: float = 600.0
    base_seconds: float = 0.5
    cap_seconds: float = 60.0


def is_retryable(status: int) -> bool:
    """Whether the same request may succeed later."""
    return status in (408, 429) or (500 <= status <= 599 and status not in _FINAL_SERVER_ERRORS)


def retry(attempt: Callable[[], Answer], policy: RetryPolicy, sleep: Sleep, *, clock: Clock = time.monotonic) -> Answer:
    """Tries until there is an answer that says more than "not now", or the budget is spent.

    :param attempt: one attempt.
    :param sleep: waits so many seconds; may raise to end it all.
    :returns: the last answer; a retryable one means that the budget is spent.
    :raises NoAnswerError: where the budget is spent and no answer came to the last attempt.
    """
    # Not by tenacity: its objects refer to each other, so the requests they hold, megabytes each, would stay until the
    # garbage collector comes by, which it rarely does for a few large objects.
    deadline = clock() + policy.budget_seconds
    attempts = 0
    while True:
        answer = None
        attempts += 1
        try:
            answer = attempt()
        except NoAnswerError:
            if clock() >= deadline:
                raise
        else:
            if not is_retryable(answer.status) or clock() >= deadline:
                return answer
        sleep(min(_wait(answer, attempts, policy), max(deadline - clock(), 0.0)))


def retry_after(answer: Answer, now: datetime | None = None) -> float | None:
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
    return max((date - (now or datetime.now(UTC))).total_seconds(), 0.0)


def _wait(answer: Answer | None, attempts: int, policy: RetryPolicy) -> float:
    # Full jitter: tasks that fail together must not come back together.
    jitter = partial(random.uniform, 0.0)
    asked = retry_after(answer) if answer else None
    # Zero is what a date becomes where the clocks differ; obeying it would hammer Rokt.
    if asked:
        return asked + jitter(policy.base_seconds)
    # The exponent is bounded since 2 ** 1024 no longer is a float.
    return jitter(min(policy.base_seconds * 2.0 ** min(attempts - 1, 64), policy.cap_seconds))
