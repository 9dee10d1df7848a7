"""Writes one delivery's ledger, a line at a time as verdicts come, and its report at the end."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import msgspec

from airflow_provider_rokt.exceptions import RoktLedgerError, RoktLedgerWriteError, RoktStorageError
from airflow_provider_rokt.flow.row import Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.parts import REPORT_NAME
from airflow_provider_rokt.ledger.records import (
    AcceptedRecord,
    DeliveryHeader,
    DroppedRecord,
    RequestRecord,
    RowRecord,
    encode,
)
from airflow_provider_rokt.ledger.report import Report
from airflow_provider_rokt.storage.folder import Folder

ROWS_A_LINE: Final = 500


class LedgerWriter:
    """Writes one delivery's ledger; for one thread.

    Whatever the storage fails with is a :class:`RoktLedgerWriteError`. Nothing more is written then: every later call
    raises an error of the same text again, so that no line stands behind one that is missing. Only :meth:`finish` still
    tries to leave the report, as incomplete, before it raises: whoever waits for it need not wait in vain. There is
    nothing else to close.

    :ivar delivery_id: the delivery's name.
    :ivar uri: the address of its folder.
    :ivar sync: the name of the sync it belongs to.
    :raises RoktLedgerError: where there is a ledger of that name.
    """

    def __init__(self, folder: Folder, header: DeliveryHeader) -> None:
        self.delivery_id = header.delivery_id
        self.uri = folder.uri
        self.sync: str | None = header.sender.get("sync")
        self._folder = folder
        self._failure: str | None = None
        with self._writing():
            try:
                self._lines = folder.writer()
            except FileExistsError:
                raise RoktLedgerError(f"a ledger of delivery {self.delivery_id!r} exists already: {self.uri}") from None
            self._lines.write(encode([header]))
            self._lines.flush()

    def request(self, record: RequestRecord) -> None:
        """Records one request and its verdicts."""
        self._write([record.folded()])

    def rows(self, outcome: Outcome, faults: Iterable[RowFault]) -> None:
        """Records rows that were not delivered.

        :param outcome: ``rejected`` or ``failed``.
        """
        self._write(RowRecord.of(outcome, fault) for fault in faults)

    def dropped(self, faults: Iterable[RowFault]) -> None:
        """Records values that were left out of rows that are sent."""
        self._write(DroppedRecord(fault.row.number, fault.row.key, fault.faults) for fault in faults)

    def accepted(self, rows: Iterable[RowRef], status: int | None, *, confirmed: bool = True) -> None:
        """Records rows that Rokt took, a few hundred a line: a request of an import may have a million."""
        rows = iter(rows)
        parts = iter(lambda: tuple(islice(rows, ROWS_A_LINE)), ())
        self._write(AcceptedRecord(status, part, confirmed) for part in parts)

    def finish(self, report: Report, complete: bool) -> None:
        """Records the final report; nothing can be written afterwards.

        :param complete: whether the source was read to its end, so that every row is accounted for.
        :raises RoktLedgerWriteError: where the storage fails, or did so before.
        """
        finished_at = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"kind": "report", **report.recorded(), "complete": complete, "finished_at": finished_at}
        try:
            with self._writing():
                self._lines.close()
                self._put(line)
        except RoktLedgerWriteError:
            with suppress(RoktStorageError):
                self._lines.close()
            with suppress(RoktStorageError):
                self._put({**line, "complete": False})
            raise

    def _write(self, records: Iterable[msgspec.Struct]) -> None:
        with self._writing():
            self._lines.write(encode(records))

    def _put(self, report: dict[str, Any]) -> None:
        self._folder.put(REPORT_NAME, b"".join(encode([report])))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._failure is None:
            try:
                yield
                return
            except RoktStorageError as error:
                self._failure = error.failure
        raise RoktLedgerWriteError(f"the ledger {self.uri} cannot be written", self._failure) from None
