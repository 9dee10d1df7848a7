"""A damaged file of a ledger costs itself: it is named, the rest is read, and nothing is guessed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktLedgerError
from airflow_provider_rokt.flow.row import NO_ROW, FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.batch_status import BatchStatus
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.parts import Damage
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import RequestRecord, RowRecord
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.ledger.writer import LedgerWriter

Deliver = Callable[..., dict[str, Any]]

NO_REPORTS = [
    b'{"kind":"report"}\n',
    b'{"kind":"delivery"}\n',
    b"{",
    b"",
    b"\n",
    b"\x00\xff\xfe binary",
    b"[]\n",
    b"null\n",
    b"7\n",
    b"[" * 100_000,
    b'{"a":' * 100_000,
]
WRONG_FIELDS = [
    {"rows_read": "order-3"},
    {"rows_read": None},
    {"rows_failed": -1},
    {"rows_accepted": True},
    {"rows_skipped": 1.5},
    {"members_added": "order-3"},
    {"rejections": {}},
    {"rejections": ["order-3"]},
    {"rejections": [{"row": "order-3"}]},
    {"rejections": [{"row": 3, "path": "", "reason": ""}]},
    {"status_codes": []},
    {"status_codes": {"202": "order-3"}},
    {"complete": "yes"},
    {"finished_at": None},
    {"skipped": {"same id twice": "order-3"}},
    {"dropped": None},
    {"coverage": {"ip": "order-3"}},
]
DAMAGED_LINES = [
    b"\0\0\0\n",
    b"[]\n",
    b"{}\n",
    b'{"kind":"row","number":"order-3"}\n',
    b"\xff\n",
    b"\n",
    b"[" * 9999 + b"\n",
]


def path_of(result: dict[str, Any], ledger: Ledger, file: str) -> Path:
    return Path(ledger.open(result["delivery_id"]).uri.removeprefix("file://"), file)


def changed(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def without(path: Path, *names: str) -> None:
    report = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in report.items() if name not in names}))


# --- reports


@pytest.mark.parametrize("content", NO_REPORTS, ids=range(len(NO_REPORTS)))
def test_a_damaged_report_is_named(ledger: Ledger, deliver: Deliver, content: bytes) -> None:
    result = deliver(accepted=1, rejected=1)
    path_of(result, ledger, "report.jsonl").write_bytes(content)
    reader = ledger.open(result["delivery_id"])
    for question in (reader.report, lambda: reader.complete, lambda: list(reader.undelivered())):
        with pytest.raises(RoktLedgerDamagedError, match=rf"{result['delivery_id']} is damaged: report\.jsonl"):
            question()
    assert reader.finished
    assert len(list(reader.requests())) == 1


@pytest.mark.parametrize("fields", WRONG_FIELDS, ids=str)
def test_a_report_of_other_types_is_damaged_and_not_quoted(
    ledger: Ledger, deliver: Deliver, fields: dict[str, Any]
) -> None:
    result = deliver(accepted=1)
    changed(path_of(result, ledger, "report.jsonl"), **fields)
    with pytest.raises(RoktLedgerDamagedError) as damaged:
        ledger.open(result["delivery_id"]).report()
    assert "order-3" not in str(damaged.value)
    assert damaged.value.__suppress_context__


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"rows_read": 99}, "the rows of report.jsonl do not add up"),
        ({"rows_skipped": 1}, "the rows of report.jsonl do not add up"),
        ({"delivery_id": "other"}, "report.jsonl is another delivery's"),
    ],
)
def test_a_report_that_contradicts_itself_or_its_folder_is_damaged(
    ledger: Ledger, deliver: Deliver, fields: dict[str, Any], named: str
) -> None:
    result = deliver(accepted=1)
    changed(path_of(result, ledger, "report.jsonl"), **fields)
    with pytest.raises(RoktLedgerDamagedError, match=f"is damaged: {named}"):
        ledger.open(result["delivery_id"]).report()


@pytest.mark.parametrize("file", ["report.jsonl", "part-00000.jsonl"])
def test_a_folder_in_a_files_place_is_damage(ledger: Ledger, deliver: Deliver, file: str) -> None:
    result = deliver(accepted=1, rejected=1)
    path_of(result, ledger, file).unlink()
    path_of(result, ledger, file).mkdir()
    reader = ledger.open(result["delivery_id"])
    with pytest.raises(RoktLedgerDamagedError, match=f"is damaged: {file} is a folder"):
        list(reader.undelivered())


def test_a_row_that_is_lost_is_missed_by_the_status_too(ledger: Ledger, deliver: Deliver) -> None:
    result = deliver(accepted=1, rejected=1)
    lose_row(ledger.open(result["delivery_id"]))
    with pytest.raises(RoktLedgerDamagedError, match="names 0 undelivered rows and its report counts 1"):
        BatchStatus.of([ledger.open(result["delivery_id"])]).check(9, 9)


@pytest.mark.parametrize(
    "name", ["delivery_id", "rows_read", "rows_rejected", "batches", "status_codes", "rejections", "complete", "ledger"]
)
def test_a_report_that_lacks_what_every_release_wrote_is_damaged(ledger: Ledger, deliver: Deliver, name: str) -> None:
    result = deliver(accepted=1)
    without(path_of(result, ledger, "report.jsonl"), name)
    with pytest.raises(RoktLedgerDamagedError):
        ledger.open(result["delivery_id"]).report()


def test_an_older_or_a_newer_report_is_none_the_worse(ledger: Ledger, deliver: Deliver) -> None:
    result = deliver(accepted=1)
    path = path_of(result, ledger, "report.jsonl")
    without(path, "skipped", "dropped", "coverage")
    changed(path, rows_unconfirmed=1, mood="good")
    report = ledger.open(result["delivery_id"]).report()
    assert report is not None
    assert (report["rows_read"], report["mood"], report.get("skipped")) == (1, "good", None)


# --- lines


@pytest.mark.parametrize("line", DAMAGED_LINES, ids=range(len(DAMAGED_LINES)))
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_damaged_line_costs_itself(ledger: Ledger, deliver: Deliver, line: bytes, at: int) -> None:
    result = deliver(accepted=150, rejected=2)
    part = path_of(result, ledger, "part-00000.jsonl")
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join([*lines[:at], line, line, *lines[at:]]))
    reader, damage = ledger.open(result["delivery_id"]), Damage()
    kinds = [type(record) for record in reader.records(damage)]
    assert kinds == [RequestRecord, RequestRecord, RowRecord, RowRecord]
    assert str(damage) == "2 damaged lines in part-00000.jsonl"
    with pytest.raises(RoktLedgerDamagedError, match=r"1 damaged line in part-00000\.jsonl"):
        list(reader.rows())


def test_a_line_cut_short_is_damage_once_the_delivery_is_over(ledger: Ledger, deliver: Deliver) -> None:
    """Before that it is being written."""
    result = deliver(accepted=1, rejected=2)
    part, report = (path_of(result, ledger, name) for name in ("part-00000.jsonl", "report.jsonl"))
    part.write_bytes(part.read_bytes()[:-9])
    reader, damage = ledger.open(result["delivery_id"]), Damage()
    assert len(list(reader.records(damage))) == 2
    assert str(damage) == "1 damaged line in part-00000.jsonl"
    report.unlink()
    damage = Damage()
    assert len(list(reader.records(damage))) == 2
    assert not damage


def test_a_lost_part_is_named(ledger: Ledger, deliver: Deliver) -> None:
    """As on an object store, where each part is an object."""
    result = deliver(accepted=1, rejected=3)
    part = path_of(result, ledger, "part-00000.jsonl")
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(lines[:3]))
    part.with_name("part-00002.jsonl").write_bytes(b"".join(lines[3:]))
    reader, damage = ledger.open(result["delivery_id"]), Damage()
    assert [record.number for record in reader.records(damage) if isinstance(record, RowRecord)] == [1, 2, 3]
    assert str(damage) == "part-00001.jsonl is missing"
    with pytest.raises(RoktLedgerDamagedError, match=r"part-00001\.jsonl is missing"):
        list(reader.rows())


def test_rows_that_the_report_counts_and_no_line_names_are_missed(ledger: Ledger, deliver: Deliver) -> None:
    """A file that was cut at the end of a line, or the last part lost, looks whole."""
    result = deliver(accepted=1, rejected=3)
    part = path_of(result, ledger, "part-00000.jsonl")
    part.write_bytes(b"".join(part.read_bytes().splitlines(keepends=True)[:-1]))
    reader = ledger.open(result["delivery_id"])
    with pytest.raises(RoktLedgerDamagedError, match="names 2 undelivered rows and its report counts 3: a part of it"):
        list(reader.undelivered())
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join([*lines[:-1], b'{"kind":"request","numb' + lines[-1]]))
    with pytest.raises(RoktLedgerDamagedError, match=r"counts 3: 1 damaged line in part-00000\.jsonl"):
        list(reader.undelivered())


def test_what_has_no_row_is_not_counted_as_one(begin: Callable[[], LedgerWriter], ledger: Ledger) -> None:
    """A removal of somebody who left the query, which a mirror sends; the report counts rows."""
    writer = begin()
    fault = [FieldFault("", "is refused")]
    writer.rows(Outcome.REJECTED, [RowFault(RowRef.of_member(NO_ROW, "ab" * 32), fault), RowFault(RowRef.at(1), fault)])
    writer.finish(
        Tally(read=1, rejected=1, rejected_without_row=1).report(writer.delivery_id, writer.uri), complete=True
    )
    assert [row.number for row in ledger.open(writer.delivery_id).undelivered()] == [NO_ROW, 1]


# --- headers


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff\n", b'{"kind":"row"}\n', b'{"kind":"delivery","format":1}\n'])
def test_a_header_that_is_missing_or_damaged_is_named(ledger: Ledger, deliver: Deliver, content: bytes) -> None:
    result = deliver(accepted=1)
    path_of(result, ledger, "part-00000.jsonl").write_bytes(content)
    reader = ledger.open(result["delivery_id"])
    for question in (lambda: reader.header, lambda: list(reader.rows())):
        with pytest.raises(RoktLedgerDamagedError, match=r"is damaged: part-00000\.jsonl has no header"):
            question()


def test_a_ledger_of_a_report_alone_is_a_damaged_one(ledger: Ledger, deliver: Deliver) -> None:
    result = deliver(accepted=1)
    path_of(result, ledger, "part-00000.jsonl").unlink()
    [reader] = ledger.deliveries(5)
    assert reader.delivery_id == ledger.open(result["delivery_id"]).delivery_id
    with pytest.raises(RoktLedgerDamagedError, match=r"part-00000\.jsonl is missing"):
        _ = reader.header


# --- status of several deliveries


def damage_report(reader: LedgerReader) -> None:
    Path(reader.uri.removeprefix("file://"), "report.jsonl").write_bytes(b'{"kind":"report"}')


def damage_line(reader: LedgerReader) -> None:
    with Path(reader.uri.removeprefix("file://"), "part-00000.jsonl").open("ab") as part:
        part.write(b"\0\n")


def cut_short(reader: LedgerReader) -> None:
    part = Path(reader.uri.removeprefix("file://"), "part-00000.jsonl")
    part.write_bytes(part.read_bytes()[:-9])


def lose_row(reader: LedgerReader) -> None:
    part = Path(reader.uri.removeprefix("file://"), "part-00000.jsonl")
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(line for line in lines if not line.startswith(b'{"kind":"row"')))


def damage_row(reader: LedgerReader) -> None:
    part = Path(reader.uri.removeprefix("file://"), "part-00000.jsonl")
    part.write_bytes(part.read_bytes() + b'{"kind":"row","outcome":"rejected"}\n')


def lose_request(reader: LedgerReader) -> None:
    part = Path(reader.uri.removeprefix("file://"), "part-00000.jsonl")
    lines = part.read_bytes().splitlines(keepends=True)
    part.write_bytes(b"".join(line for line in lines if not line.startswith(b'{"kind":"request"')))


def make_folder(reader: LedgerReader) -> None:
    report = Path(reader.uri.removeprefix("file://"), "report.jsonl")
    report.unlink()
    report.mkdir()


def damage_header(reader: LedgerReader) -> None:
    part = Path(reader.uri.removeprefix("file://"), "part-00000.jsonl")
    part.write_bytes(b"\0" + part.read_bytes())


@pytest.mark.parametrize(
    ("damage", "named", "batches"),
    [
        (damage_report, "report.jsonl is no report", 3),
        (damage_line, "1 damaged line in part-00000.jsonl", 4),
        (cut_short, "1 damaged line in part-00000.jsonl", 3),
        (damage_header, "part-00000.jsonl has no header", 3),
        (damage_row, "1 damaged line in part-00000.jsonl", 4),
        (lose_request, "it names 0 batches and its report counts 1", 3),
        (make_folder, "report.jsonl is a folder", 3),
    ],
)
def test_what_is_damaged_of_one_costs_the_others_nothing(
    ledger: Ledger, deliver: Deliver, damage: Callable[[LedgerReader], None], named: str, batches: int
) -> None:
    results = [deliver(accepted=1), deliver(accepted=1, rejected=1), deliver(accepted=1)]
    readers = [ledger.open(result["delivery_id"]) for result in results]
    damage(readers[0])
    readers = [ledger.open(result["delivery_id"]) for result in results]
    status = BatchStatus.of(readers)
    assert (status.batches, status.rows_rejected) == (batches, 1)
    with pytest.raises(RoktLedgerDamagedError) as failed:
        status.check(max_rejected=9, max_failed=9)
    assert f"1 of 3 deliveries cannot be judged: the ledger {results[0]['ledger']} is damaged: {named}" in str(
        failed.value
    )
    assert not any(result["delivery_id"] in str(failed.value) for result in results[1:])


def test_a_row_cut_short_is_damage_to_who_asks_for_requests(ledger: Ledger, deliver: Deliver) -> None:
    reader = ledger.open(deliver(accepted=1, rejected=1)["delivery_id"])
    cut_short(reader)
    with pytest.raises(RoktLedgerDamagedError, match=r"1 damaged line in part-00000\.jsonl"):
        BatchStatus.of([reader]).check(max_rejected=9, max_failed=9)


def test_another_format_is_no_damage(ledger: Ledger, deliver: Deliver) -> None:
    result = deliver(accepted=1)
    part = path_of(result, ledger, "part-00000.jsonl")
    part.write_bytes(part.read_bytes().replace(b'"format":1', b'"format":2'))
    with pytest.raises(RoktLedgerError, match="has format 2") as refused:
        _ = ledger.open(result["delivery_id"]).header
    assert not isinstance(refused.value, RoktLedgerDamagedError)
