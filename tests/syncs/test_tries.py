"""What a retry knows of rows that an earlier try sent: accepted, on their way, or never sent."""

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.flow.row import Outcome, Skip
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder
from airflow_provider_rokt.syncs.sync import Syncs
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery

TASK = {"dag_id": "shop", "task_id": "orders", "run_id": "monday", "map_index": -1, "max_tries": 3}
TAKEN, OPEN, NEW = (mark(f"order-{number}", 1) for number in range(3))


@pytest.fixture(params=["disk", "store"])
def syncs(request, tmp_path):
    if request.param == "disk":
        return Syncs(LocalFolder(tmp_path))
    return Syncs(StoreFolder(MemoryFileSystem(), str(tmp_path), "memory://"))


def attempt(syncs, number):
    return SyncDelivery(syncs.sync("rokt_default", "shop.orders"), {**TASK, "try_number": number}, None, 90)


def first_try(syncs):
    delivery = attempt(syncs, 1).__enter__()
    delivery.begin("first")
    delivery.announce(TAKEN + OPEN)
    delivery.remember(TAKEN)
    return delivery


def test_what_an_ended_try_sent_without_an_end_may_be_a_repeat(syncs):
    first = first_try(syncs)
    first.__exit__(None, None, None)
    with attempt(syncs, 2) as retry:
        assert retry.salt == first.salt
        assert [retry.recall(row) for row in (TAKEN, OPEN, NEW)] == [Outcome.ACCEPTED, Outcome.FAILED, None]
        assert retry.recall(TAKEN[:-1] + b"?") is Skip.CHANGED


def test_of_a_killed_try_a_store_may_lack_what_it_sent(syncs, request):
    first_try(syncs)
    with attempt(syncs, 2) as retry:
        on_disk = "disk" in request.node.name
        assert retry.recall(NEW) is (None if on_disk else Outcome.FAILED)
        assert retry.recall(OPEN) is Outcome.FAILED


def test_after_a_refusal_nothing_is_a_repeat(syncs):
    first = first_try(syncs)
    first.refused()
    first.__exit__(None, None, None)
    with attempt(syncs, 2) as retry:
        assert retry.salt != first.salt
        assert [retry.recall(row) for row in (TAKEN, OPEN, NEW)] == [Outcome.ACCEPTED, None, None]


def test_a_call_beside_another_in_one_try_does_not_end_it(syncs):
    with attempt(syncs, 1) as one:
        one.begin("one")
        with attempt(syncs, 1) as other:
            other.begin("other")
        assert one.recall(NEW) is None
    with attempt(syncs, 2) as retry:
        retry.begin("retry")
