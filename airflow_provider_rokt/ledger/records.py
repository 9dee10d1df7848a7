"""What a ledger's lines say: one record a line, each a JSON object that names its kind."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Annotated, Any, Final

import msgspec

from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef

FORMAT: Final = 1
"""The version of these records. It grows only when an older reader would misread them."""


# What no database takes is no count.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class VerdictRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """The verdict on one batch.

    :param status: the HTTP status that decided it; None where no answer came or nothing was sent.
    :param rows: how many rows it carries.
    :param reason: why it was not accepted; never a value.
    :param path: the field Rokt named, as the guide writes it.
    :param confirmed: whether the answer that accepted it can only mean that it was taken.
    :param times: how many batches in a row had exactly this verdict. Only lines in the file use more than 1: a
        request of 100 accepted batches is then one short line, and ten million rows take 25 MB, not 500.
    """

    outcome: Outcome
    status: int | None
    rows: int
    reason: str = ""
    path: str = ""
    times: int = 1
    confirmed: bool = True


class RequestRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="request"):
    """One POST and its verdicts.

    :param number: the request's place in the delivery, from 1.
    :param endpoint: its path, e.g. ``v2/bulkevents``.
    :param status: the HTTP status of the last attempt; None where none came.
    :param attempts: how often it was sent; 0 where it never was.
    :param size: bytes of the body.
    :param milliseconds: from the first attempt's start to the last answer.
    :param first_row: the lowest row number it carries.
    :param last_row: the highest.
    :param batches: one verdict for each batch, in the body's order.
    """

    number: int
    endpoint: str
    status: int | None
    attempts: int
    size: int = msgspec.field(name="bytes")
    milliseconds: float
    first_row: int
    last_row: int
    batches: tuple[VerdictRecord, ...]

    def folded(self) -> "RequestRecord":
        """The same with equal neighbours written once, as the file holds it."""
        runs = ((verdict, sum(1 for _ in run)) for verdict, run in groupby(self.batches))
        batches = tuple(msgspec.structs.replace(verdict, times=times) for verdict, times in runs)
        return msgspec.structs.replace(self, batches=batches)

    def unfolded(self) -> "RequestRecord":
        """The same with one verdict a batch again."""
        single = ((msgspec.structs.replace(verdict, times=1), verdict.times) for verdict in self.batches)
        return msgspec.structs.replace(self, batches=tuple(v for verdict, times in single for v in (verdict,) * times))


class RowRecord(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="row"):
    """One row that was not delivered.

    :param outcome: ``rejected`` or ``failed``.
    :param number: its place in the query's result, from 1.
    :param key: as in :class:`~airflow_provider_rokt.flow.row.RowRef`.
    :param status: the HTTP status that decided it; None where there was none; ledgers of the first
        releases do not say.
    """

    outcome: Outcome
    number: int
    key: str
    faults: Sequence[FieldFault]
    status: int | None = None

    @classmethod
    def of(cls, outcome: Outcome, fault: RowFault) -> "RowRecord":
        """The record of one fault."""
        return cls(outcome, fault.row.number, fault.row.key, fault.faults, fault.status)


class UndeliveredRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="row"):
    """The same line where its faults are of no interest; reading it takes a third of the time."""

    outcome: Outcome
    number: int
    key: str


class AcceptedRecord(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="kind", tag="accepted"):
    """Rows that Rokt took, by name; only where they were asked for (``record_accepted``).

    :param status: the HTTP status that took them; None for rows that an earlier try of the task had sent.
    :param confirmed: whether it is certain that they were stored.
    """

    status: int | None
    rows: Sequence[RowRef]
    confirmed: bool = True


class DroppedRecord(msgspec.Struct, frozen=True, tag_field="kind", tag="dropped"):
    """The values that were left out of one row that was sent, since they cannot be.

    :param number: its place in the query's result, from 1.
    :param key: as in :class:`~airflow_provider_rokt.flow.row.RowRef`.
    """

    number: int
    key: str
    faults: Sequence[FieldFault]


class DeliveryHeader(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="delivery"):
    """Who began the delivery, when, and with which options; the ledger's first line.

    :param operation: ``"conversions"`` or ``"audience"``.
    :param started_at: UTC, ISO 8601.
    :param sender: the task (``dag_id, task_id, run_id, map_index, try_number, max_tries``), its ``connection`` and
        the ``batches_per_second`` of that, its ``sync`` and, of a mapped one that names its parts, its ``partition``.
    :param options: the arguments that shape what is sent; no values of rows, no secrets.
    """

    format: int = FORMAT
    delivery_id: str
    operation: str
    started_at: str
    sender: dict[str, Any]
    options: dict[str, Any]

    @property
    def partition(self) -> str | None:
        """What its part of a mapped task is called, or which it is; None for what is no part of one."""
        index = self.sender.get("map_index")
        number = str(index) if isinstance(index, int) and index >= 0 else None
        return self.sender.get("partition") or number


class ShownRejection(msgspec.Struct, frozen=True):
    """One of the rejected rows that a report names."""

    row: str
    path: str
    reason: str


class FailureRecord(msgspec.Struct, frozen=True):
    """The error that a delivery's task ended with: its class, and what it says, no values."""

    kind: str
    text: str = ""


class ReportRecord(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="report"):
    """What the final report must say to be believed; it may say more, and old ones lack what later releases added.

    :param rows_read: and where they ended.
    :param complete: whether the source was read to its end, so that every row is accounted for.
    """

    delivery_id: str
    rows_read: Count
    rows_accepted: Count
    rows_rejected: Count
    rows_failed: Count
    rows_skipped: Count
    batches: Count
    requests: Count
    status_codes: dict[str, Count]
    ledger: str
    rejections: list[ShownRejection]
    complete: bool
    finished_at: str
    skipped: dict[str, Count] = {}
    dropped: dict[str, Count] = {}
    coverage: dict[str, float] = {}
    members_added: Count = 0
    members_removed: Count = 0
    members_unchanged: Count = 0
    rows_unconfirmed: Count = 0
    rows_resumed: Count = 0
    degraded: list[str] = []
    failed_without_row: Count = 0
    rejected_without_row: Count = 0
    failure: FailureRecord | None = None

    @property
    def adds_up(self) -> bool:
        """Whether every row read ended in one way, as no report is written otherwise where the source was read."""
        ended = self.rows_accepted + self.rows_rejected + self.rows_failed + self.rows_skipped
        return not self.complete or ended == self.rows_read


class Peek(msgspec.Struct):
    """As much of a line as decides how to read it; decoding it skips the rest."""

    kind: str
    format: Any = None


_ENCODER: Final = msgspec.json.Encoder()


def encode(records: Iterable[msgspec.Struct | dict[str, Any]]) -> Iterator[bytes]:
    """One line for each record, newline included."""
    for record in records:
        try:
            yield _ENCODER.encode(record) + b"\n"
        except UnicodeEncodeError:
            # JSON may carry half of a surrogate pair ("\ud83d") and a server's message did; UTF-8 cannot.
            text = json.dumps(msgspec.to_builtins(record), ensure_ascii=False)
            yield text.encode("utf-8", "replace") + b"\n"
