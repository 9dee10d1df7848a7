import threading
from itertools import pairwise
from operator import itemgetter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from airflow_provider_rokt.api.client import Answer
from airflow_provider_rokt.api.pace import UNPACED, Departure
from airflow_provider_rokt.api.pacing import Pacer, used_share
from tests.api.clock import FakeClock, FakeStop, FakeThreads

RATES = st.one_of(st.integers(1, 300), st.floats(0.05, 20.0))
ANSWERS = st.sampled_from(["", "", "", "0", "80", "97", "100", "account", "acceleration", "feed", "500"])


STEP = st.tuples(
    st.integers(1, 100),  # batches
    st.floats(0.0, 3.0),  # seconds nobody asks for
    st.sampled_from([0.0, 0.0, 2.5]),  # seconds of a hold
    st.floats(0.0, 2.0) | st.none(),  # seconds to its answer, or none
    ANSWERS,
)


def answer_of(told: str) -> Answer:
    """An acceptance that tells so much use, a 429 of that kind, or a failure."""
    status = 202 if told.isdecimal() or not told else 429
    name = "X-mp-rate-limit-percentage-used" if status == 202 else "X-mp-rate-limit-exceeded"
    headers = CaseInsensitiveDict({name: told} if told else {})
    return Answer(500 if told == "500" else status, headers, b"", 1.0)


class Road:
    """Requests on their way: gives each its answer at the time it is due, while somebody waits."""

    def __init__(self, rate: float) -> None:
        self.clock = FakeClock()
        self.pacer = Pacer(rate, threads=FakeThreads(self.clock))
        self.departures: list[tuple[float, int]] = []
        self._due: list[tuple[float, Departure, str]] = []
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
                self.pacer.answered(due[1], answer_of(due[2]))
                self._due.remove(due)
        self.clock.now = until

    def send(self, batches: int, work: float | None = 0.0, told: str = "") -> None:
        departure = self.pacer.acquire(batches, self.stop)
        assert departure
        self.departures.append((self.clock.now, batches))
        if work is not None:
            self._due.append((self.clock.now + work, departure, told))


@settings(deadline=None)
@given(rate=RATES, steps=st.lists(STEP, max_size=50))
def test_no_second_sees_more_batches_leave_than_the_rate(
    rate: float, steps: list[tuple[int, float, float, float | None, str]]
) -> None:
    road = Road(rate)
    for batches, idle, hold, work, told in steps:
        road.pass_time(idle)
        held_until = road.clock.now + hold
        road.pacer.hold(hold)
        road.send(batches, work, told)
        assert road.clock.now >= held_until
    for begin, first in road.departures:
        seen = [batches for at, batches in road.departures if begin <= at < begin + 1.0 - 1e-9]
        # A request larger than the rate cannot be cut here; it has its second, and those its batches need, alone.
        assert sum(seen) <= rate or seen == [first]
    for (before, batches), (after, _) in pairwise(road.departures):
        assert batches <= rate or after - before >= batches / rate - 1e-9


@settings(deadline=None, max_examples=30)
@given(rate=st.integers(1, 3000), latency=st.floats(0.0, 0.25))
def test_the_rate_is_nearly_reached(rate: int, latency: float) -> None:
    """What the ramp costs, and a hundredth of each second, whatever the rate; requests are sized by it."""
    road = Road(rate)
    begin, sent = road.clock.now, 0
    while road.clock.now - begin < 15.0:
        size = road.pacer.size()
        road.send(size, latency)
        sent += size
    assert sent >= rate * (15.0 - 1.0) / 1.12 - rate * 3.0 - 1
    whole = [batches for at, batches in road.departures if 10.0 <= at - begin < 15.0]
    assert sum(whole) >= 0.95 * rate * 5 - max(whole)


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


def test_who_wants_no_pace_has_none() -> None:
    road = Road(UNPACED)
    begin = road.clock.now
    for _ in range(100):
        road.send(100, 0.01)
    assert road.pacer.size() == 100
    assert road.clock.now - begin < 1.0


@pytest.mark.parametrize(("ramps", "fewest", "most"), [(True, 1.0, 2.0), (False, 0.0, 0.2)])
def test_what_does_not_count_for_the_accounts_rate_need_not_begin_slowly(
    ramps: bool, fewest: float, most: float
) -> None:
    clock = FakeClock()
    pacer, stop, begin = Pacer(270, ramps=ramps, threads=FakeThreads(clock)), FakeStop(clock), clock.now
    for _ in range(30):
        pacer.acquire(1, stop)
    assert fewest <= clock.now - begin <= most


@pytest.mark.parametrize(
    ("told", "share"),
    [("80", 0.8), (" 100 ", 1.0), ("99.5", 0.995), ("", None), ("-1", None), ("many", None), ("9" * 5000, None)],
)
def test_only_a_number_tells_what_is_used(told: str, share: float | None) -> None:
    assert used_share({"X-mp-rate-limit-percentage-used": told}) == share
    assert used_share({}) is None


@pytest.mark.parametrize(
    ("told", "is_over"), [("acceleration", False), (" Acceleration ", False), ("feed", True), ("", True)]
)
def test_only_a_limit_to_growth_lets_growth_go_on(told: str, is_over: bool) -> None:
    road = Road(270)
    answer = Answer(429, CaseInsensitiveDict({"X-mp-rate-limit-exceeded": told}), b"", 1.0)
    road.pacer.answered(road.pacer.acquire(1, road.stop), answer)
    for _ in range(40):
        road.send(1, 0.01)
    assert (road.pacer.size() < 5) == is_over


def test_a_pace_is_warm_for_a_moment_after_a_departure() -> None:
    road = Road(270)
    assert not road.pacer.is_warm
    road.send(1)
    assert road.pacer.is_warm
    road.pass_time(3.0)
    assert not road.pacer.is_warm


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
