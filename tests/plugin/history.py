"""Deliveries of some time ago, as the ledger would hold them: what the page is tried with, and looked at."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.layout import Layout
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.parts import REPORT_NAME
from airflow_provider_rokt.ledger.records import DeliveryHeader, RequestRecord, VerdictRecord, encode
from airflow_provider_rokt.ledger.report import Failure, Report, Tally
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.runs.place import syncs_of
from airflow_provider_rokt.storage.store_folder import folder_at

EMAIL = FieldFault("user_identities.email", "is no e-mail address")
AMOUNT = FieldFault("events[].data.custom_attributes.amount", "is no number")
TIME = FieldFault("events[].data.timestamp_unixtime_ms", "is missing")
PHONE = FieldFault("user_attributes.mobile", "is no phone number")
SILENCE = FieldFault("", "not sent: Rokt did not answer")
COVERAGE = {
    "user_identities.email": 0.973,
    "user_identities.customerid": 0.412,
    "user_attributes.mobile": 0.318,
    "ip": 0.871,
}

Faults = Mapping[FieldFault, int]

# DAGs that are shut to some users, and open to all.
CLOSED = "shop"
OPEN = "loyalty"


def sender_of(
    run_id: str, *, dag_id: str = "shop", task_id: str = "orders", part: int = -1, **more: Any
) -> dict[str, Any]:
    """A task, as the ledger names it."""
    return {
        "connection": "rokt_default",
        "dag_id": dag_id,
        "task_id": task_id,
        "run_id": run_id,
        "map_index": part,
        "try_number": 1,
        "max_tries": 0,
        "sync": f"{dag_id}.{task_id}",
        "batches_per_second": 270,
        **more,
    }


class History:
    """Writes deliveries into a ledger.

    :param root: the ledger's folder.
    """

    def __init__(self, root: Any) -> None:
        self.ledger = Ledger(root)
        self._layout = Layout(folder_at(root))

    def add(
        self,
        began: datetime,
        sender: Mapping[str, Any],
        accepted: int = 0,
        rejected: Faults | None = None,
        failed: Faults | None = None,
        dropped: Faults | None = None,
        *,
        skipped: int = 0,
        why_skipped: str = "sent before",
        rows_a_batch: int = 1,
        attempts: int = 1,
        took: timedelta = timedelta(seconds=40),
        ends: bool = True,
        complete: bool = True,
        judged: bool = False,
        options: Mapping[str, Any] | None = None,
        coverage: Mapping[str, float] = COVERAGE,
        **told_besides: Any,
    ) -> str:
        """One delivery; gives its id.

        :param ends: whether it has a report.
        :param judged: whether that says what its task failed with.
        :param told_besides: what else the report says, or says otherwise.
        """
        name = f"{began.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(6)}"
        told = {"max_rejected": 0, **(options or {})}
        operation = "audience" if "audience" in told else "conversions"
        header = DeliveryHeader(
            delivery_id=name, operation=operation, started_at=_text(began), sender=dict(sender), options=told
        )
        folder = self._layout.new(name)
        writer = LedgerWriter(folder, header)
        tally = Tally(accepted=accepted)
        _write_requests(writer, tally, accepted, failed or {}, rows_a_batch, attempts)
        _write_rows(writer, tally, rejected or {}, failed or {}, dropped or {})
        if ends:
            tally.read = accepted + tally.rejected + tally.failed + skipped
            judgement = tally.report(name, writer.uri, sender.get("sync"))
            report = judgement.summary() | (_failure(judgement) if judged else {})
            report |= {"rows_skipped": skipped, "skipped": {why_skipped: skipped} if skipped else {}}
            report |= {"coverage": dict(coverage) if accepted else {}}
            self.end(name, report | {"complete": complete, "finished_at": _text(began + took)} | told_besides)
        if sync := sender.get("sync"):
            kept = syncs_of(self.ledger).sync(sender["connection"], sync)
            kept.introduce()
            kept.note_delivery(name)
        return name

    def end(self, name: str, report: Mapping[str, Any]) -> None:
        """Writes the report of a delivery that has none."""
        self._layout.new(name).put(REPORT_NAME, b"".join(encode([{"kind": "report", **report}])))


def _failure(report: Report) -> dict[str, Any]:
    try:
        report.judged(max_rejected=0)
    except RoktError as error:
        return {"failure": Failure.of(error)._asdict()}
    return {"failure": None}


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _write_requests(
    writer: LedgerWriter, tally: Tally, accepted: int, failed: Faults, rows_a_batch: int, attempts: int
) -> None:
    batches = [VerdictRecord(Outcome.ACCEPTED, 202, rows) for rows in _shared(accepted, rows_a_batch)]
    for fault, rows in failed.items():
        batches += [VerdictRecord(Outcome.FAILED, None, some, fault.reason) for some in _shared(rows, rows_a_batch)]
    first = 1
    for start in range(0, len(batches), 100):
        part = tuple(batches[start : start + 100])
        rows = sum(verdict.rows for verdict in part)
        tally.requests += 1
        tally.batches += len(part)
        tries = attempts if tally.requests % 7 == 3 else 1
        answer = part[0].status
        tally.status_codes[str(answer or "none")] += 1
        tally.status_codes["429"] += tries - 1
        span = (first, first + rows - 1)
        writer.request(
            RequestRecord(tally.requests, "v2/bulkevents", answer, tries, 412 * rows, 180.0 + 97 * tries, *span, part)
        )
        first += rows
    tally.status_codes = +tally.status_codes


def _shared(rows: int, each: int) -> list[int]:
    return [min(each, rows - start) for start in range(0, rows, each)]


def _write_rows(writer: LedgerWriter, tally: Tally, rejected: Faults, failed: Faults, dropped: Faults) -> None:
    rows = count(1)
    for outcome, faults in ((Outcome.REJECTED, rejected), (Outcome.FAILED, failed)):
        for fault, many in faults.items():
            found = _faults(fault, islice(rows, many))
            writer.rows(outcome, found)
            (tally.reject if outcome is Outcome.REJECTED else tally.fail)(found)
    for fault, many in dropped.items():
        found = _faults(fault, islice(rows, many))
        writer.dropped(found)
        tally.drop(found)


def _faults(fault: FieldFault, rows: Iterable[int]) -> list[RowFault]:
    return [RowFault(RowRef(number, f"order-{number:05}"), (fault,)) for number in rows]
