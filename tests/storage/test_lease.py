"""One run at a time; a killed one keeps nobody out for long, and its own retry not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import BinaryIO

import pytest

from airflow_provider_rokt.exceptions import RoktAudienceBusyError
from airflow_provider_rokt.storage.lease import Lease
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder

Folder = LocalFolder | StoreFolder


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease(folder: Folder, clock: Clock) -> Callable[[str], Lease]:
    return lambda run: Lease(folder, run, seconds=100, clock=clock)


def test_another_run_is_kept_out_and_told_what_to_do(lease: Callable[[str], Lease]) -> None:
    lease("dag/task/monday").take()
    with pytest.raises(RoktAudienceBusyError) as refused:
        lease("dag/task/tuesday").take()
    said = str(refused.value)
    assert "another run, 'dag/task/monday'; nothing was sent" in said
    assert "free from 1970-01-12 13:48:20 UTC on" in said
    assert refused.value.retryable


def test_it_is_free_once_released(folder: Folder, lease: Callable[[str], Lease]) -> None:
    first, second = lease("one"), lease("two")
    first.take()
    first.release()
    assert "lock" not in folder.names()
    second.take()
    first.release()
    assert "lock" in folder.names()


def test_a_retry_takes_over_and_the_first_try_notices(lease: Callable[[str], Lease], clock: Clock) -> None:
    first, retry = lease("run"), lease("run")
    assert first.take() is False
    assert retry.take() is True
    retry.keep()
    with pytest.raises(RoktAudienceBusyError, match="no longer holds"):
        first.check()
    first.keep()  # not due yet
    clock.now += 4
    with pytest.raises(RoktAudienceBusyError, match=r"'run' took it over\. It makes no further requests") as lost:
        first.keep()
    assert lost.value.retryable
    first.release()
    retry.check()


def test_it_expires_unless_it_is_kept(lease: Callable[[str], Lease], clock: Clock) -> None:
    first, second = lease("one"), lease("two")
    first.take()
    for _ in range(4):
        clock.now += 60
        first.keep()
    with pytest.raises(RoktAudienceBusyError, match="another run"):
        second.take()
    clock.now += 100
    assert second.take() is True
    with pytest.raises(RoktAudienceBusyError, match="'two' took it over"):
        first.keep()


def test_keeping_it_costs_one_look_in_a_few_seconds(tmp_path: Path, clock: Clock) -> None:
    looks = []

    class Watched(LocalFolder):
        def read(self, name: str) -> BinaryIO:
            looks.append(clock.now)
            return super().read(name)

    lease = Lease(Watched(tmp_path), "run", seconds=100, clock=clock)
    lease.take()
    looks.clear()
    for _ in range(60):
        clock.now += 0.1
        lease.keep()
    assert 1 <= len(looks) <= 2


def test_what_was_given_back_is_not_taken_over(lease: Callable[[str], Lease]) -> None:
    first, second = lease("one"), lease("two")
    first.take()
    first.release()
    assert second.take() is False


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"run": "on',
        b"[]",
        b"\xff",
        b'{"run": "x"}',
        b'{"run": "x", "token": "t", "expires": "soon"}',
        b'{"run": "x", "token": "t", "expires": null}',
        b'{"run": "x", "token": "t", "expires": 1e300}',
    ],
)
def test_a_lock_that_cannot_be_read_is_not_taken_for_free(
    folder: Folder, lease: Callable[[str], Lease], content: bytes
) -> None:
    """Another run may be writing it just now, where the store cannot show a file all at once."""
    folder.create("lock", content)
    with pytest.raises(RoktAudienceBusyError, match=r"cannot be read, .*delete that file"):
        lease("one").take()
    folder.remove("lock")
    held = lease("one")
    held.take()
    folder.write("lock", [content])
    held.release()
    assert "lock" in folder.names()


def test_of_many_at_once_one_wins(folder: Folder) -> None:
    if isinstance(folder, StoreFolder):
        pytest.skip("a store without exclusive creation cannot promise it")
    start, won = Barrier(8, timeout=60), list[str]()

    def take(run: str) -> None:
        start.wait()
        try:
            Lease(folder, run).take()
        except RoktAudienceBusyError:
            return
        won.append(run)

    threads = [Thread(target=take, args=(f"run {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with folder.read("lock") as file:
        assert won == [json.loads(file.read())["run"]]
