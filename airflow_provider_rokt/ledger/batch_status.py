"""The final status of every batch of some deliveries, counted by partition and shown in part."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.exceptions import (
    RoktIncompleteError,
    RoktLedgerDamagedError,
    RoktLedgerError,
    RoktRejectedError,
)
from airflow_provider_rokt.flow.checks import exceeds
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.ledger.parts import Damage
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord
from airflow_provider_rokt.ledger.report import OTHERS, REASON_CHARS, count_apart, first_reasons, printable, three_lines

SHOWN: Final = 100
"""Batches, and ledgers, that a status names one by one; it travels through Airflow's database."""
LEDGERS_IN_MESSAGE: Final = 3
COUNTS: Final = ("rows_read", "rows_accepted", "rows_rejected", "rows_failed", "rows_skipped", "batches")
"""What a status tells of each partition."""


class VerdictKind(NamedTuple):
    """What batches may have in common.

    :param status: the HTTP status that decided them; None where no answer came.
    :param reason: why they were not accepted.
    """

    outcome: Outcome
    status: int | None
    reason: str

    @property
    def label(self) -> str:
        """Outcome and reason in words."""
        return f"{self.outcome}: {self.reason}" if self.reason else str(self.outcome)


@dataclass
class BatchStatus:
    """Per-batch status of deliveries that are over.

    :ivar deliveries: how many have a report that can be read.
    :ivar status_codes: batches by the HTTP status that decided them; ``"none"`` where no answer came.
    :ivar kinds: batches by their kind of verdict; of reasons without end the first ones.
    :ivar partitions: of the first deliveries, what each sent, under its name.
    """

    deliveries: int = 0
    batches: int = 0
    status_codes: Counter[str] = field(default_factory=Counter)
    kinds: Counter[VerdictKind] = field(default_factory=Counter)
    rows_read: int = 0
    rows_rejected: int = 0
    rows_failed: int = 0
    ledgers: list[str] = field(default_factory=list)
    partitions: list[dict[str, Any]] = field(default_factory=list)
    _troubled: list[str] = field(default_factory=list)
    _asked: int = 0
    _damaged: list[str] = field(default_factory=list)
    _rejections: list[Mapping[str, str]] = field(default_factory=list)
    _accepted: list[dict[str, Any]] = field(default_factory=list)
    _refused: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, readers: Iterable[LedgerReader]) -> "BatchStatus":
        """The status of deliveries, each of which has its final report.

        What is damaged of one costs the others nothing; :meth:`check` names it.
        """
        status = cls()
        for reader in readers:
            status._add(reader)
        return status

    def _add(self, reader: LedgerReader) -> None:
        self._asked += 1
        damage = Damage()
        try:
            _ = reader.header
            self._add_report(reader)
            for request in reader.verdicts(damage):
                self._add_request(reader.delivery_id, request)
        except RoktLedgerError as error:
            self._damaged.append(str(error))
        if damage:
            self._damaged.append(f"the ledger {reader.uri} is damaged: {damage}")

    def _add_report(self, reader: LedgerReader) -> None:
        report = reader.report()
        if report is None:
            raise RoktLedgerError(f"the ledger {reader.uri} has no final report yet")
        self.deliveries += 1
        self.rows_read += report["rows_read"]
        self.rows_rejected += report["rows_rejected"]
        self.rows_failed += report["rows_failed"]
        self._rejections.extend(report["rejections"][: SHOWN - len(self._rejections)])
        if len(self.ledgers) < SHOWN:
            self.ledgers.append(reader.uri)
            self.partitions.append(
                {"partition": reader.header.partition, "delivery_id": reader.delivery_id}
                | {name: report[name] for name in COUNTS}
            )
        if report["rows_rejected"] or report["rows_failed"]:
            self._troubled.append(reader.uri)

    def _add_request(self, delivery_id: str, request: RequestRecord) -> None:
        self.batches += len(request.batches)
        for index, verdict in enumerate(request.batches):
            self.status_codes["none" if verdict.status is None else str(verdict.status)] += 1
            kind = VerdictKind(verdict.outcome, verdict.status, printable(verdict.reason, REASON_CHARS))
            count_apart(self.kinds, kind, kind._replace(reason=OTHERS.reason))
            shown = self._accepted if verdict.outcome is Outcome.ACCEPTED else self._refused
            if len(shown) < SHOWN:
                shown.append(_entry(delivery_id, request.number, index, verdict))

    @property
    def shown(self) -> list[dict[str, Any]]:
        """Batches one by one, those not accepted first."""
        return (self._refused + self._accepted)[:SHOWN]

    def summary(self) -> dict[str, Any]:
        """The flat, JSON-safe result of the sensor."""
        shown = self.shown
        return {
            "deliveries": self.deliveries,
            "batches": self.batches,
            "partitions": self.partitions,
            "status_codes": dict(sorted(self.status_codes.items())),
            "batch_statuses": shown,
            "batch_statuses_left_out": self.batches - len(shown),
            "rows_rejected": self.rows_rejected,
            "rows_failed": self.rows_failed,
            "ledgers": self.ledgers,
        }

    def check(self, max_rejected: int | float, max_failed: int | float) -> None:
        """Fails where more rows failed or were rejected than allowed; rows (int) or fractions of the rows read.

        :raises RoktLedgerDamagedError: where one of the deliveries cannot be judged.
        :raises RoktIncompleteError: where too many failed.
        :raises RoktRejectedError: where too many were rejected.
        """
        if self._damaged:
            raise RoktLedgerDamagedError(
                f"{len(self._damaged)} of {self._asked} deliveries cannot be judged: {_first(self._damaged)}. "
                "Restore their ledgers, or run the tasks that sent them again; Rokt recognises what it took already"
            )
        if exceeds(self.rows_failed, self.rows_read, max_failed):
            raise RoktIncompleteError(
                three_lines(
                    f"{self.rows_failed} of {self.rows_read} rows were not delivered, max_failed is {max_failed}",
                    f"Of the others {self.rows_rejected} were rejected; the rest was delivered, or left out on purpose",
                    "Looking again would not change it: clear the tasks that sent them, or resend only these rows with "
                    f"resend_from. {self._where()}",
                )
            )
        if exceeds(self.rows_rejected, self.rows_read, max_rejected):
            raise RoktRejectedError(
                three_lines(
                    f"{self.rows_rejected} of {self.rows_read} rows were rejected: {first_reasons(self._rejections)}",
                    f"max_rejected is {max_rejected}. Of the others {self.rows_failed} failed; the rest was delivered, "
                    "or left out on purpose",
                    "Looking again would not change it: correct these rows, then resend them with resend_from. "
                    f"{self._where()}",
                )
            )

    def _where(self) -> str:
        return f"Ledgers: {_first(self._troubled)}"


def _first(what: Sequence[str]) -> str:
    more = len(what) - LEDGERS_IN_MESSAGE
    return ", ".join(what[:LEDGERS_IN_MESSAGE]) + (f" and {more} more" if more > 0 else "")


def _entry(delivery_id: str, request: int, index: int, verdict: VerdictRecord) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "delivery_id": delivery_id,
        "request": request,
        "batch": index,
        "status": verdict.status,
        "outcome": str(verdict.outcome),
        "rows": verdict.rows,
    }
    if verdict.reason:
        entry["reason"] = printable(verdict.reason, REASON_CHARS)
    return entry
