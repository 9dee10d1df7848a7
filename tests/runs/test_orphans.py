"""A task whose process above it died goes on alone, while Airflow takes it for dead and tries again."""

import time

import pytest

from airflow_provider_rokt.exceptions import RoktSyncBusyError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.operators.test_conversions import orders
from tests.runs.killable import in_task

# A little longer than it takes an orphan to look whether it is one.
LOOKS_EVERY = 3.2


def send(rows, try_number, max_tries=3, **options):
    with in_task("monday", try_number=try_number, max_tries=max_tries):
        return RoktHook().send_conversions(rows, **options)


@pytest.fixture
def rows():
    return orders(40)


def test_what_an_orphan_delivered_to_its_end_is_not_sent_again(sandbox, rokt, ledger, rows):
    send(rows, 1)
    again = send(rows, 2)
    assert (again["rows_accepted"], again["rows_resumed"], again["requests"]) == (40, 40, 0)
    assert sandbox.store.counts.events == 40


def test_a_third_try_resumes_what_the_first_and_the_second_sent(sandbox, rokt, ledger, rows):
    wrong = rows[0] | {"source_message_id": "order-x", "amount": "much"}
    with pytest.raises(RoktTaskFailed):
        send([*rows[:10], wrong], 1)
    send(rows[:20], 2)
    assert send(rows, 3)["rows_resumed"] == 20
    assert sandbox.store.counts.events == 40
    assert sandbox.store.counts.repeated_messages == 0


def test_a_task_that_was_cleared_sends_everything_again(sandbox, rokt, ledger, rows):
    """Whoever clears a task gives it as many tries again."""
    send(rows, 1)
    again = send(rows, 2, max_tries=4)
    assert (again["rows_accepted"], again["rows_resumed"]) == (40, 0)
    assert sandbox.store.counts.repeated_messages == 40


def test_a_run_that_was_deleted_and_made_anew_sends_everything_again(sandbox, rokt, ledger, rows):
    """As ``dag.test()`` does: under the old run's name, with first tries of its own."""
    send(rows, 1)
    send(rows, 1)
    assert sandbox.store.counts.repeated_messages == 40


@pytest.mark.slow
def test_an_orphan_sends_nothing_more_once_the_next_try_has_begun(sandbox, rokt, ledger, rows):
    def slowly():
        """In its middle, Airflow tries again."""
        yield from rows[:20]
        assert send(rows, 2)["rows_resumed"] == 0
        time.sleep(LOOKS_EVERY)
        yield from rows[20:]

    with pytest.raises(RoktSyncBusyError, match="Another try of this task has begun"):
        send(slowly(), 1, fetch_size=20)
    counts = sandbox.store.counts
    assert len(sandbox.store.held) == 40
    # What the orphan had read by then, at most.
    assert counts.repeated_batches + counts.repeated_messages <= 20


@pytest.mark.slow
def test_an_orphan_that_has_read_everything_sends_none_of_it_either(sandbox, rokt, ledger, rows):
    def to_the_end():
        """Airflow tries again when the last row was asked for what is remembered of it."""
        yield from rows
        send(rows, 2)
        time.sleep(LOOKS_EVERY)

    with pytest.raises(RoktSyncBusyError, match="Another try of this task has begun") as raised:
        send(to_the_end(), 1, fetch_size=20, group_by_user="result")
    assert raised.value.report["rows_failed"] == 40
    assert sandbox.store.counts.repeated_batches + sandbox.store.counts.repeated_messages == 0
