"""What is remembered is what was accepted, however it was folded, by whom, and wherever that was cut short."""

import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder
from airflow_provider_rokt.syncs.anchor import Anchor
from airflow_provider_rokt.syncs.memory import Memory, fold, folds, open_memory, remembered_of
from airflow_provider_rokt.syncs.sync import Sync, today
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from airflow_provider_rokt.syncs.trails import TrailName
from tests.storage.failing import FailingStore
from tests.syncs.dying import DyingFolder, Killed, Life, WatchedFolder
from tests.syncs.rows import RUN, leave, listed, marks

REMEMBERED = 10  # days
IDS = range(12)
CONTENTS = range(1, 4)


@dataclass
class Model:
    """What a sync remembers, as a plain dict: of each row the content that Rokt took, and when it last took it."""

    folder: Folder
    day: int = 20_000
    number: int = 0
    rows: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def since(self) -> int:
        return self.day - REMEMBERED

    def expected(self, row: int, content: int) -> Skip | None:
        if row not in self.rows or self.rows[row][1] < self.since:
            return None
        return Skip.SENT if self.rows[row][0] in (0, content) else Skip.CHANGED

    def deliver(self, rows: Sequence[tuple[int, int]], *, done: bool = True, again: bool = False) -> None:
        """A run that sends what is new; with ``again`` also what was sent with the same content, as ``send="all"``."""
        taken = b""
        for row, content in rows:
            known = self.expected(row, content)
            if known is None or (again and known is Skip.SENT and self.rows[row][0] == content):
                self.rows[row] = content, self.day
                taken += mark(f"order-{row}", content)
        self.number += 1
        leave(self.folder, TrailName(self.number, self.day, RUN, -1, 0), taken, done=done)

    def open(self, since: int | None = None) -> Memory:
        found, since = folds(self.folder.names()), self.since if since is None else since
        return open_memory(self.folder, found, listed(self.folder), since)

    def check(self) -> None:
        with closing(self.open()) as memory:
            for row in IDS:
                for content in CONTENTS:
                    assert memory.find(mark(f"order-{row}", content)) == self.expected(row, content), (row, content)

    def fold(self, folder: Folder | None = None) -> bool:
        """Folds as a run does that began now."""
        folder = folder or self.folder
        over = [trail for trail in listed(folder) if trail.is_done() or trail.name.day < self.day - 7]
        return fold(folder, folds(folder.names()), over, "run", self.since)


ROWS = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from([*CONTENTS, 0])), max_size=6)
STEPS = st.one_of(
    st.tuples(st.just("deliver"), ROWS, st.booleans(), st.booleans()),
    st.tuples(st.just("deliver"), ROWS, st.just(True), st.booleans()),
    st.tuples(st.just("fold"), st.none() | st.integers(0, 40)),
    st.tuples(st.just("wait"), st.integers(1, REMEMBERED + 2)),
)


@settings(max_examples=60)
@given(st.lists(STEPS, min_size=10, max_size=50))
@example([("deliver", [(1, 1)], True, False), ("wait", REMEMBERED + 1), ("deliver", [(1, 2)], True, False)] * 2)
@example(
    [
        ("deliver", [(1, 1)], True, False),
        *[("deliver", [], True, False)] * 8,
        ("fold", None),
        ("wait", REMEMBERED + 1),
        ("deliver", [(1, 2)], True, False),
        *[("deliver", [], True, False)] * 8,
        ("fold", None),
    ]
)
def test_what_is_looked_up_is_what_was_accepted(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    path = tmp_path_factory.mktemp("sync")
    model = Model(LocalFolder(path))
    for what, *step in steps:
        if what == "deliver":
            model.deliver(step[0], done=step[1], again=step[2])
        elif what == "wait":
            model.day += step[0]
        else:
            with suppress(Killed):
                model.fold(DyingFolder(path, Life(step[0])))
        model.check()


def test_a_row_that_only_its_id_is_known_of_matches_whatever_it_says(folder: Folder) -> None:
    leave(folder, TrailName(1, 20_000, RUN, -1, 0), mark("order-1", 0))
    with closing(open_memory(folder, [], listed(folder), 0)) as memory:
        assert memory.find(mark("order-1", 5)) is Skip.SENT
        assert memory.find(mark("order-1", 0)) is Skip.SENT
        assert memory.find(mark("order-2", 0)) is None


def test_the_first_content_counts_and_the_last_day(folder: Folder) -> None:
    """Rokt takes no correction under the same id, so what it has is what it was sent first."""
    for day, content in ((20_003, 3), (20_001, 1), (20_002, 2)):
        leave(folder, TrailName(day - 20_000, day, RUN, -1, 0), mark("order-1", content))
    for number in range(4, 10):
        leave(folder, TrailName(number, 20_000, RUN, -1, 0), b"")
    assert fold(folder, [], listed(folder), "run", 0)
    found = folds(folder.names())
    with closing(open_memory(folder, found, [], 20_003)) as memory:
        assert [memory.find(mark("order-1", content)) for content in CONTENTS] == [
            Skip.SENT,
            Skip.CHANGED,
            Skip.CHANGED,
        ]
    with closing(open_memory(folder, found, [], 20_004)) as memory:
        assert memory.find(mark("order-1", 1)) is None


def test_nothing_remembered_knows_nothing(folder: Folder) -> None:
    for memory in (remembered_of([]), open_memory(folder, [], [], 0)):
        with closing(memory):
            assert (len(memory), memory.find(mark("order-1", 1))) == (0, None)


def test_few_small_trails_stay_as_they_are(folder: Folder) -> None:
    model = Model(folder)
    for row in range(7):
        model.deliver([(row, 1)])
    assert not model.fold()
    model.deliver([(7, 1)])
    assert model.fold()
    assert [name for name in folder.names() if TrailName.read(name)] == []
    model.check()


def test_two_that_fold_at_once_leave_one_memory(tmp_path: Path) -> None:
    """The second has listed what the first has folded since."""
    model = grown(tmp_path)
    found, over = folds(model.folder.names()), listed(model.folder)
    assert fold(model.folder, found, over, "one", 0)
    before = model.folder.names()
    assert not fold(model.folder, found, over, "two", 0)
    assert model.folder.names() == before
    model.check()


def test_one_folds_at_a_time(tmp_path: Path) -> None:
    model = grown(tmp_path)
    with pytest.raises(Killed):
        model.fold(DyingFolder(tmp_path, Life(3)))
    assert not fold(model.folder, folds(model.folder.names()), listed(model.folder), "another run", 0)
    model.check()
    assert model.fold()


def test_the_number_of_a_memory_never_falls(tmp_path: Path) -> None:
    """Airflow's database knows it: a lower one would be refused as an old copy, for ever."""
    model = Model(LocalFolder(tmp_path))
    for row in range(6):
        model.deliver([(row, 1)], done=False)
    for row in range(4):
        # Large enough to stay as it is when the failed ones are folded at last.
        leave(model.folder, TrailName(50 + row, model.day, RUN, -1, 0), marks(range(row * 30_000, (row + 1) * 30_000)))
    assert model.fold()
    model.day += REMEMBERED + 1
    for row in range(6, 8):
        leave(model.folder, TrailName(row, model.day - 8, RUN, -1, 0), marks([row]), done=False)
    assert model.fold()
    assert Sync(model.folder, "rokt_default", "shop").contents().number == 53


def grown(path: Path) -> Model:
    """A sync with sorted files of several sizes and enough trails to fold some of them."""
    model = Model(LocalFolder(path))
    row = iter(range(10_000))
    for size in (64, 16, 1):
        for _ in range(8):
            model.day += size == 16
            model.deliver([(next(row) % len(IDS) if size == 1 else next(row), 1) for _ in range(size)])
        assert size == 1 or model.fold()
    model.deliver([(3, 2), (4, 3), (9_999, 1)], done=False)
    assert len(folds(model.folder.names())) == 2
    return model


def test_killed_between_any_two_steps_it_loses_nothing_and_the_next_repairs_it(tmp_path: Path) -> None:
    whole = Life()
    model = grown(tmp_path / "whole")
    model.fold(DyingFolder(tmp_path / "whole", whole))
    files = len(model.folder.names())
    assert whole.made > 25
    for changes in range(whole.made):
        model = grown(path := tmp_path / str(changes))
        with pytest.raises(Killed):
            model.fold(DyingFolder(path, Life(changes)))
        model.check()
        # A trail of which nothing but its empty folder is left looks like that of a task which may be tried again.
        model.day += 8
        for row in range(8):
            model.deliver([(row, 3)])
        assert model.fold()
        model.check()
        left = [name for name in model.folder.names() if not name.endswith(".partial")]
        assert len(left) <= files, f"killed after {changes} changes"


def test_a_store_that_fails_at_any_change_loses_nothing(tmp_path: Path) -> None:
    for fails_at in range(1, 200):
        store = FailingStore()
        model = Model(StoreFolder(store, "/bucket/sync", "memory://bucket/sync"))
        for row in range(10):
            model.deliver([(row, 1)])
        store.fails_at = store.changes + fails_at
        with suppress(RoktError):
            model.fold()
        has_failed, store.fails_at = store.changes >= store.fails_at, None
        model.check()
        model.deliver([(11, 1)])
        model.fold()
        model.check()
        if not has_failed:
            assert fails_at > 10
            return
    raise AssertionError("it never ended")


def delivery(folder: Folder, run_id: str = "monday") -> SyncDelivery:
    sync = Sync(folder, "rokt_default", "shop.orders")
    sender = {"connection": "rokt_default", "dag_id": "shop", "task_id": "orders", "run_id": run_id, "map_index": -1}
    anchor = Anchor(None, "key", store="store", place="place", what="sync")
    return SyncDelivery(sync, sender, anchor, REMEMBERED)


@pytest.mark.parametrize("trails", [2, 9], ids=["nothing to fold itself", "folding too"])
def test_who_opens_it_while_another_folds_sees_all(tmp_path: Path, trails: int) -> None:
    """A part of the same run may have begun beside it, and has the same right to fold."""
    for look in range(200):
        path = tmp_path / str(look)
        plain = LocalFolder(path)
        for row in range(trails):
            leave(plain, TrailName(row + 1, today(), RUN, -1, 0), marks([row]), done=True)

        def happens(plain: Folder = plain) -> None:
            # Enough of them, whatever this one finds.
            for row in range(trails, trails + 8):
                leave(plain, TrailName(row + 1, today(), RUN, -1, 0), marks([row]))
            fold(plain, folds(plain.names()), listed(plain), "sibling", 0)

        looks = [look]
        with delivery(WatchedFolder(path, happens, looks)) as opened:
            assert [opened.recall(mark(f"order-{row}", 1)) for row in range(trails)] == [Skip.SENT] * trails
        if looks[0] >= 0:
            assert look > 5
            return
    raise AssertionError("it never ended")


def test_runs_without_a_new_row_leave_one_file(folder: Folder) -> None:
    model = Model(folder)
    model.deliver([(1, 1)])
    for _ in range(40):
        model.deliver([])
        model.fold()
    assert len(folds(folder.names())) == 1
    model.check()


def test_thousands_of_deliveries_are_a_few_files() -> None:
    folder = StoreFolder(MemoryFileSystem(), "/thousands/sync", "memory://thousands/sync")
    try:
        most = 0
        for number in range(2_000):
            leave(
                folder,
                TrailName(number + 1, 20_000 + number // 24, RUN, -1, 0),
                marks(range(number * 5, number * 5 + 10)),
            )
            fold(folder, folds(folder.names()), listed(folder), "run", 0)
            most = max(most, len(folds(folder.names())))
        # 10,000 rows in files each four times the next, of which the smallest has 80.
        assert most <= 6
        assert len(folder.names()) <= 6 + 8 + 1
        with closing(open_memory(folder, folds(folder.names()), listed(folder), 0)) as memory:
            assert all(memory.find(mark(f"order-{row}", 1)) for row in range(0, 10_005, 7))
            assert memory.find(mark("order-10005", 1)) is None
    finally:
        folder.delete()


@pytest.mark.slow
def test_a_million_marks_need_no_more_memory_than_some() -> None:
    peaks = []
    for rows in (200_000, 1_200_000):
        command = [sys.executable, "-m", "tests.syncs.peak_memory", str(rows)]
        done = subprocess.run(
            command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True, timeout=250
        )
        peaks.append(json.loads(done.stdout.splitlines()[-1]))
    # A million entries alone are 18 MB, and as objects of Python 51.
    assert peaks[1] - peaks[0] <= 8 * 1024
