"""One run at a time; a killed one keeps nobody out for long, and its own retry not at all."""

import json
from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from airflow_provider_rokt.audiences.lease import Lease
from airflow_provider_rokt.delivery.local_folder import LocalFolder
from airflow_provider_rokt.delivery.store_folder import StoreFolder
from airflow_provider_rokt.exceptions import RoktAudienceError

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


def test_another_run_is_kept_out_and_told_what_to_do(folder: Folder, lease: Callable[[str], Lease]) -> None:
    lease("dag/task/monday").take()
    with pytest.raises(RoktAudienceError) as refused:
        lease("dag/task/tuesday").take()
    said = str(refused.value)
    assert "another run, 'dag/task/monday', until 1970-01-12 13:48:20 UTC" in said
    assert f"delete {folder.uri}/lock" in said


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
    first.take()
    retry.take()
    retry.keep()
    with pytest.raises(RoktAudienceError, match="no longer holds"):
        first.check()
    first.keep()  # not due yet
    clock.now += 30
    with pytest.raises(RoktAudienceError, match="Nothing more is sent"):
        first.keep()
    first.release()
    retry.check()


def test_it_expires_unless_it_is_kept(lease: Callable[[str], Lease], clock: Clock) -> None:
    first, second = lease("one"), lease("two")
    first.take()
    for _ in range(4):
        clock.now += 60
        first.keep()
    with pytest.raises(RoktAudienceError, match="another run"):
        second.take()
    clock.now += 100
    second.take()
    with pytest.raises(RoktAudienceError, match="'two' took it over"):
        first.keep()


@pytest.mark.parametrize("torn", [b"", b'{"run": "on', b"[]"])
def test_a_lock_torn_by_a_kill_keeps_nobody_out(folder: Folder, lease: Callable[[str], Lease], torn: bytes) -> None:
    folder.create("lock", torn)
    lease("one").take()
    with pytest.raises(RoktAudienceError):
        lease("two").take()


def test_of_many_at_once_one_wins(folder: Folder) -> None:
    if isinstance(folder, StoreFolder):
        pytest.skip("a store without exclusive creation cannot promise it")
    start, won = Barrier(8), list[str]()

    def take(run: str) -> None:
        start.wait()
        try:
            Lease(folder, run).take()
        except RoktAudienceError:
            return
        won.append(run)

    threads = [Thread(target=take, args=(f"run {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with folder.read("lock") as file:
        assert won == [json.loads(file.read())["run"]]
