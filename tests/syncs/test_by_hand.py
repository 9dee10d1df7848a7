"""Rows taken for sent, and starting over, on a disk and in an object store."""

import logging
from contextlib import suppress

import pytest

from airflow_provider_rokt.exceptions import RoktMemoryError, RoktStorageError, RoktSyncBusyError
from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.flow.threads import THREADS
from airflow_provider_rokt.storage.store_folder import StoreFolder
from airflow_provider_rokt.syncs.anchor import Anchor
from airflow_provider_rokt.syncs.by_hand import require_idle, start_over, take_for_sent
from airflow_provider_rokt.syncs.sync import Syncs
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from airflow_provider_rokt.turns.turn import Turn, at_work
from tests.storage.failing import FailingStore

WHAT = "a test"


@pytest.fixture
def syncs(folder):
    return Syncs(folder)


@pytest.fixture
def sync(syncs):
    return syncs.sync("rokt", "orders")


@pytest.fixture
def register():
    """Airflow's database."""
    return {}


@pytest.fixture
def anchor(syncs, register):
    return Anchor(register, "rokt_orders", store=syncs.store(), place="here", what="sync 'orders'")


@pytest.fixture
def recalled(sync, anchor):
    def recall(*ids, run="monday", takes=()):
        sender = {"dag_id": "shop", "task_id": "orders", "run_id": run}
        with SyncDelivery(sync, sender, anchor, 90) as delivery:
            found = [delivery.recall(mark(one, 5)) for one in ids]
            if takes:
                delivery.begin(f"delivery of {run}")
                delivery.remember(b"".join(mark(one, 5) for one in takes))
                delivery.succeeded()
        return found

    return recall


def marks(*ids):
    return b"".join(mark(one, 0) for one in ids)


def test_what_is_taken_for_sent_is_skipped_by_the_next_run(sync, anchor, recalled):
    recalled(takes=["a"])
    assert take_for_sent(sync, anchor, [marks("b"), marks("c", "d")], WHAT) == 2
    assert recalled("a", "b", "d", "e", run="tuesday") == [Skip.SENT, Skip.SENT, Skip.SENT, None]
    assert anchor.known().number == 2
    assert [trail.is_done() for trail in sync.contents().trails] == [True, True]
    assert sync.contents().rows == 4
    assert at_work(sync.turns, sync.name) == []


def test_what_rokt_took_keeps_its_content(sync, anchor, recalled):
    """A mark must not hide that a row has changed since this sync sent it, once both are folded."""
    recalled(takes=["a"])
    take_for_sent(sync, anchor, [marks("a", "b")], WHAT)
    for run in range(8):
        recalled(run=f"run {run}", takes=[f"of run {run}"])
    assert sync.contents().folds
    sender = {"dag_id": "shop", "task_id": "orders", "run_id": "later"}
    with SyncDelivery(sync, sender, anchor, 90) as delivery:
        assert delivery.recall(mark("b", 8)) is Skip.SENT
        assert delivery.recall(mark("a", 5)) is Skip.SENT


def test_many_are_folded_like_any_others(sync, anchor, recalled):
    for number in range(9):
        take_for_sent(sync, anchor, [marks(f"{number}")], WHAT)
    assert recalled(*map(str, range(9)), "9") == [Skip.SENT] * 9 + [None]
    assert len(sync.contents().trails) < 9


def test_nothing_is_done_while_a_run_is_at_work(sync, anchor, recalled):
    recalled(takes=["a"])
    with Turn(sync.turns, "shop/orders/tuesday", "t", sync.name, THREADS.flag()):
        assert [holder.run for holder in at_work(sync.turns, sync.name)] == ["shop/orders/tuesday"]
        with pytest.raises(RoktSyncBusyError, match="'shop/orders/tuesday' is at work on sync 'orders'"):
            require_idle(sync)
        with pytest.raises(RoktSyncBusyError, match="shop/orders/tuesday"):
            take_for_sent(sync, anchor, [marks("b")], WHAT)
        with pytest.raises(RoktSyncBusyError, match="shop/orders/tuesday"):
            start_over(sync, anchor, WHAT)
    require_idle(sync)
    assert recalled("a", "b", run="later") == [Skip.SENT, None]


def test_a_memory_that_is_not_believed_takes_nothing(sync, anchor, recalled):
    recalled(takes=["a"])
    sync.forget()
    with pytest.raises(RoktMemoryError, match="cannot be believed"):
        take_for_sent(sync, anchor, [marks("b")], WHAT)
    assert sync.contents().rows == 0


def test_starting_over_forgets_here_and_in_the_database(sync, anchor, register, recalled):
    recalled(takes=["a"])
    start_over(sync, anchor, WHAT)
    assert not sync.is_here()
    assert anchor.known().number == 0
    assert recalled("a", run="tuesday") == [None]


def test_starting_over_needs_no_folder(sync, anchor, register, recalled):
    recalled(takes=["a"])
    sync.forget()
    assert register
    start_over(sync, anchor, WHAT)
    assert (anchor.known().number, sync.is_here()) == (0, False)


def test_a_marking_that_is_told_by_the_log_waits_for_nobody(sync, anchor, recalled, caplog):
    caplog.set_level(logging.INFO)
    recalled(takes=["a"])
    with Turn(sync.turns, "another", "t", sync.name, THREADS.flag()), pytest.raises(RoktSyncBusyError):
        take_for_sent(sync, anchor, [marks("b")], WHAT)
    assert "Waiting" not in caplog.text


@pytest.mark.parametrize("fails_at", range(1, 14))
def test_no_half_of_a_memory_that_is_forgotten_is_believed(fails_at):
    store, register = FailingStore(), {}
    syncs = Syncs(StoreFolder(store, "/bucket/ledger", "memory://bucket/ledger"))
    sync = syncs.sync("rokt", "orders")
    anchor = Anchor(register, "rokt_orders", store=syncs.store(), place="here", what="sync 'orders'")
    for one in "abc":
        take_for_sent(sync, anchor, [marks(one)], WHAT)
    sender = {"dag_id": "shop", "task_id": "orders", "run_id": "later"}
    store.fails_at, store.heals = store.changes + fails_at, True
    try:
        start_over(sync, anchor, WHAT)
    except RoktStorageError:
        with suppress(RoktMemoryError), SyncDelivery(sync, sender, anchor, 90) as delivery:
            assert [delivery.recall(mark(one, 5)) for one in "abc"] == [Skip.SENT] * 3, "all of it, or nothing"
        start_over(sync, anchor, WHAT)
    assert anchor.known().number == 0
    assert not sync.is_here()
