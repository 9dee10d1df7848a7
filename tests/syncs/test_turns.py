"""One run of a sync at a time, and the parts of a run together; whoever is killed keeps nobody out for long."""

import logging
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import ClassVar

import pytest

from airflow_provider_rokt.exceptions import RoktIncompleteError, RoktStorageError, RoktSyncBusyError
from airflow_provider_rokt.storage.folder import ABANDONED_SECONDS, Folder
from airflow_provider_rokt.storage.lease import SECONDS, Lease
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder
from airflow_provider_rokt.turns.turn import WAIT_SECONDS, Turn
from tests.bounded import PATIENCE, until
from tests.storage.failing import FailingStore
from tests.syncs.hasty import HastyThreads, begin


@pytest.fixture(autouse=True)
def _time() -> None:
    begin()


def turn(
    folder: Folder,
    run: str,
    part: int = 0,
    threads: HastyThreads | None = None,
    stopped: object = None,
    wait: float = WAIT_SECONDS,
) -> Turn:
    threads = threads or HastyThreads()
    name = f"{run.rpartition('/')[2]}-{part}"
    return Turn(folder, run, name, "shop.orders", stopped or threads.flag(), threads, wait)  # type: ignore[arg-type]


def killed(folder: Folder, run: str, threads: HastyThreads, *, ago: float = 0.0) -> None:
    """A turn whose process was killed so many seconds ago."""
    Lease(folder, run, name=f"{run}-0", clock=lambda: threads.utc().timestamp() - ago).take()


def test_two_runs_are_never_at_work_at_once(folder: Folder) -> None:
    """Threads of four runs with two parts each, again and again."""
    at_work: Counter[str] = Counter()
    held, together, wrong = threading.Lock(), list[int](), list[str]()

    def hammer(run: str, part: int) -> None:
        chance = random.Random(f"{run} {part}")
        for _ in range(4):
            # A busy machine stands still for seconds, which are a turn's end where time passes too fast.
            with turn(folder, run, part, HastyThreads(10.0), wait=100 * PATIENCE) as mine:
                with held:
                    at_work[run] += 1
                    together.append(sum(at_work.values()))
                    wrong.extend(
                        [f"{run} beside {other}" for other, count in at_work.items() if count and other != run]
                    )
                time.sleep(chance.uniform(0, 0.01))
                mine.check()
                with held:
                    at_work[run] -= 1
            time.sleep(chance.uniform(0, 0.05))

    threads = [threading.Thread(target=hammer, args=(f"run {run}", part)) for run in range(4) for part in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(PATIENCE)
        assert not one.is_alive()
    assert wrong == []
    assert len(together) == 32
    assert folder.names() == []


def test_parts_of_one_run_are_at_work_together(folder: Folder) -> None:
    with turn(folder, "monday", 0), turn(folder, "monday", 1), turn(folder, "monday", 2):
        assert len(folder.names()) == 3
    assert folder.names() == []


def test_who_waits_says_for_whom(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with turn(folder, "shop/orders/monday"):
        waiting = threading.Thread(target=lambda: turn(folder, "shop/orders/tuesday").__enter__())
        waiting.start()
        until(lambda: "Waiting at most" in caplog.text)
        time.sleep(0.2)
        assert waiting.is_alive()
    waiting.join(PATIENCE)
    assert caplog.text.count("Waiting at most") == 1
    told = " ".join(record.getMessage().strip() for record in caplog.records)
    assert f"Waiting at most {WAIT_SECONDS:.0f} s for another run of sync 'shop.orders', 'shop/orders/monday'" in told
    assert "its turn ends at 2" in told
    # What the refusal says would not be true yet.
    assert "nothing was sent" not in told


def test_it_waits_so_long_and_no_longer(folder: Folder) -> None:
    threads = HastyThreads(1_000)
    began = threads.now()
    with (
        turn(folder, "monday", threads=threads),
        pytest.raises(RoktSyncBusyError, match="another run, 'monday'") as busy,
    ):
        turn(folder, "tuesday", threads=threads).__enter__()
    assert busy.value.retryable
    assert threads.now() - began >= WAIT_SECONDS
    assert folder.names() == []


def test_a_stop_ends_the_wait(folder: Folder) -> None:
    stopped = threading.Event()
    with turn(folder, "monday"):
        stopped.set()
        with pytest.raises(RoktIncompleteError, match="stopped while it waited for another run; nothing was sent"):
            turn(folder, "tuesday", stopped=stopped).__enter__()


def test_that_of_a_killed_run_ends_by_itself(folder: Folder) -> None:
    threads = HastyThreads(500)
    killed(folder, "monday", threads)
    began = threads.now()
    with turn(folder, "tuesday", threads=threads) as mine:
        assert SECONDS * 0.9 < threads.now() - began < WAIT_SECONDS
        mine.check()


def test_its_own_retry_waits_for_nobody(folder: Folder, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    threads = HastyThreads()
    killed(folder, "monday", threads)
    with turn(folder, "monday", threads=threads):
        pass
    assert "Waiting" not in caplog.text


def test_who_is_overtaken_by_its_own_retry_stops(folder: Folder) -> None:
    with turn(folder, "monday") as first, turn(folder, "monday") as retry:
        until(lambda: is_lost(first))
        retry.check()
        with pytest.raises(RoktSyncBusyError, match="no longer holds"):
            first.check()


def test_it_is_kept_for_as_long_as_the_process_lives(folder: Folder) -> None:
    threads = HastyThreads(1_000)
    with turn(folder, "monday", threads=threads) as mine:
        end = threads.now() + 3 * SECONDS
        while threads.now() < end:
            mine.check()
            time.sleep(0.01)


class Creating(LocalFolder):
    """Notes what is created in it."""

    created: ClassVar[list[str]] = []

    def create(self, name: str, data: bytes) -> None:
        self.created.append(name)
        super().create(name, data)


def test_who_waits_is_not_seen_by_whom_it_waits_for(tmp_path: Path) -> None:
    """A renewal would take it for a run that took over."""
    Creating.created.clear()
    with turn(LocalFolder(tmp_path), "monday") as mine:
        with pytest.raises(RoktSyncBusyError):
            turn(Creating(tmp_path), "tuesday", threads=HastyThreads()).__enter__()
        mine.check()
    assert Creating.created == []


def test_a_process_that_stood_still_loses_it(folder: Folder) -> None:
    threads = HastyThreads(5_000)
    mine = turn(folder, "monday", threads=threads).__enter__()
    mine.check()
    threads.freeze()
    end = threads.now() + 2 * SECONDS
    until(lambda: threads.now() > end)
    with pytest.raises(
        RoktSyncBusyError, match=r"stood still for more than 300 s.*'shop\.orders'.*run this task again"
    ):
        mine.check()


def test_a_machine_that_slept_loses_it(folder: Folder) -> None:
    """Its clock that never goes back stood still with it."""
    threads = HastyThreads(1)
    mine = turn(folder, "monday", threads=threads).__enter__()
    mine.check()
    threads.asleep = SECONDS + 1
    with pytest.raises(RoktSyncBusyError, match="stood still"):
        mine.check()


def test_leases_that_killed_runs_left_are_removed(folder: Folder) -> None:
    threads = HastyThreads(1)
    killed(folder, "monday", threads, ago=SECONDS + ABANDONED_SECONDS + 60)
    killed(folder, "tuesday", threads, ago=SECONDS + 60)
    with turn(folder, "wednesday", threads=threads):
        assert folder.names() == ["tuesday-0", "wednesday-0"]


def test_one_that_cannot_be_read_keeps_others_out(folder: Folder) -> None:
    folder.create("monday-0", b"{")
    threads = HastyThreads(10_000)
    with pytest.raises(RoktSyncBusyError, match="cannot be read"):
        turn(folder, "tuesday", threads=threads).__enter__()


class Unlisted(FailingStore):
    """Cannot be listed, as where a right is missing."""

    def ls(self, path: str, detail: bool = True, **kwargs: object) -> object:
        raise PermissionError("https://bucket.example.com/?signature=secret")


def test_a_storage_that_fails_is_called_so() -> None:
    with pytest.raises(RoktStorageError, match=r"memory://bucket/turns cannot be read \(PermissionError\)"):
        turn(StoreFolder(Unlisted(), "/bucket/turns", "memory://bucket/turns"), "monday").__enter__()


def test_a_storage_that_fails_for_a_while_ends_no_turn(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    threads = HastyThreads(500)
    folder = LocalFolder(tmp_path / "turns")
    with turn(folder, "monday", threads=threads) as mine:
        (tmp_path / "turns").rename(tmp_path / "away")
        (tmp_path / "turns").write_text("no folder")
        until(lambda: "could not be renewed" in caplog.text)
        (tmp_path / "turns").unlink()
        (tmp_path / "away").rename(tmp_path / "turns")
        mine.check()


def is_lost(one: Turn) -> bool:
    try:
        one.check()
    except RoktSyncBusyError:
        return True
    return False
