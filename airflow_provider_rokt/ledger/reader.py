"""Reads a delivery's ledger, also while it is written, after its task was killed, and what is left of a damaged one."""

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, Final

import msgspec

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktLedgerError
from airflow_provider_rokt.flow.row import NO_ROW, Outcome
from airflow_provider_rokt.ledger.parts import REPORT_NAME, UNREADABLE, Damage, Parts
from airflow_provider_rokt.ledger.records import (
    AcceptedRecord,
    DeliveryHeader,
    DroppedRecord,
    ReportRecord,
    RequestRecord,
    RowRecord,
    UndeliveredRecord,
)
from airflow_provider_rokt.storage.folder import Folder

Line = RequestRecord | RowRecord | DroppedRecord
Named = RowRecord | DroppedRecord | AcceptedRecord

_LINES: Final[tuple[type[Line], ...]] = (RequestRecord, RowRecord, DroppedRecord)
_NAMED: Final[tuple[type[Named], ...]] = (RowRecord, DroppedRecord, AcceptedRecord)
_UNDELIVERED: Final = (Outcome.REJECTED, Outcome.FAILED)


class LedgerReader:
    """One delivery's ledger; reads as it goes and holds nothing but the header.

    :param folder: the delivery's folder.
    :param delivery_id: its name.
    """

    def __init__(self, folder: Folder, delivery_id: str) -> None:
        self.delivery_id = delivery_id
        self._folder = folder
        self._parts = Parts(folder)

    @property
    def uri(self) -> str:
        """The address of its folder."""
        return self._folder.uri

    @cached_property
    def header(self) -> DeliveryHeader:
        """Who began the delivery, when and with which options.

        :raises RoktLedgerDamagedError: where the line is missing or damaged.
        :raises RoktLedgerError: where it is of another format.
        """
        return self._parts.header()

    def requests(self, damage: Damage | None = None) -> Iterator[RequestRecord]:
        """Every request, in the order they ended.

        :param damage: as :meth:`Parts.records` takes it.
        """
        for record in self._parts.records(RequestRecord, damage=damage):
            yield record.unfolded()

    def verdicts(self, damage: Damage) -> Iterator[RequestRecord]:
        """Every request, with a look at the rows that were not delivered.

        :raises RoktLedgerError: where there is no final report yet.
        :raises RoktLedgerDamagedError: at the end, where batches or rows are missing that the report tells of and
            ``damage`` does not tell why.
        """
        report, rows, batches = self.final_report(), 0, 0
        kinds: tuple[type[RequestRecord | UndeliveredRecord], ...] = (RequestRecord, UndeliveredRecord)
        for record in self._parts.records(*kinds, damage=damage):
            if isinstance(record, UndeliveredRecord):
                rows += record.outcome in _UNDELIVERED and record.number != NO_ROW
                continue
            unfolded = record.unfolded()
            batches += len(unfolded.batches)
            yield unfolded
        if damage or not report["complete"]:
            return
        if rows != (told := report["rows_rejected"] + report["rows_failed"]):
            self._refuse_missing(rows, told)
        if batches != report["batches"]:
            raise self._damaged(f"it names {batches} batches and its report counts {report['batches']}")

    def rows(self, outcomes: Collection[Outcome] = _UNDELIVERED) -> Iterator[RowRecord]:
        """The rows that were not delivered and ended so."""
        for record in self._parts.records(RowRecord):
            if record.outcome in outcomes:
                yield record

    def dropped(self) -> Iterator[DroppedRecord]:
        """The rows that were sent without some of their values."""
        return self._parts.records(DroppedRecord)

    def records(self, damage: Damage) -> Iterator[Line]:
        """Everything that can be read, in the order it was written, in one pass."""
        for record in self._parts.records(*_LINES, damage=damage):
            yield record.unfolded() if isinstance(record, RequestRecord) else record

    def report(self) -> dict[str, Any] | None:
        """The flat final report with ``complete`` and ``finished_at``; None while it runs, and after it was killed.

        What :class:`ReportRecord` demands is in it, of the types it demands.

        :raises RoktLedgerDamagedError: where it is damaged.
        """
        try:
            line = next(self._folder.lines(REPORT_NAME), b"")
        except FileNotFoundError:
            return None
        except IsADirectoryError:
            raise self._damaged(f"{REPORT_NAME} is a folder") from None
        try:
            record = msgspec.json.decode(line, type=ReportRecord)
            report = msgspec.json.decode(line, type=dict[str, Any])
        except UNREADABLE:
            # The cause would quote the line.
            raise self._damaged(f"{REPORT_NAME} is no report") from None
        if record.delivery_id != self.delivery_id:
            raise self._damaged(f"{REPORT_NAME} is another delivery's")
        if not record.adds_up:
            raise self._damaged(f"the rows of {REPORT_NAME} do not add up")
        return {name: value for name, value in report.items() if name != "kind"}

    @property
    def finished(self) -> bool:
        """Whether it has its final report; asks one question of the storage, reads nothing."""
        return self._folder.exists(REPORT_NAME)

    @property
    def complete(self) -> bool:
        """Whether the source was read to its end, so that every row is accounted for."""
        report = self.report()
        return report is not None and bool(report["complete"])

    def final_report(self) -> dict[str, Any]:
        """The final report, as :meth:`report` has it.

        :raises RoktLedgerError: where there is none yet.
        :raises RoktLedgerDamagedError: where it is damaged.
        """
        report = self.report()
        if report is None:
            raise RoktLedgerError(
                f"delivery {self.delivery_id} is not over, or its task was killed: its ledger {self.uri} has no final "
                "report. Wait for it with RoktBatchStatusSensor"
            )
        return report

    def outcomes(self) -> Iterator[Named]:
        """What became of each row that it names, in the order it was written: to be read to the end.

        :raises RoktLedgerError: where there is no final report yet.
        :raises RoktLedgerDamagedError: where a line is damaged, or rows are missing that the report tells of.
        """
        report, rows = self.final_report(), 0
        for record in self._parts.records(*_NAMED):
            rows += isinstance(record, RowRecord) and record.number != NO_ROW
            yield record
        # Rows that were never read to the end count as failed, and have no name.
        if report["complete"] and rows != (told := report["rows_rejected"] + report["rows_failed"]):
            self._refuse_missing(rows, told)

    def undelivered(self) -> Iterator[UndeliveredRecord]:
        """All rejected and failed rows, and whatever else was rejected or failed: they must be read to the end.

        :raises RoktLedgerError: where rows may be missing that were never read.
        :raises RoktLedgerDamagedError: where rows are missing that the report tells of.
        """
        report = self.report()
        if report is None or not report["complete"]:
            raise RoktLedgerError(
                f"delivery {self.delivery_id} did not read its rows to the end, so its ledger {self.uri} cannot name "
                "all that is missing: run the task again without resend_from"
            )
        rows = 0
        for record in self._parts.records(UndeliveredRecord):
            if record.outcome in _UNDELIVERED:
                rows += record.number != NO_ROW
                yield record
        if rows != (told := report["rows_rejected"] + report["rows_failed"]):
            self._refuse_missing(rows, told)

    def _refuse_missing(self, rows: int, told: int) -> None:
        damage = Damage()
        for _ in self.records(damage):
            pass
        raise self._damaged(
            f"it names {rows} undelivered rows and its report counts {told}: "
            f"{damage or 'a part of it was cut short, or lost'}"
        )

    def _damaged(self, what: str) -> RoktLedgerDamagedError:
        return RoktLedgerDamagedError(f"the ledger {self.uri} is damaged: {what}")
