"""When Airflow tries a failed task again, told by the error; for Airflow 3.3 and newer, which alone asks."""

import logging
import random
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from airflow_provider_rokt.exceptions import RoktError, RoktSettingsError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context, RetryDecision, RetryPolicy
else:
    try:
        from airflow.providers.common.compat.sdk import RetryDecision, RetryPolicy
    except ImportError:  # Airflow before 3.3
        RetryDecision, RetryPolicy = None, object

log = logging.getLogger(__name__)

# A server that asks for more is not believed.
_DAY: Final = 86_400.0
_CHANCE: Final = random.SystemRandom()


def rokt_retries(**arguments: Any) -> dict[str, Any]:
    """The argument ``retry_policy`` of a task, as ``**rokt_retries()``; nothing for an Airflow that does not take it.

    :param arguments: those of :class:`RoktRetryPolicy`.
    """
    policy = RoktRetryPolicy(**arguments)
    return {"retry_policy": policy} if _is_asked() else {}


class RoktRetryPolicy(RetryPolicy):
    """Fails at once what a retry cannot mend, and tries the rest again when that may help.

    - Credentials, settings, a mapping, rejected rows and whatever else of ours calls itself not retryable: fails.
    - Rokt said when to come back: tried again then.
    - Anything else of this provider: tried again after twice as long each time, of that between half and all by chance,
      so that mapped tasks do not come back together.
    - An error of anybody else's: as the task's own arguments say.

    How often is for the task's ``retries`` to say. A task of Airflow before 3.3 refuses it: see :func:`rokt_retries`.

    :param delay: before the first retry; a number counts seconds.
    :param max_delay: the longest.
    :raises RoktSettingsError: where these are no such times.
    """

    def __init__(
        self, *, delay: timedelta | float = timedelta(minutes=1), max_delay: timedelta | float = timedelta(hours=1)
    ) -> None:
        self.delay = _seconds(delay)
        self.max_delay = _seconds(max_delay)
        if not 0 < self.delay <= self.max_delay:
            raise RoktSettingsError("the retry policy", ["delay must be more than 0 and at most max_delay"])

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: "Context | None" = None
    ) -> "RetryDecision":
        """What to do about a failure; Airflow asks in the worker.

        :param try_number: from 1.
        """
        error = exception if isinstance(exception, RoktError) else exception.__cause__
        if not isinstance(error, RoktError):
            return RetryDecision.default()
        what = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        if not error.retryable:
            return RetryDecision.fail(f"a retry cannot mend {what}")
        asked = getattr(error, "retry_after", None)
        if asked is not None:
            seconds = min(max(asked, 0.0), _DAY)
            return RetryDecision.retry(timedelta(seconds=seconds), f"Rokt asked for {asked:g} s; {what}")
        return RetryDecision.retry(timedelta(seconds=self._back_off(try_number)), what)

    def serialize(self) -> dict[str, Any]:
        """Its arguments, in seconds."""
        return {"delay": self.delay, "max_delay": self.max_delay}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "RoktRetryPolicy":
        """The policy with these arguments."""
        return cls(**data)

    def _back_off(self, try_number: int) -> float:
        # The exponent is bounded, as no float is larger.
        longest = min(self.delay * 2.0 ** min(try_number - 1, 60), self.max_delay)
        return longest * _CHANCE.uniform(0.5, 1.0)


@cache
def _is_asked() -> bool:
    """Whether this Airflow asks retry policies; says once where it does not."""
    if RetryDecision is not None:
        return True
    log.warning("Airflow has no retry policies before 3.3: rokt_retries() gives none, and 'retries' alone counts")
    return False


def _seconds(time: timedelta | float) -> float:
    return time.total_seconds() if isinstance(time, timedelta) else float(time)
