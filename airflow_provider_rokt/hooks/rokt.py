"""The hook: a connection to Rokt, and deliveries through it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any

from airflow.providers.common.compat.sdk import conf

from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.audiences.guards import Via
from airflow_provider_rokt.connection import form
from airflow_provider_rokt.connection.settings import Surface
from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.delivery.run import DeliveryRun, Source
from airflow_provider_rokt.events.conversion_stream import Conversions
from airflow_provider_rokt.events.mapping import CONVERSION, MEMBERSHIP, compile_mapping
from airflow_provider_rokt.flow.packing import batches_per_request
from airflow_provider_rokt.flow.stream import Stream
from airflow_provider_rokt.hooks.connected import ConnectedHook
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.audience import AudienceRun
from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions, DeliveryOptions, options_from
from airflow_provider_rokt.runs.preview import ROWS_SHOWN, preview_conversions
from airflow_provider_rokt.runs.resend import Resend, resend_of
from airflow_provider_rokt.sources import mapped_rows
from airflow_provider_rokt.task.configuration import open_ledger
from airflow_provider_rokt.task.failures import terminal_errors
from airflow_provider_rokt.task.sender import current_sender


class RoktHook(ConnectedHook):
    """Sends rows to Rokt and says what became of each.

    :param rokt_conn_id: a connection of type ``rokt``.
    """

    def __init__(self, rokt_conn_id: str = form.DEFAULT_CONN_ID) -> None:
        super().__init__(rokt_conn_id)
        self._run: DeliveryRun | None = None
        self._stopped = False

    # Airflow before 3.2 asks the class itself for these two, not what it inherits.

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """The extras of the connection form before Airflow 3.2."""
        return form.form_widgets()

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """The standard fields of the connection form before Airflow 3.2."""
        return form.ui_field_behaviour()

    def send_conversions(
        self, rows: Iterable[Mapping[str, Any]], mapping: Mapping[str, Any] | None = None, **options: Any
    ) -> dict[str, Any]:
        """Sends conversions that are not in a database, e.g. from a TaskFlow task.

        :param rows: dicts; they are read once, a window at a time. A key that a row lacks is an absent value; one that
            no row of the first window has needs a default in the mapping.
        :param mapping: destination path -> key of the rows, as for the operator; other keys are ignored. Without a
            mapping all keys count, and the rows after the first window can have no new ones.
        :param options: those of :class:`~airflow_provider_rokt.runs.options.ConversionOptions`.
        :returns: the flat report, as the operator returns it.
        :raises RoktTaskFailed: when running it again is useless, e.g. too many rejected rows; the cause says why.
        :raises RoktIncompleteError: when rows could not be delivered now; a retry sends them.
        """
        with terminal_errors():
            chosen = options_from(ConversionOptions, mapping=mapping, **options)
            chosen.check()
            source = mapped_rows(rows, chosen.mapping, CONVERSION, chosen.fetch_size)
            report = self.deliver_conversions(source, chosen)
            report.check(chosen.max_rejected)
            return report.summary()

    def deliver_conversions(self, source: Source, options: ConversionOptions) -> Report:
        """Delivers a source's rows and reports; judging the report is the caller's.

        :raises RoktError: of any kind, see :mod:`airflow_provider_rokt.exceptions`.
        """
        options.check()
        self._settings_for(Surface.EVENTS)
        if options.historical:
            self.log.warning(
                "historical=True: events older than 72 hours go to /historical, which does not forward them to event "
                "outputs; they may never be attributed to a campaign"
            )
        rules = options.rules()
        resend = self._resend("conversions", options)

        def make_stream(columns: tuple[str, ...]) -> Stream:
            return Conversions(
                compile_mapping(options.mapping, columns, rules),
                now=rules.now,
                batches_per_request=batches_per_request(self.settings.batches_per_second),
                group_by_user=options.group_by_user,
                historical=options.historical,
                wanted=resend,
            )

        return self._deliver("conversions", source, make_stream, options, resend)

    def preview_conversions(
        self,
        rows: Iterable[Mapping[str, Any]],
        mapping: Mapping[str, Any] | None = None,
        *,
        rows_shown: int = ROWS_SHOWN,
        show_values: bool = False,
        **options: Any,
    ) -> dict[str, Any]:
        """What :meth:`send_conversions` would send for the first rows, without sending; the connection is not read.

        :returns: see :func:`~airflow_provider_rokt.runs.preview.preview_conversions`.
        """
        with terminal_errors():
            chosen = options_from(ConversionOptions, mapping=mapping, **options)
            chosen.check()
            return preview_conversions(
                mapped_rows(rows, chosen.mapping, CONVERSION, rows_shown),
                chosen,
                rows_shown=rows_shown,
                show_values=show_values,
                wanted=self._resend("conversions", chosen),
            )

    def send_audience(
        self,
        rows: Iterable[Mapping[str, Any]],
        audience: str,
        mapping: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """Changes an audience by rows that are not in a database.

        :param rows: dicts, as for :meth:`send_conversions`.
        :param audience: its name.
        :param options: those of :class:`~airflow_provider_rokt.runs.options.AudienceOptions`.
        :returns: the flat report, as the operator returns it.
        :raises RoktTaskFailed: when running it again is useless; the cause says why.
        :raises RoktIncompleteError: when rows could not be delivered now; a retry sends them.
        """
        with terminal_errors():
            chosen = options_from(AudienceOptions, audience=audience, mapping=mapping, **options)
            chosen.check()
            source = mapped_rows(rows, chosen.mapping, MEMBERSHIP, chosen.fetch_size)
            report = self.deliver_audience(source, chosen)
            report.check(chosen.max_rejected)
            return report.summary()

    def deliver_audience(self, source: Source, options: AudienceOptions, *, keeps_one: bool = False) -> Report:
        """Changes an audience by a source's rows; judging the report is the caller's, save for a mirror's memory.

        :param keeps_one: the running task mirrors no audience but this one, as an operator does; another one is
            refused then, since the one before would stay as it is.
        :raises RoktAudienceError: when a guard stops the run before anything is sent.
        """
        options.check()
        sender, resend = current_sender(self.rokt_conn_id), self._resend("audience", options)
        settings = self._settings_for(Surface.AUDIENCE_IMPORT if options.via == Via.IMPORT else Surface.EVENTS)
        with AudienceRun(settings, options, sender, wanted=resend, keeps_one=keeps_one) as run:
            report = self._deliver("audience", source, run.make_stream, options, resend)
            run.commit(report)
        return report

    def preview_audience(
        self,
        rows: Iterable[Mapping[str, Any]],
        audience: str,
        mapping: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """What :meth:`send_audience` would do, without sending or remembering anything.

        :returns: ``rows_read, rows_rejected, rows_skipped, members_added, members_removed, members_unchanged``, and
            ``stopped_by``: what would stop the run (a guard, another run, an unusable memory), or ``None``. Where the
            memory is unusable the counts of members are 0.
        """
        with terminal_errors():
            chosen = options_from(AudienceOptions, audience=audience, mapping=mapping, **options)
            chosen.check()
            source = mapped_rows(rows, chosen.mapping, MEMBERSHIP, chosen.fetch_size)
            return self.plan_audience(source, chosen)

    def plan_audience(self, source: Source, options: AudienceOptions) -> dict[str, Any]:
        """The preview of a source's rows; see :meth:`preview_audience`."""
        options.check()
        sender, resend = current_sender(self.rokt_conn_id), self._resend("audience", options)
        with AudienceRun(self.settings, options, sender, wanted=resend, is_preview=True) as run:
            return run.preview(source)

    def stop(self) -> None:
        """Stops a delivery in order: what is on its way gets its verdict, nothing more is sent."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()

    def _deliver(
        self,
        operation: str,
        source: Source,
        make_stream: Callable[[tuple[str, ...]], Stream],
        options: DeliveryOptions,
        resend: Resend | None,
    ) -> Report:
        def begin() -> Delivery:
            ledger = open_ledger().begin(operation, current_sender(self.rokt_conn_id), options.recorded())
            self.log.info("Delivery %s begins; its ledger is %s", ledger.delivery_id, ledger.uri)
            pacer = Pacer(self.settings.batches_per_second)
            budget = conf.getfloat("rokt", "retry_seconds", fallback=RetryPolicy().budget_seconds)
            return Delivery(client, ledger, concurrency=options.concurrency, pacer=pacer, retry=RetryPolicy(budget))

        with closing(self._client(options.concurrency)) as client:
            self._run = DeliveryRun(source, make_stream, begin)
            if self._stopped:
                self._run.stop()
            report = self._run.run()
        if not report.rows_read:
            self.log.info("There are no rows, so nothing was sent")
        self.log.info("%s", report)
        if resend:
            resend.check(report)
        return report

    @staticmethod
    def _resend(operation: str, options: DeliveryOptions) -> Resend | None:
        return resend_of(options.resend_from, open_ledger, operation, options.recorded())
