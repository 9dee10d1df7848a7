"""One request and its answer, however many attempts that takes."""

import logging
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from airflow_provider_rokt.api.client import Answer, NoAnswerError, Poster
from airflow_provider_rokt.api.pacing import Departure, Pacer
from airflow_provider_rokt.api.retry import Clock, RetryPolicy, is_retryable, retry
from airflow_provider_rokt.flow.request import Request


class Halt:
    """Says whether sending is over, and why; the first reason stays.

    Setting it neither waits nor logs, so that any thread and any signal handler may. The thread that handles signals
    must not wait for ``event``: a handler that sets it would then wait for the lock its own thread holds.

    :ivar event: set once sending is over, for whoever waits for something else.
    """

    def __init__(self) -> None:
        self.event = threading.Event()
        self._reason = ""

    @property
    def reason(self) -> str:
        """Why sending is over, fit for a ledger; ``""`` while it is not."""
        return self._reason

    def because(self, reason: str) -> None:
        """Ends it."""
        if not self._reason:
            self._reason = reason
        self.event.set()


log = logging.getLogger(__name__)


@dataclass(slots=True)
class Exchange:
    """What came of sending one request.

    :param status: of the last attempt; ``None`` where no answer came.
    :param milliseconds: from the first attempt's start to the last answer.
    :param answers: how many answers of each status came, ``"none"`` for none.
    :param failure: why there is no answer that says anything of the batches; ``""`` where there is one.
    :param departure: of the attempt now on its way.
    """

    request: Request
    status: int | None = None
    body: bytes = b""
    attempts: int = 0
    milliseconds: float = 0.0
    answers: Counter[str] = field(default_factory=Counter)
    failure: str = ""
    departure: Departure | None = None

    @property
    def paced_batches(self) -> int:
        """What it counts for the account's rate; the blocks of an import are no batches of the Events API."""
        return len(self.request.batches) if self.request.endpoint.is_events else 1

    def answered(self, status: int | None) -> None:
        """Counts one attempt."""
        self.status = status
        self.attempts += 1
        self.answers["none" if status is None else str(status)] += 1


class _HaltedError(Exception):
    """The delivery was halted while a request waited."""


class Sender:
    """Sends requests at the delivery's pace, again and again while Rokt says "not now". Threads may share it.

    :param halt: ends all waiting; is set where Rokt took a request in no attempt, as later ones would fare no better.
    """

    def __init__(
        self, poster: Poster, pacer: Pacer, policy: RetryPolicy, halt: Halt, *, clock: Clock = time.monotonic
    ) -> None:
        self._poster = poster
        self._pacer = pacer
        self._policy = policy
        self._halt = halt
        self._clock = clock

    def send(self, exchange: Exchange) -> None:
        """Sends the exchange's request and fills in what came of it.

        :raises RoktError: where no attempt can succeed.
        """
        try:
            # The budget begins after this: at a low rate waiting for the first turn alone could use it up.
            self._wait_for_turn(exchange)
            answer = self._answer(exchange)
        except NoAnswerError as error:
            self._give_up(exchange, f"no answer from Rokt ({error.cause})")
        except _HaltedError:
            exchange.failure = self._halt.reason
        else:
            exchange.body = answer.body
            if is_retryable(answer.status):
                self._give_up(exchange, f"Rokt answered {answer.status}")

    def _answer(self, exchange: Exchange) -> Answer:
        begin = self._clock()
        try:
            return retry(
                lambda: self._attempt(exchange),
                self._policy,
                lambda seconds: self._wait(exchange, seconds),
                clock=self._clock,
            )
        finally:
            exchange.milliseconds = (self._clock() - begin) * 1000

    def _attempt(self, exchange: Exchange) -> Answer:
        try:
            answer = self._poster.post(exchange.request.endpoint, exchange.request.body)
        except NoAnswerError:
            exchange.answered(None)
            raise
        if exchange.departure:
            self._pacer.answered(exchange.departure)
        exchange.answered(answer.status)
        return answer

    def _wait(self, exchange: Exchange, seconds: float) -> None:
        """Waits before the next attempt, which keeps the pace like every other."""
        log.info("Rokt answered %s; trying again in %.1f s", exchange.status or "nothing", seconds)
        if exchange.status == 429:
            # The limit is the account's: the other threads would only run into it too.
            self._pacer.hold(seconds)
        if self._halt.event.wait(seconds):
            raise _HaltedError
        self._wait_for_turn(exchange)

    def _wait_for_turn(self, exchange: Exchange) -> None:
        exchange.departure = self._pacer.acquire(exchange.paced_batches, self._halt.event)
        if exchange.departure is None:
            raise _HaltedError

    def _give_up(self, exchange: Exchange, why: str) -> None:
        exchange.failure = f"{why} until the time budget of {self._policy.budget_seconds:g} s was spent"
        log.warning("%s; nothing more is sent", exchange.failure)
        self._halt.because(f"not delivered: {exchange.failure}")
