"""One delivery from the first row read to the final report."""

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack

from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.exceptions import RoktIncompleteError, RoktQueryError
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.checks import check_enough
from airflow_provider_rokt.flow.gate import Gate
from airflow_provider_rokt.flow.stream import ColumnNames, Consume, Packed, Row, Source, Stream
from airflow_provider_rokt.ledger.report import Report


class Held:
    """A stream of which too short a result sends nothing.

    It is the stream that holds, not the source: the delivery has begun by then, so its report tells what was read.

    :param min_rows: how many rows there have to be.
    :param hold: so many rows are kept back until they are known to be there; further ones are only counted.
    :param reads_all: nothing is sent before every row is read.
    :param gate: hears where there are fewer, as long as nothing was sent; the stream settles it.
    """

    def __init__(self, stream: Stream, min_rows: int, hold: int, reads_all: bool, gate: Gate) -> None:
        self._stream = stream
        self._min_rows = min_rows
        self._hold = hold
        self._reads_all = reads_all
        self._gate = gate
        self._read = 0
        self._held: list[Row] = []

    @property
    def extras(self) -> Mapping[str, int]:
        """The stream's."""
        return self._stream.extras

    @property
    def census(self) -> Census:
        """The stream's."""
        return self._stream.census

    def window(self, rows: Sequence[Row]) -> Packed:
        """Takes the next rows, and hands them on once enough are there."""
        self._read += len(rows)
        if self._read < self._hold:
            self._held.extend(rows)
            return Packed()
        held, self._held = self._held, []
        return self._stream.window([*held, *rows] if held else rows)

    def flush(self) -> Iterator[Packed]:
        """Whatever was kept.

        :raises RoktTooFewRowsError: when there were fewer rows.
        """
        if self._read < self._hold or self._reads_all:
            self._gate.check(check_enough, self._read, self._min_rows)
        else:
            check_enough(self._read, self._min_rows, sent=True)
        if self._held:
            yield self._stream.window(self._held)
        yield from self._stream.flush()


class DeliveryRun:
    """Pushes a source's rows through a stream into a delivery.

    :param make_stream: makes the stream once the columns are known; what it refuses is refused before the
        delivery begins, so nothing is sent and no ledger is written.
    :param begin: begins the delivery.
    """

    def __init__(
        self,
        source: Source,
        make_stream: Callable[[ColumnNames], Stream],
        begin: Callable[[], Delivery],
    ) -> None:
        self._source = source
        self._make_stream = make_stream
        self._begin = begin
        self._stream: Stream | None = None
        self._delivery: Delivery | None = None
        self._stopped = False

    def run(self) -> Report:
        """Reads, sends and reports.

        :raises RoktError: what a reader or Rokt raised, with the ledger closed.
        """
        with ExitStack() as stack:
            # Every few thousand rows the garbage collector would walk through all of Airflow, a fifth of the time.
            gc.freeze()
            stack.callback(gc.unfreeze)

            def consume(columns: ColumnNames, rows: Sequence[Row]) -> None:
                if self._stream is None or self._delivery is None:
                    self._stream = self._make_stream(columns)
                    self._delivery = stack.enter_context(self._begin())
                    if self._stopped:
                        self._delivery.stop()
                self._delivery.read(len(rows))
                self._hand_over(self._delivery, iter([self._stream.window(rows)]))

            self._read(consume)
            if self._stream is None or self._delivery is None:
                raise RuntimeError("the source ended without naming its columns")
            self._delivery.all_read()
            self._hand_over(self._delivery, self._stream.flush())
            self._delivery.describe(self._stream.extras, self._stream.census)
            return self._delivery.finish()

    def stop(self) -> None:
        """Stops in order: nothing more is sent, then nothing more is read. Safe to call from anywhere."""
        self._stopped = True
        if self._delivery is not None:
            self._delivery.stop()
        # Last, so that the delivery knows why its rows end.
        self._source.cancel()

    def _read(self, consume: Consume) -> None:
        try:
            self._source.read(consume)
        except RoktQueryError:
            if not self._stopped:
                raise
            # In whatever words the database says that it was asked to.
            raise RoktIncompleteError(
                "The task was stopped and its query cancelled; what was not sent yet is sent when it runs again."
            ) from None

    @staticmethod
    def _hand_over(delivery: Delivery, made: Iterator[Packed]) -> None:
        for packed in made:
            delivery.skip(packed.skipped)
            delivery.resume(packed.resumed, packed.resumed_rows)
            delivery.reject(packed.faults)
            delivery.drop(packed.dropped)
            for request in packed.requests:
                delivery.send(request)
