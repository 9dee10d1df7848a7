"""The newest memory's number in Airflow's database, of which a plain dict is one here."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_rokt.exceptions import RoktMemoryError
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.place import anchor_of, syncs_of
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.syncs.anchor import Anchor, Register
from airflow_provider_rokt.syncs.sync import Syncs
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from tests.syncs.rows import marks


def anchor(register: Register | None, store: str = "a", place: str = "/disk") -> Anchor:
    return Anchor(register, "key", store=store, place=place, what="sync 'shop.orders'", way_out="Ask your neighbour")


@pytest.fixture
def register() -> Register:
    """A memory that has come to 5 in store a."""
    register: Register = {}
    anchor(register).note(5)
    return register


def test_the_first_run_is_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    anchor({}).check(0)
    assert "Nothing is remembered of sync 'shop.orders', this is its first run; its memory is in /disk" in caplog.text


def test_a_memory_from_before_the_database_knew_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    anchor({}).check(3)
    assert "knows nothing yet of the memory of sync 'shop.orders' in /disk" in caplog.text


@pytest.mark.parametrize("number", [5, 6])
def test_the_newest_is_believed(register: Register, number: int) -> None:
    anchor(register).check(number)


@pytest.mark.parametrize(
    ("store", "number", "says"),
    [
        ("a", 0, "its memory is gone from /disk"),
        ("a", 4, r"the memory in /disk is an older one \(4, it had come to 5\)"),
        ("b", 0, "nothing is remembered in /other, and the newest memory was in /disk of "),
        ("b", 9, "a memory of another place lies in /other, and the newest memory was in /disk of "),
    ],
)
def test_any_other_is_refused_in_its_own_words(register: Register, store: str, number: int, says: str) -> None:
    before = dict(register)
    with pytest.raises(RoktMemoryError, match=f"of sync 'shop.orders' cannot be believed: {says}") as refused:
        anchor(register, store, "/disk" if store == "a" else "/other").check(number)
    assert str(refused.value).endswith("Nothing was sent. Ask your neighbour")
    assert register == before


def test_who_was_asked_when_the_database_did_not_answer_is_refused_before_it_sends(register: Register) -> None:
    """Airflow takes a database that does not answer for one that knows nothing."""
    anchor({}, "b", "/other").check(2)
    with pytest.raises(RoktMemoryError, match=r"it comes to 3 in /other, and the newest .* in /disk of .* to 5"):
        anchor(register, "b", "/other").note(3)
    with pytest.raises(RoktMemoryError, match=r"it comes to 3 in /disk"):
        anchor(register).note(3)
    anchor(register).check(5)


def test_of_two_workers_that_begin_at_once_one_is_refused() -> None:
    register: Register = {}
    first, second = anchor(register, "a"), anchor(register, "b", "/other")
    first.check(0)
    second.check(0)
    first.note(1)
    with pytest.raises(RoktMemoryError, match="in /other, and the newest memory is in /disk"):
        second.note(1)


def test_the_parts_of_one_run_note_the_same(register: Register) -> None:
    parts = [anchor(register), anchor(register)]
    for part in parts:
        part.ask()
    for part in parts:
        part.check(5)
        part.note(6)
    anchor(register).check(6)


class Meanwhile(dict[str, str]):
    """A database; before it answers, a part that runs beside the one that asks begins."""

    def __init__(self, begin: Callable[[Register], None]) -> None:
        super().__init__()
        self._begin: Callable[[Register], None] | None = begin

    def get(self, key: str, default: Any = None) -> Any:
        if begin := self._begin:
            self._begin = None
            begin(self)
        return super().get(key, default)


def test_a_part_that_begins_while_the_database_is_asked_keeps_none_out(tmp_path: Path) -> None:
    syncs = Syncs(LocalFolder(tmp_path))
    sync = syncs.sync("rokt_default", "shop.orders")

    def part(index: int, register: Register) -> SyncDelivery:
        task = {"dag_id": "shop", "task_id": "orders", "run_id": "r1", "map_index": index}
        return SyncDelivery(sync, task, anchor(register, syncs.store()), 90)

    def begin(register: Register) -> None:
        with part(1, register) as beside:
            beside.begin("delivery")

    with part(0, Meanwhile(begin)) as late:
        late.begin("another")
    assert sync.contents().number == 1


def test_restarted_a_memory_begins_there_and_nowhere_else(register: Register, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    anchor(register).restart()
    anchor(register).check(0)
    assert "this is its first run" in caplog.text
    # What another worker's disk holds is from before that.
    with pytest.raises(RoktMemoryError, match="a memory of another place lies in /other"):
        anchor(register, "b", "/other").check(4)
    anchor(register).note(1)
    anchor(register).check(1)


@pytest.mark.parametrize(
    "text",
    ["", "5", "{}", '{"store": "a", "number": -1, "place": ""}', '{"store": "a", "number": "4"}', "\ud800"],
)
def test_a_text_changed_by_hand_is_named(text: str) -> None:
    for ask in (lambda one: one.check(5), lambda one: one.note(6)):
        with pytest.raises(RoktMemoryError, match="Airflow's variable key was changed by hand"):
            ask(anchor({"key": text}))


def test_outside_of_airflow_nothing_can_be_known() -> None:
    anchor(None).check(0)
    anchor(None).note(1)
    anchor(None).restart()


class Counting(dict[str, str]):
    """Counts what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []

    def __setitem__(self, key: str, value: str) -> None:
        self.written.append(value)
        super().__setitem__(key, value)


def part(root: Path, register: dict[str, str], index: int, run_id: str = "monday") -> SyncDelivery:
    ledger = Ledger(root)
    sync = syncs_of(ledger).sync("rokt_default", "shop.orders")
    sender = {"dag_id": "shop", "task_id": "orders", "run_id": run_id, "map_index": index}
    return SyncDelivery(sync, sender, anchor_of(ledger, sync, register), 90)


def test_parts_side_by_side_write_one_value(tmp_path: Path) -> None:
    register = Counting()
    with part(tmp_path, register, 0) as first, part(tmp_path, register, 1) as second:
        second.begin("b")
        first.begin("a")
        first.remember(marks([1]))
        with part(tmp_path, register, 2) as third:
            third.begin("c")
    assert len(register.written) == 1
    with part(tmp_path, register, 0, "tuesday") as next_:
        next_.begin("d")
    assert len(register.written) == 2


def test_a_copy_of_a_ledger_is_believed_and_an_old_copy_is_not(tmp_path: Path) -> None:
    register: dict[str, str] = {}
    for run_id in ("monday", "tuesday"):
        with part(tmp_path / "here", register, -1, run_id) as run:
            run.begin(run_id)
            run.remember(marks([1]))
        if run_id == "monday":
            shutil.copytree(tmp_path / "here", tmp_path / "old")
    shutil.copytree(tmp_path / "here", tmp_path / "moved")
    with part(tmp_path / "moved", register, -1, "wednesday"):
        pass
    with pytest.raises(RoktMemoryError, match="is an older one"), part(tmp_path / "old", register, -1, "wednesday"):
        pass
    with (
        pytest.raises(RoktMemoryError, match="nothing is remembered in"),
        part(tmp_path / "new", register, -1, "wednesday"),
    ):
        pass
