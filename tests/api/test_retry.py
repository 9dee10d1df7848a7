import gc
import weakref
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.api.client import Answer
from airflow_provider_rokt.api.quota import RetryQuota
from airflow_provider_rokt.api.retry import RetryPolicy, is_retryable, retry, retry_after
from airflow_provider_rokt.network.outages import NoAnswerError
from tests.api.clock import FakeClock, FakeStop, FakeThreads
from tests.delivery.rokt import answer_of

NOW = datetime(2026, 11, 24, 6, 5, 32, tzinfo=UTC)


class Scripted:
    """Answers one after the other, the last one for ever; each takes a second."""

    def __init__(self, clock: FakeClock, *answers: Answer | Exception) -> None:
        self._clock = clock
        self._answers: Iterator[Answer | Exception] = iter(answers)
        self._last: Answer | Exception = answers[-1]
        self.attempts = 0

    def __call__(self) -> Answer:
        self.attempts += 1
        self._clock.sleep(1.0)
        answer = next(self._answers, self._last)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_what_is_worth_trying_again() -> None:
    retryable = {status for status in range(200, 600) if is_retryable(status)}
    assert retryable == {408, 425, 429, *range(500, 600)} - {501, 505}


def test_it_is_tried_until_an_answer_says_something() -> None:
    clock = FakeClock()
    script = Scripted(clock, NoAnswerError("Timeout"), answer_of(503), answer_of(429), answer_of(408), answer_of(202))
    assert retry(script, RetryPolicy(), clock.sleep, threads=FakeThreads(clock)).status == 202
    assert script.attempts == 5


@pytest.mark.parametrize("status", [200, 202, 302, 400, 401, 403, 404, 413, 422, 501, 505])
def test_a_final_answer_is_not_asked_for_twice(status: int) -> None:
    clock = FakeClock()
    script = Scripted(clock, answer_of(status))
    assert retry(script, RetryPolicy(), clock.sleep, threads=FakeThreads(clock)).status == status
    assert script.attempts == 1


def test_other_errors_are_not_tried_again() -> None:
    clock = FakeClock()
    script = Scripted(clock, KeyError("a fault of ours"))
    with pytest.raises(KeyError):
        retry(script, RetryPolicy(), clock.sleep, threads=FakeThreads(clock))
    assert script.attempts == 1


@given(budget=st.floats(0.0, 700.0), base=st.floats(0.01, 5.0), cap=st.floats(0.01, 120.0))
def test_the_budget_ends_it(budget: float, base: float, cap: float) -> None:
    clock = FakeClock()
    begin, script = clock.now, Scripted(clock, answer_of(503))
    answer = retry(script, RetryPolicy(budget, base, cap), clock.sleep, threads=FakeThreads(clock))
    assert answer.status == 503
    # An attempt that began within the budget is completed; it takes a second here.
    assert budget <= clock.now - begin + 1e-6 <= budget + 1.0 + 1e-3


def test_the_last_missing_answer_is_raised() -> None:
    clock = FakeClock()
    with pytest.raises(NoAnswerError) as caught:
        retry(
            Scripted(clock, NoAnswerError("ConnectTimeout")), RetryPolicy(10.0), clock.sleep, threads=FakeThreads(clock)
        )
    assert caught.value.cause == "ConnectTimeout"


@pytest.mark.parametrize("taken", [True, False])
def test_nothing_is_kept_of_an_attempt(taken: bool) -> None:
    """Requests are megabytes each; a cycle of references would keep them until the garbage collector comes by."""
    clock = FakeClock()

    class Body:
        attempts = 0

        def post(self) -> Answer:
            clock.sleep(1.0)
            self.attempts += 1
            if self.attempts > 2 and taken:
                return answer_of(202)
            raise NoAnswerError("Timeout")

    body = Body()
    kept = weakref.ref(body)
    gc.disable()
    try:
        with suppress(NoAnswerError):
            retry(
                body.post,
                RetryPolicy(30.0),
                lambda seconds, body=body: clock.sleep(seconds),
                threads=FakeThreads(clock),
            )
        assert body.attempts > 2
        del body
        assert kept() is None
    finally:
        gc.enable()


def test_waits_grow_to_the_cap() -> None:
    clock, waits = FakeClock(), list[float]()

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.sleep(seconds)

    retry(Scripted(clock, answer_of(503)), RetryPolicy(100_000.0, 0.5, 60.0), sleep, threads=FakeThreads(clock))
    assert all(wait <= min(0.5 * 2.0 ** min(index, 64), 60.0) for index, wait in enumerate(waits))
    assert max(waits) > 30.0
    assert len(waits) > 1100  # more doublings than a float has room for
    assert len(set(waits)) > len(waits) / 2


@pytest.mark.parametrize("status", [429, 503])
def test_rokts_own_time_is_waited_out(status: int) -> None:
    clock, waits = FakeClock(), list[float]()
    script = Scripted(clock, answer_of(status, headers={"Retry-After": "90"}), answer_of(202))
    retry(script, RetryPolicy(), waits.append, threads=FakeThreads(clock))
    assert 90.0 <= waits[0] <= 90.5


def test_more_time_than_the_budget_has_left_is_not_waited_for() -> None:
    clock, waits = FakeClock(), list[float]()
    script = Scripted(clock, answer_of(429, headers={"retry-after": "86400"}), answer_of(202))
    assert retry(script, RetryPolicy(100.0), waits.append, threads=FakeThreads(clock)).status == 429
    assert waits == []


def test_a_date_is_waited_for() -> None:
    clock, waits = FakeClock(), list[float]()
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=300), usegmt=True)
    script = Scripted(clock, answer_of(503, headers={"Retry-After": date}), answer_of(202))
    retry(script, RetryPolicy(), waits.append, threads=FakeThreads(clock))
    assert 200.0 < waits[0] < 301.0


@pytest.mark.parametrize("header", ["0", "Tue, 24 Nov 1998 06:05:32 GMT", "soon", ""])
def test_what_cannot_be_waited_for_leaves_the_usual_wait(header: str) -> None:
    clock, waits = FakeClock(), list[float]()
    script = Scripted(clock, *[answer_of(503, headers={"Retry-After": header})] * 12, answer_of(202))
    retry(script, RetryPolicy(), waits.append, threads=FakeThreads(clock))
    assert max(waits) > 1.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("1.5", 1.5),
        ("Tue, 24 Nov 2026 06:06:32 GMT", 60.0),
        ("Tue, 24 Nov 2026 06:06:32 -0000", 60.0),  # comes without a zone: UTC
        ("Tue, 24 Nov 2026 06:06:32", 60.0),
        ("Tuesday, 24-Nov-26 06:06:32 GMT", 60.0),
        ("Tue, 24 Nov 2026 08:06:32 +0200", 60.0),
        ("Tue, 24 Nov 2026 06:00:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("٣", None),
        ("Tue, 99 Nov 2026 06:06:32 GMT", None),
        ("Tue, 24 Nov 99999 06:06:32 GMT", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(header: str, seconds: float | None) -> None:
    assert retry_after(answer_of(429, headers={"Retry-After": header}), NOW) == seconds


def test_retry_after_may_be_absent() -> None:
    assert retry_after(answer_of(429), NOW) is None


@given(st.text(max_size=80))
def test_any_retry_after_is_survived(header: str) -> None:
    seconds = retry_after(answer_of(429, headers={"Retry-After": header}), NOW)
    assert seconds is None or seconds >= 0


def test_many_failures_wait_for_their_turn_and_successes_make_room() -> None:
    clock = FakeClock()
    quota = RetryQuota(FakeStop(clock), FakeThreads(clock))

    def waited(until: float = 1e9) -> float:
        begin = clock.now
        quota.take(until)
        return clock.now - begin

    assert [waited() for _ in range(20)] == [0.0] * 20
    assert [waited() for _ in range(3)] == pytest.approx([2.0, 2.0, 2.0])
    assert waited(clock.now + 0.7) == pytest.approx(0.7)
    for _ in range(10):
        quota.succeeded()
    assert waited() == 0.0
    clock.now += 1000.0
    assert [waited() for _ in range(21)] == pytest.approx([0.0] * 20 + [2.0])


def test_who_waits_for_the_quota_sees_it_refilled() -> None:
    """Many threads must not pay off after an outage what they were made to wait for within it."""
    clock = FakeClock()

    class Answering(FakeStop):
        def wait(self, timeout: float | None = None) -> bool:
            quota.succeeded()
            return super().wait(timeout)

    quota = RetryQuota(Answering(clock), FakeThreads(clock))
    for _ in range(20):
        quota.take(1e9)
    begin = clock.now
    for _ in range(32):
        quota.take(1e9)
    assert clock.now - begin < 40.0


def test_nobody_waits_for_the_quota_once_stopped() -> None:
    clock = FakeClock()
    stop = FakeStop(clock)
    quota = RetryQuota(stop, FakeThreads(clock))
    stop.set()
    begin = clock.now
    for _ in range(50):
        quota.take(1e9)
    assert clock.now == begin


@pytest.mark.parametrize(("budget", "took"), [(100.0, 5.0), (3.5, 4.5)])
def test_a_retry_waits_for_the_quota_within_its_budget_unless_it_is_after_a_429(budget: float, took: float) -> None:
    clock, waits = FakeClock(), []
    quota = RetryQuota(FakeStop(clock), FakeThreads(clock))
    for _ in range(20):
        quota.take(1e9)
    # Each answer takes a second, and two seconds refill one: the first 503's retry has it, the second's waits.
    script = Scripted(clock, answer_of(429), answer_of(503), answer_of(503), answer_of(202))
    policy, begin = RetryPolicy(budget, base_seconds=0.001), clock.now
    assert retry(script, policy, waits.append, quota=quota, threads=FakeThreads(clock)).status == 202
    assert max(waits) < 0.01
    assert clock.now - begin == pytest.approx(took)
