"""Tasks that are killed in the middle, for real: processes of their own, and what is left behind when they are gone."""

import random

import pytest

from airflow_provider_rokt.exceptions import RoktAudienceError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.sandbox.faults import Delay
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.audiences.people import address, hashed
from tests.bounded import until
from tests.operators.test_audiences import members
from tests.operators.test_conversions import orders
from tests.runs.killable import Running, convert, in_task, mirror, people, run_dag

pytestmark = pytest.mark.slow

OPTIONS = {"import": {"via": "import", "members_per_request": 70}, "events": {"via": "events"}}
# More than any of these runs needs; what is left of it tells how many requests came.
MANY = 1_000_000


def digests(numbers):
    return {hashed(address(number)) for number in numbers}


def again(numbers, via, run_id="monday"):
    """A run in this process, which nobody kills."""
    with in_task(run_id):
        return RoktHook().send_audience(people(numbers), "vip", mode="mirror", max_removed=1.0, **OPTIONS[via])


class Delayed:
    """A sandbox that takes its time."""

    def __init__(self, sandbox, seconds, *, after=False):
        self._sandbox = sandbox
        self._before = len(sandbox.store.requests)
        sandbox.faults.add(Delay(seconds=seconds, times=MANY, after=after))

    @property
    def came(self):
        """Requests that came, answered or not."""
        return MANY - self._sandbox.faults.active[0].times

    @property
    def answered(self):
        return len(self._sandbox.store.requests) - self._before

    def all_answered(self):
        """Waits for what is still on its way, whoever sent it, and is in time from now on."""
        until(lambda: self.answered >= self.came)
        self._sandbox.faults.clear()


def while_reading(sandbox, *run, **options):
    before = len(sandbox.store.requests)
    with Running(mirror, *run, hangs_after=500, **options) as running:
        running.until_said("hangs")
        running.kill()
    assert len(sandbox.store.requests) == before


def with_the_first_requests_on_their_way(sandbox, *run, **options):
    delayed = Delayed(sandbox, 0.5)
    with Running(mirror, *run, **options) as running:
        running.until(lambda: delayed.came)
        running.kill()
    delayed.all_answered()


def between_requests(sandbox, *run, **options):
    delayed = Delayed(sandbox, 0.3)
    with Running(mirror, *run, **options, concurrency=1) as running:
        running.until(lambda: delayed.answered >= 3)
        running.kill()
    delayed.all_answered()


def before_it_is_remembered(sandbox, *run, **options):
    """Everything was taken in, and no answer came."""
    Delayed(sandbox, 10, after=True)
    with Running(mirror, *run, **options, concurrency=32) as running:
        running.until(lambda: members(sandbox) == digests(run[0]))
        running.kill()
    sandbox.faults.clear()


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize(
    "kill_it",
    [while_reading, with_the_first_requests_on_their_way, between_requests, before_it_is_remembered],
    ids=lambda kill_it: kill_it.__name__,
)
def test_the_retry_of_a_killed_mirror_makes_the_list_right(sandbox, rokt, ledger, via, kill_it):
    again(range(1000), via)
    kill_it(sandbox, range(600, 1600), "tuesday", **OPTIONS[via])
    # The query's rows have changed before the retry.
    again(range(650, 1550), via, "tuesday")
    assert members(sandbox) == digests(range(650, 1550))
    again(range(700, 1560), via, "wednesday")
    assert members(sandbox) == digests(range(700, 1560))


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize("seed", range(4))
def test_the_retry_is_right_whenever_the_first_run_of_all_was_killed(sandbox, rokt, ledger, via, seed):
    delayed = Delayed(sandbox, 0.05)
    with Running(mirror, range(1000), "monday", **OPTIONS[via]) as running:
        running.process.join(random.Random(seed).uniform(0, 0.5))
    delayed.all_answered()
    again(range(150, 1050), via)
    assert members(sandbox) == digests(range(150, 1050))


@pytest.mark.parametrize("via", ["import", "events"])
def test_what_arrives_after_the_retry_is_repaired_by_the_next_run(sandbox, rokt, ledger, via):
    delayed = Delayed(sandbox, 3)
    with Running(mirror, range(1000), "monday", **OPTIONS[via]) as running:
        running.until(lambda: delayed.came)
        running.kill()
    late = delayed.came
    sandbox.faults.clear()
    result = again(range(500, 1500), via)
    until(lambda: delayed.answered >= late + result["requests"])
    again(range(500, 1500), via, "tuesday")
    assert members(sandbox) == digests(range(500, 1500))


def test_of_two_runs_at_once_the_second_is_told_of_the_first(sandbox, rokt, ledger):
    delayed = Delayed(sandbox, 0.2)
    with Running(mirror, range(1000), "monday", **OPTIONS["import"], concurrency=1) as running:
        running.until(lambda: delayed.answered)
        with pytest.raises(RoktAudienceError, match="by another run, 'audiences/mirror/monday/-1'"):
            again(range(500), "import", "tuesday")
        running.until_said("ends")
    assert members(sandbox) == digests(range(1000))
    sandbox.faults.clear()
    again(range(500), "import", "tuesday")
    assert members(sandbox) == digests(range(500))


def test_a_killed_script_is_named_by_its_process(sandbox, rokt, ledger, tmp_path):
    with Running(mirror, range(1000), None, hangs_after=500) as running:
        running.until_said("hangs")
        running.kill()
    with pytest.raises(RoktAudienceError, match=f"by another run, 'process {running.process.pid} on ") as refused:
        again(range(500), "import", None)
    assert "the audience is free from" in str(refused.value)
    [lock] = tmp_path.glob("**/lock")
    lock.unlink()
    again(range(500), "import", None)
    assert members(sandbox) == digests(range(500))


def test_a_killed_delivery_leaves_a_ledger_and_is_run_again_without_loss(sandbox, rokt, shop, ledger):
    shop(orders(3000, users=1000))
    delayed = Delayed(sandbox, 0.1)
    with Running(convert, concurrency=2, fetch_size=700) as running:
        running.until(lambda: delayed.answered >= 6)
        running.kill()
    delayed.all_answered()
    [left] = ledger.deliveries(10)
    assert left.report() is None
    assert not left.finished
    recorded = [verdict for record in ledger.open(left.delivery_id).requests() for verdict in record.batches]
    # What was on its way or just answered is missing in it, at most four requests of a hundred events.
    assert 100 < sum(verdict.rows for verdict in recorded) <= sandbox.store.counts.events < 3000
    assert not list(left.rows())
    with pytest.raises(RoktTaskFailed, match="without resend_from"):
        send(resend_from=left.delivery_id)
    result = send(fetch_size=700)
    assert result["rows_accepted"] == 3000
    counts = sandbox.store.counts
    assert (counts.events, len(sandbox.store.message_ids)) == (3000, 3000)
    assert counts.repeated_batches > 0
    assert (counts.repeated_messages, counts.conflicting_batches) == (0, 0)


def test_a_stopped_task_ends_in_order(sandbox, rokt, shop, ledger, airflow_db):
    """SIGTERM, as when somebody marks the task as failed: Airflow calls ``on_kill`` in the handler."""
    shop(orders(3000))
    delayed = Delayed(sandbox, 0.3)
    with Running(run_dag, "stopped") as running:
        running.until(lambda: delayed.answered >= 4)
        running.terminate()
        came = delayed.came
        running.ends()
    # Two were on their way and two ready; a busy machine may let one pair more leave before the signal is handled.
    assert delayed.answered == delayed.came <= came + 6 < 30
    [stopped] = ledger.deliveries(10)
    report = stopped.report()
    assert (report["complete"], report["rows_read"]) == (False, 3000)
    # On a busy machine the grace may end before an answer is read.
    assert 0 < report["rows_accepted"] <= sandbox.store.counts.events
    assert report["rows_accepted"] + report["rows_failed"] == 3000
    reasons = {row.faults[0].reason for row in stopped.rows()}
    assert reasons <= {"the task was stopped", "on its way when the task was stopped"}
    sandbox.faults.clear()
    # Outside of that task nobody shares its request ids, so the events' own tell the repeats.
    assert send()["rows_accepted"] == len(sandbox.store.message_ids) == 3000
    assert sandbox.store.held == sandbox.store.message_ids


@pytest.mark.parametrize("via", ["import", "events"])
def test_a_stopped_mirror_gives_the_audience_back(sandbox, rokt, ledger, via):
    delayed = Delayed(sandbox, 0.3)
    with Running(mirror, range(1000), "monday", **OPTIONS[via], concurrency=1) as running:
        running.until(lambda: delayed.answered >= 3)
        running.terminate()
        running.until_said("RoktIncompleteError")
    report = ledger.deliveries(1)[0].report()
    assert report["rows_accepted"] <= len(members(sandbox)) < 1000
    assert report["rows_accepted"] + report["rows_failed"] == 1000
    sandbox.faults.clear()
    again(range(500, 1500), via, "tuesday")
    assert members(sandbox) == digests(range(500, 1500))


def test_a_mirror_stopped_while_it_reads_does_not_read_on(sandbox, rokt, ledger):
    with Running(mirror, range(1000), "monday", hangs_after=550, fetch_size=100) as running:
        running.until_said("hangs")
        running.terminate()
        running.until_said("RoktIncompleteError")
    assert ledger.deliveries(1)[0].report()["rows_read"] == 500
    assert not sandbox.store.requests
    again(range(500), "import", "tuesday")
    assert members(sandbox) == digests(range(500))


def send(**options):
    operator = RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", sql_conn_id="shop", **options)
    return operator.execute({})
