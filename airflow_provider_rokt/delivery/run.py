"""One delivery from the first row read to the final report."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.exceptions import RoktIncompleteError, RoktQueryError
from airflow_provider_rokt.flow.checks import check_enough
from airflow_provider_rokt.flow.gate import Gate
from airflow_provider_rokt.flow.stream import ColumnNames, Consume, Packed, Row, Source, Stream
from airflow_provider_rokt.ledger.report import Report


class Held:
    """A source that shows nothing of too short a result.

    :param min_rows: how many rows there have to be.
    :param hold: so many rows are kept back until they are known to be there; further ones are only counted.
    :param reads_all: nothing is sent before every row is read.
    :param gate: hears where there are fewer, as long as nothing was sent; the stream settles it.
    """

    def __init__(self, source: Source, min_rows: int, hold: int, reads_all: bool, gate: Gate) -> None:
        self._source = source
        self._min_rows = min_rows
        self._hold = hold
        self._reads_all = reads_all
        self._gate = gate

    def read(self, consume: Consume) -> None:
        """Reads the source.

        :raises RoktTooFewRowsError: at its end, when there were fewer rows.
        """
        held: list[tuple[ColumnNames, Sequence[Row]]] = []
        read = 0

        def take(columns: ColumnNames, rows: Sequence[Row]) -> None:
            nonlocal read
            read += len(rows)
            held.append((columns, rows))
            if read >= self._hold:
                while held:
                    consume(*held.pop(0))

        self._source.read(take)
        if held or self._reads_all:
            self._gate.check(check_enough, read, self._min_rows)
        else:
            check_enough(read, self._min_rows, sent=True)
        for columns, rows in held:
            consume(columns, rows)

    def cancel(self) -> None:
        """Ends the reading."""
        self._source.cancel()


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
