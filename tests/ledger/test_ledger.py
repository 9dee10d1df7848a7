"""The ledger is written once, survives its writer, and is read by everyone."""

import json
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.request import url2pathname

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.api.endpoints import BULK, IMPORT_V3
from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef, Skip
from airflow_provider_rokt.ledger.overview import Ledger, delivery_id_of
from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.storage import store_folder
from tests.ledger.stores import StorePath

SENDER = {"dag_id": "orders", "task_id": "send", "run_id": "r1", "map_index": -1, "try_number": 1, "connection": "c"}
ACCEPTED = VerdictRecord(Outcome.ACCEPTED, 202, 1)
REFUSED = VerdictRecord(Outcome.REJECTED, 400, 2, "is not a valid e-mail address", "user_identities.email")
UNSENT = VerdictRecord(Outcome.FAILED, None, 3, "not sent: Rokt did not answer")


def record(number: int = 1, *batches: VerdictRecord) -> RequestRecord:
    return RequestRecord(number, BULK.path, 202, 1, 4321, 12.5, 1, 9, batches or (ACCEPTED,))


def fault(number: int, key: str) -> RowFault:
    return RowFault(RowRef(number, key), (FieldFault("ip", "is no address"), FieldFault("", "is late")))


def begin(ledger: Ledger) -> LedgerWriter:
    return ledger.begin("conversions", SENDER, {"environment": "production"})


def part_of(writer: LedgerWriter) -> Path:
    """The file that a ledger on a disk is written to."""
    return Path(url2pathname(writer.uri.removeprefix("file://"))) / "part-00000.jsonl"


@pytest.fixture
def ledger(root) -> Ledger:
    return Ledger(root)


class TestRoundTrip:
    def test_everything_written_is_read(self, ledger):
        writer = begin(ledger)
        mixed = record(1, ACCEPTED, ACCEPTED, REFUSED, ACCEPTED, UNSENT, UNSENT)
        writer.request(mixed)
        writer.rows(Outcome.REJECTED, [fault(2, "order-2")])
        writer.request(record(2))
        writer.rows(Outcome.FAILED, [fault(7, "order-7"), fault(8, "order-8")])
        tally = Tally(read=9, accepted=6, rejected=1, failed=2)
        writer.finish(tally.report(writer.delivery_id, writer.uri), complete=True)

        reader = ledger.open(writer.delivery_id)
        assert reader.header.operation == "conversions"
        assert reader.header.sender == SENDER
        assert reader.header.options == {"environment": "production"}
        assert list(reader.requests()) == [mixed, record(2)]
        assert [(row.outcome, row.number, row.key) for row in reader.rows()] == [
            (Outcome.REJECTED, 2, "order-2"),
            (Outcome.FAILED, 7, "order-7"),
            (Outcome.FAILED, 8, "order-8"),
        ]
        assert [row.key for row in reader.rows([Outcome.REJECTED])] == ["order-2"]
        assert next(reader.rows()).faults == [FieldFault("ip", "is no address"), FieldFault("", "is late")]
        assert [(row.number, row.key) for row in reader.undelivered()] == [
            (2, "order-2"),
            (7, "order-7"),
            (8, "order-8"),
        ]

    def test_the_report_is_the_summary_and_how_it_ended(self, ledger):
        writer = begin(ledger)
        report = Tally(read=1, skipped=Counter({Skip.REPEATED: 1})).report(writer.delivery_id, writer.uri)
        writer.finish(report, complete=True)
        found = ledger.open(writer.uri).report()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", found.pop("finished_at"))
        assert found == {**report.recorded(), "complete": True}
        assert report.summary().items() < found.items()

    def test_a_ledger_found_by_its_uri_is_the_same(self, ledger):
        writer = begin(ledger)
        assert writer.uri == f"{ledger.uri}/{writer.delivery_id[:8]}/{writer.delivery_id}"
        assert ledger.open(writer.uri).header == ledger.open(writer.delivery_id).header
        assert ledger.open(f"s3://elsewhere/{writer.delivery_id}/").delivery_id == writer.delivery_id

    def test_half_a_surrogate_pair_does_not_stop_the_ledger(self, ledger):
        writer = begin(ledger)
        writer.request(record(1, VerdictRecord(Outcome.REJECTED, 400, 1, reason='bad \ud83d"')))
        writer.rows(Outcome.REJECTED, [fault(1, "caf\u00e9 \ud83d\ude00"), fault(2, "half \ud83d")])
        writer.finish(Tally().report(writer.delivery_id, writer.uri), complete=True)
        reader = ledger.open(writer.delivery_id)
        assert [request.batches[0].reason for request in reader.requests()] == ['bad ?"']
        assert [row.key for row in reader.rows()][1] == "half ?"

    def test_accepted_rows_are_named_some_to_a_line(self, tmp_path):
        ledger = Ledger(tmp_path)
        writer = begin(ledger)
        rows = [RowRef(n, f"order-{n}") for n in range(1, 1202)]
        writer.accepted(rows, 202)
        writer.accepted(rows[:1], None, confirmed=False)
        writer.finish(Tally().report(writer.delivery_id, writer.uri), complete=True)
        reader = ledger.open(writer.delivery_id)
        told = list(reader.outcomes())
        assert [len(record.rows) for record in told] == [500, 500, 201, 1]
        assert [row for record in told[:3] for row in record.rows] == rows
        assert [(record.status, record.confirmed) for record in told] == [(202, True)] * 3 + [(None, False)]
        # What asks for other kinds, as older releases do, passes them over.
        assert list(reader.rows()) == list(reader.requests()) == []

    @given(st.lists(st.sampled_from([ACCEPTED, REFUSED, UNSENT]), max_size=30))
    def test_folding_equal_verdicts_loses_none(self, verdicts):
        whole = RequestRecord(1, IMPORT_V3.path, None, 3, 1, 1.0, 1, 2, tuple(verdicts))
        folded = whole.folded()
        assert folded.unfolded() == whole
        assert sum(verdict.times for verdict in folded.batches) == len(verdicts)
        assert all(a != b for a, b in zip(folded.batches, folded.batches[1:], strict=False))

    def test_a_hundred_accepted_batches_are_one_short_line(self, tmp_path):
        writer = begin(Ledger(tmp_path))
        writer.request(record(1, *[ACCEPTED] * 100))
        line = part_of(writer).read_bytes().splitlines()[1]
        assert len(line) < 250


class TestFinding:
    def test_ids_sort_by_time_and_the_newest_come_first(self, ledger):
        old = ledger.begin("audience", SENDER, {}, "20240101T000000Z-000000000000")
        new, other = begin(ledger), begin(ledger)
        assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{12}", new.delivery_id)
        found = [reader.delivery_id for reader in ledger.deliveries(10)]
        assert found == [*sorted([new.delivery_id, other.delivery_id], reverse=True), old.delivery_id]
        assert [reader.delivery_id for reader in ledger.deliveries(2)] == found[:2]

    def test_no_deliveries_where_the_root_does_not_exist(self, ledger):
        assert ledger.deliveries(5) == []
        assert ledger.find("20240101T000000Z-000000000000") is None

    def test_an_unknown_delivery_names_the_setting(self, ledger):
        with pytest.raises(RoktLedgerError, match=r"\[rokt\] ledger_path") as error:
            ledger.open("20240101T000000Z-000000000000")
        assert ledger.uri in str(error.value)

    @pytest.mark.parametrize("name", ["..", ".", "", "a/../..", "..\\x", "a b", "x\n", "-x", "a\0", "ü", "x" * 200])
    def test_names_that_are_no_ids_are_refused(self, ledger, name):
        with pytest.raises(RoktLedgerError, match="is no delivery id"):
            ledger.find(name)
        with pytest.raises(RoktLedgerError, match="is no delivery id"):
            ledger.begin("conversions", SENDER, {}, name or "/")

    @given(st.text())
    def test_no_id_leads_out_of_the_root(self, text):
        try:
            name = delivery_id_of(text)
        except RoktLedgerError:
            return
        assert Path("/ledger", name).resolve().parent == Path("/ledger")

    def test_an_id_is_used_once(self, ledger):
        writer = begin(ledger)
        with pytest.raises(RoktLedgerError, match="exists already"):
            ledger.begin("conversions", SENDER, {}, writer.delivery_id)

    def test_foreign_folders_are_left_out_of_the_list(self, tmp_path, caplog):
        ledger = Ledger(tmp_path)
        writer = begin(ledger)
        (tmp_path / "zz-notes").mkdir()
        (tmp_path / "zz.txt").write_text("no folder")
        (tmp_path / ".hidden").mkdir()
        assert [reader.delivery_id for reader in ledger.deliveries(9)] == [writer.delivery_id]
        assert "zz-notes" in caplog.text

    def test_a_root_that_cannot_be_written_is_named(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(RoktLedgerError, match=r"cannot be written.*\[rokt\] ledger_path"):
            begin(Ledger(tmp_path / "file"))


class TestWhileItRuns:
    def test_header_and_nothing_else_at_first(self, ledger):
        reader = ledger.open(begin(ledger).delivery_id)
        assert reader.header.sender == SENDER
        assert (reader.report(), reader.finished, reader.complete) == (None, False, False)
        assert list(reader.requests()) == []

    def test_another_process_sees_the_report_appear(self, root):
        writer = begin(Ledger(root))
        # A view of its own, with the listings remembered as a waiting sensor's process has them.
        other = Ledger(root if isinstance(root, Path) else StorePath(root.path))
        reader = other.open(writer.delivery_id)
        assert list(reader.requests()) == []
        assert not reader.finished
        writer.request(record())
        writer.finish(Tally().report(writer.delivery_id, writer.uri), complete=False)
        assert reader.finished
        assert len(list(reader.requests())) == 1
        assert len(other.deliveries(5)) == 1

    def test_what_was_not_read_to_the_end_cannot_be_resent(self, ledger):
        writer = begin(ledger)
        writer.rows(Outcome.FAILED, [fault(1, "order-1")])
        reader = ledger.open(writer.delivery_id)
        with pytest.raises(RoktLedgerError, match="without resend_from"):
            list(reader.undelivered())
        writer.finish(Tally().report(writer.delivery_id, writer.uri), complete=False)
        with pytest.raises(RoktLedgerError, match="without resend_from"):
            list(reader.undelivered())

    def test_a_store_gets_a_part_when_it_is_large(self, monkeypatch):
        monkeypatch.setattr(store_folder, "PART_BYTES", 1000)
        ledger = Ledger(StorePath("/large/ledger"))
        writer = begin(ledger)
        for number in range(1, 24):
            writer.request(record(number))
        seen = [request.number for request in ledger.open(writer.delivery_id).requests()]
        assert 10 < len(seen) < 23
        writer.finish(Tally().report(writer.delivery_id, writer.uri), complete=True)
        assert [request.number for request in ledger.open(writer.delivery_id).requests()] == list(range(1, 24))

    def test_a_store_gets_a_part_when_it_is_old(self, monkeypatch):
        monkeypatch.setattr(store_folder, "PART_SECONDS", 0.0)
        ledger = Ledger(StorePath("/old/ledger"))
        begin(ledger).request(record())
        assert len(list(ledger.deliveries(1)[0].requests())) == 1


class TestDamage:
    def written(self, root: Path) -> tuple[Ledger, str, Path]:
        writer = begin(Ledger(root))
        writer.request(record(1))
        writer.request(record(2))
        return Ledger(root), writer.delivery_id, part_of(writer)

    def test_a_torn_last_line_is_passed_over_wherever_it_is_torn(self, tmp_path):
        ledger, delivery_id, part = self.written(tmp_path)
        data = part.read_bytes()
        last = data[:-1].rindex(b"\n") + 1
        for end in range(last, len(data)):
            part.write_bytes(data[:end])
            assert [request.number for request in ledger.open(delivery_id).requests()] == [1]

    def test_a_torn_header_is_an_error_that_says_so(self, tmp_path):
        ledger, delivery_id, part = self.written(tmp_path)
        part.write_bytes(b'{"kind":"deliv')
        with pytest.raises(RoktLedgerError, match="has no header"):
            _ = ledger.open(delivery_id).header

    @pytest.mark.parametrize("line", [b"\0\0\0\n", b"[]\n", b'{"kind":"request","number":"order-1"}\n', b"\xff\n"])
    def test_a_damaged_line_is_an_error_without_its_content(self, tmp_path, line):
        ledger, delivery_id, part = self.written(tmp_path)
        with part.open("ab") as file:
            file.write(line)
        with pytest.raises(RoktLedgerError, match="damaged line in part-00000") as error:
            list(ledger.open(delivery_id).requests())
        assert "order-1" not in str(error.value)

    def test_kinds_and_fields_of_a_later_release_are_passed_over(self, tmp_path):
        ledger, delivery_id, part = self.written(tmp_path)
        line = json.loads(part.read_bytes().splitlines()[1])
        with part.open("a") as file:
            file.write('{"kind":"weather","number":1}\n')
            file.write(json.dumps({**line, "number": 3, "mood": "good"}) + "\n")
        assert [request.number for request in ledger.open(delivery_id).requests()] == [1, 2, 3]

    @pytest.mark.parametrize("format_", ["2", '"1.1"'])
    def test_another_format_is_refused_by_every_question(self, tmp_path, format_):
        ledger, delivery_id, part = self.written(tmp_path)
        part.write_bytes(part.read_bytes().replace(b'"format":1', f'"format":{format_}'.encode()))
        reader = ledger.open(delivery_id)
        for question in (lambda: reader.header, lambda: list(reader.requests()), lambda: list(reader.rows())):
            with pytest.raises(RoktLedgerError, match="has format"):
                question()


KILLED = """
import sys, time
from pathlib import Path
from airflow_provider_rokt.ledger.records import VerdictRecord, RequestRecord
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef

writer = Ledger(Path(sys.argv[1])).begin("conversions", {}, {})
for number in range(1, 501):
    verdict = VerdictRecord(Outcome.ACCEPTED, 202, 1)
    writer.request(RequestRecord(number, BULK.path, 202, 1, 10, 1.0, number, number, (verdict,)))
    writer.rows(Outcome.REJECTED, [RowFault(RowRef(number, f"order-{number}"), [FieldFault("ip", "is bad")])])
print(writer.delivery_id, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_task_leaves_all_it_wrote():
    with tempfile.TemporaryDirectory() as root:
        child = subprocess.Popen([sys.executable, "-c", KILLED, root], stdout=subprocess.PIPE, text=True)
        try:
            delivery_id = child.stdout.readline().strip()
        finally:
            child.send_signal(signal.SIGKILL)
            child.communicate()
        assert child.returncode == -signal.SIGKILL
        reader = Ledger(Path(root)).open(delivery_id)
        assert [request.number for request in reader.requests()] == list(range(1, 501))
        assert {row.key for row in reader.rows()} == {f"order-{number}" for number in range(1, 501)}
        assert reader.report() is None
