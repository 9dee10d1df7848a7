"""Several requests on their way at once; everything but the sending itself stays in the caller's thread."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from airflow_provider_rokt.delivery.settlement import Settlement
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.threads import THREADS, Threads

# What may be on its way while the next request is packed: two imports of 8 MB, each of which needs twice as much
# memory, as its body is joined from its batches. Event requests of 256 kB never come near.
MOST_BYTES: Final = 16_000_000
# How long requests on their way are awaited once the task is to end. Airflow 3 kills a task 5 s after its SIGTERM.
GRACE_SECONDS: Final = 3.0
# ... and how long their threads, once their connections are cut. A name that is being looked up cannot be cut off.
CUT_SECONDS: Final = 0.5
# A thread that waits looks up this often, since nobody can wake it out of a signal handler.
_LOOK_UP: Final = 0.2


class Engine:
    """Settles requests in threads of its own. For one calling thread, except for :meth:`hurry`.

    :param settle: settles one request; runs in several threads at once and reports errors in the settlement.
    :param give_up: the settlement of a request that nobody waits for any longer.
    :param cut: cuts all connections, so that whoever waits for an answer waits no longer.
    :param concurrency: how many threads.
    """

    def __init__(
        self,
        settle: Callable[[Request], Settlement],
        give_up: Callable[[Request], Settlement],
        cut: Callable[[], None],
        concurrency: int,
        threads: Threads = THREADS,
    ) -> None:
        self._settle, self._give_up, self._cut = settle, give_up, cut
        self._threads = threads
        self._jobs, self._done = threads.mailbox(), threads.mailbox()
        self._in_flight: dict[int, Request] = {}
        self._bytes = self._submitted = self._started = 0
        self._concurrency = concurrency
        # One on its way and one ready for each thread: enough to keep them busy, few enough to keep memory flat.
        self._most = 2 * concurrency
        self._until: float | None = None
        self._is_cut = self._closed = False

    def submit(self, request: Request) -> None:
        """Hands a request to the threads at once; :meth:`settled` is what keeps them from piling up."""
        # The body is joined here: in the worker threads malloc would keep the memory of each one's largest body.
        self._bytes += len(request.body)
        self._submitted += 1
        self._in_flight[self._submitted] = request
        self._jobs.put((self._submitted, request))
        if self._started < min(self._concurrency, len(self._in_flight)):
            self._started += 1
            self._threads.start(self._work, f"rokt-delivery-{self._started}")

    def settled(self) -> Iterator[Settlement]:
        """Settlements as they come, at least until there is room for another request."""
        return self._settlements(self._most - 1, MOST_BYTES)

    def drained(self) -> Iterator[Settlement]:
        """All settlements still to come."""
        return self._settlements(0, 0)

    def hurry(self) -> None:
        """From now on waits only :data:`GRACE_SECONDS`, then cuts what is on its way. Safe in a signal handler."""
        if self._until is None:
            self._until = self._threads.now() + GRACE_SECONDS

    def close(self) -> None:
        """Ends the threads, each after what it is about; waits for none of them."""
        self._closed = True
        for _ in range(self._started):
            self._jobs.put(())

    def _work(self) -> None:
        while not self._closed:
            if job := self._jobs.get(_LOOK_UP):
                number, request = job
                try:
                    self._done.put((number, self._settle(request)))
                except BaseException as error:  # the caller raises it
                    self._done.put((number, error))
                # A thread that waits for work would keep the last body alive.
                del job, request

    def _settlements(self, most: int, most_bytes: int) -> Iterator[Settlement]:
        while self._in_flight:
            full = len(self._in_flight) > most or self._bytes > most_bytes
            if done := self._done.get(self._patience() if full else 0.0):
                yield from self._settled(*done)
            elif not full:
                return
            elif self._overdue():
                yield from self._given_up()

    def _settled(self, number: int, result: Any) -> Iterator[Settlement]:
        # What was given up does not count twice.
        if request := self._in_flight.pop(number, None):
            self._bytes -= len(request.body)
            if isinstance(result, BaseException):
                raise result
            yield result

    def _patience(self) -> float:
        return _LOOK_UP if self._until is None else min(_LOOK_UP, max(self._until - self._threads.now(), 0.0))

    def _overdue(self) -> bool:
        """Whether nothing more is waited for. Connections are cut on the way there."""
        if self._until is None or self._threads.now() < self._until:
            return False
        if self._is_cut:
            return True
        self._is_cut = True
        self._until = self._threads.now() + CUT_SECONDS
        self._cut()
        return False

    def _given_up(self) -> Iterator[Settlement]:
        for number in list(self._in_flight):
            yield from self._settled(number, self._give_up(self._in_flight[number]))
