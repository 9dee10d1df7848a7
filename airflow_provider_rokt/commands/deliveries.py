"""``airflow rokt deliveries``: what the ledger says of what was sent."""

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from airflow_provider_rokt.commands.exit_status import exits
from airflow_provider_rokt.commands.output import aligned, is_data, print_data, printable
from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import RowRecord, VerdictRecord
from airflow_provider_rokt.task.configuration import open_ledger

_COUNTS: Final = ("read", "accepted", "rejected", "failed", "skipped")
_VERDICTS_SHOWN: Final = 20


@exits
def list_deliveries(arguments: Namespace) -> int:
    """Lists the newest deliveries, newest first."""
    ledger, output = open_ledger(), arguments.output
    deliveries = [_entry(reader) for reader in ledger.deliveries(arguments.limit)]
    if not is_data(output):
        deliveries = [{name: "" if value is None else value for name, value in row.items()} for row in deliveries]
        if not deliveries:
            print(f"No deliveries under {ledger.uri}")
            return 0
    print_data(deliveries, output)
    return 0


@exits
def show_delivery(arguments: Namespace) -> int:
    """Shows one delivery."""
    reader = open_ledger().open(arguments.delivery_id)
    if is_data(arguments.output):
        print_data(_data(reader, arguments.rows), arguments.output)
        return 0
    for section in (_head(reader), _outcome(reader), _batches(_verdicts(reader)), _rows(reader, arguments.rows)):
        print("\n".join(section), end="\n\n")
    return 0


def _entry(reader: LedgerReader) -> dict[str, Any]:
    header, report, state = reader.header, None, "unreadable"
    try:
        report = reader.report()
        state = _state(report)
    except RoktLedgerError:
        pass  # one damaged report must not hide the others
    return {
        "delivery_id": reader.delivery_id,
        "started": header.started_at,
        "operation": header.operation,
        "task": _task(header.sender),
        "state": state,
        **{count: report and report[f"rows_{count}"] for count in _COUNTS},
    }


def _state(report: Mapping[str, Any] | None) -> str:
    if report is None:
        return "running"
    return "complete" if report["complete"] else "incomplete"


def _task(sender: Mapping[str, Any]) -> str:
    """The task instance's name; empty for what was not sent by a task."""
    name = ".".join(str(sender[part]) for part in ("dag_id", "task_id") if sender.get(part))
    index = sender.get("map_index")
    return f"{name} #{index}" if isinstance(index, int) and index >= 0 else name


def _data(reader: LedgerReader, most: int) -> dict[str, Any]:
    """Everything that the text tells, and all of the report."""
    header, report = reader.header, reader.report()
    return {
        "delivery_id": reader.delivery_id,
        "operation": header.operation,
        "started": header.started_at,
        "sender": dict(header.sender),
        "options": dict(header.options),
        "ledger": reader.uri,
        "state": _state(report),
        "report": report,
        "batches": [
            {
                "outcome": str(kind.outcome),
                "status": kind.status,
                "path": kind.path,
                "reason": kind.reason,
                "batches": batches,
                "rows": rows,
            }
            for kind, batches, rows in _verdicts(reader)
        ],
        "rows": [
            {
                "outcome": str(record.outcome),
                "number": record.number,
                "key": record.key,
                "faults": [fault._asdict() for fault in record.faults],
            }
            for record in islice(reader.rows(), most)
        ],
    }


def _head(reader: LedgerReader) -> Iterator[str]:
    header = reader.header
    yield f"Delivery {reader.delivery_id}"
    details = {
        "operation": header.operation,
        "started": header.started_at,
        "task": _task(header.sender),
        "run": header.sender.get("run_id"),
        "try": header.sender.get("try_number"),
        "connection": header.sender.get("connection"),
        "options": json.dumps(header.options),
        "ledger": reader.uri,
    }
    yield from (f"  {name:<11} {printable(value)}" for name, value in details.items() if value not in (None, ""))


def _outcome(reader: LedgerReader) -> Iterator[str]:
    report = reader.report()
    if report is None:
        yield "It is running, or its task was killed: it has no report."
        return
    ended = "complete" if report["complete"] else "incomplete: its rows were not read to the end"
    yield f"Finished {report['finished_at']}, {ended}"
    counts = {name: value for name, value in report.items() if name.startswith(("rows_", "members_"))}
    counts |= {name: report[name] for name in ("batches", "requests")}
    yield from (f"  {name.replace('_', ' '):<17} {value:>12,}" for name, value in counts.items())
    codes = ", ".join(f"{code}: {count:,}" for code, count in report["status_codes"].items())
    yield f"  answers by status {codes or 'none'}"
    yield from _table("Skipped, by reason:", [(rows, reason) for reason, rows in _part(report, "skipped")])
    yield from _table("Values left out, by field:", [(values, path) for path, values in _part(report, "dropped")])
    # Two places: the report rounds shares to four digits.
    shares = [(f"{share:>7.2%}", path) for path, share in _part(report, "coverage")]
    yield from _table("Coverage, of the accepted rows:", shares)


def _part(report: Mapping[str, Any], name: str) -> list[tuple[str, Any]]:
    """One of the report's tables; empty in a report that has none."""
    return list(report.get(name, {}).items())


def _table(title: str, rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """A table below its title; nothing where it has no rows."""
    if rows:
        yield title
        yield from aligned(rows)


def _verdicts(reader: LedgerReader) -> list[tuple[VerdictRecord, int, int]]:
    """How many batches had the same verdict, and how many rows were in them; the commonest first."""
    batches: Counter[VerdictRecord] = Counter()
    rows: Counter[VerdictRecord] = Counter()
    for request in reader.requests():
        for verdict in request.batches:
            kind = VerdictRecord(verdict.outcome, verdict.status, 0, verdict.reason, verdict.path)
            batches[kind] += 1
            rows[kind] += verdict.rows
    return [(kind, count, rows[kind]) for kind, count in batches.most_common()]


def _batches(verdicts: Sequence[tuple[VerdictRecord, int, int]]) -> Iterator[str]:
    yield "Batches"
    for kind, batches, rows in verdicts[:_VERDICTS_SHOWN]:
        status = "no answer" if kind.status is None else str(kind.status)
        why = ": ".join(part for part in (kind.path, kind.reason) if part)
        line = f"  {kind.outcome:<9} {status:<9} {batches:>9,} with {rows:,} rows  {printable(why)}"
        yield line.rstrip()
    if not verdicts:
        yield "  none"
    elif len(verdicts) > _VERDICTS_SHOWN:
        yield f"  and {len(verdicts) - _VERDICTS_SHOWN} other verdicts"


def _rows(reader: LedgerReader, most: int) -> Iterator[str]:
    yield f"Rows not delivered, at most {most}"
    first = [_row(record) for record in islice(reader.rows(), most)]
    yield from first or ["  none"]


def _row(record: RowRecord) -> str:
    name, why = RowRef(record.number, record.key).label, "; ".join(fault.label for fault in record.faults)
    return printable(f"  {record.outcome:<9} {name}: {why}")
