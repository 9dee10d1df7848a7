"""One request and its answer, however many attempts that takes."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from airflow_provider_rokt.answers.meanings import is_retryable
from airflow_provider_rokt.api.client import Answer
from airflow_provider_rokt.api.pace import Departure
from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.quota import RetryQuota
from airflow_provider_rokt.api.retry import RetryPolicy, retry, retry_after
from airflow_provider_rokt.delivery.progress import Repeats
from airflow_provider_rokt.exceptions import RoktAuthError, RoktEndpointError, RoktError
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.threads import THREADS, Threads
from airflow_provider_rokt.network.outages import NoAnswerError

log = logging.getLogger(__name__)

# One attempt, as RoktClient.post makes it; called by several threads.
Post = Callable[[Endpoint, bytes], Answer]
# Told of a status, None for no answer, and of seconds, before a request is sent again.
TellRepeat = Callable[[int | None, float], None]

NOT_DELIVERED: Final = "not delivered: "
# A counted second is over in one, or in two where its end is written as a date. Who is asked to wait for longer, or was
# told 429 so often, holds the others back too.
_ACCOUNT_IS_CLOSED: Final = 3.0
# A server may ask for as many seconds as fit its header.
_LONGEST_SHOWN: Final = 1e10


class Halt:
    """Says whether sending is over, and why; the first reason stays.

    Setting it neither waits nor logs, so that any thread and any signal handler may. The thread that handles signals
    must not wait for ``flag``: a handler that sets it would then wait for the lock its own thread holds.

    :ivar flag: set once sending is over, for whoever waits for something else.
    """

    def __init__(self, threads: Threads = THREADS) -> None:
        self.flag = threads.flag()
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why sending is over, fit for a ledger; ``""`` while it is not."""
        return self._reason

    def because(self, reason: str) -> None:
        """Ends it."""
        if not self._reason:
            self._reason = reason
        self.flag.set()


@dataclass(frozen=True, slots=True)
class Exchange:
    """What came of sending one request.

    :param status: of the last attempt; ``None`` where no answer came.
    :param body: of the last answer.
    :param milliseconds: from the first attempt's start to the last answer.
    :param answers: how many answers of each status came, ``"none"`` for none.
    :param failure: why there is no answer that says anything of the batches; ``""`` where there is one.
    :param error: what must end the delivery.
    :param retry_after: seconds that Rokt asked to wait, where that was too long to wait for.
    :param repeats: whether an attempt before the last may have arrived.
    :param is_too_large: whether it is to go in halves, since none of it arrived and the pace has become lower.
    """

    request: Request
    status: int | None = None
    body: bytes = b""
    attempts: int = 0
    milliseconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    failure: str = ""
    error: Exception | None = None
    retry_after: float | None = None
    repeats: bool = False
    is_too_large: bool = False


class Dispatcher:
    """Sends requests at the delivery's pace, again and again while Rokt says "not now". Threads may share it.

    :param post: makes one attempt.
    :param halt: ends all waiting; is set where Rokt took a request in no attempt, as later ones would fare no better.
    """

    def __init__(
        self, post: Post, pacer: Pacer, policy: RetryPolicy, halt: Halt, *, threads: Threads = THREADS
    ) -> None:
        self._post = post
        self._pacer = pacer
        self._policy = policy
        self._halt = halt
        self._threads = threads
        self._quota = RetryQuota(halt.flag, threads)
        self._repeats = Repeats(threads)

    def dispatch(self, request: Request) -> Exchange:
        """Sends the request; an error that must end the delivery is in what it returns, never raised."""
        attempts = _Attempts(request, self._post, self._pacer, self._halt, self._repeats.tell)
        try:
            # The budget begins after this: at a low rate waiting for the first turn alone could use it up.
            attempts.wait_for_turn()
            answer = self._tried(attempts)
        except NoAnswerError as error:
            return attempts.exchange(failure=self._give_up(f"no answer from Rokt ({error.cause})"))
        except _HaltedError:
            return attempts.exchange(failure=attempts.halted())
        except _TooLargeError:
            return replace(attempts.exchange(), is_too_large=True)
        except Exception as error:  # the delivery raises it, once every row is accounted for
            return attempts.exchange(failure=failure_of(error), error=error)
        if is_retryable(answer.status):
            return self._spent(attempts, answer)
        return attempts.exchange(answer.body)

    def _tried(self, attempts: "_Attempts") -> Answer:
        begin = self._threads.now()
        try:
            answer = retry(attempts.make, self._policy, attempts.wait, quota=self._quota, threads=self._threads)
            if not is_retryable(answer.status):
                self._quota.succeeded()
            return answer
        finally:
            attempts.milliseconds = (self._threads.now() - begin) * 1000

    def _spent(self, attempts: "_Attempts", answer: Answer) -> Exchange:
        said, asked = f"Rokt answered {answer.status}", retry_after(answer, self._threads.utc())
        if not asked:
            return attempts.exchange(failure=self._give_up(said))
        failure = self._end(
            f"{said} and asks to wait {min(asked, _LONGEST_SHOWN):,.0f} s, longer than is left of the time budget of "
            f"{self._policy.budget_seconds:g} s"
        )
        return attempts.exchange(failure=failure, retry_after=asked)

    def _give_up(self, why: str) -> str:
        return self._end(f"{why} until the time budget of {self._policy.budget_seconds:g} s was spent")

    def _end(self, failure: str) -> str:
        log_wrapped(log, logging.WARNING, f"{failure}; nothing more is sent")
        self._halt.because(NOT_DELIVERED + failure)
        return failure


def failure_of(error: Exception) -> str:
    """Why an error leaves rows unsent: few different texts, since failed rows are counted by them."""
    if isinstance(error, RoktAuthError):
        return "Rokt refused the credentials"
    if isinstance(error, RoktEndpointError):
        return "the address is not that of Rokt's API"
    if isinstance(error, RoktError):
        return str(error)
    return f"a fault in this provider ({type(error).__name__})"


class _HaltedError(Exception):
    """The delivery was halted while a request waited."""


class _TooLargeError(Exception):
    """The pace was lowered so much that others' smaller requests would pass this one for ever."""


class _Attempts:
    """The attempts at one request, counted."""

    def __init__(self, request: Request, post: Post, pacer: Pacer, halt: Halt, tell_repeat: TellRepeat) -> None:
        self._request = request
        self._tell_repeat = tell_repeat
        self._post = post
        self._pacer = pacer
        self._halt = halt
        self._status: int | None = None
        self._answers: Counter[str] = Counter()
        self._repeats = False
        self._departure: Departure | None = None
        self.milliseconds = 0.0

    def make(self) -> Answer:
        """One attempt."""
        # A 429 is said at the door; whoever gives no answer, or fails, may have noted what came.
        self._repeats = self._repeats or (bool(self._answers) and (self._status is None or self._status >= 500))
        try:
            answer = self._post(self._request.endpoint, self._request.body)
        except NoAnswerError:
            self._answered(None)
            raise
        if self._departure:
            self._pacer.answered(self._departure, answer)
        self._answered(answer.status)
        return answer

    def wait(self, seconds: float) -> None:
        """Waits before the next attempt, which keeps the pace like every other, unless the delivery is halted first."""
        self._tell_repeat(self._status, seconds)
        if self._status == 429 and seconds >= _ACCOUNT_IS_CLOSED:
            # The limit is the account's: the other threads would only run into it too.
            self._pacer.hold(seconds)
        if self._halt.flag.wait(seconds):
            raise _HaltedError
        self.wait_for_turn()

    def wait_for_turn(self) -> None:
        """Waits until the request may leave, unless the delivery is halted first."""
        # Whatever else was answered, or was not, the request may have arrived as it is, and is known by its ids.
        has_not_arrived = set(self._answers) <= {"429"} and self._request.endpoint.counts_batches
        if has_not_arrived and self._pacer.is_too_large(len(self._request.batches)):
            raise _TooLargeError
        self._departure = self._pacer.acquire(self._request.paced_batches, self._halt.flag)
        if self._departure is None:
            raise _HaltedError

    def halted(self) -> str:
        """Why they ended before there was an answer; what was sent last may have arrived."""
        on_its_way = self._answers and self._status is None and not self._halt.reason.startswith(NOT_DELIVERED)
        return f"on its way when {self._halt.reason}" if on_its_way else self._halt.reason

    def exchange(
        self,
        body: bytes = b"",
        failure: str = "",
        error: Exception | None = None,
        retry_after: float | None = None,
    ) -> Exchange:
        """What came of them."""
        made = self._answers.total()
        return Exchange(
            self._request,
            self._status,
            body,
            made,
            self.milliseconds,
            self._answers,
            failure,
            error,
            retry_after,
            self._repeats,
        )

    def _answered(self, status: int | None) -> None:
        self._status = status
        self._answers["none" if status is None else str(status)] += 1
