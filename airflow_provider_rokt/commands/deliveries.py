"""``airflow rokt deliveries``: what the ledger says of what was sent."""

import json
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from airflow_provider_rokt.commands.exit_status import exits
from airflow_provider_rokt.commands.output import aligned, blanked, is_data, print_data, printable
from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktLedgerError
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.ledger.parts import Damage
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import DeliveryHeader, RequestRecord, RowRecord, VerdictRecord
from airflow_provider_rokt.summaries.known_delivery import KnownDelivery
from airflow_provider_rokt.task.configuration import open_ledger

_COUNTS: Final = ("read", "accepted", "rejected", "failed", "skipped")
_VERDICTS_SHOWN: Final = 20

_Read = TypeVar("_Read")


@exits
def list_deliveries(arguments: Namespace) -> int:
    """Lists the newest deliveries, newest first."""
    ledger, output = open_ledger(), arguments.output
    deliveries = [entry_of(reader) for reader in ledger.deliveries(arguments.limit)]
    if not is_data(output):
        deliveries = blanked(deliveries)
        if not deliveries:
            print(f"No deliveries under {ledger.uri}")
            return 0
    print_data(deliveries, output)
    return 0


@exits
def show_delivery(arguments: Namespace) -> int:
    """Shows one delivery, or what is left of it."""
    found = Findings(open_ledger().open(arguments.delivery_id), arguments.rows)
    if is_data(arguments.output):
        print_data(_data(found), arguments.output)
        return 0
    for section in (_head(found), _outcome(found), _batches(found.verdicts()), _rows(found), _damage(found)):
        if lines := list(section):
            print("\n".join(lines), end="\n\n")
    return 0


class Findings:
    """What can be read of a delivery's ledger, in one pass.

    :ivar header: None where it is damaged, as ``report`` is; what is damaged is said in ``damage``.
    :ivar rows: the first ones that were not delivered.
    """

    def __init__(self, reader: LedgerReader, most: int) -> None:
        self.reader = reader
        self.most = most
        self.damage: list[str] = []
        self.header: DeliveryHeader | None = self._unless_damaged(lambda: reader.header)
        self.report: dict[str, Any] | None = self._unless_damaged(reader.report)
        self.rows: list[RowRecord] = []
        self._batches: Counter[VerdictRecord] = Counter()
        self._rows_of: Counter[VerdictRecord] = Counter()
        lines = Damage()
        for record in reader.records(lines):
            if isinstance(record, RequestRecord):
                self._count(record)
            elif isinstance(record, RowRecord) and len(self.rows) < most:
                self.rows.append(record)
        if lines:
            self.damage.append(str(lines))

    @property
    def state(self) -> str:
        """How the delivery ended, as far as it can be told."""
        return "damaged" if self.damage else _state(KnownDelivery(self.reader, self.header, self.report))

    def verdicts(self) -> list[tuple[VerdictRecord, int, int]]:
        """How many batches had the same verdict, and how many rows were in them; the commonest first."""
        return [(kind, count, self._rows_of[kind]) for kind, count in self._batches.most_common()]

    def _count(self, request: RequestRecord) -> None:
        for verdict in request.batches:
            kind = VerdictRecord(verdict.outcome, verdict.status, 0, verdict.reason, verdict.path)
            self._batches[kind] += 1
            self._rows_of[kind] += verdict.rows

    def _unless_damaged(self, read: Callable[[], _Read]) -> _Read | None:
        try:
            return read()
        except RoktLedgerDamagedError as error:
            self.damage.append(str(error))
            return None


def entry_of(reader: LedgerReader) -> dict[str, Any]:
    """A delivery as a list shows it: who sent it, how it ended, its counts; None for what cannot be told."""
    header, report = None, None
    try:
        header = reader.header
        report = reader.report()
        state = _state(KnownDelivery(reader, header, report))
    except RoktLedgerDamagedError:
        state = "damaged"
    except (RoktLedgerError, OSError):
        state = "unreadable"
    return {
        "delivery_id": reader.delivery_id,
        "started": header and header.started_at,
        "operation": header and header.operation,
        "task": header and _task(header.sender),
        "state": state,
        **{count: report and report[f"rows_{count}"] for count in _COUNTS},
    }


def _state(known: KnownDelivery) -> str:
    """How a delivery ended; whether its task succeeded is judged as the page does."""
    if known.report is None:
        return "running"
    if not known.is_whole:
        return "incomplete"
    return "complete" if known.is_success else "failed"


def _end(known: KnownDelivery) -> str:
    """The same, and why."""
    state = _state(known)
    why = {
        "incomplete": "its rows were not read to the end",
        "failed": known.failure_text.partition("\n")[0] or "not enough of its rows arrived",
    }
    return f"{state}: {why[state]}" if state in why else state


def _task(sender: Mapping[str, Any]) -> str:
    """The task instance's name; empty for what was not sent by a task."""
    name = ".".join(str(sender[part]) for part in ("dag_id", "task_id") if sender.get(part))
    index, partition = sender.get("map_index"), sender.get("partition")
    if not isinstance(index, int) or index < 0:
        return name
    return f"{name} #{index} ({partition})" if partition else f"{name} #{index}"


def _data(found: Findings) -> dict[str, Any]:
    """Everything that the text tells, and all of the report."""
    header = found.header
    return {
        "delivery_id": found.reader.delivery_id,
        "operation": header and header.operation,
        "started": header and header.started_at,
        "sender": header and dict(header.sender),
        "options": header and dict(header.options),
        "ledger": found.reader.uri,
        "state": found.state,
        "damage": found.damage,
        "report": found.report,
        "batches": [
            {
                "outcome": str(kind.outcome),
                "status": kind.status,
                "path": kind.path,
                "reason": kind.reason,
                "batches": batches,
                "rows": rows,
            }
            for kind, batches, rows in found.verdicts()
        ],
        "rows": [
            {
                "outcome": str(record.outcome),
                "number": record.number,
                "key": record.key,
                "faults": [fault._asdict() for fault in record.faults],
            }
            for record in found.rows
        ],
    }


def _head(found: Findings) -> Iterator[str]:
    yield f"Delivery {found.reader.delivery_id}"
    details: dict[str, Any] = {}
    if header := found.header:
        details = {
            "operation": header.operation,
            "started": header.started_at,
            "task": _task(header.sender),
            "run": header.sender.get("run_id"),
            "try": header.sender.get("try_number"),
            "connection": header.sender.get("connection"),
            "options": json.dumps(header.options),
        }
    details["ledger"] = found.reader.uri
    yield from (f"  {name:<11} {printable(value)}" for name, value in details.items() if value not in (None, ""))


def _outcome(found: Findings) -> Iterator[str]:
    report = found.report
    if report is None:
        if not found.reader.finished:
            yield "It is running, or its task was killed: it has no report."
        return
    yield printable(f"Finished {report['finished_at']}, {_end(KnownDelivery(found.reader, found.header, report))}")
    # A later release may count what this one does not know.
    counts = {name: value for name, value in report.items() if name.startswith(("rows_", "members_"))}
    counts |= {name: report[name] for name in ("batches", "requests")}
    yield from (f"  {name.replace('_', ' '):<17} {value:>12,}" for name, value in counts.items() if type(value) is int)
    codes = ", ".join(f"{code}: {count:,}" for code, count in report["status_codes"].items())
    yield printable(f"  answers by status {codes or 'none'}")
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


def _rows(found: Findings) -> Iterator[str]:
    yield f"Rows not delivered, at most {found.most}"
    yield from [_row(record) for record in found.rows] or ["  none"]


def _damage(found: Findings) -> Iterator[str]:
    if found.damage:
        yield "Damaged, so that what is above may not be all"
        yield from (f"  {printable(what)}" for what in found.damage)


def _row(record: RowRecord) -> str:
    name, why = RowRef(record.number, record.key).label, "; ".join(fault.label for fault in record.faults)
    return printable(f"  {record.outcome:<9} {name}: {why}")
