"""Several requests on their way at once; everything but the sending itself stays in the caller's thread."""

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final

from airflow_provider_rokt.delivery.settlement import Settlement
from airflow_provider_rokt.flow.request import Request

# What may be on its way while the next request is packed: two imports of 8 MB, each of which needs twice as much
# memory, as its body is joined from its batches. Event requests of 256 kB never come near.
MOST_BYTES: Final = 16_000_000


class Engine:
    """Settles requests in worker threads. For one calling thread.

    :param settle: settles one request; runs in several threads at once and reports errors in the settlement.
    :param concurrency: how many threads.
    """

    def __init__(self, settle: Callable[[Request], Settlement], concurrency: int) -> None:
        self._settle = settle
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="rokt-delivery")
        self._in_flight: dict[Future[Settlement], int] = {}
        # One on its way and one ready for each thread: enough to keep them busy, few enough to keep memory flat.
        self._most = 2 * concurrency

    def submit(self, request: Request) -> None:
        """Hands a request to the threads at once; :meth:`settled` is what keeps them from piling up."""
        # The body is joined here: in the worker threads malloc would keep the memory of each one's largest body.
        size = len(request.body)
        self._in_flight[self._pool.submit(self._settle, request)] = size

    def settled(self) -> Iterator[Settlement]:
        """Settlements as they come, at least until there is room for another request."""
        return self._settlements(self._most - 1, MOST_BYTES)

    def drained(self) -> Iterator[Settlement]:
        """All settlements still to come."""
        return self._settlements(0, 0)

    def close(self) -> None:
        """Waits for the threads; whatever was not taken by :meth:`drained` is lost."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _settlements(self, most: int, most_bytes: int) -> Iterator[Settlement]:
        done = {future for future in self._in_flight if future.done()}
        while done or len(self._in_flight) > most or sum(self._in_flight.values()) > most_bytes:
            for future in done or wait(self._in_flight, return_when=FIRST_COMPLETED).done:
                del self._in_flight[future]
                yield future.result()
            done = set()
