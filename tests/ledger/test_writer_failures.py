"""A ledger that fails midway: an error of ours whatever the storage raises, the same one again, and no more lines."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.exceptions import RoktLedgerError, RoktLedgerWriteError
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.parts import Damage
from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord
from airflow_provider_rokt.ledger.report import Report, Tally
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.storage import store_folder
from tests.storage.failing import SECRET, FailingStore, StorePath

ACCEPTED = VerdictRecord(Outcome.ACCEPTED, 202, 1)
FAULTS = [RowFault(RowRef(2, "order-2"), [FieldFault("ip", "is no address")])]

CALLS: list[Callable[[LedgerWriter], None]] = [
    lambda writer: writer.request(RequestRecord(1, BULK.path, 202, 1, 10, 1.0, 1, 1, (ACCEPTED,))),
    lambda writer: writer.rows(Outcome.REJECTED, FAULTS),
    lambda writer: writer.dropped(FAULTS),
]


def report_of(writer: LedgerWriter) -> Report:
    return Tally(read=2, accepted=1, rejected=1).report(writer.delivery_id, writer.uri)


def begin(ledger: Ledger) -> LedgerWriter:
    return ledger.begin("conversions", {}, {}, "a")


@pytest.fixture
def parts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record is a part of its own on a store."""
    monkeypatch.setattr(store_folder, "PART_SECONDS", 0.0)


@pytest.mark.parametrize("fails_at", [2, 3, 4])
def test_whatever_fails_is_told_and_so_is_every_call_after_it(parts_at_once: None, fails_at: int) -> None:
    store = FailingStore(fails_at)
    writer = begin(Ledger(StorePath(store)))
    said = []
    for call in CALLS:
        try:
            call(writer)
        except RoktLedgerWriteError as error:
            said.append(str(error))
    for complete in (True, False):
        with pytest.raises(RoktLedgerWriteError) as failed:
            writer.finish(report_of(writer), complete)
        said.append(str(failed.value))
    assert len(said) == 3 + 4 - fails_at
    assert len(set(said)) == 1
    assert said[0].startswith(f"the ledger {writer.uri} cannot be written (ClientError). Free the disk, or check")
    assert said[0].endswith(
        "[rokt] ledger_path is there and that this worker may read and write it; then run the task again"
    )
    assert SECRET not in said[0]
    assert failed.value.retryable
    assert isinstance(failed.value, RoktLedgerError)


def test_a_report_that_cannot_be_written_is_told(parts_at_once: None) -> None:
    store = FailingStore()
    writer = begin(Ledger(StorePath(store)))
    store.fails_at = store.changes + 1
    with pytest.raises(RoktLedgerWriteError):
        writer.finish(report_of(writer), complete=True)
    assert Ledger(StorePath(store)).open("a").report() is None


def test_a_first_line_that_cannot_be_written_is_told() -> None:
    with pytest.raises(RoktLedgerWriteError, match=r"memory://conn@/bucket/ledger/a cannot be written \(ClientError\)"):
        begin(Ledger(StorePath(FailingStore(1))))


def test_who_waits_for_the_report_need_not_wait_in_vain(parts_at_once: None) -> None:
    """The store failed for a moment: lines are missing, so nothing must call the delivery complete."""
    store = FailingStore(3, heals=True)
    ledger = Ledger(StorePath(store))
    writer = begin(ledger)
    CALLS[0](writer)
    for call in CALLS[1:]:
        with pytest.raises(RoktLedgerWriteError):
            call(writer)
    with pytest.raises(RoktLedgerWriteError):
        writer.finish(report_of(writer), complete=True)
    reader = ledger.open("a")
    report = reader.report()
    assert report is not None
    assert (report["rows_read"], report["complete"]) == (2, False)
    assert [row.key for row in reader.rows()] == ["order-2"], "what the store refused once is tried once more"
    with pytest.raises(RoktLedgerError, match="without resend_from"):
        list(reader.undelivered())


def test_a_fault_of_ours_is_not_called_one_of_the_storage(tmp_path: Path) -> None:
    writer = begin(Ledger(tmp_path))
    with pytest.raises(TypeError):
        writer.rows(Outcome.REJECTED, [RowFault(RowRef(1, object()), [])])  # type: ignore[arg-type]
    CALLS[0](writer)


def test_a_folder_that_went_away_is_told(tmp_path: Path) -> None:
    writer = begin(Ledger(tmp_path))
    rmtree(tmp_path / "a")
    with pytest.raises(RoktLedgerWriteError, match=r"\(FileNotFoundError: No such file or directory\)"):
        writer.finish(report_of(writer), complete=True)
    assert not (tmp_path / "a").exists(), "a report alone is no ledger"


FULL = """
import sys
from pathlib import Path
from airflow_provider_rokt.exceptions import RoktLedgerWriteError
from airflow_provider_rokt.ledger.overview import Ledger
from tests.ledger.test_writer_failures import CALLS, begin, report_of
from tests.storage.failing import fill_the_disk

writer = begin(Ledger(Path(sys.argv[1])))
fill_the_disk(2000)
raised = []
for _ in range(50):
    try:
        CALLS[0](writer)
    except RoktLedgerWriteError as error:
        raised.append(str(error))
try:
    writer.finish(report_of(writer), complete=True)
except RoktLedgerWriteError as error:
    raised.append(str(error))
print(*set(raised))
"""


def test_a_full_disk_is_told_and_what_was_written_is_read(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    [said] = done.stdout.splitlines()
    assert "/a cannot be written (OSError: File too large)" in said
    assert done.stderr == ""
    reader = Ledger(tmp_path).open("a")
    damage = Damage()
    assert 5 < len(list(reader.records(damage))) < 20
    assert str(damage) == "1 damaged line in part-00000.jsonl"
    assert not reader.complete
