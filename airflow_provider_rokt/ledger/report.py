"""The arithmetic of a delivery: what was read and where every row ended."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self, TypeVar

from airflow_provider_rokt.exceptions import (
    RoktDroppedError,
    RoktError,
    RoktIncompleteError,
    RoktReconciliationError,
    RoktRejectedError,
)
from airflow_provider_rokt.flow.census import Census, Excess
from airflow_provider_rokt.flow.checks import exceeds
from airflow_provider_rokt.flow.gate import Lifted
from airflow_provider_rokt.flow.lines import narrow
from airflow_provider_rokt.flow.row import NO_ROW, FieldFault, RowFault, Skip

_Kind = TypeVar("_Kind")

REJECTIONS_SHOWN: Final = 20
"""Rejections kept in the report. The ledger has them all; a report travels through Airflow's database."""
REASONS_SHOWN: Final = 3
"""Reasons an error message names."""
REASONS_COUNTED: Final = 1_000
"""Reasons of rejected rows that are counted apart: ours are few, what Rokt says has no end."""
OTHERS: Final = FieldFault("", "one of many other reasons")
WHY_CHARS: Final = 600
"""Of the reasons in an error message; the longest of ours is half as long."""
ERROR_TEXT_CHARS: Final = 2_000
"""Of an error message in a ledger."""
ROW_CHARS: Final = 40
"""Of a row's key in an error message."""
KEY_CHARS: Final = 200
"""Characters of a row's key shown in a report; a column mistaken for an id may hold a whole document."""
REASON_CHARS: Final = 300
"""Of a reason; ours are shorter."""


def printable(text: str, most: int = KEY_CHARS) -> str:
    """Text that every database can store, also in a JSON column: no NUL, no half surrogate pairs, not endless.

    :param most: characters.
    """
    clean = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def count_apart(counts: Counter[_Kind], kind: _Kind, others: _Kind) -> _Kind:
    """Counts one of a kind; of kinds without end those that come late are counted as others. Gives what it counted."""
    counted = kind if kind in counts or len(counts) < REASONS_COUNTED else others
    counts[counted] += 1
    return counted


def three_lines(why: str, arrived: str, advice: str) -> str:
    """An error message: what did not arrive and why, what did, what to do.

    Airflow's page shows some 85 characters of the first beside a traceback, so reasons stand first and keys last; where
    the task fails its log has the whole of it, wrapped.
    """
    return "\n".join([printable(why, WHY_CHARS), narrow(arrived), advice])


def first_reasons(rejections: Sequence[Mapping[str, str]]) -> str:
    """The first rejections in words, for an error message: rows of one reason together, behind it.

    The reason comes first, since a line may be cut off after it.
    """
    alike: dict[str, list[str]] = {}
    for rejection in rejections[:REASONS_SHOWN]:
        alike.setdefault(f"{rejection['path'] or 'whole row'}: {rejection['reason']}", []).append(rejection["row"])
    reasons = [f"{why} ({'row' if len(rows) == 1 else 'rows'} {_quoted(rows)})" for why, rows in alike.items()]
    return "; ".join(reasons) or "see the ledger"


def _quoted(keys: Sequence[str]) -> str:
    """Rows by key, shortened where it may be a document."""
    return ", ".join(repr(key if len(key) <= ROW_CHARS else key[: ROW_CHARS - 1] + "…") for key in keys)


class Failure(NamedTuple):
    """What ended a delivery's task.

    :param kind: the error's class.
    :param text: its message; empty for errors of others, whose words may hold anything.
    """

    kind: str
    text: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """That of an error."""
        return cls(
            type(error).__name__, printable(str(error), ERROR_TEXT_CHARS) if isinstance(error, RoktError) else ""
        )


@dataclass(frozen=True)
class Report:
    """What became of a delivery's rows.

    :param rows_resumed: accepted rows that an earlier try of the task had sent.
    :param sync: the name of the sync that it belongs to.
    :param unconfirmed: accepted rows whose answer may mean something else, by reason; 0 for what has no row.
    :param skipped: the skipped rows by reason.
    :param dropped: values that were left out of rows that were sent, by field and reason.
    :param coverage: the share of accepted rows that carry each identity and what else Rokt matches people by.
    :param census: what was counted of the fields' values.
    :param status_codes: answers by HTTP status, those to retried attempts included; ``"none"`` where none came.
    :param ledger: the ledger's URI.
    :param rejections: the first rejected rows: ``row`` (key), ``path``, ``reason``.
    :param reasons: the first thing wrong with each rejected row, with how many rows each.
    :param failures: reasons of failed rows, with how many rows each; only for error messages.
    :param failed_without_row: what failed and has no row, such as the removal of somebody who left the query.
    :param rejected_without_row: the same of what was rejected; it counts against ``max_rejected`` like a row.
    :param extras: further counts of the operation (an audience's ``members_added`` ...).
    :param retry_after: seconds that Rokt asked to wait, where that was too long to wait for.
    :param lifted: what a person let pass before anything was sent.
    :param degraded: what is not as usual in this sync, a sentence each; None where nobody asked.
    :param failure: the error that its task ended with, for the ledger; None where the task goes on well.
    """

    delivery_id: str
    ledger: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    rows_failed: int = 0
    rows_skipped: int = 0
    rows_resumed: int = 0
    sync: str | None = None
    unconfirmed: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[FieldFault, int] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)
    census: Census = field(default_factory=Census)
    batches: int = 0
    requests: int = 0
    status_codes: Mapping[str, int] = field(default_factory=dict)
    rejections: tuple[Mapping[str, str], ...] = ()
    reasons: Mapping[FieldFault, int] = field(default_factory=dict)
    failures: Mapping[str, int] = field(default_factory=dict)
    failed_without_row: int = 0
    rejected_without_row: int = 0
    extras: Mapping[str, int] = field(default_factory=dict)
    retry_after: float | None = None
    lifted: Lifted = field(default_factory=Lifted)
    degraded: Sequence[str] | None = None
    failure: "Failure | None" = None

    def summary(self) -> dict[str, Any]:
        """The flat, JSON-safe result that a task returns and the ledger keeps."""
        return {
            "delivery_id": self.delivery_id,
            "sync": self.sync,
            "rows_read": self.rows_read,
            "rows_accepted": self.rows_accepted,
            "rows_rejected": self.rows_rejected,
            "rows_failed": self.rows_failed,
            "rows_skipped": self.rows_skipped,
            "rows_unconfirmed": self.rows_unconfirmed,
            "rows_resumed": self.rows_resumed,
            **self.extras,
            "skipped": dict(self.skipped),
            "dropped": self.dropped_by_path,
            "coverage": dict(self.coverage),
            "batches": self.batches,
            "requests": self.requests,
            "status_codes": dict(sorted(self.status_codes.items())),
            "ledger": self.ledger,
            "rejections": [dict(rejection) for rejection in self.rejections],
            **({} if self.degraded is None else {"degraded": list(self.degraded)}),
        }

    def recorded(self) -> dict[str, Any]:
        """The same and what only the ledger keeps."""
        return {
            **self.summary(),
            "failed_without_row": self.failed_without_row,
            "rejected_without_row": self.rejected_without_row,
            "failure": self.failure and self.failure._asdict(),
        }

    @property
    def rows_unconfirmed(self) -> int:
        """How many accepted rows may not have been stored."""
        return sum(self.unconfirmed.values())

    @property
    def dropped_by_path(self) -> dict[str, int]:
        """How many values of each field were left out."""
        paths: Counter[str] = Counter()
        for fault, rows in self.dropped.items():
            paths[fault.path] += rows
        return dict(sorted(paths.items()))

    def _of_them(self) -> str:
        """What is to be said of the accepted rows, in brackets."""
        counts = {"unconfirmed": self.rows_unconfirmed, "in an earlier try": self.rows_resumed}
        told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
        return f" ({told})" if told else ""

    def check_reconciled(self) -> None:
        """Makes sure that every row read ended in exactly one outcome.

        :raises RoktReconciliationError: where one did not.
        """
        ended = self.rows_accepted + self.rows_rejected + self.rows_failed + self.rows_skipped
        if ended != self.rows_read:
            raise RoktReconciliationError(
                f"delivery {self.delivery_id} read {self.rows_read} rows but accounts for {ended}: "
                f"{self.rows_accepted} accepted, {self.rows_rejected} rejected, {self.rows_failed} failed, "
                f"{self.rows_skipped} skipped. This is a fault in the provider, please report it with "
                f"the ledger {self.ledger}"
            )

    def judged(self, max_rejected: int | float, max_dropped: float = 1.0) -> Self:
        """The report itself, unless rows failed, too many were rejected or too many values left out.

        Failed rows come first: they are worth a retry, and the retry meets the same rejections again.

        :param max_rejected: rows (int) or a fraction of the rows read (float).
        :param max_dropped: the share of a field's values that may be invalid.
        :raises RoktIncompleteError: where rows failed.
        :raises RoktRejectedError: where too many were rejected.
        :raises RoktDroppedError: where too many of a field's values were left out.
        """
        if self.rows_failed or self.failed_without_row:
            incomplete = RoktIncompleteError(self._incomplete())
            incomplete.retry_after = self.retry_after
            raise self._carried_by(incomplete)
        rejected = self.rows_rejected + self.rejected_without_row
        if rejected > self.lifted.rejected and exceeds(rejected, self.rows_read, max_rejected):
            raise self._carried_by(RoktRejectedError(self._rejected(max_rejected)))
        if excess := self.census.excess(max_dropped, self.lifted.dropped):
            raise self._carried_by(RoktDroppedError(self._over(excess, max_dropped)))
        return self

    def _carried_by(self, error: RoktError) -> RoktError:
        error.report = self.summary()
        return error

    def _incomplete(self) -> str:
        # What was not sent any more failed for the same reason as what was sent last.
        failures: Counter[str] = Counter()
        for reason, rows in self.failures.items():
            failures[reason.removeprefix("not delivered: ")] += rows
        reasons = failures.most_common(REASONS_SHOWN)
        why = "; ".join(f"{reason} ({rows} {'row' if rows == 1 else 'rows'})" for reason, rows in reasons)
        others = f" and {self.failed_without_row} removals" if self.failed_without_row else ""
        return three_lines(
            f"{self.rows_failed} of {self.rows_read} rows{others} were not delivered: {why or 'see the ledger'}",
            self._arrived(),
            f"A retry sends them; without one, run the task again or, unless it mirrors, resend only them with "
            f"resend_from={self.delivery_id!r}. Ledger: {self.ledger}",
        )

    def _rejected(self, max_rejected: int | float) -> str:
        others = f" and {self.rejected_without_row} removals" if self.rejected_without_row else ""
        return three_lines(
            f"{self.rows_rejected} of {self.rows_read} rows{others} were rejected: {first_reasons(self.rejections)}",
            f"max_rejected is {max_rejected}; everything deliverable was delivered: {self._arrived()}",
            "Not retried, as they would be rejected again: correct them, then run the task again or, unless it "
            f"mirrors, with resend_from={self.delivery_id!r}. Ledger: {self.ledger}",
        )

    def _over(self, excess: Excess, max_dropped: float) -> str:
        return three_lines(
            str(excess),
            f"They were left out and everything else was delivered: {self._arrived()}",
            f"Not retried, as max_dropped={max_dropped} would fail it again: map another column, leave the field out, "
            f"or allow more. Ledger: {self.ledger}",
        )

    def _arrived(self) -> str:
        dropped = sum(self.dropped.values())
        values = f"; {dropped} {'value was' if dropped == 1 else 'values were'} left out" if dropped else ""
        return (
            f"{self.rows_accepted} of {self.rows_read} rows were accepted{self._of_them()}, "
            f"{self.rows_rejected} rejected, {self.rows_failed} failed, {self.rows_skipped} skipped{values}"
        )


@dataclass
class Tally:
    """Counts a delivery while it runs; the counts that need no rule are added to directly."""

    read: int = 0
    accepted: int = 0
    resumed: int = 0
    unconfirmed: Counter[str] = field(default_factory=Counter)
    rejected: int = 0
    failed: int = 0
    failed_without_row: int = 0
    rejected_without_row: int = 0
    skipped: Counter[Skip] = field(default_factory=Counter)
    dropped: Counter[FieldFault] = field(default_factory=Counter)
    coverage: Counter[int] = field(default_factory=Counter)
    census: Census = field(default_factory=Census)
    batches: int = 0
    requests: int = 0
    status_codes: Counter[str] = field(default_factory=Counter)
    rejections: list[dict[str, str]] = field(default_factory=list)
    reasons: Counter[FieldFault] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    extras: dict[str, int] = field(default_factory=dict)
    retry_after: float | None = None
    degraded: Sequence[str] | None = None

    @property
    def ended(self) -> int:
        """How many rows have come to their end."""
        return self.accepted + self.rejected + self.failed + self.skipped.total()

    @property
    def took_before(self) -> bool:
        """Whether Rokt took rows of this query in an earlier try or run, so that account and address are right."""
        return bool(self.resumed or self.skipped.total() - self.skipped[Skip.REPEATED])

    def reject(self, faults: Iterable[RowFault]) -> None:
        """Counts rows as rejected and keeps the first ones; of several faults in a row the first is shown."""
        for fault in faults:
            if fault.row.number != NO_ROW:
                self.rejected += 1
            else:
                self.rejected_without_row += 1
            first = FieldFault(*fault.faults[0]) if fault.faults else FieldFault("", "")
            count_apart(self.reasons, first, OTHERS)
            if len(self.rejections) < REJECTIONS_SHOWN:
                row = {"row": printable(fault.row.key), "path": printable(first.path)}
                self.rejections.append({**row, "reason": printable(first.reason, REASON_CHARS)})

    def resume(self, rows: Counter[int]) -> None:
        """Counts rows that an earlier try had accepted, by their coverage."""
        self.resumed += rows.total()
        self.accepted += rows.total()
        self.coverage += rows

    def drop(self, faults: Iterable[RowFault]) -> None:
        """Counts the values that were left out of rows."""
        for fault in faults:
            self.dropped.update(fault.faults)

    def fail(self, faults: Iterable[RowFault]) -> None:
        """Counts rows as failed, by reason; there are few reasons, as they name no row."""
        for fault in faults:
            if fault.row.number != NO_ROW:
                self.failed += 1
            else:
                self.failed_without_row += 1
            self.failures[printable(fault.faults[0].reason, REASON_CHARS) if fault.faults else "unknown"] += 1

    def fail_the_rest(self, reason: str) -> None:
        """Counts every row read and not accounted for as failed: the delivery ended before it got to them."""
        if (rest := self.read - self.ended) > 0:
            self.failed += rest
            self.failures[reason] += rest

    def report(self, delivery_id: str, ledger_uri: str, sync: str | None = None) -> Report:
        """The counts as they stand now."""
        return Report(
            delivery_id,
            ledger_uri,
            rows_read=self.read,
            rows_accepted=self.accepted,
            rows_rejected=self.rejected,
            rows_failed=self.failed,
            failed_without_row=self.failed_without_row,
            rejected_without_row=self.rejected_without_row,
            rows_skipped=self.skipped.total(),
            rows_resumed=self.resumed,
            sync=sync,
            unconfirmed=dict(self.unconfirmed),
            skipped={str(reason): rows for reason, rows in sorted(self.skipped.items()) if rows},
            dropped=dict(self.dropped),
            coverage=self.census.shares(self.coverage),
            census=self.census,
            batches=self.batches,
            requests=self.requests,
            status_codes=dict(self.status_codes),
            rejections=tuple(self.rejections),
            reasons=dict(self.reasons),
            failures=dict(self.failures),
            extras=dict(self.extras),
            retry_after=self.retry_after,
            degraded=self.degraded,
        )
