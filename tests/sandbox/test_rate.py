"""Batches per second: the limit, the acceleration limit and the peak a sender is judged by."""

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.faults import Status
from airflow_provider_rokt.sandbox.rate import CalendarSecond, Rate, SlidingWindow, retry_after
from airflow_provider_rokt.sandbox.reply import Refused


def _admitted(rate, at, batches):
    try:
        rate.admit(at, batches)
    except Refused as refusal:
        return refusal.answer
    return None


def test_any_one_second_holds_the_limit_and_no_more():
    rate = Rate(Settings(batches_per_second=10))
    assert _admitted(rate, 0.0, 6) is None
    assert _admitted(rate, 0.9, 4) is None
    assert _admitted(rate, 0.999, 1).status == 429
    assert _admitted(rate, 1.0, 6) is None
    assert _admitted(rate, 1.001, 1).status == 429


def test_refused_batches_use_nothing_up():
    rate = Rate(Settings(batches_per_second=10))
    assert _admitted(rate, 0.0, 11).status == 429
    assert _admitted(rate, 0.0, 10) is None


def test_the_wait_is_until_enough_has_left_the_window():
    window = SlidingWindow(1)
    window.add(0.0, 4)
    window.add(0.6, 6)
    assert [window.wait(0.7, excess) for excess in (1, 4, 5, 10)] == pytest.approx([0.3, 0.3, 0.9, 0.9])
    assert window.wait(0.7, 11) == 1


@pytest.mark.parametrize(("seconds", "told"), [(0, "0"), (0.2, "1"), (1, "1"), (1.01, "2")])
def test_retry_after_is_rounded_up(seconds, told):
    assert retry_after(seconds, as_date=False) == {"retry-after": told}


def test_the_rate_may_grow_by_the_acceleration_and_no_more():
    rate = Rate(Settings(acceleration=10))
    assert _admitted(rate, 0.0, 10) is None
    answer = _admitted(rate, 0.5, 1)
    assert (answer.status, answer.headers["x-mp-rate-limit-exceeded"]) == (429, "acceleration")
    assert _admitted(rate, 1.0, 20) is None
    assert _admitted(rate, 1.9, 1).status == 429
    assert _admitted(rate, 2.0, 30) is None
    # After a pause it must grow anew.
    assert _admitted(rate, 4.0, 11).status == 429


def test_the_second_before_may_count_for_more():
    rate = Rate(Settings(acceleration=10, growth=1.5))
    assert _admitted(rate, 0.0, 10) is None
    assert _admitted(rate, 1.0, 26).status == 429
    assert _admitted(rate, 1.0, 25) is None


def test_a_whole_second_begins_anew_with_the_next():
    rate = Rate(Settings(batches_per_second=10, counting="calendar"))
    assert _admitted(rate, 7.9, 10) is None
    assert _admitted(rate, 7.95, 1).headers["retry-after"] == "1"
    assert _admitted(rate, 8.0, 10) is None
    assert _admitted(rate, 8.9, 1).status == 429
    assert CalendarSecond().wait(7.75, 3) == 0.25


def test_a_bucket_fills_evenly_up_to_a_second_s_batches():
    rate = Rate(Settings(batches_per_second=10, counting="bucket"))
    assert rate.admit(0.0, 10) == {"x-mp-rate-limit-percentage-used": "100"}
    assert _admitted(rate, 0.25, 3).status == 429
    assert rate.admit(0.25, 2) == {"x-mp-rate-limit-percentage-used": "95"}
    assert _admitted(rate, 100.0, 11).status == 429
    assert _admitted(rate, 100.0, 10) is None
    assert _admitted(rate, 100.0, 25).headers["retry-after"] == "3"


def test_usage_may_stay_untold():
    assert Rate(Settings(batches_per_second=10, usage="untold")).admit(0.0, 5) == {}


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 50)), max_size=30), st.integers(1, 100))
def test_no_window_ever_holds_more_than_the_limit(offers, limit):
    rate = Rate(Settings(batches_per_second=limit))
    admitted = []
    # 1,024ths of a second are exact in a float: two of them may be a second apart to the bit.
    for tick, batches in sorted(offers):
        rate.offer(tick / 1024, batches)
        if _admitted(rate, tick / 1024, batches) is None:
            admitted.append((tick, batches))
    assert all(_window(admitted, end) <= limit for end, _ in admitted)
    assert rate.peak == max((_window(sorted(offers), end) for end, _ in offers), default=0)


def _window(arrivals, end):
    return sum(batches for at, batches in arrivals if end - 1024 < at <= end)


def test_the_limit_answers_429_over_http(sandbox, post, batch):
    sandbox.reset(Settings(batches_per_second=4))
    answer = post([batch("m1")] * 3)
    assert (answer.status_code, answer.headers["X-mp-rate-limit-percentage-used"]) == (202, "75")
    answer = post([batch("m2")] * 5)
    assert (answer.status_code, answer.content) == (429, b"")
    assert answer.headers["X-mp-rate-limit-exceeded"] == "account"
    assert answer.headers["Retry-After"] == "1"
    assert (sandbox.store.counts.batches, sandbox.rate.peak >= 5) == (3, True)


def test_a_partly_accepted_request_tells_its_usage_too(sandbox, post, batch):
    sandbox.reset(Settings(batches_per_second=100))
    answer = post([batch("m1"), batch("m2", ip={})])
    assert (answer.status_code, answer.headers["X-mp-rate-limit-percentage-used"]) == (202, "2")


def test_without_a_limit_no_usage_is_told(sandbox, post, batch):
    assert "X-mp-rate-limit-percentage-used" not in post([batch("m1")]).headers


def test_retry_after_may_be_a_date_or_absent(sandbox, post, batch):
    sandbox.reset(Settings(batches_per_second=1, retry_after="date"))
    before = time.time()
    told = post([batch("m1")] * 2).headers["Retry-After"]
    assert email.utils.parsedate_to_datetime(told).timestamp() >= before + 1
    sandbox.reset(Settings(batches_per_second=1, retry_after="none"))
    assert "Retry-After" not in post([batch("m1")] * 2).headers


def test_the_peak_counts_what_was_refused_or_struck_by_a_fault(sandbox, post, batch):
    sandbox.faults.add(Status(503, times=1))
    post([batch("m1")] * 7)
    assert sandbox.rate.peak == 7
    sandbox.reset()
    post(batch("m1"), "/v2/events")
    assert sandbox.rate.peak == 1
