"""The hook: a connection to Rokt, and runs through it."""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import replace
from typing import Any, Unpack

from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.connection import form
from airflow_provider_rokt.events.destinations import CONVERSION, MEMBERSHIP
from airflow_provider_rokt.flow.gate import Decide
from airflow_provider_rokt.flow.request import Surface
from airflow_provider_rokt.flow.stream import Source
from airflow_provider_rokt.hooks.connected import ConnectedHook
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.audience import AudienceRun
from airflow_provider_rokt.runs.conversions import ConversionRun
from airflow_provider_rokt.runs.operation import OperationRun
from airflow_provider_rokt.runs.options import (
    AudienceArguments,
    AudienceOptions,
    ConversionArguments,
    ConversionOptions,
    options_from,
)
from airflow_provider_rokt.runs.place import Place
from airflow_provider_rokt.runs.resend import resend_of
from airflow_provider_rokt.sources import mapped_rows
from airflow_provider_rokt.task.approval import nobody_to_ask
from airflow_provider_rokt.task.configuration import open_ledger, retry_seconds
from airflow_provider_rokt.task.failures import terminal_errors
from airflow_provider_rokt.task.register import AirflowVariables
from airflow_provider_rokt.task.sender import current_sender
from airflow_provider_rokt.trials.audience_preview import preview_audience
from airflow_provider_rokt.trials.preview import ROWS_SHOWN, preview_conversions


class RoktHook(ConnectedHook):
    """Sends rows to Rokt and says what became of each.

    :param rokt_conn_id: a connection of type ``rokt``.
    """

    def __init__(self, rokt_conn_id: str = form.DEFAULT_CONN_ID) -> None:
        super().__init__(rokt_conn_id)
        self._run: OperationRun[Any] | None = None
        self._stopped = False
        self._pacers: dict[tuple[Surface, int, float], Pacer] = {}

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
        self,
        rows: Iterable[Mapping[str, Any]],
        mapping: Mapping[str, Any] | None = None,
        **options: Unpack[ConversionArguments],
    ) -> dict[str, Any]:
        """Sends conversions that are not in a database, e.g. from a TaskFlow task.

        :param rows: dicts; they are read once, a window at a time. A key that a row lacks is an absent value; one that
            no row of the first window has needs a default in the mapping.
        :param mapping: destination path -> key of the rows, as for the operator; other keys are ignored. Without a
            mapping all keys count, and the rows after the first window can have no new ones.
        :param options: those of :class:`~airflow_provider_rokt.runs.options.ConversionOptions`, as for the operator.
        :returns: the flat report, as the operator returns it.
        :raises RoktTaskFailed: when running it again is useless. The cause says why, such as RoktRejectedError for too
            many rejected rows, RoktDroppedError for too many invalid values of one field.
        :raises RoktTooFewRowsError: for fewer rows than ``min_rows``; a retry finds those that were only late.
        :raises RoktIncompleteError: when rows could not be delivered now; a retry sends them.
        """
        with terminal_errors():
            chosen = options_from(ConversionOptions, mapping=mapping, **options)
            source = mapped_rows(rows, chosen.mapping, CONVERSION, chosen.fetch_size)
            return self.deliver_conversions(source, chosen).judged(chosen.max_rejected, chosen.max_dropped).summary()

    def deliver_conversions(
        self, source: Source, options: ConversionOptions, *, decide: Decide = nobody_to_ask, query: object = None
    ) -> Report:
        """Delivers a source's rows and reports; judging the report is the caller's.

        :param decide: asked where a guard objects and ``on_guard`` is ``ask``.
        :param query: what the source reads; who lets a run pass lets pass that alone.
        :raises RoktDroppedError: when too many values of a field are invalid in the first window, or in all rows where
            they are read first; nothing was sent.
        :raises RoktTooFewRowsError: for fewer rows than ``min_rows``; where that is at most ``fetch_size``, or all rows
            are read first, nothing was sent.
        :raises RoktError: of any other kind, see :mod:`airflow_provider_rokt.exceptions`.
        """
        self._settings_for(options.surface)
        return self._deliver(ConversionRun(self._place(), options, decide=decide, query=query), source)

    def preview_conversions(
        self,
        rows: Iterable[Mapping[str, Any]],
        mapping: Mapping[str, Any] | None = None,
        *,
        rows_shown: int = ROWS_SHOWN,
        show_values: bool = False,
        **options: Unpack[ConversionArguments],
    ) -> dict[str, Any]:
        """What :meth:`send_conversions` would send for the first rows, without sending; the connection is not read.

        :param rows_shown: how many rows to read and show.
        :param show_values: show what would be sent as it is; otherwise every value of a row is masked.
        :returns: see :func:`~airflow_provider_rokt.trials.preview.preview_conversions`.
        :raises RoktTaskFailed: when options, mapping and rows do not fit; the cause says why.
        """
        with terminal_errors():
            chosen = options_from(ConversionOptions, mapping=mapping, **options)
            return preview_conversions(
                mapped_rows(rows, chosen.mapping, CONVERSION, rows_shown),
                chosen,
                rows_shown=rows_shown,
                show_values=show_values,
                selects=resend_of(chosen, open_ledger()),
            )

    def send_audience(
        self,
        rows: Iterable[Mapping[str, Any]],
        audience: str,
        mapping: Mapping[str, Any] | None = None,
        **options: Unpack[AudienceArguments],
    ) -> dict[str, Any]:
        """Changes an audience by rows that are not in a database.

        :param rows: dicts, as for :meth:`send_conversions`.
        :param audience: its name.
        :param mapping: as for :meth:`send_conversions`.
        :param options: those of :class:`~airflow_provider_rokt.runs.options.AudienceOptions`, as for the operator.
        :returns: the flat report, as the operator returns it.
        :raises RoktTaskFailed: when running it again is useless. The cause says why, e.g. RoktAudienceError for a guard
            that stopped it, RoktDroppedError for too many invalid values of one field.
        :raises RoktTooFewRowsError: for fewer rows than ``min_rows``, before anything is sent; a retry finds those that
            were only late.
        :raises RoktIncompleteError: when rows could not be delivered now; a retry sends them.
        """
        with terminal_errors():
            chosen = options_from(AudienceOptions, audience=audience, mapping=mapping, **options)
            source = mapped_rows(rows, chosen.mapping, MEMBERSHIP, chosen.fetch_size)
            return self.deliver_audience(source, chosen).judged(chosen.max_rejected, chosen.max_dropped).summary()

    def deliver_audience(
        self,
        source: Source,
        options: AudienceOptions,
        *,
        keeps_one: bool = False,
        decide: Decide = nobody_to_ask,
        query: object = None,
    ) -> Report:
        """Changes an audience by a source's rows; judging the report is the caller's, save for a mirror's memory.

        :param keeps_one: the running task mirrors no audience but this one, as an operator does; another one is
            refused then, since the one before would stay as it is.
        :param decide: asked where a guard objects and ``on_guard`` is ``ask``.
        :param query: what the source reads; who lets a run pass lets pass that alone.
        :raises RoktAudienceError: when a guard stops the run before anything is sent.
        :raises RoktDroppedError: when too many values of a field are invalid; nothing was sent.
        :raises RoktTooFewRowsError: for fewer rows than ``min_rows``; nothing was sent.
        :raises RoktError: of any other kind.
        """
        self._settings_for(options.surface)
        run = AudienceRun(self._place(), options, keeps_one=keeps_one, decide=decide, query=query)
        return self._deliver(run, source)

    def preview_audience(
        self,
        rows: Iterable[Mapping[str, Any]],
        audience: str,
        mapping: Mapping[str, Any] | None = None,
        **options: Unpack[AudienceArguments],
    ) -> dict[str, Any]:
        """What :meth:`send_audience` would do, without sending or remembering anything.

        :returns: see :func:`~airflow_provider_rokt.trials.audience_preview.preview_audience`. ``stopped_by`` is what
            would stop the run (a guard, another run, an unusable memory), or None. Where the memory is unusable the
            counts of members are 0.
        :raises RoktTaskFailed: when options, mapping and rows do not fit; the cause says why.
        """
        with terminal_errors():
            chosen = options_from(AudienceOptions, audience=audience, mapping=mapping, **options)
            return self.plan_audience(mapped_rows(rows, chosen.mapping, MEMBERSHIP, chosen.fetch_size), chosen)

    def plan_audience(
        self, source: Source, options: AudienceOptions, register: MutableMapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The preview of a source's rows; see :meth:`preview_audience`.

        :param register: Airflow's database; None for what tasks ask.
        :raises RoktError: of any kind.
        """
        # Outside of a task, too, a memory that a run would refuse must not be shown as the one to go by.
        asked = AirflowVariables() if register is None else register
        return preview_audience(replace(self._place(), register=asked), options, source)

    def stop(self) -> None:
        """Stops a delivery in order: what is on its way gets its verdict, nothing more is sent."""
        self._stopped = True
        if self._run is not None:
            self._run.stop()

    def _place(self) -> Place:
        sender = current_sender(self.rokt_conn_id)
        register = AirflowVariables() if "task_id" in sender else None
        return Place(self.settings, self._client, open_ledger(), sender, retry_seconds(), register, self._pacers)

    def _deliver(self, run: OperationRun[Any], source: Source) -> Report:
        self._run = run
        if self._stopped:
            run.stop()
        return run.deliver(source)
