"""Several requests on their way at once; everything but the sending itself stays in the caller's thread."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from airflow_provider_rokt.delivery.settlement import Settlement
from airflow_provider_rokt.request import Request


class Engine:
    """Settles requests in worker threads. For one calling thread.

    :param settle: settles one request; runs in several threads at once and reports errors in the settlement.
    :param concurrency: how many threads.
    """

    def __init__(self, settle: Callable[[Request], Settlement], concurrency: int) -> None:
        self._settle = settle
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="rokt-delivery")
        self._in_flight: set[Future[Settlement]] = set()
        # One on its way and one ready for each thread: enough to keep them busy, few enough to keep memory flat.
        self._most = 2 * concurrency

    def submit(self, request: Request) -> None:
        """Hands a request to the threads at once; :meth:`settled` is what keeps them from piling up."""
        self._in_flight.add(self._pool.submit(self._settle, request))

    def settled(self) -> Iterator[Settlement]:
        """Settlements as they come, at least until there is room for another request."""
        return self._settlements(self._most - 1)

    def drained(self) -> Iterator[Settlement]:
        """All settlements still to come."""
        return self._settlements(0)

    def close(self) -> None:
        """Waits for the threads; whatever was not taken by :meth:`drained` is lost."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _settlements(self, most: int) -> Iterator[Settlement]:
        done = {future for future in self._in_flight if future.done()}
        while done or len(self._in_flight) > most:
            for future in done or wait(self._in_flight, return_when=FIRST_COMPLETED).done:
                self._in_flight.remove(future)
                yield future.result()
            done = set()
