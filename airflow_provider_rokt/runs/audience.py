"""One run of an audience: options and connection become a stream, and a mirror's memory is kept around it."""

import logging
import secrets
from collections.abc import Sequence
from contextlib import ExitStack, nullcontext
from functools import partial
from typing import Any

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.audiences.audience_stream import AudienceStream, Guards, Intake, Packer
from airflow_provider_rokt.audiences.columns import AUDIENCE, MembershipColumns, membership_columns
from airflow_provider_rokt.audiences.event_road import EventIntake, EventPacker
from airflow_provider_rokt.audiences.guards import check_mirrored_identities
from airflow_provider_rokt.audiences.import_requests import ImportEnvelope, MemberPacker
from airflow_provider_rokt.audiences.import_road import ImportIntake, ImportPacker
from airflow_provider_rokt.audiences.membership import Membership
from airflow_provider_rokt.audiences.naming import flag_name
from airflow_provider_rokt.audiences.plan import CONTRADICTION
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.exceptions import (
    RoktAudienceError,
    RoktDroppedError,
    RoktError,
    RoktMappingError,
    RoktTooFewRowsError,
)
from airflow_provider_rokt.flow.packing import batches_per_request
from airflow_provider_rokt.flow.row import Outcome, names_member
from airflow_provider_rokt.flow.stream import ColumnNames, Row, Source
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.audience_memory import TaskNote, open_memory
from airflow_provider_rokt.runs.operation import OperationRun, Place
from airflow_provider_rokt.runs.options import AudienceOptions

log = logging.getLogger(__name__)


class AudienceRun(OperationRun[AudienceOptions]):
    """Makes an audience follow a source's rows; holds a mirror's lease while it does, and keeps its memory.

    :param keeps_one: the task mirrors no audience but this one, as an operator does; another one is refused then, since
        the one before would stay as it is.
    """

    def __init__(self, place: Place, options: AudienceOptions, *, keeps_one: bool = False) -> None:
        super().__init__(place, options)
        self._state = open_memory(place, options) if options.mode == "mirror" else None
        self._note = TaskNote(place, options.audience) if self._state and keeps_one else None
        self._stream: AudienceStream | None = None

    def deliver(self, source: Source) -> Report:
        """Delivers the rows; see :meth:`OperationRun.deliver`.

        :raises RoktAudienceError: when a guard stops the run before anything is sent.
        """
        # What is refused is refused before the lease is taken, which a run that never starts would not give back.
        if self._note:
            self._note.check()
        with self._state or nullcontext(), ExitStack() as stack:
            report = self._deliver(source, partial(self._make_stream, stack))
            self._commit(report)
        return report

    def _make_stream(self, stack: ExitStack, names: ColumnNames) -> AudienceStream:
        """The stream for a query with these columns; the stack gives its disk back."""
        options, rules = self._options, self._options.rules()
        columns = membership_columns(options.mapping, names, rules)
        self._check_columns(columns)
        spool = MemberSpool()
        intake, packer = self._road(spool, columns, int(rules.now * 1000))
        guards = Guards(
            options.mode,
            options.max_removed,
            options.max_rejected,
            options.allow_empty,
            options.max_dropped,
            options.min_rows,
        )
        census = columns.census(imported=options.via == "import")
        self._stream = AudienceStream(spool, intake, packer, guards, census, state=self._state, selects=self._resend)
        stack.callback(self._stream.close)
        return self._stream

    def preview(self, source: Source) -> dict[str, Any]:
        """What the run would do; reads a mirror's memory without the right to change it."""
        totals = {"rows_read": 0, "rows_rejected": 0}
        with ExitStack() as stack:

            def consume(names: ColumnNames, rows: Sequence[Row]) -> None:
                stream = self._stream or self._make_stream(stack, names)
                totals["rows_read"] += len(rows)
                totals["rows_rejected"] += len(stream.window(rows).faults)

            source.read(consume)
            if self._stream is None:
                raise RuntimeError("the source ended without naming its columns")
            stopped_by = self._stopped_by(self._stream)
            totals["rows_rejected"] += self._stream.counts.contradicting
            skipped = self._stream.choose()
            return {**totals, "rows_skipped": skipped, **self._stream.extras, "stopped_by": stopped_by}

    def _stopped_by(self, stream: AudienceStream) -> str | None:
        """What would stop the run; the counts are there all the same, unless the memory cannot be read."""
        try:
            stream.decide()
            if self._state:
                self._state.require_free()
            stream.guard()
        except (RoktAudienceError, RoktDroppedError, RoktTooFewRowsError) as error:
            return str(error)
        return None

    def _commit(self, report: Report) -> None:
        """Remembers a mirror whose run ended well; one that did not changes nothing, and the next one repairs."""
        if self._state is None or self._stream is None or self._stream.plan is None:
            return
        try:
            report.judged(self._options.max_rejected, self._options.max_dropped)
        except RoktError:
            return
        self._state.commit(self._stream.plan, self._refused(report))
        if self._note:
            self._note.write()

    def _refused(self, report: Report) -> set[str]:
        """The keys of the members that Rokt refused; not of rows never sent, of which there may be many more."""
        rows = self._place.ledger.open(report.delivery_id).rows([Outcome.REJECTED])
        return {row.key for row in rows if names_member(row.key) and CONTRADICTION not in row.faults}

    def _road(self, spool: MemberSpool, columns: MembershipColumns, now: int) -> tuple[Intake, Packer]:
        options, settings = self._options, self._place.settings
        wanted = options.mode != "exclude"
        if options.via == "import":
            envelope = ImportEnvelope(settings.credentials.import_endpoint, options.audience, settings.account_id)
            packer = MemberPacker(envelope, max_members=options.members_per_request)
            return ImportIntake(spool, columns, hash_emails=options.hash_emails, wanted=wanted), ImportPacker(packer)
        membership = Membership(
            options.environment,
            options.flag,
            options.hash_emails,
            pair=options.mode == "mirror",
            now=now,
            token=secrets.token_hex(8),
        )
        size = batches_per_request(settings.batches_per_second)
        return (
            EventIntake(spool, columns, membership, audience=options.audience, wanted=wanted),
            EventPacker(membership, BULK, audience=options.audience, batches_per_request=size),
        )

    def _check_columns(self, columns: MembershipColumns) -> None:
        options = self._options
        if options.mode == "mirror":
            check_mirrored_identities(columns.identities)
        if options.via == "import":
            _check_import(columns)
        elif options.flag and (name := flag_name(options.flag, options.audience)) in columns.attributes:
            raise RoktMappingError(
                f"user_attributes.{name} is mapped, and the flag of the audience has the same name: choose another flag"
            )
        if columns.audience is not None and (options.via == "import" or options.mode == "mirror"):
            raise RoktMappingError(
                f"{AUDIENCE} can be mapped for via='events' with mode='include' or 'exclude' only; for a list each, "
                "map the task: .partial(...).expand(audience=[...])"
            )


def _check_import(columns: MembershipColumns) -> None:
    if not columns.addresses:
        raise RoktMappingError(
            "via='import' knows members by their e-mail address alone: map user_identities.email, or "
            "user_identities.other for ready hashes, or use via='events'"
        )
    if columns.not_imported:
        log.info("via='import' has no place for %s: left out", ", ".join(columns.not_imported))
