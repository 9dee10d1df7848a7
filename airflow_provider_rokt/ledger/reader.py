"""Reads a delivery's ledger, also while it is written and after its task was killed."""

from collections.abc import Collection, Iterator
from functools import cached_property
from typing import Any, Final, TypeVar

import msgspec

from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.ledger.records import FORMAT, DeliveryHeader, DroppedRecord, Peek, RequestRecord, RowRecord
from airflow_provider_rokt.storage.folder import Folder, part_name

REPORT_NAME: Final = "report.jsonl"

_UNDELIVERED: Final = (Outcome.REJECTED, Outcome.FAILED)

_Record = TypeVar("_Record", bound=msgspec.Struct)
_Decoded = TypeVar("_Decoded")


class LedgerReader:
    """One delivery's ledger; reads as it goes and holds nothing but the header.

    :param folder: the delivery's folder.
    :param delivery_id: its name.
    """

    def __init__(self, folder: Folder, delivery_id: str) -> None:
        self.delivery_id = delivery_id
        self._folder = folder

    @property
    def uri(self) -> str:
        """The address of its folder."""
        return self._folder.uri

    @cached_property
    def header(self) -> DeliveryHeader:
        """Who began the delivery, when and with which options.

        :raises RoktLedgerError: where the line is missing, damaged or of another format.
        """
        for header in self._records(DeliveryHeader, [part_name(0)]):
            return header
        raise RoktLedgerError(f"the ledger {self.uri} has no header; was its task killed as it began?")

    def requests(self) -> Iterator[RequestRecord]:
        """Every request, in the order they ended."""
        for record in self._records(RequestRecord, self._parts()):
            yield record.unfolded()

    def rows(self, outcomes: Collection[Outcome] = _UNDELIVERED) -> Iterator[RowRecord]:
        """The rows that were not delivered and ended so."""
        for record in self._records(RowRecord, self._parts()):
            if record.outcome in outcomes:
                yield record

    def dropped(self) -> Iterator[DroppedRecord]:
        """The rows that were sent without some of their values."""
        return self._records(DroppedRecord, self._parts())

    def report(self) -> dict[str, Any] | None:
        """The flat final report with ``complete`` and ``finished_at``; None while it runs, and after it was killed.

        :raises RoktLedgerError: where it is damaged.
        """
        if not self.finished:
            return None
        for line in self._folder.lines(REPORT_NAME):
            report = self._decode(msgspec.json.Decoder(dict[str, Any]), line, REPORT_NAME)
            return {name: value for name, value in report.items() if name != "kind"}
        raise RoktLedgerError(f"the ledger {self.uri} has an empty {REPORT_NAME}")

    @property
    def finished(self) -> bool:
        """Whether it has its final report; asks one question of the storage, reads nothing."""
        return self._folder.exists(REPORT_NAME)

    @property
    def complete(self) -> bool:
        """Whether the source was read to its end, so that every row is accounted for."""
        report = self.report()
        return report is not None and bool(report["complete"])

    def undelivered_keys(self) -> set[str]:
        """The keys of all rejected and failed rows.

        :raises RoktLedgerError: where rows may be missing that were never read.
        """
        if not self.complete:
            raise RoktLedgerError(
                f"delivery {self.delivery_id} did not read its rows to the end, so its ledger {self.uri} cannot name "
                "all that is missing: run the task again without resend_from"
            )
        return {record.key for record in self.rows()}

    def _parts(self) -> list[str]:
        return [name for name in self._folder.names() if name.startswith("part-") and name.endswith(".jsonl")]

    def _records(self, kind: type[_Record], parts: list[str]) -> Iterator[_Record]:
        """The records of one kind; kinds that a later release adds are passed over."""
        peek, decoder = msgspec.json.Decoder(Peek), msgspec.json.Decoder(kind)
        for part in parts:
            for line in self._folder.lines(part):
                # A line without its end is being written, or was when the task was killed.
                if line.endswith(b"\n") and self._kind(peek, line, part) == kind.__struct_config__.tag:
                    yield self._decode(decoder, line, part)

    def _kind(self, peek: msgspec.json.Decoder[Peek], line: bytes, part: str) -> str:
        start = self._decode(peek, line, part)
        if start.format not in (None, FORMAT):
            raise RoktLedgerError(
                f"the ledger {self.uri} has format {start.format!r} and this release reads {FORMAT}: it was written "
                "by another release of airflow-provider-rokt, which can read it"
            )
        return start.kind

    def _decode(self, decoder: msgspec.json.Decoder[_Decoded], line: bytes, part: str) -> _Decoded:
        try:
            return decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            # The cause would quote the line, and with it a row's key.
            raise RoktLedgerError(f"the ledger {self.uri} has a damaged line in {part}") from None
