"""What the runs of all operations share: a delivery begun, a source pushed through it, a report."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.delivery.run import DeliveryRun
from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.flow.degraded import Measures, unusual
from airflow_provider_rokt.flow.gate import Decide, Gate
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.stream import ColumnNames, Source, Stream
from airflow_provider_rokt.flow.warn_when import RUNS, WarnWhen
from airflow_provider_rokt.ledger.overview import new_delivery_id
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.history import past_measures
from airflow_provider_rokt.runs.options import REMEMBER_DAYS, DeliveryOptions
from airflow_provider_rokt.runs.place import Place
from airflow_provider_rokt.runs.resend import resend_of
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery

log = logging.getLogger(__name__)

_Options = TypeVar("_Options", bound=DeliveryOptions)


class OperationRun(ABC, Generic[_Options]):
    """One run of an operation.

    :param decide: asked where a guard objects, if the options say so; None where nobody can be asked.
    :param query: what the rows come of; whoever lets a run pass lets pass this query's alone.
    :raises RoktSettingsError: where ``resend_from`` names no delivery.
    :raises RoktLedgerError: where it names one that is not there, or was another operation.
    """

    def __init__(self, place: Place, options: _Options, *, decide: Decide | None = None, query: object = None) -> None:
        self._place = place
        self._options = options
        asked = decide if options.on_guard == "ask" else None
        settings = place.settings
        account = [settings.conn_id, settings.account_id, settings.addresses.base(options.surface)]
        self._gate = Gate(asked, about=options.title, basis=[account, options.basis, query], same=options.same)
        self._resend = resend_of(options, place.ledger)
        self._run: DeliveryRun | None = None
        self._sync: SyncDelivery | None = None
        self._stopped = False
        self._pacer = place.pacer(options.surface, options.concurrency)

    @abstractmethod
    def deliver(self, source: Source) -> Report:
        """Delivers a source's rows and reports; judging the report is the caller's.

        :raises RoktError: of any kind, see :mod:`airflow_provider_rokt.exceptions`.
        """

    def stop(self) -> None:
        """Stops in order: what is on its way gets its verdict, nothing more is sent. Safe to call from anywhere."""
        self._stopped = True
        if self._sync is not None:
            self._sync.stop()
        if self._run is not None:
            self._run.stop()

    def _refuse_if_stopped(self) -> None:
        if self._stopped:
            raise RoktIncompleteError("The task was stopped; what was not sent yet is sent when it runs again.")

    def _deliver(self, source: Source, make_stream: Callable[[ColumnNames], Stream]) -> Report:
        log_wrapped(log, logging.INFO, self._told())
        with closing(self._place.connect(self._options.concurrency)) as client:
            self._run = DeliveryRun(source, make_stream, lambda: self._begin(client))
            if self._stopped:
                self._run.stop()
            report = replace(self._run.run(), lifted=self._gate.lifted)
        if not report.rows_read:
            log.info("There are no rows, so nothing was sent")
        if self._resend:
            self._resend.check(report)
        return report

    def _told(self) -> str:
        """What is about to be done."""
        options, settings = self._options, self._place.settings
        sync = self._place.sync_name(options.sync)
        of_sync = f"sync {sync}: " if sync else ""
        where = urlsplit(settings.addresses.base(options.surface)).hostname
        return (
            f"Begins {of_sync}{options.title} to {where}, connection {settings.conn_id}, "
            f"environment {options.environment}"
        )

    def _joined(self, *, anchored: bool = False, days: int = REMEMBER_DAYS) -> SyncDelivery:
        """This delivery's part in its sync.

        :param anchored: rows that were sent before are left out, so the memory must be the newest.
        :param days: for how many a row is remembered.
        """
        sync = self._place.sync(self._options.sync)
        anchor = self._place.anchor(sync) if anchored else None
        account = self._place.account(self._options.surface)
        self._sync = SyncDelivery(sync, self._place.sender, anchor, days, account=account)
        if self._stopped:
            self._sync.stop()
        return self._sync

    def _begin(self, client: RoktClient) -> Delivery:
        place, options, sync = self._place, self._options, self._sync
        delivery_id = new_delivery_id()
        # Before the ledger: whoever waits for a delivery's report must not wait for one that never began.
        whole = place.sync(options.sync)
        whole.introduce()
        whole.note_delivery(delivery_id)
        if sync is not None:
            sync.begin(delivery_id)
        pace = place.settings.batches_per_second
        sender = {**place.sender, "sync": place.sync_name(options.sync), "batches_per_second": pace}
        ledger = place.ledger.begin(options.operation, sender, options.recorded(), delivery_id)
        log.info("Delivery %s, ledger %s", ledger.delivery_id, ledger.uri)
        return Delivery(
            client.post,
            ledger,
            concurrency=options.concurrency,
            pacer=self._pacer,
            retry=RetryPolicy(place.retry_seconds),
            cut=client.cut,
            announce=sync.announce if sync else lambda _: None,
            remember=sync.remember if sync else lambda _: None,
            on_refusal=sync.refused if sync else lambda: None,
            record_accepted=options.record_accepted,
            judge=self._judge,
            compare=self._compare if options.warn_when is not None else None,
        )

    def _judge(self, report: Report) -> None:
        """Raises what the report ends the task with."""
        replace(report, lifted=self._gate.lifted).judged(self._options.max_rejected, self._options.max_dropped)

    def _compare(self, report: Report, seconds: float) -> list[str]:
        """What of a delivery is not as usual in its sync. Of chosen rows nothing is: no run before was like that."""
        if self._resend:
            return []
        rules: WarnWhen = self._options.warn_when or {}
        place, sync = self._place, self._place.sync(self._options.sync)
        before = past_measures(place.ledger, sync, place.sender, rules.get("runs", RUNS))
        return list(unusual(Measures.of(report.summary(), seconds), before, rules))
