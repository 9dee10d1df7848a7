"""Deliveries under every reading of what Rokt has not published: nothing counts as accepted that is not held."""

import random
import time
from contextlib import closing
from functools import cache
from itertools import chain

import pytest

from airflow_provider_rokt.api.addresses import Addresses
from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.api.pacing import Pacer
from airflow_provider_rokt.api.retry import RetryPolicy
from airflow_provider_rokt.delivery.delivery import Delivery
from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.runs.place import syncs_of
from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.faults import AnyFault, Refuse, Reset, Status
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from tests.operators.test_conversions import orders
from tests.sandbox.held import assert_held
from tests.sandbox.readings import each_alone, label, random_combination

# Impatient, so that hundreds are tried in a minute.
EAGER = RetryPolicy(budget_seconds=60.0, base_seconds=0.002, cap_seconds=0.01)
ROWS = 40
KEYS = [f"order-{number}" for number in range(ROWS)]
LOCATORS = ["path", "position", "none"]


def faults(rng: random.Random) -> list[AnyFault]:
    """Some bad rows, and what a network and a busy server do."""
    found: list[AnyFault] = [
        Refuse(frozenset(rng.sample(KEYS, rng.randint(1, 8))), locator)
        for locator in rng.sample(LOCATORS, rng.randint(0, 3))
    ]
    if rng.random() < 0.5:
        found.append(Status(rng.choice([503, 500, 408, 429]), times=rng.randint(1, 3), after=rng.random() < 0.5))
    if rng.random() < 0.3:
        found.append(Reset(times=1, after=rng.random() < 0.5))
    return found


@cache
def the_orders():
    """The same for every try."""
    return orders(ROWS, users=13)


def delivered(sandbox, ledger, run_id="monday", *, group_by_user=True, concurrency=1):
    """One try of a task that delivers all rows, in a few requests; the report, however it ends."""
    rows, rules = the_orders(), Rules(now=time.time())
    task = {"dag_id": "d", "task_id": "t", "run_id": run_id, "map_index": -1}
    with SyncDelivery(syncs_of(ledger).sync("rokt_default", "d.t"), task, None, 90) as tries:
        return _delivered(sandbox, ledger, tries, rows, rules, group_by_user, concurrency)


def _delivered(sandbox, ledger, tries, rows, rules, group_by_user, concurrency):
    stream = ConversionStream(
        compile_mapping(None, tuple(rows[0]), rules),
        now=rules.now,
        batches_per_request=10,
        bulk=BULK,
        group_by_user=group_by_user,
        recall=tries.recall,
        salt=tries.salt,
    )
    addresses = Addresses.of(events_url=sandbox.url, audience_url=sandbox.url, allow_any_host=True)
    client = RoktClient(addresses, Credentials("sandbox-key", "sandbox-secret"), connections=concurrency)
    writer = ledger.begin("conversions", {}, {})
    tries.begin(writer.delivery_id)
    try:
        with (
            closing(client),
            Delivery(
                client.post,
                writer,
                concurrency=concurrency,
                pacer=Pacer(1e9),
                retry=EAGER,
                cut=client.cut,
                announce=tries.announce,
                remember=tries.remember,
                on_refusal=tries.refused,
            ) as delivery,
        ):
            delivery.read(ROWS)
            for packed in chain([stream.window([tuple(row.values()) for row in rows])], stream.flush()):
                delivery.resume(packed.resumed)
                for request in packed.requests:
                    delivery.send(request)
            report = delivery.finish().summary()
    except RoktError as error:
        report = error.report
    return report, report and ledger.open(report["delivery_id"])


def is_true_to_what_is_held(sandbox, ledger, rng, readings):
    sandbox.reset(Settings(**readings))
    # What another Rokt took is nothing that this one has.
    run_id = f"{rng.getrandbits(64):x}"
    bad = faults(rng)
    sandbox.faults.add(*bad)
    report, reader = delivered(
        sandbox, ledger, run_id, group_by_user=rng.random() < 0.5, concurrency=rng.choice([1, 3])
    )
    if report is not None:
        assert_held(report, reader, sandbox.store, KEYS)
    sandbox.faults.clear()
    sandbox.faults.add(*(fault for fault in bad if isinstance(fault, Refuse)))
    # The next try, without the network's faults.
    report, reader = delivered(sandbox, ledger, run_id)
    if report is not None:
        assert_held(report, reader, sandbox.store, KEYS)


@pytest.mark.parametrize("readings", [{}, *each_alone()], ids=lambda readings: label(readings) or "published")
@pytest.mark.parametrize("seed", range(2))
def test_each_reading_alone(sandbox, ledger, readings, seed):
    is_true_to_what_is_held(sandbox, ledger, random.Random(seed), readings)


@pytest.mark.parametrize("seed", range(10))
def test_random_combinations(sandbox, ledger, seed):
    rng = random.Random(seed)
    is_true_to_what_is_held(sandbox, ledger, rng, random_combination(rng))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(10, 510, 50))
def test_five_hundred_combinations(sandbox, ledger, start):
    for seed in range(start, start + 50):
        rng = random.Random(seed)
        readings = random_combination(rng)
        try:
            is_true_to_what_is_held(sandbox, ledger, rng, readings)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {label(readings)}: {error}") from error
