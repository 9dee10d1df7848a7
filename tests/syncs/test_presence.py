"""Who is at work on a sync that sends every row: seen by people, and in nobody's way."""

import time

import pytest

from airflow_provider_rokt.exceptions import RoktStorageError, RoktSyncBusyError
from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.flow.threads import THREADS
from airflow_provider_rokt.storage.lease import SECONDS, Lease
from airflow_provider_rokt.storage.store_folder import StoreFolder
from airflow_provider_rokt.syncs.anchor import Anchor
from airflow_provider_rokt.syncs.by_hand import require_idle, start_over, take_for_sent
from airflow_provider_rokt.syncs.sync import Sync
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from airflow_provider_rokt.turns.presence import Presence
from airflow_provider_rokt.turns.turn import Turn, at_work
from tests.bounded import until
from tests.storage.failing import FailingStore
from tests.syncs.hasty import HastyThreads, begin


@pytest.fixture
def sync(folder):
    return Sync(folder, "rokt_default", "shop.orders")


def delivery(sync, run_id="monday", part=-1):
    sender = {"dag_id": "shop", "task_id": "orders", "run_id": run_id, "map_index": part, "try_number": 1}
    return SyncDelivery(sync, sender, None, 90)


def runs(sync):
    return sorted(holder.run for holder in at_work(sync.turns, sync.name))


def test_it_is_shown_for_as_long_as_it_is_at_work(sync):
    with delivery(sync), delivery(sync, "tuesday", 0), delivery(sync, "tuesday", 1):
        assert runs(sync) == ["shop/orders/monday", "shop/orders/tuesday", "shop/orders/tuesday"]
        with pytest.raises(RoktSyncBusyError, match="'shop/orders/"):
            require_idle(sync)
    assert runs(sync) == []
    require_idle(sync)
    assert sync.turns.names() == []


def test_nothing_is_forgotten_or_marked_meanwhile(sync):
    anchor = Anchor({}, "key", store="store", place="here", what="sync")
    with delivery(sync) as first:
        first.begin("delivery")
        first.remember(mark("a", 5))
        with pytest.raises(RoktSyncBusyError, match="'shop/orders/monday' is at work"):
            start_over(sync, anchor, "a test")
        with pytest.raises(RoktSyncBusyError, match="'shop/orders/monday' is at work"):
            take_for_sent(sync, anchor, [mark("b", 0)], "a test")
    assert sync.contents().rows == 1
    assert take_for_sent(sync, anchor, [mark("b", 0)], "a test")
    start_over(sync, anchor, "a test")
    assert not sync.is_here()


def test_it_keeps_no_run_out(sync):
    with delivery(sync), Turn(sync.turns, "tuesday", "t", sync.name, THREADS.flag(), wait=0.0) as turn:
        turn.check()
        assert runs(sync) == ["shop/orders/monday", "tuesday"]


def test_it_is_renewed_while_the_process_lives(folder):
    begin()
    threads = HastyThreads()
    with Presence(folder, "monday", "m", "shop.orders", threads):
        until(lambda: threads.now() > 3 * SECONDS)
        (name,) = folder.names()
        assert Lease(folder, "", name=name).holder().expires > threads.utc().timestamp()


def test_what_a_killed_one_left_is_shown_for_minutes_and_removed_days_later(folder):
    long_ago = time.time() - 3 * 86_400
    with Presence(folder, "long", "long", "shop.orders"):
        Lease(folder, "killed", name=f"all-{int(long_ago) // 86_400:05}-killed", clock=lambda: long_ago).take()
        assert len(folder.names()) == 2
        assert [holder.run for holder in at_work(folder, "shop.orders")] == ["long"]
        with Presence(folder, "next", "next", "shop.orders"):
            assert len(folder.names()) == 2
        (name,) = folder.names()
        assert "long" in name


def test_where_it_cannot_be_shown_nothing_is_sent():
    store = FailingStore()
    folder = StoreFolder(store, "/bucket/turns", "memory://bucket/turns")
    store.fails_at = store.changes + 1
    with pytest.raises(RoktStorageError), Presence(folder, "monday", "m", "shop.orders"):
        pytest.fail("it began")
