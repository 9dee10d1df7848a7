"""One run of an audience: options and connection become a stream, and a mirror's memory is kept around it."""

import logging
import secrets
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.audiences.audience_stream import AudienceStream, Guards, Intake, Packer
from airflow_provider_rokt.audiences.columns import AUDIENCE, MembershipColumns, membership_columns
from airflow_provider_rokt.audiences.event_road import EventIntake, EventPacker
from airflow_provider_rokt.audiences.guards import check_mirrored_identities, suspicions
from airflow_provider_rokt.audiences.import_requests import ImportEnvelope, MemberPacker
from airflow_provider_rokt.audiences.import_road import ImportIntake, ImportPacker
from airflow_provider_rokt.audiences.membership import Membership
from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.audiences.naming import flag_name
from airflow_provider_rokt.audiences.plan import CONTRADICTION, AudiencePlan
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.exceptions import RoktError, RoktMappingError
from airflow_provider_rokt.flow.gate import Decide
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.row import Outcome, names_member
from airflow_provider_rokt.flow.stream import ColumnNames, Source
from airflow_provider_rokt.flow.suspicion import Suspicion
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.runs.audience_memory import TaskNote, open_memory
from airflow_provider_rokt.runs.operation import OperationRun
from airflow_provider_rokt.runs.options import AudienceOptions
from airflow_provider_rokt.runs.place import Place
from airflow_provider_rokt.storage.failure import reading

log = logging.getLogger(__name__)


class AudienceRun(OperationRun[AudienceOptions]):
    """Makes an audience follow a source's rows; holds a mirror's lease while it does, and keeps its memory.

    :param keeps_one: the task mirrors no audience but this one, as an operator does; another one is refused then, since
        the one before would stay as it is.
    :ivar memory: of a mirror: whom it added; None for other modes.
    :ivar suspicions: what looks wrong, once the columns are known.
    """

    def __init__(
        self,
        place: Place,
        options: AudienceOptions,
        *,
        keeps_one: bool = False,
        decide: Decide | None = None,
        query: object = None,
    ) -> None:
        super().__init__(place, options, decide=decide, query=query)
        self.memory = open_memory(place, options) if options.mode == "mirror" else None
        self._note = TaskNote(place, options.audience) if self.memory and keeps_one else None
        self._stream: AudienceStream | None = None
        self.suspicions: list[Suspicion] = []

    def deliver(self, source: Source) -> Report:
        """Delivers the rows; see :meth:`OperationRun.deliver`.

        :raises RoktAudienceError: when a guard stops the run before anything is sent, or the list is another sync's.
        :raises RoktMemoryError: when a mirror's memory is not the newest; nothing was sent.
        """
        # What is refused is refused before the lease is taken, which a run that never starts would not give back.
        if self._note:
            self._note.check()
        with self.memory or self._joined(), ExitStack() as stack:
            if self.memory:
                self.memory.require_newest()
                self.memory.require_owner()
                self.memory.require_one_part()
            self._tell_of_the_road()
            report = self._deliver(source, partial(self.make_stream, stack))
            self._end(report)
        return report

    def _tell_of_the_road(self) -> None:
        """Once of a mirror, as its changes rest on each other; of other runs, each of which stands for itself, ever."""
        if self._options.via == "events" and (self.memory is None or self.memory.is_new):
            log.info("via='events': Rokt has published no answer that confirms membership events; look there who is in")

    def make_stream(self, stack: ExitStack, names: ColumnNames) -> AudienceStream:
        """The stream for a query with these columns; the stack gives its disk back."""
        options, rules = self._options, self._options.rules()
        columns, membership = read_columns(names, options, rules), membership_of(options, rules)
        self.suspicions = audience_suspicions(options, columns)
        for suspicion in self.suspicions:
            log_wrapped(log, logging.WARNING, suspicion.text)
        spool = MemberSpool()
        intake, packer = intake_of(options, spool, columns, membership), self._packer(columns, membership)
        guards = Guards(
            options.mode,
            options.max_removed,
            options.max_rejected,
            options.allow_empty,
            options.max_dropped,
            options.min_rows,
        )
        census = columns.census(imported=options.via == "import")
        self._stream = AudienceStream(
            spool, intake, packer, guards, census, state=self.memory, selects=self._resend, gate=self._gate
        )
        stack.callback(self._stream.close)
        return self._stream

    def _end(self, report: Report) -> None:
        """Ends a run that went well. After another one, a retry of an include or exclude goes on where it ended, and a
        mirror's next run repairs.
        """
        if self._stream is None or self._stream.plan is None:
            return
        try:
            report.judged(self._options.max_rejected, self._options.max_dropped)
        except RoktError:
            return
        try:
            if self._sync:
                self._sync.succeeded()
            if self.memory:
                self._commit(report, self.memory, self._stream.plan)
        except RoktError as error:
            error.report = report.summary()
            raise

    def _commit(self, report: Report, memory: MirrorState, plan: AudiencePlan) -> None:
        if report.unconfirmed:
            log.warning("Nothing is remembered of this run, since what Rokt made of it is not confirmed")
            return
        memory.commit(plan, self._refused(report))
        if self._note:
            self._note.write()

    def _refused(self, report: Report) -> set[str]:
        """The keys of the members that Rokt refused; not of rows never sent, of which there may be many more."""
        with reading(report.ledger):
            rows = self._place.ledger.open(report.delivery_id).rows([Outcome.REJECTED])
            return {row.key for row in rows if names_member(row.key) and CONTRADICTION not in row.faults}

    def _packer(self, columns: MembershipColumns, membership: Membership) -> Packer:
        options, settings = self._options, self._place.settings
        recall = self._sync.recall if self._sync else None
        if options.via == "import":
            endpoint = replace(settings.credentials.import_endpoint, success=settings.audience_success)
            envelope = ImportEnvelope(endpoint, options.audience, settings.account_id)
            return ImportPacker(MemberPacker(envelope, max_members=options.members_per_request, recall=recall))
        return EventPacker(
            membership,
            BULK,
            audience=options.audience,
            batches_per_request=self._pacer.size,
            paths=columns.plan.paths,
            recall=recall,
        )


def read_columns(names: ColumnNames, options: AudienceOptions, rules: Rules) -> MembershipColumns:
    """The columns of an audience's query, as its road and its mode can use them.

    :raises RoktMappingError: when they cannot.
    """
    columns = membership_columns(options.mapping, names, rules)
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
    return columns


def audience_suspicions(options: AudienceOptions, columns: MembershipColumns) -> list[Suspicion]:
    """What looks wrong with an audience before its first row."""
    return list(suspicions(options.audience, None if options.via == "import" else columns.plan))


def membership_of(options: AudienceOptions, rules: Rules) -> Membership:
    """What all membership events of a run share."""
    return Membership(
        options.environment,
        options.flag,
        options.hash_emails,
        now=int(rules.now * 1000),
        token=secrets.token_hex(8),
    )


def intake_of(
    options: AudienceOptions, spool: MemberSpool, columns: MembershipColumns, membership: Membership
) -> Intake:
    """What takes the rows in, on the road that was chosen."""
    wanted = options.mode != "exclude"
    if options.via == "import":
        return ImportIntake(spool, columns, hash_emails=options.hash_emails, wanted=wanted)
    return EventIntake(spool, columns, membership, audience=options.audience, wanted=wanted)


def _check_import(columns: MembershipColumns) -> None:
    if not columns.addresses:
        raise RoktMappingError(
            "via='import' knows members by their e-mail address alone: map user_identities.email, or "
            "user_identities.other for ready hashes, or use via='events'"
        )
    if columns.not_imported:
        log_wrapped(log, logging.INFO, f"via='import' has no place for {', '.join(columns.not_imported)}: left out")
