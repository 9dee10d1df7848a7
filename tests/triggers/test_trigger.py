"""The trigger waits without a worker and says exactly once what it found."""

import asyncio
import json
import threading
import time

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_rokt.triggers.rokt import RoktDeliveryTrigger

try:
    from airflow.sdk.io.store import attach
except ImportError:
    from airflow.io.store import attach

UNKNOWN = "20240101T000000Z-000000000000"


class Store(MemoryFileSystem):
    """An object store that answers as a test wants."""

    cachable = False

    def exists(self, path, **kwargs):
        return self.answer()


# Airflow keeps the first store attached to a connection for the life of the process.
STORE = Store()


@pytest.fixture
def store(monkeypatch):
    """The store that ``[rokt] ledger_path`` names; set its ``answer``."""
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", "memory://trigger_test@bucket/ledger")
    attach("memory", conn_id="trigger_test", fs=STORE)
    return STORE


def events(trigger, timeout=10.0):
    """What the trigger yields until it ends."""

    async def collect():
        return [event.payload async for event in trigger.run()]

    return asyncio.run(asyncio.wait_for(collect(), timeout))


def trigger(*delivery_ids, begun=True, poke_interval=0.01):
    return RoktDeliveryTrigger(deliveries=dict.fromkeys(delivery_ids, begun), poke_interval=poke_interval)


def test_it_is_made_again_from_what_it_stores(deliver):
    path, arguments = trigger(deliver(accepted=1)["delivery_id"]).serialize()
    assert path == "airflow_provider_rokt.triggers.rokt.RoktDeliveryTrigger"
    again = RoktDeliveryTrigger(**json.loads(json.dumps(arguments)))
    assert again.serialize() == (path, arguments)
    assert events(again) == [{"status": "finished"}]


def test_it_fires_once_when_all_are_over(deliver):
    ids = [deliver(accepted=1)["delivery_id"], deliver(failed=2, complete=False)["delivery_id"]]
    assert events(trigger(*ids)) == [{"status": "finished"}]


def test_it_waits_for_the_last_report_and_for_a_delivery_not_begun(begin, finish, deliver):
    running = begin()

    async def run():
        waiting = trigger(deliver(accepted=1)["delivery_id"], running.delivery_id, UNKNOWN, begun=False)
        task = asyncio.ensure_future(anext(waiting.run()))
        for step in (lambda: finish(running), lambda: finish(begin(UNKNOWN))):
            await asyncio.sleep(0.1)
            assert not task.done()
            step()
        return (await asyncio.wait_for(task, 10)).payload

    assert asyncio.run(run()) == {"status": "finished"}


def test_it_gives_up_when_time_is_over_also_when_made_again(begin):
    arguments = trigger(begin().delivery_id).serialize()[1] | {"deadline": time.time() + 0.3}
    again = RoktDeliveryTrigger(**json.loads(json.dumps(arguments | {"poke_interval": 60})))
    assert events(again, timeout=5) == [{"status": "timeout"}]
    assert events(again, timeout=1) == [{"status": "timeout"}]


def test_the_event_loop_stays_free_while_it_reads(store):
    """Other triggers share the loop; a slow store must not hold them up."""
    asked, released = threading.Event(), threading.Event()

    def answer():
        asked.set()
        assert released.wait(5), "nothing else ran while the store was asked"
        raise OSError

    store.answer = answer

    async def run():
        task = asyncio.ensure_future(anext(trigger(UNKNOWN).run()))
        while not asked.is_set():
            await asyncio.sleep(0.01)
        released.set()
        return (await task).payload

    assert "OSError" in asyncio.run(asyncio.wait_for(run(), 10))["message"]


def test_a_ledger_that_should_be_there_and_is_not_is_an_error_at_once(ledger):
    [event] = events(trigger(UNKNOWN))
    assert (event["status"], event["retryable"]) == ("error", False)
    assert UNKNOWN in event["message"]
    assert "[rokt] ledger_path" in event["message"]


def test_a_store_that_cannot_be_read_is_an_error_worth_a_retry(store):
    def answer():
        raise PermissionError("https://bucket/ledger?X-Signature=abc")

    store.answer = answer
    [event] = events(trigger(UNKNOWN))
    assert (event["status"], event["retryable"]) == ("error", True)
    assert "PermissionError" in event["message"]
    assert "X-Signature" not in event["message"]


def test_a_malformed_setting_is_an_error(monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", "relative/folder")
    [event] = events(trigger(UNKNOWN))
    assert (event["status"], event["retryable"]) == ("error", False)
    assert "absolute" in event["message"]
