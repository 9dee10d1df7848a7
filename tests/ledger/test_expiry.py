"""What ended long ago is removed, what runs never is, and half of a removal is made whole by the next."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktLedgerError, RoktStorageError
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.ledger.batch_status import BatchStatus
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.storage.store_folder import folder_at
from tests.ledger.aging import ago, begun, ended, held, id_of, killed, placed, written
from tests.ledger.stores import StorePath
from tests.storage.failing import FailingStore
from tests.storage.failing import StorePath as FailingPath

DAYS = 30
UNUSUAL = [b"{", b"", b"[]\n", b'{"kind":"report"}\n']


def due(root: Any, days: int = DAYS) -> list[str]:
    found, unjudged = Ledger(root).expiry(days).look()
    assert unjudged == []
    return [one.delivery_id for one in found]


def prune(root: Any, days: int = DAYS) -> list[str]:
    """Removes all that may be; the ids of what was."""
    expiry = Ledger(root).expiry(days)
    found, _ = expiry.look()
    removed = [one.delivery_id for one in found if expiry.remove(one)]
    expiry.tidy()
    return removed


@pytest.mark.parametrize("direct", [False, True], ids=["by day", "as older releases"])
def test_what_ended_earlier_goes_the_oldest_first_and_the_rest_stays(root, direct: bool) -> None:
    for days in (29.9, 30.1, 400, 31):
        ended(root, id_of(days + 0.01), days, direct=direct)
    assert [name[:8] for name in prune(root)] == [f"{ago(days + 0.01):%Y%m%d}" for days in (400, 31, 30.1)]
    [left] = Ledger(root).deliveries(9)
    assert left.delivery_id == id_of(29.91)
    assert {path.rpartition("/")[2] for path in held(root)} == {"part-00000.jsonl", "report.jsonl"}


def test_the_end_counts_and_not_the_beginning(root) -> None:
    ended(root, id_of(40), 29)
    ended(root, "nightly", 31)
    ended(root, "weekly", 29)
    assert prune(root) == ["nightly"]


@pytest.mark.parametrize("direct", [False, True], ids=["by day", "as older releases"])
def test_what_never_ended_goes_a_week_after_the_last_write(root, direct: bool) -> None:
    killed(root, id_of(50, "quiet"), 37.1, direct=direct)
    killed(root, id_of(50, "maybe"), 36.9, direct=direct)
    killed(root, "nightly", 37.1, direct=True)
    assert sorted(prune(root)) == [id_of(50, "quiet"), "nightly"]
    [left] = Ledger(root).deliveries(9)
    assert left.delivery_id == id_of(50, "maybe")


def test_a_running_delivery_is_never_touched(root) -> None:
    """It began long ago and goes on writing, before, while and after others are removed."""
    writer = begun(root, id_of(100))
    ended(root, id_of(100, "b"), 99)
    writer.rows(Outcome.FAILED, [])
    assert prune(root, 1) == [id_of(100, "b")]
    writer.finish(Tally(read=1, accepted=1).report(writer.delivery_id, writer.uri), complete=True)
    assert Ledger(root).open(writer.delivery_id).complete


def test_one_that_wakes_up_after_it_was_judged_is_kept(root) -> None:
    name = killed(root, id_of(100), 99)
    expiry = Ledger(root).expiry(DAYS)
    [one], _ = expiry.look()
    assert not one.ended
    written(root, name, 0)
    assert expiry.remove(one) is False
    assert Ledger(root).find(name) is not None


class Timeless(MemoryFileSystem):
    """A store that tells no times, or none that say where."""

    store: dict = {}  # noqa: RUF012
    pseudo_dirs: list = [""]  # noqa: RUF012
    cachable = False
    tells: datetime | None = None

    def modified(self, path):
        if self.tells is None:
            raise NotImplementedError
        return self.tells


@pytest.mark.parametrize("tells", [None, datetime(2020, 1, 1)], ids=["no time", "no zone"])
def test_what_never_ended_stays_where_the_storage_knows_no_times(tells) -> None:
    root = StorePath(f"/timeless/{tells}", Timeless())
    root.fs.tells = tells
    begun(root, id_of(100))
    ended(root, id_of(100, "b"), 99)
    assert prune(root) == [id_of(100, "b")]
    assert len(Ledger(root).deliveries(9)) == 1


def test_what_never_ended_stays_where_the_storage_knows_some_times_only(root, monkeypatch) -> None:
    name = killed(root, id_of(100), 99)
    parts(root, name, 2)
    written(root, name, 99)
    assert due(root) == [name]
    if not isinstance(root, Path):
        tells = root.fs.modified
        monkeypatch.setattr(
            root.fs, "modified", lambda path: tells(path).replace(tzinfo=None if "-00001" in path else UTC)
        )
        assert due(root) == []


@pytest.mark.parametrize("report", UNUSUAL)
def test_a_report_that_cannot_be_read_is_none(root, report: bytes) -> None:
    for end, days in (("a", 37.1), ("b", 36.9)):
        ended(root, id_of(100, end), 99)
        placed(root, id_of(100, end)).put("report.jsonl", report)
        written(root, id_of(100, end), days)
    assert prune(root) == [id_of(100, "a")]


@pytest.mark.parametrize("finished_at", ["yesterday", "2020-01-01T00:00:00", ""])
def test_a_report_that_does_not_say_when_is_none(root, finished_at: str) -> None:
    name = ended(root, id_of(100), 99)
    folder = placed(root, name)
    [line] = folder.lines("report.jsonl")
    begin = line.index(b'"finished_at": "') + 16
    folder.put("report.jsonl", line[:begin] + finished_at.encode() + line[begin + 25 :])
    assert due(root) == []
    written(root, name, 38)
    assert due(root) == [name]


def test_other_records_and_what_is_no_delivery_stay(tmp_path) -> None:
    old = f"{ago(400):%Y%m%d}"
    others = [
        f"_syncs/{id_of(400)}/part-00000.jsonl",
        "_tries/0123",
        f"{old}.txt",
        f"{ago(401):%Y%m%d}",
        "notes/part-1.txt",
        f"{old}/readme.txt",
        f"{old}/{id_of(400, 'x')}/my notes.txt",
        f"{old}/_other/part-00000.jsonl",
        # A delivery of an older release, and the folder of a day.
        f"{ago(402):%Y%m%d}/report.jsonl",
        f"{ago(402):%Y%m%d}/part-00000.jsonl",
    ]
    for path in others:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"{}\n")
        os.utime(tmp_path / path, (0, 0))
    ended(tmp_path, id_of(400), 399)
    os.utime(tmp_path / id_of(402)[:8] / ended(tmp_path, id_of(402), 399), (0, 0))
    assert sorted(prune(tmp_path)) == sorted([id_of(400), id_of(402)])
    assert held(tmp_path) == set(others)


def test_days_of_which_nothing_is_left_go(tmp_path) -> None:
    for days in (35, 34):
        ended(tmp_path, id_of(days, "a"), days)
    ended(tmp_path, id_of(34, "b"), 20)
    today = tmp_path / f"{ago(0):%Y%m%d}"
    today.mkdir()
    last = tmp_path / f"{ago(DAYS):%Y%m%d}"
    last.mkdir()
    prune(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{ago(34):%Y%m%d}", today.name, last.name}


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 70), st.integers(0, 60)), max_size=8),
    st.integers(1, 60),
)
def test_what_goes_is_what_is_old_enough(deliveries: list[tuple[bool, bool, int, int]], days: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root, old, young = Path(folder), set(), set()
        for number, (has_report, direct, at, ran) in enumerate(deliveries):
            # Noon between two borders, so that no second decides.
            name = id_of(at + 0.5 + ran, str(number))
            (ended if has_report else killed)(root, name, at + 0.5, direct=direct)
            (old if at >= (days if has_report else days + 7) else young).add(name)
        assert set(due(root, days)) == set(prune(root, days)) == old
        assert {reader.delivery_id for reader in Ledger(root).deliveries(99)} == young


# --- what cannot be removed, and what is left of a removal


def parts(root: Any, name: str, number: int) -> None:
    for part in range(1, number):
        placed(root, name).put(f"part-{part:05}.jsonl", b"{}\n")


@pytest.mark.parametrize("has_report", [True, False])
@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_a_removal_that_stopped_breaks_nothing_and_is_ended_by_the_next(has_report: bool, nth: int) -> None:
    """Of four files, at each of them."""
    root = FailingPath(FailingStore())
    name = (ended if has_report else killed)(root, id_of(100), 99)
    parts(root, name, 3 - has_report)
    # What later releases may add is gone before the report is.
    placed(root, name).put("rows", b"1")
    written(root, name, 99)
    root.fs.fails_at = root.fs.changes + nth
    expiry = Ledger(root).expiry(DAYS)
    [one], _ = expiry.look()
    with pytest.raises(RoktStorageError, match=r"cannot be removed \(ClientError\)"):
        expiry.remove(one)
    listed = Ledger(root).deliveries(9)
    assert [(reader.delivery_id, reader.finished) for reader in listed] == [(name, has_report)]
    if has_report and nth > 1:
        with pytest.raises(RoktLedgerError, match=r"part-00000\.jsonl is missing"):
            BatchStatus.of(listed).check(0, 0)
    root.fs.fails_at = None
    assert due(root) == prune(root) == [name]
    assert root.fs.store == {}


def test_an_emptied_folder_goes_by_its_id(tmp_path) -> None:
    for days in (36.9, 37.1):
        (tmp_path / id_of(days)[:8] / id_of(days)).mkdir(parents=True)
    (tmp_path / "20209999" / "20209999T000000Z-a").mkdir(parents=True)
    (tmp_path / "nightly").mkdir()
    assert prune(tmp_path) == [id_of(37.1)]
    assert (tmp_path / "nightly").is_dir()


def test_what_the_storage_does_not_show_is_named_and_the_rest_goes(root, monkeypatch) -> None:
    hidden = ended(root, id_of(100, "hidden"), 99)
    other = ended(root, id_of(100, "other"), 99)
    hide(root, monkeypatch, hidden)
    expiry = Ledger(root).expiry(DAYS)
    found, unjudged = expiry.look()
    assert [one.delivery_id for one in found] == [other]
    assert [(one.folder.uri.rpartition("/")[2], one.failure) for one in unjudged] == [
        (hidden, "PermissionError: Permission denied")
    ]


def test_a_day_that_the_storage_does_not_show_is_named_and_the_rest_goes(root, monkeypatch) -> None:
    hidden = ended(root, id_of(100), 99)[:8]
    other = ended(root, id_of(90), 89)
    hide(root, monkeypatch, hidden)
    expiry = Ledger(root).expiry(DAYS)
    found, unjudged = expiry.look()
    assert [one.delivery_id for one in found] == [other]
    assert [one.folder.uri.rpartition("/")[2] for one in unjudged] == [hidden]
    expiry.tidy()


def hide(root: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """From now on the storage refuses to list a folder of that name."""
    listdir, ls = os.listdir, None if isinstance(root, Path) else root.fs.ls

    def refuse(path: Any) -> None:
        if str(path).endswith(f"/{name}"):
            raise PermissionError(13, "Permission denied")

    def listing(path: Any, *arguments: Any, **options: Any) -> Any:
        refuse(path)
        return ls(path, *arguments, **options) if ls else listdir(path)

    if ls:
        monkeypatch.setattr(root.fs, "ls", listing)
    else:
        monkeypatch.setattr(os, "listdir", listing)


def test_nothing_is_due_where_there_is_nothing(root) -> None:
    assert prune(root) == []
    assert folder_at(root).names() == []
