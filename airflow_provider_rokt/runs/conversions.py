"""One run of conversions: options and connection become a stream."""

import logging
from collections.abc import Callable
from contextlib import suppress

from airflow_provider_rokt.api.endpoints import BULK, HISTORICAL
from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.exceptions import (
    RoktDroppedError,
    RoktIncompleteError,
    RoktRejectedError,
    RoktStorageError,
)
from airflow_provider_rokt.flow.packing import batches_per_request
from airflow_provider_rokt.flow.stream import ColumnNames, Selects, Source
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.operation import OperationRun
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.runs.tries import Tries

log = logging.getLogger(__name__)


class ConversionRun(OperationRun[ConversionOptions]):
    """Delivers a source's rows as conversion events."""

    _stream: ConversionStream | None = None

    def deliver(self, source: Source) -> Report:
        """Delivers the rows; see :meth:`OperationRun.deliver`."""
        options = self._options
        if options.historical:
            log.warning(
                "historical=True: events older than 72 hours go to /historical, which does not forward them to event "
                "outputs; they may never be attributed to a campaign"
            )
        tries = Tries(self._place.ledger.beside("_tries"), self._place.sender)
        size = batches_per_request(self._place.settings.batches_per_second)
        make_stream = stream_maker(
            options,
            batches=size,
            group_by_user=options.group_by_user,
            max_dropped=options.max_dropped,
            selects=self._resend,
            salt=tries.salt(),
        )

        def make(columns: ColumnNames) -> ConversionStream:
            self._stream = make_stream(columns)
            return self._stream

        try:
            report = self._deliver(source, make, min_rows=options.min_rows, on_refusal=tries.end)
        finally:
            self._warn()
        self._end(tries, report)
        return report

    def _warn(self) -> None:
        """However it ended: what was accepted may be lost all the same."""
        for suspicion in self._stream.suspicions() if self._stream else ():
            log.warning("%s", suspicion.text)

    def _end(self, tries: Tries, report: Report) -> None:
        """Lets a further run of what succeeded arrive again."""
        with suppress(RoktIncompleteError, RoktRejectedError, RoktDroppedError):
            report.judged(self._options.max_rejected, self._options.max_dropped)
            try:
                tries.end()
            except RoktStorageError as error:
                # Kept, the ids would make the next run on purpose pass for a repeat; a retry takes them away.
                error.report = report.summary()
                raise


def stream_maker(
    options: ConversionOptions,
    *,
    batches: int,
    group_by_user: bool,
    max_dropped: float,
    selects: Selects | None,
    salt: bytes = b"",
) -> Callable[[ColumnNames], ConversionStream]:
    """The function that makes the stream once a query's columns are known; what does not fit is a RoktMappingError.

    :param batches: most batches of a request.
    :param max_dropped: the share of a field's values in the first window that may be invalid.
    :param selects: tells which rows to send; the others are skipped.
    :param salt: of the batches' ids.
    """
    rules = options.rules()

    def make_stream(columns: ColumnNames) -> ConversionStream:
        return ConversionStream(
            compile_mapping(options.mapping, columns, rules),
            now=rules.now,
            batches_per_request=batches,
            bulk=BULK,
            historical=HISTORICAL if options.historical else None,
            group_by_user=group_by_user,
            max_dropped=max_dropped,
            selects=selects,
            salt=salt,
        )

    return make_stream
