"""Fills requests with batches, as full as every limit at once allows."""

from collections.abc import Callable
from math import ceil

from airflow_provider_rokt.flow.request import Batch, Request
from airflow_provider_rokt.limits import BATCHES_PER_REQUEST, EVENTS_PER_REQUEST, REQUEST_BYTES

RequestSize = int | Callable[[], int]


class RequestPacker:
    """Packs batches in order; a batch that no longer fits begins the next request.

    :param envelope: a request whose endpoint, prefix and suffix all requests get, e.g. ``Request(Endpoint.BULK, ())``.
    :param batches: most batches in a request; where that changes with the pace, what tells it as each one is begun.
    :param rows: most rows in a request; for events that is most events.
    :param size: most bytes in a body, brackets and commas included.
    """

    def __init__(
        self,
        envelope: Request,
        *,
        batches: RequestSize = BATCHES_PER_REQUEST,
        rows: int = EVENTS_PER_REQUEST,
        size: int = REQUEST_BYTES,
    ) -> None:
        self._envelope = envelope.with_batches(())
        self._size, self._most_rows, self._most_bytes = batches, rows, size
        self._most_batches = 0
        self._batches: list[Batch] = []
        self._rows = self._bytes = 0
        self._closed = False

    def add(self, batch: Batch) -> Request | None:
        """Takes a batch; the request before it, once that has no room for it.

        :raises ValueError: the batch alone breaks a limit.
        """
        rows, size = len(batch.rows), len(batch.body)
        finished = None
        # An error's position could not be told beside text beyond ASCII: nobody has published whether it counts bytes,
        # characters or UTF-16 units. So such a batch travels alone.
        alone = not batch.body.isascii()
        if not self._has_room(rows, size) or self._closed or (alone and self._batches):
            finished = self.flush()
            if not self._has_room(rows, size):
                raise ValueError(f"a batch of {rows} rows and {size} bytes does not fit any request")
        if not self._batches:
            self._most_batches = self._size if isinstance(self._size, int) else self._size()
        self._closed = alone
        self._batches.append(batch)
        self._rows += rows
        self._bytes += size
        return finished

    def flush(self) -> Request | None:
        """The request begun, if any."""
        if not self._batches:
            return None
        request = self._envelope.with_batches(self._batches)
        self._batches, self._rows, self._bytes, self._closed = [], 0, 0, False
        return request

    def _has_room(self, rows: int, size: int) -> bool:
        commas = len(self._batches)
        return (
            (not self._batches or len(self._batches) < self._most_batches)
            and self._rows + rows <= self._most_rows
            and len(self._envelope.body) + self._bytes + commas + size <= self._most_bytes
        )


def batches_per_request(batches_per_second: float) -> int:
    """The largest request by which a cap can be filled, and is never exceeded, in a strict one-second window.

    Whether Rokt counts a token bucket or whole seconds is not published. In whole seconds only two requests of
    100 fit under 270 batches a second, while three of 90 fill it.
    """
    requests = ceil(batches_per_second / BATCHES_PER_REQUEST)
    return max(1, int(batches_per_second // requests))
