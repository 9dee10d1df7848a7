"""Writes one delivery's ledger, a line at a time as verdicts come, and its report at the end."""

from collections.abc import Iterable
from datetime import UTC, datetime

from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.flow.row import Outcome, RowFault
from airflow_provider_rokt.ledger.reader import REPORT_NAME
from airflow_provider_rokt.ledger.records import DeliveryHeader, DroppedRecord, RequestRecord, RowRecord, encode
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.storage.folder import Folder


class LedgerWriter:
    """Writes one delivery's ledger; for one thread.

    :ivar delivery_id: the delivery's name.
    :ivar uri: the address of its folder.
    """

    def __init__(self, folder: Folder, header: DeliveryHeader) -> None:
        self.delivery_id = header.delivery_id
        self.uri = folder.uri
        self._folder = folder
        try:
            self._lines = folder.writer()
            self._lines.write(encode([header]))
            self._lines.flush()
        except FileExistsError as error:
            raise RoktLedgerError(f"a ledger of delivery {self.delivery_id!r} exists already: {self.uri}") from error
        except OSError as error:
            raise RoktLedgerError(
                f"the ledger {self.uri} cannot be written ({type(error).__name__}: {error.strerror}). Set [rokt] "
                "ledger_path to a folder or bucket this worker may write to"
            ) from error

    def request(self, record: RequestRecord) -> None:
        """Records one request and its verdicts."""
        self._lines.write(encode([record.folded()]))

    def rows(self, outcome: Outcome, faults: Iterable[RowFault]) -> None:
        """Records rows that were not delivered.

        :param outcome: ``rejected`` or ``failed``.
        """
        self._lines.write(encode(RowRecord.of(outcome, fault) for fault in faults))

    def dropped(self, faults: Iterable[RowFault]) -> None:
        """Records values that were left out of rows that are sent."""
        self._lines.write(encode(DroppedRecord(fault.row.number, fault.row.key, fault.faults) for fault in faults))

    def finish(self, report: Report, complete: bool) -> None:
        """Records the final report; nothing can be written afterwards.

        :param complete: whether the source was read to its end, so that every row is accounted for.
        """
        self._lines.close()
        finished_at = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"kind": "report", **report.summary(), "complete": complete, "finished_at": finished_at}
        self._folder.put(REPORT_NAME, b"".join(encode([line])))
