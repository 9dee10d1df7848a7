"""What a delivery tells of itself while it runs."""

import logging
from collections import Counter

import pytest

from airflow_provider_rokt.delivery.progress import EVERY_SECONDS, Progress, Repeats
from airflow_provider_rokt.flow.lines import PAGE_CHARS
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.ledger.report import Tally
from tests.api.clock import FakeClock, FakeThreads


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def told(caplog):
    """What was told, each time in one piece, although it may have taken two lines."""
    caplog.set_level(logging.INFO)

    def tell():
        lines = [record.getMessage() for record in caplog.records]
        assert all(len(line) <= PAGE_CHARS for line in lines)
        return "\n".join(lines).replace("\n  ", " ").splitlines()

    return tell


def test_it_tells_counts_and_pace_now_and_then(clock, told):
    progress = Progress(270, FakeThreads(clock))
    tally = Tally(read=5000, accepted=2000, rejected=3, failed=1, skipped=Counter({Skip.SENT: 96}), batches=1350)
    clock.sleep(EVERY_SECONDS - 1)
    progress.show(tally)
    assert told() == []
    clock.sleep(1)
    progress.show(tally)
    progress.show(tally)
    assert told() == [
        "5,000 rows read, 2,000 accepted, 3 rejected, 1 failed, 96 skipped; 135.0 batches/s, 50 % of the cap"
    ]


def test_the_pace_is_that_since_it_was_told_last(clock, told):
    progress, tally = Progress(200, FakeThreads(clock)), Tally(batches=2000)
    clock.sleep(10)
    progress.show(tally)
    tally.batches += 2000
    clock.sleep(20)
    progress.show(tally)
    assert [line.partition("; ")[2] for line in told()] == [
        "200.0 batches/s, 100 % of the cap",
        "100.0 batches/s, 50 % of the cap",
    ]


def test_the_end_is_foreseen_once_all_is_read(clock, told):
    progress, tally = Progress(200, FakeThreads(clock)), Tally(read=10_000, accepted=1_000)
    clock.sleep(10)
    progress.show(tally)
    progress.all_read()
    tally.accepted += 3_000
    clock.sleep(30)
    progress.show(tally)
    clock.sleep(10)
    progress.show(tally)
    assert [line.partition("cap")[2] for line in told()] == ["", ", over in about 60 s", ""]


def test_no_cap_worth_the_name_is_no_share(clock, told):
    progress = Progress(1e9, FakeThreads(clock))
    clock.sleep(10)
    progress.show(Tally(batches=5))
    assert told()[0].endswith("; 0.5 batches/s, 0 % of the cap")


def test_answers_that_ask_to_slow_down_are_told_together(clock, told):
    progress, tally = Progress(270, FakeThreads(clock)), Tally(status_codes=Counter({"429": 7}))
    for more in (0, 0, 5):
        tally.status_codes["429"] += more
        clock.sleep(10)
        progress.show(tally)
    assert [line.partition("cap")[2] for line in told()] == [
        ", 7 answers 429",
        "",
        ", 5 answers 429",
    ]


def test_what_is_sent_again_is_told_now_and_then(clock, told):
    repeats = Repeats(FakeThreads(clock))
    for status in (503, None, 429, 500):
        repeats.tell(status, 1.5)
    clock.sleep(EVERY_SECONDS)
    repeats.tell(None, 20)
    clock.sleep(EVERY_SECONDS)
    repeats.tell(502, 3)
    assert told() == [
        "Rokt answered 503; trying again in 1.5 s",
        "Rokt answered nothing; trying again in 20.0 s; 3 such attempts since it was told last",
        "Rokt answered 502; trying again in 3.0 s",
    ]
