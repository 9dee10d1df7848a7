"""Runs on a storage that fails, at every change it is asked for: an error of ours, and the next run repairs."""

import pytest

from airflow_provider_rokt.events.destinations import MEMBERSHIP
from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.audience import AudienceRun
from airflow_provider_rokt.runs.options import AudienceOptions
from airflow_provider_rokt.runs.place import Place
from airflow_provider_rokt.sources.dicts import mapped_rows
from tests.audiences.people import hashed
from tests.storage.failing import SECRET, FailingStore, StorePath

SENDER = {"dag_id": "crm", "task_id": "vip", "run_id": "r1", "map_index": -1, "try_number": 1, "connection": "c"}
OPTIONS = AudienceOptions(audience="vip", mode="mirror", max_removed=1.0)


def people(numbers):
    return [{"email": f"person{number}@example.com"} for number in numbers]


def digests(numbers):
    return {hashed(row["email"]) for row in people(numbers)}


def mirror(store, numbers):
    """One try of a task that mirrors, as an operator runs it."""
    hook = RoktHook()
    place = Place(hook.settings, hook._client, Ledger(StorePath(store)), SENDER, 5.0)
    source = mapped_rows(people(numbers), None, MEMBERSHIP, 5000)
    return AudienceRun(place, OPTIONS, keeps_one=True).deliver(source)


@pytest.fixture
def changes(sandbox, rokt):
    """How many changes of the storage a second run makes, by what each of them is."""
    store = FailingStore()
    mirror(store, range(10))
    store.log.clear()
    mirror(store, range(5, 15))
    return list(store.log)


@pytest.mark.parametrize("heals", [True, False], ids=["once", "from then on"])
def test_a_mirror_ends_with_an_error_of_ours_and_the_next_run_repairs(sandbox, rokt, changes, heals):
    ended = []
    delivered = 1 + next(place for place, change in enumerate(changes) if change.endswith("report.jsonl"))
    for number in range(1, len(changes) + 1):
        sandbox.reset()
        store = FailingStore()
        mirror(store, range(10))
        store.heals, store.fails_at = heals, store.changes + number
        try:
            mirror(store, range(5, 15))
        except RoktError as error:
            assert error.retryable, changes[number - 1]
            assert "(ClientError). Free the disk" in str(error)
            assert SECRET not in str(error)
            if number > delivered:
                assert (error.report or {})["rows_read"] == 10, "a delivery that is over is accounted for"
            ended.append(error)
        store.fails_at = None
        report = mirror(store, range(3, 12))
        assert report.rows_accepted + report.rows_skipped == 9
        assert set(sandbox.store.audiences["vip"]) == digests(range(3, 12)), changes[number - 1]
    # What is tidied, and what is given back, is no error.
    assert len(changes) - len(ended) == sum(
        change.startswith("remove") and ".partial" not in change for change in changes
    )
