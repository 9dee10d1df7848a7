import threading
from itertools import pairwise
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.api.pacing import Departure, Pacer
from tests.api.clock import FakeClock, FakeStop, FakeThreads

# Seconds that a request may take to arrive for the pace to hold: promised, so not the product's own word for it.
LONGEST_WAY = 0.25
RATES = st.one_of(st.integers(1, 300), st.floats(0.05, 20.0))


STEP = st.tuples(
    st.integers(1, 100),  # batches
    st.floats(0.0, 3.0),  # seconds nobody asks for
    st.sampled_from([0.0, 0.0, 2.5]),  # seconds of a hold
    st.floats(0.0, LONGEST_WAY),  # seconds until it arrives
    st.floats(0.0, 2.0) | st.none(),  # seconds from then to its answer, or none
)


class Road:
    """Requests on their way: gives each its answer at the time it is due, while somebody waits."""

    def __init__(self, rate: float) -> None:
        self.clock = FakeClock()
        self.pacer = Pacer(rate, threads=FakeThreads(self.clock))
        self.arrivals: list[tuple[float, int]] = []
        self._due: list[tuple[float, Departure]] = []
        road = self

        class Stop(FakeStop):
            def wait(self, timeout: float | None = None) -> bool:
                road.pass_time(timeout or 0.0)
                return False

        self.stop = Stop(self.clock)

    def pass_time(self, seconds: float) -> None:
        until = self.clock.now + seconds
        for due in sorted(self._due, key=itemgetter(0)):
            if due[0] <= until:
                self.clock.now = max(self.clock.now, due[0])
                self.pacer.answered(due[1])
                self._due.remove(due)
        self.clock.now = until

    def send(self, batches: int, way: float = 0.0, work: float | None = 0.0) -> None:
        departure = self.pacer.acquire(batches, self.stop)
        assert departure
        self.arrivals.append((self.clock.now + way, batches))
        if work is not None:
            self._due.append((self.clock.now + way + work, departure))


@settings(deadline=None)
@given(rate=RATES, steps=st.lists(STEP, max_size=50))
def test_no_second_sees_more_batches_arrive_than_the_rate(
    rate: float, steps: list[tuple[int, float, float, float, float | None]]
) -> None:
    road = Road(rate)
    for batches, idle, hold, way, work in steps:
        road.pass_time(idle)
        held_until = road.clock.now + hold
        road.pacer.hold(hold)
        road.send(batches, way, work)
        assert road.clock.now >= held_until
    road.arrivals.sort()
    for begin, first in road.arrivals:
        seen = [batches for at, batches in road.arrivals if begin <= at < begin + 1.0 - 1e-9]
        # A request larger than the rate cannot be cut here; it has its second, and those its batches need, alone.
        assert sum(seen) <= rate or seen == [first]
    for (before, batches), (after, _) in pairwise(road.arrivals):
        assert batches <= rate or after - before >= batches / rate - 1e-9


@settings(deadline=None, max_examples=50)
@given(rate=RATES, batches=st.integers(1, 100), latency=st.floats(0.0, 1.0))
def test_the_rate_is_nearly_reached(rate: float, batches: int, latency: float) -> None:
    road = Road(rate)
    begin = road.clock.now
    for _ in range(50):
        road.send(batches, 0.0, latency)
    pauses = 49 // max(1, rate // batches)
    seconds = max(1.0, batches / rate)
    # Each pause is longer than the rule by an answer's way at most, and by what looking again costs.
    assert road.clock.now - begin <= pauses * (seconds + min(latency, LONGEST_WAY) + 0.021 * seconds) + 1e-6


def test_a_full_second_is_three_requests_of_ninety() -> None:
    road = Road(270)
    begin = road.clock.now
    for _ in range(3):
        road.send(90, 0.0, 0.04)
    assert road.clock.now == begin
    road.send(90)
    assert 1.0399 < road.clock.now - begin < 1.07


def test_the_longest_hold_counts() -> None:
    clock = FakeClock()
    pacer, stop, begin = Pacer(10, threads=FakeThreads(clock)), FakeStop(clock), clock.now
    pacer.hold(30.0)
    pacer.hold(1.0)
    assert pacer.acquire(1, stop)
    assert clock.now - begin == pytest.approx(30.0)


def test_a_hold_is_noticed_by_who_waits_already() -> None:
    clock = FakeClock()
    pacer = Pacer(1, threads=FakeThreads(clock))

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
    pacer, stop, begin = Pacer(1, threads=FakeThreads(clock)), FakeStop(clock), clock.now
    stop.set()
    assert pacer.acquire(1, stop) is None
    assert pacer.acquire(1, FakeStop(clock)) is not None
    assert clock.now == begin


def test_stopping_frees_every_waiting_thread() -> None:
    pacer, stop = Pacer(0.001), threading.Event()
    assert pacer.acquire(1, stop)
    answers: list[Departure | None] = []
    threads = [threading.Thread(target=lambda: answers.append(pacer.acquire(1, stop))) for _ in range(4)]
    for thread in threads:
        thread.start()
    stop.set()
    for thread in threads:
        thread.join(timeout=30)
    assert answers == [None] * 4


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_must_let_something_through(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Pacer(rate)
