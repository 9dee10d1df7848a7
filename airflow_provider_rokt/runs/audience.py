"""One run of an audience: options and connection become a stream, and a mirror's memory is kept around it."""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Self

from airflow_provider_rokt.audiences.audience_stream import AudienceStream, Guards, Intake, Packer
from airflow_provider_rokt.audiences.columns import AUDIENCE, MembershipColumns, membership_columns
from airflow_provider_rokt.audiences.event_road import EventIntake, EventPacker
from airflow_provider_rokt.audiences.guards import Mode, Via, check_mirrored_identities
from airflow_provider_rokt.audiences.import_requests import ImportEnvelope, MemberPacker
from airflow_provider_rokt.audiences.import_road import ImportIntake, ImportPacker
from airflow_provider_rokt.audiences.members import member_key
from airflow_provider_rokt.audiences.membership import Membership
from airflow_provider_rokt.audiences.naming import flag_name
from airflow_provider_rokt.audiences.plan import CONTRADICTION
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.connection.settings import RoktSettings
from airflow_provider_rokt.delivery.run import Source
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktError, RoktMappingError
from airflow_provider_rokt.flow.packing import batches_per_request
from airflow_provider_rokt.flow.request import Endpoint
from airflow_provider_rokt.flow.row import Outcome, RowRef
from airflow_provider_rokt.flow.stream import Row
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.audience_memory import TaskNote, open_memory
from airflow_provider_rokt.runs.options import AudienceOptions
from airflow_provider_rokt.task.configuration import open_ledger

log = logging.getLogger(__name__)


class AudienceRun:
    """Makes the stream of one run; as a context manager it holds a mirror's lease and gives the disk back.

    :param settings: of a connection that has what the road needs, unless this is a preview.
    :param sender: the task, as the ledger names it.
    :param wanted: tells which members to send; the others are skipped.
    :param keeps_one: the task mirrors no audience but this one.
    :param is_preview: reads a mirror's memory without the right to change it.
    """

    def __init__(
        self,
        settings: RoktSettings,
        options: AudienceOptions,
        sender: Mapping[str, Any],
        *,
        wanted: Callable[[RowRef], bool] | None = None,
        keeps_one: bool = False,
        is_preview: bool = False,
    ) -> None:
        self._settings = settings
        self._options = options
        self._wanted = wanted
        self._is_preview = is_preview
        self._state = open_memory(settings, options, sender) if options.mode == Mode.MIRROR else None
        self._note = TaskNote(sender, options.audience) if self._state and keeps_one else None
        self._stack = ExitStack()
        self.stream: AudienceStream | None = None

    def __enter__(self) -> Self:
        # What is refused is refused before the lease is taken, which a run that never starts would not give back.
        if self._note:
            self._note.check()
        if self._state and not self._is_preview:
            self._stack.enter_context(self._state)
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def make_stream(self, names: tuple[str, ...]) -> AudienceStream:
        """The stream for a query with these columns.

        :raises RoktMappingError: when they do not fit the road or the mode.
        """
        options, rules = self._options, self._options.rules()
        columns = membership_columns(options.mapping, names, rules)
        self._check_columns(columns)
        spool = MemberSpool()
        intake, packer = self._road(spool, columns, int(rules.now * 1000))
        guards = Guards(Mode(options.mode), options.max_removed, options.max_rejected, options.allow_empty)
        self.stream = AudienceStream(spool, intake, packer, guards, state=self._state, wanted=self._wanted)
        self._stack.callback(self.stream.close)
        return self.stream

    def preview(self, source: Source) -> dict[str, Any]:
        """What the run would do."""
        totals = {"rows_read": 0, "rows_rejected": 0}

        def consume(names: tuple[str, ...], rows: Sequence[Row]) -> None:
            stream = self.stream or self.make_stream(names)
            totals["rows_read"] += len(rows)
            totals["rows_rejected"] += len(stream.window(rows).faults)

        source.read(consume)
        if self.stream is None:
            raise RuntimeError("the source ended without naming its columns")
        stopped_by = self._stopped_by(self.stream)
        totals["rows_rejected"] += self.stream.counts.contradicting
        skipped = self.stream.choose()
        return {**totals, "rows_skipped": skipped, **self.stream.extras, "stopped_by": stopped_by}

    def _stopped_by(self, stream: AudienceStream) -> str | None:
        """What would stop the run; the counts are there all the same, unless the memory cannot be read."""
        try:
            stream.decide()
            if self._state:
                self._state.require_free()
            stream.guard()
        except RoktAudienceError as error:
            return str(error)
        return None

    def commit(self, report: Report) -> None:
        """Remembers a mirror whose run ended well; one that did not changes nothing, and the next one repairs."""
        if self._state is None or self.stream is None or self.stream.plan is None:
            return
        try:
            report.check(self._options.max_rejected)
        except RoktError:
            return
        self._state.commit(self.stream.plan, _refused(report))
        if self._note:
            self._note.write()

    def _road(self, spool: MemberSpool, columns: MembershipColumns, now: int) -> tuple[Intake, Packer]:
        options, settings = self._options, self._settings
        wanted = options.mode != Mode.EXCLUDE
        if options.via == Via.IMPORT:
            v1 = bool(settings.audience_api_key)
            endpoint = Endpoint.IMPORT_V1 if v1 else Endpoint.IMPORT_V3
            envelope = ImportEnvelope(endpoint, options.audience, None if v1 else settings.account_id)
            packer = MemberPacker(envelope, max_members=options.members_per_request)
            return ImportIntake(spool, columns, hash_emails=options.hash_emails, wanted=wanted), ImportPacker(packer)
        membership = Membership(
            options.environment,
            options.flag,
            options.hash_emails,
            pair=options.mode == Mode.MIRROR,
            now=now,
            token=secrets.token_hex(8),
        )
        size = batches_per_request(settings.batches_per_second)
        return (
            EventIntake(spool, columns, membership, audience=options.audience, wanted=wanted),
            EventPacker(membership, audience=options.audience, batches_per_request=size),
        )

    def _check_columns(self, columns: MembershipColumns) -> None:
        options = self._options
        if options.mode == Mode.MIRROR:
            check_mirrored_identities(columns.identities)
        if options.via == Via.IMPORT:
            _check_import(columns)
        elif options.flag and (name := flag_name(options.flag, options.audience)) in columns.attributes:
            raise RoktMappingError(
                f"user_attributes.{name} is mapped, and the flag of the audience has the same name: choose another flag"
            )
        if columns.audience is not None and (options.via == Via.IMPORT or options.mode == Mode.MIRROR):
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


def _refused(report: Report) -> set[str]:
    """The keys of the members that Rokt refused; not of rows that were never sent, of which there may be many more."""
    rows = open_ledger().open(report.delivery_id).rows([Outcome.REJECTED])
    return {row.key for row in rows if row.key.startswith(member_key("")) and CONTRADICTION not in row.faults}
