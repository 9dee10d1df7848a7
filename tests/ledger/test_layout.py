"""Deliveries lie by day; older ones lie where they were. All are found by their ids and listed, the newest first."""

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.ledger.layout import Layout
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import folder_at
from tests.ledger.aging import begun, held
from tests.ledger.stores import ListingStore, StorePath

DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(200)]
OURS = st.builds(
    lambda day, time, end: f"{day:%Y%m%d}T{time:06}Z-{end}",
    st.sampled_from(DAYS[:6]),
    st.sampled_from([0, 120000, 235959]),
    st.sampled_from("abc"),
)
OTHERS = st.sampled_from(["a", "nightly", "2026", "202601021", "20260102T", "20260102-x", "20260102T120000Z"])


def ids(ledger: Ledger, limit: int = 1000) -> list[str]:
    return [reader.delivery_id for reader in ledger.deliveries(limit)]


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(OURS | OTHERS, st.booleans(), max_size=12), st.integers(0, 12))
def test_both_layouts_are_one_list_the_newest_first(deliveries: dict[str, bool], limit: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        ledger = Ledger(Path(root))
        for name, direct in deliveries.items():
            begun(Path(root), name, direct=direct)
        assert ids(ledger) == sorted(deliveries, reverse=True)
        assert ids(ledger, limit) == sorted(deliveries, reverse=True)[:limit]
        for name in deliveries:
            assert ledger.open(name).header.delivery_id == name
            assert ledger.open(f"s3://elsewhere/20010101/{name}/").delivery_id == name
            with pytest.raises(RoktLedgerError, match="exists already"):
                ledger.begin("conversions", {}, {}, name)


def test_a_delivery_lies_in_the_day_that_its_id_begins_with(root) -> None:
    ledger = Ledger(root)
    ledger.begin("conversions", {}, {}, "20260102T000000Z-a")
    ledger.begin("conversions", {}, {}, "nightly")
    own = ledger.begin("conversions", {}, {}).delivery_id
    assert {path.removesuffix("/part-00000.jsonl") for path in held(root)} == {
        "20260102/20260102T000000Z-a",
        "nightly",
        f"{own[:8]}/{own}",
    }


def test_what_is_in_a_day_and_not_of_it_is_no_delivery(root) -> None:
    begun(root, "20260102T000000Z-a")
    for name in ("20260103T000000Z-b", "notes", "_x"):
        folder_at(root).folder("20260102").folder(name).write("part-00000.jsonl", [b"{}\n"])
    assert ids(Ledger(root)) == ["20260102T000000Z-a"]


def test_eight_digits_are_a_day_and_no_new_delivery(root) -> None:
    ledger = Ledger(root)
    begun(root, "20260102T000000Z-a")
    assert ledger.find("20260102") is None
    with pytest.raises(RoktLedgerError, match="eight digits name the folder of a day"):
        ledger.begin("conversions", {}, {}, "20260102")
    assert ids(ledger) == ["20260102T000000Z-a"]


def test_a_delivery_of_eight_digits_that_is_there_is_found_beside_those_of_its_day(tmp_path) -> None:
    ledger = Ledger(tmp_path)
    begun(tmp_path, "20260102T000000Z-a")
    LocalFolder(tmp_path / "20260102").write("part-00000.jsonl", [b"{}\n"])
    assert ids(ledger) == ["20260102T000000Z-a", "20260102"]
    assert ledger.find("20260102") is not None


def test_what_cannot_be_listed_is_left_out_and_said(tmp_path, caplog) -> None:
    begun(tmp_path, "20260102T000000Z-a")
    (tmp_path / "20260103").touch()
    assert ids(Ledger(tmp_path)) == ["20260102T000000Z-a"]
    assert "20260103: NotADirectoryError" in caplog.text


def test_other_records_are_no_deliveries(root) -> None:
    Ledger(root).beside("_syncs").folder("20260102T000000Z-a").write("part-00000.jsonl", [b"{}\n"])
    assert ids(Ledger(root)) == []


# --- what a list reads


class Watched(LocalFolder):
    """A folder that notes which folders are listed."""

    listed: list[str]

    def __init__(self, path: Path, listed: list[str]) -> None:
        super().__init__(path)
        self._at, self.listed = path, listed

    def folder(self, name: str) -> Folder:
        return Watched(self._at / name, self.listed)

    def names(self) -> list[str]:
        self.listed.append(self._at.name)
        return super().names()


def names_of(days: list[date], each: int) -> Iterator[str]:
    for day in days:
        for number in range(each):
            yield f"{day:%Y%m%d}T{number:06}Z-abc"


def test_of_20000_deliveries_only_the_days_of_the_newest_are_listed(tmp_path) -> None:
    for name in names_of(DAYS, 100):
        (tmp_path / name[:8] / name).mkdir(parents=True)
    (tmp_path / "20260301T000000Z-direct").mkdir()
    listed: list[str] = []
    layout = Layout(Watched(tmp_path, listed))
    newest = sorted(names_of(DAYS[-3:], 100), reverse=True)
    for limit, days in ((1, 1), (100, 1), (101, 2), (250, 3)):
        listed.clear()
        assert [name for name, _ in islice(layout.newest(), limit)] == newest[:limit]
        assert listed == [tmp_path.name, *(f"{day:%Y%m%d}" for day in reversed(DAYS[-days:]))]
    listed.clear()
    until = [name for name, _ in layout.newest(until="20260103")]
    assert until == sorted(names_of(DAYS[:3], 100), reverse=True)
    assert listed == [tmp_path.name, "20260103", "20260102", "20260101"]
    listed.clear()
    assert layout.find(newest[0]) is None
    assert listed == [], "a delivery is found by its id alone"


class Counted(ListingStore):
    """A store that notes which folders are listed."""

    listed: list[str] = []  # noqa: RUF012 - fsspec makes the instances

    def ls(self, path, detail=True, **kwargs):
        self.listed.append(path)
        return super().ls(path, detail, **kwargs)


@pytest.fixture
def counted() -> Iterator[StorePath]:
    yield StorePath("/bucket/many", Counted())
    ListingStore.store.clear()
    ListingStore.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("days", [2, 200])
def test_a_store_is_asked_as_often_however_old_it_is(counted, days) -> None:
    last = DAYS[-days:]
    for name in names_of(last, 100):
        counted.fs.pipe_file(f"/bucket/many/{name[:8]}/{name}/part-00000.jsonl", b"{}\n")
    Counted.listed.clear()
    found = ids(Ledger(counted), 20)
    assert found == sorted(names_of(last[-1:], 100), reverse=True)[:20]
    of_root, of_day, of_deliveries = 1, 1, 20
    assert len(Counted.listed) == of_root + of_day + of_deliveries
