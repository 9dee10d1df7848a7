"""One run of conversions: options and connection become a stream."""

import logging
from collections.abc import Callable
from contextlib import suppress

from airflow_provider_rokt.api.endpoints import BULK, HISTORICAL
from airflow_provider_rokt.delivery.run import Held
from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.grouping import GroupByUser
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.exceptions import (
    RoktDroppedError,
    RoktIncompleteError,
    RoktRejectedError,
    RoktSettingsError,
    RoktStorageError,
)
from airflow_provider_rokt.flow.gate import Gate
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.mark import Recall
from airflow_provider_rokt.flow.packing import RequestSize
from airflow_provider_rokt.flow.stream import ColumnNames, Selects, Source, Stream
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.operation import OperationRun
from airflow_provider_rokt.runs.options import NAMES_NO_SYNC, ConversionOptions
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery

log = logging.getLogger(__name__)


class ConversionRun(OperationRun[ConversionOptions]):
    """Delivers a source's rows as conversion events."""

    _stream: ConversionStream | None = None

    def deliver(self, source: Source) -> Report:
        """Delivers the rows; see :meth:`OperationRun.deliver`."""
        options = self._options
        if options.historical:
            text = (
                "historical=True: events older than 72 hours go to /historical, which does not forward them to event "
                "outputs; they may never be attributed to a campaign"
            )
            log_wrapped(log, logging.WARNING, text)
        if options.send == "new" and self._place.sync_name(options.sync) is None:
            raise RoktSettingsError("argument 'sync'", [NAMES_NO_SYNC])
        with self._joined(anchored=options.send == "new", days=options.remember_days) as sync:
            try:
                report = self._deliver(source, self._stream_maker(sync))
            finally:
                self._warn()
                if self._stream:
                    self._stream.close()
            self._end(sync, report)
        return report

    def _held(self, stream: Stream) -> Stream:
        """The stream of which too short a result sends nothing, as far as it fits a read window or is read whole."""
        enough = self._options.min_rows
        # More than a window would fill the memory.
        hold = enough if enough <= self._options.fetch_size else 0
        reads_all = self._gate.asks or self._options.group_by_user == "result"
        return Held(stream, enough, hold, reads_all, self._gate)

    def _stream_maker(self, sync: SyncDelivery) -> Callable[[ColumnNames], Stream]:
        make_stream = stream_maker(
            self._options,
            batches=self._pacer.size,
            group_by_user=self._options.group_by_user,
            max_dropped=self._options.max_dropped,
            gate=self._gate,
            selects=self._resend,
            recall=sync.recall,
            salt=sync.salt,
            check=self._refuse_if_stopped,
        )

        def make(columns: ColumnNames) -> Stream:
            self._stream = make_stream(columns)
            return self._held(self._stream)

        return make

    def _warn(self) -> None:
        """However it ended: what was accepted may be lost all the same."""
        for suspicion in self._stream.suspicions() if self._stream else ():
            log_wrapped(log, logging.WARNING, suspicion.text)

    def _end(self, sync: SyncDelivery, report: Report) -> None:
        """Lets a further run of what succeeded arrive again."""
        with suppress(RoktIncompleteError, RoktRejectedError, RoktDroppedError):
            report.judged(self._options.max_rejected, self._options.max_dropped)
            try:
                sync.succeeded()
            except RoktStorageError as error:
                # A further run on purpose would be taken for a retry; a retry ends that.
                error.report = report.summary()
                raise


def stream_maker(
    options: ConversionOptions,
    *,
    batches: RequestSize,
    group_by_user: GroupByUser,
    max_dropped: float,
    selects: Selects | None,
    gate: Gate | None = None,
    recall: Recall = lambda _: None,
    salt: bytes = b"",
    check: Callable[[], None] = lambda: None,
) -> Callable[[ColumnNames], ConversionStream]:
    """The function that makes the stream once a query's columns are known; what does not fit is a RoktMappingError.

    :param batches: most batches of a request.
    :param max_dropped: as :class:`ConversionStream` takes it, as the others.
    :param selects: tells which rows to send; the others are skipped.
    :param gate: hears what is objected to that window.
    :param recall: tells what is remembered of a row.
    :param salt: of the batches' ids.
    :param check: is called now and then during what may take long; what it raises ends that.
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
            gate=gate,
            selects=selects,
            recall=recall,
            salt=salt,
            check=check,
        )

    return make_stream
