"""What the ledger says of one delivery, as lines of the two tables: keys, paths, reasons and counts, never a value."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from airflow_provider_rokt.flow.row import NO_ROW, FieldFault, Outcome
from airflow_provider_rokt.ledger.reader import LedgerReader, Named
from airflow_provider_rokt.ledger.records import AcceptedRecord, DroppedRecord
from airflow_provider_rokt.ledger.report import printable
from airflow_provider_rokt.transfers.tables import DELIVERY_COLUMNS, ROW_COLUMNS

Value = str | int | datetime | None
OutcomeLine = tuple[Value, ...]
"""The values of one line, in the order of its table's columns."""

DROPPED: Final = "dropped"
"""The outcome of a line that tells of a value which was left out of a row that was sent."""
UNCONFIRMED: Final = "unconfirmed: it is not certain that Rokt stored it"

_NO_FAULT: Final = FieldFault("", "")


def delivery_line(reader: LedgerReader, report: dict[str, Any]) -> OutcomeLine:
    """The delivery's line.

    :param report: the final one.
    :raises RoktLedgerError: where the header cannot be read.
    """
    header = reader.header
    known: dict[str, Any] = {
        # Older releases wrote no sync, no unconfirmed and no dropped rows.
        **report,
        **header.sender,
        "delivery_id": reader.delivery_id,
        "sync": report.get("sync") or header.sender.get("sync"),
        "operation": header.operation,
        "state": "complete" if report["complete"] else "incomplete",
        "rokt_conn_id": header.sender.get("connection"),
        "started_at": _moment(header.started_at),
        "finished_at": _moment(report["finished_at"]),
        "values_dropped": sum(report.get("dropped", {}).values()),
    }
    return tuple(_fitting(name, known.get(name), DELIVERY_COLUMNS) for name in DELIVERY_COLUMNS)


def row_lines(reader: LedgerReader) -> Iterator[OutcomeLine]:
    """The lines of its rows, in the order of the ledger; to be taken to the end.

    :raises RoktLedgerError: where the ledger is not finished, or damaged.
    """
    of_delivery = {"delivery_id": reader.delivery_id, "operation": reader.header.operation}
    told = (line for record in reader.outcomes() for line in _told(record))
    for number, line in enumerate(told, 1):
        known = {**of_delivery, **line, "line_number": number}
        yield tuple(_fitting(name, known.get(name), ROW_COLUMNS) for name in ROW_COLUMNS)


def _told(record: Named) -> Iterator[dict[str, Value]]:
    if isinstance(record, AcceptedRecord):
        reason = None if record.confirmed else UNCONFIRMED
        for number, key in record.rows:
            yield _line(number, key, Outcome.ACCEPTED, 1, None, reason, record.status)
        return
    outcome, status = (DROPPED, None) if isinstance(record, DroppedRecord) else (record.outcome, record.status)
    for place, (path, reason) in enumerate(record.faults or (_NO_FAULT,), 1):
        yield _line(record.number, record.key, outcome, place, path, reason, status)


def _line(
    number: int, key: str, outcome: str, reason_number: int, path: str | None, reason: str | None, status: int | None
) -> dict[str, Value]:
    return {
        "row_place": None if number == NO_ROW else number,
        "row_key": key,
        "outcome": str(outcome),
        "reason_number": reason_number,
        "path": path or None,
        "reason": reason or None,
        "status": status,
    }


def _fitting(name: str, value: Any, columns: Any) -> Value:
    """A value as its column takes it; what a ledger holds in a number's place that is none is left out."""
    most = columns[name]
    if value is None or isinstance(value, datetime):
        return value
    if isinstance(most, int):
        return printable(str(value), most)
    return value if isinstance(value, int) else None


def _moment(text: str) -> datetime | None:
    """A time in UTC, without its zone, as most databases hold it."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment.astimezone(UTC) if moment.tzinfo else moment).replace(tzinfo=None)
