"""What is left of a delivery's part in its sync when something fails, or an alarm goes off, as it begins or ends."""

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_rokt.exceptions import RoktStorageError
from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.flow.threads import THREADS, RealThreads
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder
from airflow_provider_rokt.syncs.sync import Syncs
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from airflow_provider_rokt.turns.turn import Turn

SENDER = {"dag_id": "shop", "task_id": "orders", "run_id": "monday", "map_index": -1, "try_number": 1, "max_tries": 3}
ROW = mark("order-1", 1)


class FullStore(MemoryFileSystem):
    """One that takes no more marks once it is full."""

    is_full = False

    def open(self, path, mode="rb", **options):
        if self.is_full and "w" in mode and "marks-" in path:
            raise OSError("full")
        return super().open(path, mode, **options)

    def pipe_file(self, path, value, **options):
        if self.is_full and "marks-" in path:
            raise OSError("full")
        super().pipe_file(path, value, **options)


@pytest.fixture
def store(tmp_path):
    store = FullStore()
    yield store
    store.is_full = False
    if store.exists(f"/{tmp_path.name}"):
        store.rm(f"/{tmp_path.name}", recursive=True)


@pytest.fixture
def join(store, tmp_path):
    syncs = Syncs(StoreFolder(store, f"/{tmp_path.name}", f"memory://{tmp_path.name}"))
    return lambda try_number=1: SyncDelivery(
        syncs.sync("rokt_default", "shop.orders"), SENDER | {"try_number": try_number}, None, 90
    )


def test_a_task_whose_last_marks_are_lost_did_not_succeed(store, join):
    with join() as sync:
        sync.begin("d1")
        sync.remember(ROW)
        store.is_full = True
        with pytest.raises(RoktStorageError):
            sync.succeeded()
    store.is_full = False
    with join(2) as retry:
        assert retry.salt == sync.salt
        assert retry.recall(ROW) is Outcome.FAILED


def test_what_a_delivery_failed_with_goes_before_what_its_trail_failed_with(store, join):
    with pytest.raises(ZeroDivisionError), join() as sync:
        sync.begin("d1")
        sync.remember(ROW)
        store.is_full = True
        raise ZeroDivisionError


def test_a_task_that_ended_in_order_is_resumed(join):
    with join() as sync:
        sync.begin("d1")
        sync.remember(ROW)
    with join(2) as retry:
        assert retry.recall(ROW) is Outcome.ACCEPTED


class Alarm(BaseException):
    """As Airflow's timeout comes: out of a signal handler."""


class Alarming(RealThreads):
    """An alarm goes off as soon as a thread has begun."""

    def start(self, work, name):
        super().start(work, name)
        raise Alarm


def test_a_turn_that_an_alarm_ends_as_it_begins_is_given_back(tmp_path):
    turn = Turn(LocalFolder(tmp_path), "monday", "monday", "shop.orders", THREADS.flag(), Alarming())
    with pytest.raises(Alarm), turn:
        pass
    assert not list(tmp_path.iterdir())
