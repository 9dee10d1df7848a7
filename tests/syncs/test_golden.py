"""What every release remembered is read by this one, and what a newer one writes is refused."""

import json
import shutil
from pathlib import Path

import pytest

from airflow_provider_rokt.exceptions import RoktFileDamagedError, RoktMemoryError
from airflow_provider_rokt.flow.row import Outcome, Skip
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.place import anchor_of, syncs_of
from tests.syncs.golden.writing import CONNECTION, FAILED, FOLDED, IN_TRAIL, NAME, ONLY_ITS_ID, delivery, order

GOLDEN = Path(__file__).with_name("golden")
RELEASES = sorted(path.parent.name for path in GOLDEN.glob("*/register.json"))


@pytest.fixture(params=RELEASES)
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what a release left, as if it had been today."""
    copy = tmp_path / "ledger"
    shutil.copytree(GOLDEN / request.param, copy)
    return copy


@pytest.fixture
def register(root: Path) -> dict[str, str]:
    known: dict[str, str] = json.loads((root / "register.json").read_text())
    return known


def found(root: Path, pattern: str) -> list[Path]:
    return sorted(root.glob(f"_syncs/*/{pattern}"))


def test_today_s_is_among_them() -> None:
    assert RELEASES


def test_all_rows_are_remembered(root: Path, register: dict[str, str]) -> None:
    with delivery(root, register, "next") as next_:
        for number in (*FOLDED, IN_TRAIL, FAILED):
            assert next_.recall(order(number)) is Skip.SENT
            assert next_.recall(order(number, 2)) is Skip.CHANGED
        assert next_.recall(order(ONLY_ITS_ID, 2)) is Skip.SENT
        assert next_.recall(order(100)) is None
        next_.begin("next")
    assert json.loads(register.popitem()[1])["number"] == 12


def test_its_failed_task_goes_on(root: Path, register: dict[str, str]) -> None:
    with delivery(root, register, "run 10") as retry:
        assert retry.recall(order(FAILED)) is Outcome.ACCEPTED
        header = syncs_of(Ledger(root)).sync(CONNECTION, NAME).contents().trails[-1].header()
        assert header
        assert retry.salt.hex() == header.salt


def test_the_sync_is_listed_with_its_deliveries(root: Path) -> None:
    (sync,) = syncs_of(Ledger(root)).all()
    assert (sync.connection, sync.name) == (CONNECTION, NAME)
    assert len(sync.deliveries()) == 0
    assert sync.contents().number == 11


def test_the_database_believes_it_and_nothing_older(root: Path, register: dict[str, str]) -> None:
    ledger = Ledger(root)
    anchor = anchor_of(ledger, syncs_of(ledger).sync(CONNECTION, NAME), register)
    anchor.check(11)
    with pytest.raises(RoktMemoryError, match=r"is an older one \(10, it had come to 11\)"):
        anchor.check(10)


def test_a_trail_of_a_newer_release_is_refused(root: Path, register: dict[str, str]) -> None:
    for path in found(root, "t*/marks-00000"):
        path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2', 1))
    with pytest.raises(RoktMemoryError, match="has version 2 and this release reads 1: another release"):
        delivery(root, register, "next").__enter__()


def test_a_sorted_file_of_a_newer_release_is_refused(root: Path, register: dict[str, str]) -> None:
    (path,) = found(root, "m*")
    path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 2', 1))
    with pytest.raises(RoktFileDamagedError, match="its format has version 2, this release reads 1"):
        delivery(root, register, "next").__enter__()


def test_what_a_newer_release_told_the_database_is_refused(root: Path, register: dict[str, str]) -> None:
    (key,) = register
    register[key] = json.dumps(json.loads(register[key]) | {"version": 2})
    with pytest.raises(RoktMemoryError, match=r"another release.*wrote"):
        delivery(root, register, "next").__enter__()
