"""What the runs of all operations share: a delivery begun, a source pushed through it, a report."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.connection.settings import RoktSettings
from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.delivery.run import DeliveryRun
from airflow_provider_rokt.flow.stream import ColumnNames, Source, Stream
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.options import DeliveryOptions
from airflow_provider_rokt.runs.resend import resend_of

log = logging.getLogger(__name__)

_Options = TypeVar("_Options", bound=DeliveryOptions)


@dataclass(frozen=True)
class Place:
    """Where a run takes place: what it needs of the connection, of the task and of Airflow's configuration.

    :param connect: makes a client with so many connections, for the run to close.
    :param sender: the task, as the ledger names it.
    :param retry_seconds: how long one request is tried.
    """

    settings: RoktSettings
    connect: Callable[[int], RoktClient]
    ledger: Ledger
    sender: Mapping[str, Any]
    retry_seconds: float


class OperationRun(ABC, Generic[_Options]):
    """One run of an operation.

    :raises RoktSettingsError: where ``resend_from`` names no delivery.
    :raises RoktLedgerError: where it names one that is not there, or was another operation.
    """

    def __init__(self, place: Place, options: _Options) -> None:
        self._place = place
        self._options = options
        self._resend = resend_of(options, place.ledger)
        self._run: DeliveryRun | None = None
        self._stopped = False

    @abstractmethod
    def deliver(self, source: Source) -> Report:
        """Delivers a source's rows and reports; judging the report is the caller's.

        :raises RoktError: of any kind, see :mod:`airflow_provider_rokt.exceptions`.
        """

    def stop(self) -> None:
        """Stops in order: what is on its way gets its verdict, nothing more is sent. Safe to call from anywhere."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()

    def _deliver(
        self,
        source: Source,
        make_stream: Callable[[ColumnNames], Stream],
        *,
        min_rows: int = 0,
        on_refusal: Callable[[], None] = lambda: None,
    ) -> Report:
        # What fits a read window is not sent before it is known to be enough; more would fill the memory.
        hold = min_rows if min_rows <= self._options.fetch_size else 0
        with closing(self._place.connect(self._options.concurrency)) as client:
            self._run = DeliveryRun(
                source, make_stream, lambda: self._begin(client, on_refusal), min_rows=min_rows, hold=hold
            )
            if self._stopped:
                self._run.stop()
            report = self._run.run()
        if not report.rows_read:
            log.info("There are no rows, so nothing was sent")
        log.info("%s", report)
        for why, rows in sorted(report.unconfirmed.items()):
            log.warning("%d accepted rows are unconfirmed: %s", rows, why)
        for fault, rows in sorted(report.dropped.items()):
            log.warning("Left out of %d %s: %s: %s", rows, "row" if rows == 1 else "rows", fault.path, fault.reason)
        if self._resend:
            self._resend.check(report)
        return report

    def _begin(self, client: RoktClient, on_refusal: Callable[[], None]) -> Delivery:
        place, options = self._place, self._options
        ledger = place.ledger.begin(options.operation, dict(place.sender), options.recorded())
        log.info("Delivery %s begins; its ledger is %s", ledger.delivery_id, ledger.uri)
        return Delivery(
            client.post,
            ledger,
            concurrency=options.concurrency,
            pacer=Pacer(place.settings.batches_per_second),
            retry=RetryPolicy(place.retry_seconds),
            cut=client.cut,
            on_refusal=on_refusal,
        )
