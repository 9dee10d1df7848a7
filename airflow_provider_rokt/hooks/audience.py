"""One run of an audience: options and connection become a stream, and a mirror's memory is kept around it."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from hashlib import sha256
from typing import Any, Self

from airflow_provider_rokt.audiences.event_road import EventIntake, EventPacker
from airflow_provider_rokt.audiences.guards import Mode, Via, check_mirrored_identities
from airflow_provider_rokt.audiences.import_requests import ImportEnvelope, MemberPacker
from airflow_provider_rokt.audiences.import_road import ImportIntake, ImportPacker
from airflow_provider_rokt.audiences.mapping import AUDIENCE, MembershipColumns, membership_columns
from airflow_provider_rokt.audiences.membership import Membership
from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.audiences.stream import AudienceStream, Guards, Intake, Packer
from airflow_provider_rokt.delivery.report import Report
from airflow_provider_rokt.delivery.run import Source
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktError, RoktMappingError
from airflow_provider_rokt.ledger_root import memory_folder, open_ledger
from airflow_provider_rokt.options import AudienceOptions
from airflow_provider_rokt.packing import batches_per_request
from airflow_provider_rokt.request import Endpoint
from airflow_provider_rokt.rows import Outcome, RowRef
from airflow_provider_rokt.settings import RoktSettings
from airflow_provider_rokt.stream import Row


class AudienceRun:
    """Makes the stream of one run; as a context manager it holds a mirror's lease and gives the disk back.

    :param settings: of a connection that has what the road needs, unless this is a preview.
    :param sender: the task, as the ledger names it.
    :param wanted: tells which members to send; the others are skipped.
    :param is_preview: reads a mirror's memory without the right to change it.
    """

    def __init__(
        self,
        settings: RoktSettings,
        options: AudienceOptions,
        sender: Mapping[str, Any],
        *,
        wanted: Callable[[RowRef], bool] | None = None,
        is_preview: bool = False,
    ) -> None:
        self._settings = settings
        self._options = options
        self._sender = sender
        self._wanted = wanted
        self._is_preview = is_preview
        self._state = self._memory(_run_name(sender)) if options.mode == Mode.MIRROR else None
        self._stack = ExitStack()
        self.stream: AudienceStream | None = None

    def __enter__(self) -> Self:
        if self._state and not self._is_preview:
            self._stack.enter_context(self._state)
            self._remember_task()
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
        plan, contradicting = self.stream.decide()
        totals["rows_rejected"] += len(contradicting)
        try:
            self.stream.guard()
            stopped_by = None
        except RoktAudienceError as error:
            stopped_by = str(error)
        return {**totals, "rows_skipped": plan.counts.skipped, **self.stream.extras, "stopped_by": stopped_by}

    def commit(self, report: Report) -> None:
        """Remembers a mirror whose run ended well; one that did not changes nothing, and the next one repairs."""
        if self._state is None or self.stream is None or self.stream.plan is None:
            return
        try:
            report.check(self._options.max_rejected)
        except RoktError:
            return
        refused = {row.key for row in open_ledger().open(report.delivery_id).rows([Outcome.REJECTED])}
        self._state.commit(self.stream.plan, refused)

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
            options.environment, options.flag, options.hash_emails, now=now, token=secrets.token_hex(8)
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
        if options.via == Via.IMPORT and not columns.members:
            raise RoktMappingError(
                "via='import' knows members by their e-mail address alone: map user_identities.email, or "
                "user_identities.other for ready hashes, or use via='events'"
            )
        if columns.audience is not None and (options.via == Via.IMPORT or options.mode == Mode.MIRROR):
            raise RoktMappingError(
                f"{AUDIENCE} can be mapped for via='events' with mode='include' or 'exclude' only; for a list each, "
                "map the task: .partial(...).expand(audience=[...])"
            )

    def _remember_task(self) -> None:
        """Notes which audience this task mirrors, and refuses another: the list it left would stay as it is.

        Not for mapped tasks, whose places in the map may stand for other audiences tomorrow.
        """
        sender = self._sender
        if sender.get("map_index", 0) != -1:
            return
        folder = memory_folder("tasks")
        name = sha256(f"{sender['dag_id']}\0{sender['task_id']}".encode()).hexdigest()[:32]
        try:
            folder.create(name, self._options.audience.encode())
        except FileExistsError:
            with folder.read(name) as file:
                before = file.read().decode()
            if before != self._options.audience:
                raise RoktAudienceError(
                    f"Task {sender['task_id']!r} mirrored the audience {before!r} so far; nothing was sent. Mirroring "
                    f"{self._options.audience!r} would leave {before!r} as it is at Rokt: give the other audience a "
                    f"task of its own, or delete {folder.uri}/{name} if that is meant."
                ) from None

    def _memory(self, run: str) -> MirrorState:
        options = self._options
        kept: dict[str, str | bool] = {
            "connection": self._settings.conn_id,
            "via": options.via,
            "audience": options.audience,
            "hash_emails": options.hash_emails,
        }
        # The two roads lead to two lists at Rokt, so each has a memory of its own.
        name = sha256("\0".join([self._settings.conn_id, options.via, options.audience]).encode()).hexdigest()[:32]
        return MirrorState(memory_folder(name), kept, run)


def _run_name(sender: Mapping[str, Any]) -> str:
    """The same for every try of a task instance, and for nothing else."""
    if "task_id" not in sender:
        return secrets.token_hex(8)
    return "/".join(str(sender[name]) for name in ("dag_id", "task_id", "run_id", "map_index"))
