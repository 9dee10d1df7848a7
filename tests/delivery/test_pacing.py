import threading
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.delivery.pacing import Pacer
from tests.delivery.clock import FakeClock, FakeStop

RATES = st.one_of(st.integers(1, 300), st.floats(0.05, 20.0))


@given(
    rate=RATES,
    steps=st.lists(st.tuples(st.integers(1, 100), st.floats(0.0, 3.0), st.sampled_from([0.0, 0.0, 2.5])), max_size=60),
)
def test_no_second_sees_more_batches_than_the_rate(rate: float, steps: list[tuple[int, float, float]]) -> None:
    clock = FakeClock()
    pacer, stop = Pacer(rate, clock=clock), FakeStop(clock)
    departures = []
    for batches, idle, hold in steps:
        clock.sleep(idle)
        if hold:
            pacer.hold(hold)
            held_until = clock.now + hold
        assert pacer.acquire(batches, stop)
        assert not hold or clock.now >= held_until
        departures.append((clock.now, batches))
    for begin, first in departures:
        seen = [batches for at, batches in departures if begin <= at < begin + 1.0]
        # A request larger than the rate cannot be cut here; it has its second, and those its batches need, alone.
        assert sum(seen) <= rate or seen == [first]
    for (before, batches), (after, _) in pairwise(departures):
        assert batches <= rate or after - before >= batches / rate


@given(rate=RATES, batches=st.integers(1, 100))
def test_the_rate_is_nearly_reached(rate: float, batches: int) -> None:
    clock = FakeClock()
    pacer, stop, begin = Pacer(rate, clock=clock), FakeStop(clock), clock.now
    for _ in range(50):
        pacer.acquire(batches, stop)
    per_window = max(1, rate // batches)
    ideal = 49 // per_window * max(1.0, batches / rate)
    assert clock.now - begin <= ideal * 1.05 + 1e-6


def test_a_full_second_is_three_requests_of_ninety() -> None:
    clock = FakeClock()
    pacer, stop, begin = Pacer(270, clock=clock), FakeStop(clock), clock.now
    for _ in range(3):
        pacer.acquire(90, stop)
    assert clock.now == begin
    pacer.acquire(90, stop)
    assert 1.0 < clock.now - begin < 1.1


def test_the_longest_hold_counts() -> None:
    clock = FakeClock()
    pacer, stop, begin = Pacer(10, clock=clock), FakeStop(clock), clock.now
    pacer.hold(30.0)
    pacer.hold(1.0)
    assert pacer.acquire(1, stop)
    assert clock.now - begin == pytest.approx(30.0)


def test_a_hold_is_noticed_by_who_waits_already() -> None:
    clock = FakeClock()
    pacer = Pacer(1, clock=clock)

    class HoldingStop(FakeStop):
        def wait(self, timeout: float | None = None) -> bool:
            if clock.now < 1001.0:
                pacer.hold(20.0)
            return super().wait(timeout)

    stop, begin = HoldingStop(clock), clock.now
    pacer.acquire(1, stop)
    pacer.acquire(1, stop)
    assert clock.now - begin >= 20.0


def test_nothing_leaves_once_stopped() -> None:
    clock = FakeClock()
    pacer, stop = Pacer(1, clock=clock), FakeStop(clock)
    stop.set()
    assert not pacer.acquire(1, stop)
    assert Pacer(1, clock=clock).acquire(1, FakeStop(clock))


def test_stopping_frees_every_waiting_thread() -> None:
    pacer, stop = Pacer(0.001), threading.Event()
    assert pacer.acquire(1, stop)
    answers: list[bool] = []
    threads = [threading.Thread(target=lambda: answers.append(pacer.acquire(1, stop))) for _ in range(4)]
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
    assert answers == [False] * 4


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_must_let_something_through(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pacer(rate)
