"""Deliveries under every reading of what Rokt has not published: nothing counts as accepted that is not held."""

import random

import pytest

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.faults import AnyFault, Refuse, Reset, Status
from tests.operators.test_conversions import orders
from tests.runs.killable import in_task
from tests.sandbox.held import assert_held
from tests.sandbox.readings import each_alone, label, random_combination

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


def delivered(ledger, **options):
    """Delivers all rows, in a few requests; the report, however it ends."""
    with in_task("monday"):
        try:
            report = RoktHook().send_conversions(orders(ROWS, users=13), max_rejected=1.0, **options)
        except RoktError as error:
            report = error.report
        except Exception as error:
            report = getattr(error.__cause__, "report", None)
    return report, ledger.deliveries(1)[0]


def is_true_to_what_is_held(sandbox, ledger, rng, readings):
    sandbox.reset(Settings(**readings))
    bad = faults(rng)
    sandbox.faults.add(*bad)
    report, reader = delivered(ledger, group_by_user=rng.random() < 0.5, concurrency=rng.choice([1, 3]))
    if report is not None:
        assert_held(report, reader, sandbox.store, KEYS)
    sandbox.faults.clear()
    sandbox.faults.add(*(fault for fault in bad if isinstance(fault, Refuse)))
    # The next try, without the network's faults.
    report, reader = delivered(ledger)
    if report is not None:
        assert_held(report, reader, sandbox.store, KEYS)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "5")


@pytest.mark.parametrize("readings", [{}, *each_alone()], ids=lambda readings: label(readings) or "published")
@pytest.mark.parametrize("seed", range(3))
def test_each_reading_alone(sandbox, rokt, ledger, readings, seed):
    is_true_to_what_is_held(sandbox, ledger, random.Random(seed), readings)


@pytest.mark.parametrize("seed", range(10))
def test_random_combinations(sandbox, rokt, ledger, seed):
    rng = random.Random(seed)
    is_true_to_what_is_held(sandbox, ledger, rng, random_combination(rng))


@pytest.mark.slow
@pytest.mark.parametrize("start", range(10, 510, 50))
def test_five_hundred_combinations(sandbox, rokt, ledger, start):
    for seed in range(start, start + 50):
        rng = random.Random(seed)
        readings = random_combination(rng)
        try:
            is_true_to_what_is_held(sandbox, ledger, rng, readings)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {label(readings)}: {error}") from error
