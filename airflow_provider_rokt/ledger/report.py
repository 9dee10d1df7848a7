"""The arithmetic of a delivery: what was read and where every row ended."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from airflow_provider_rokt.exceptions import (
    RoktDroppedError,
    RoktError,
    RoktIncompleteError,
    RoktReconciliationError,
    RoktRejectedError,
)
from airflow_provider_rokt.flow.census import Census, Excess
from airflow_provider_rokt.flow.checks import exceeds
from airflow_provider_rokt.flow.row import NO_ROW, FieldFault, RowFault, Skip

REJECTIONS_SHOWN: Final = 20
"""Rejections kept in the report. The ledger has them all; a report travels through Airflow's database."""
REASONS_SHOWN: Final = 3
"""Reasons an error message names."""
KEY_CHARS: Final = 200
"""Characters of a row's key shown in a report; a column mistaken for an id may hold a whole document."""


def printable(text: str) -> str:
    """Text that every database can store in a JSON column: no NUL, no half surrogate pairs, not endless."""
    clean = text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")
    return clean if len(clean) <= KEY_CHARS else clean[: KEY_CHARS - 1] + "…"


def first_reasons(rejections: Sequence[Mapping[str, str]]) -> str:
    """The first rejections in words, for an error message."""
    reasons = [f"row {r['row']!r}: {r['path'] or 'whole row'}: {r['reason']}" for r in rejections[:REASONS_SHOWN]]
    return "; ".join(reasons) or "see the ledger"


@dataclass(frozen=True)
class Report:
    """What became of a delivery's rows.

    :param unconfirmed: accepted rows whose answer may mean something else, by reason; 0 for what has no row.
    :param skipped: the skipped rows by reason.
    :param dropped: values that were left out of rows that were sent, by field and reason.
    :param coverage: the share of accepted rows that carry each identity and what else Rokt matches people by.
    :param census: what was counted of the fields' values.
    :param status_codes: answers by HTTP status, those to retried attempts included; ``"none"`` where none came.
    :param ledger: the ledger's URI.
    :param rejections: the first rejected rows: ``row`` (key), ``path``, ``reason``.
    :param failures: reasons of failed rows, with how many rows each; only for error messages.
    :param failed_without_row: what failed and has no row, such as the removal of somebody who left the query.
    :param rejected_without_row: the same of what was rejected; it counts against ``max_rejected`` like a row.
    :param extras: further counts of the operation (an audience's ``members_added`` ...).
    :param retry_after: seconds that Rokt asked to wait, where that was too long to wait for.
    """

    delivery_id: str
    ledger: str
    rows_read: int = 0
    rows_accepted: int = 0
    rows_rejected: int = 0
    rows_failed: int = 0
    rows_skipped: int = 0
    unconfirmed: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    dropped: Mapping[FieldFault, int] = field(default_factory=dict)
    coverage: Mapping[str, float] = field(default_factory=dict)
    census: Census = field(default_factory=Census)
    batches: int = 0
    requests: int = 0
    status_codes: Mapping[str, int] = field(default_factory=dict)
    rejections: tuple[Mapping[str, str], ...] = ()
    failures: Mapping[str, int] = field(default_factory=dict)
    failed_without_row: int = 0
    rejected_without_row: int = 0
    extras: Mapping[str, int] = field(default_factory=dict)
    retry_after: float | None = None

    def summary(self) -> dict[str, Any]:
        """The flat, JSON-safe result that a task returns and the ledger keeps."""
        return {
            "delivery_id": self.delivery_id,
            "rows_read": self.rows_read,
            "rows_accepted": self.rows_accepted,
            "rows_rejected": self.rows_rejected,
            "rows_failed": self.rows_failed,
            "rows_skipped": self.rows_skipped,
            "rows_unconfirmed": self.rows_unconfirmed,
            **self.extras,
            "skipped": dict(self.skipped),
            "dropped": self.dropped_by_path,
            "coverage": dict(self.coverage),
            "batches": self.batches,
            "requests": self.requests,
            "status_codes": dict(sorted(self.status_codes.items())),
            "ledger": self.ledger,
            "rejections": [dict(rejection) for rejection in self.rejections],
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

    def __str__(self) -> str:
        codes = ", ".join(f"{code}: {count}" for code, count in sorted(self.status_codes.items())) or "none"
        return (
            f"Delivery {self.delivery_id}: {self.rows_read} rows read, {self.rows_accepted} accepted"
            f"{f' ({self.rows_unconfirmed} unconfirmed)' if self.rows_unconfirmed else ''}, "
            f"{self.rows_rejected} rejected, {self.rows_failed} failed, {self.rows_skipped} skipped; "
            f"{self.batches} batches in {self.requests} requests, answers {codes}. Ledger: {self.ledger}"
        )

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
            raise self._carried_by(RoktIncompleteError(self._incomplete()))
        if exceeds(self.rows_rejected + self.rejected_without_row, self.rows_read, max_rejected):
            raise self._carried_by(RoktRejectedError(self._rejected(max_rejected)))
        if excess := self.census.excess(max_dropped):
            raise self._carried_by(RoktDroppedError(self._over(excess, max_dropped)))
        return self

    def _carried_by(self, error: RoktError) -> RoktError:
        error.report = self.summary()
        return error

    def _incomplete(self) -> str:
        reasons = sorted(self.failures.items(), key=lambda item: -item[1])[:REASONS_SHOWN]
        why = "; ".join(f"{reason} ({rows} rows)" for reason, rows in reasons) or "see the ledger"
        others = f" and {self.failed_without_row} removals" if self.failed_without_row else ""
        return (
            f"{self.rows_failed} of {self.rows_read} rows{others} were not delivered: {why}. Run the task again, or, "
            f"unless it mirrors, resend only them with resend_from={self.delivery_id!r}. Ledger: {self.ledger}"
        )

    def _rejected(self, max_rejected: int | float) -> str:
        others = f" and {self.rejected_without_row} removals" if self.rejected_without_row else ""
        return (
            f"{self.rows_rejected} of {self.rows_read} rows{others} were rejected and max_rejected is {max_rejected}; "
            f"everything deliverable was delivered. First: {first_reasons(self.rejections)}. Correct these rows and "
            f"run the task again, or, unless it mirrors, resend only them with resend_from={self.delivery_id!r}. "
            f"Ledger: {self.ledger}"
        )

    def _over(self, excess: Excess, max_dropped: float) -> str:
        return (
            f"{excess} They were left out and everything else was delivered; max_dropped={max_dropped} allows no more. "
            f"Ledger: {self.ledger}"
        )


@dataclass
class Tally:
    """Counts a delivery while it runs; the counts that need no rule are added to directly."""

    read: int = 0
    accepted: int = 0
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
    failures: Counter[str] = field(default_factory=Counter)
    extras: dict[str, int] = field(default_factory=dict)
    retry_after: float | None = None

    def reject(self, faults: Iterable[RowFault]) -> None:
        """Counts rows as rejected and keeps the first ones; of several faults in a row the first is shown."""
        for fault in faults:
            if fault.row.number != NO_ROW:
                self.rejected += 1
            else:
                self.rejected_without_row += 1
            if len(self.rejections) < REJECTIONS_SHOWN:
                path, reason = fault.faults[0] if fault.faults else ("", "")
                row = {"row": fault.row.key, "path": path, "reason": reason}
                self.rejections.append({name: printable(text) for name, text in row.items()})

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
            self.failures[printable(fault.faults[0].reason) if fault.faults else "unknown"] += 1

    def fail_the_rest(self, reason: str) -> None:
        """Counts every row read and not accounted for as failed: the delivery ended before it got to them."""
        rest = self.read - self.accepted - self.rejected - self.failed - self.skipped.total()
        if rest > 0:
            self.failed += rest
            self.failures[reason] += rest

    def report(self, delivery_id: str, ledger_uri: str) -> Report:
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
            unconfirmed=dict(self.unconfirmed),
            skipped={str(reason): rows for reason, rows in sorted(self.skipped.items()) if rows},
            dropped=dict(self.dropped),
            coverage=self.census.shares(self.coverage),
            census=self.census,
            batches=self.batches,
            requests=self.requests,
            status_codes=dict(self.status_codes),
            rejections=tuple(self.rejections),
            failures=dict(self.failures),
            extras=dict(self.extras),
            retry_after=self.retry_after,
        )
