"""The law of the pace, simulated: what a sender alone reaches, and what many do that know nothing of each other."""

import pytest

from airflow_provider_rokt.api.pace import Pace
from tests.pacing.servers import WAYS, jain_of
from tests.pacing.world import Case, World


@pytest.mark.parametrize("way", WAYS)
def test_one_worker_fills_the_cap(way: str) -> None:
    seen = World(Case(way=way, told=way != "sliding", seconds=90, seed=1)).run()
    assert seen.share(30, 90) >= 0.98
    assert seen.refusals(0, 90) < 0.01
    # All that the ramp costs is some two seconds' worth.
    assert seen.share(0, 90) >= 0.94
    assert seen.peak() <= 270


@pytest.mark.parametrize(
    ("way", "told", "stagger"),
    [
        ("sliding", True, 0.5),
        ("sliding", False, 0.5),
        ("calendar", True, 0.5),
        ("bucket", False, 0.5),
        ("growth", True, 0.0),
    ],
)
def test_eight_workers_share_the_cap(way: str, told: bool, stagger: float) -> None:
    seen = World(Case(workers=8, way=way, told=told, stagger=stagger, seconds=100, seed=1)).run()
    assert seen.share(50, 100) >= 0.95
    assert seen.jain(50, 100) >= 0.95
    assert seen.refusals(50, 100) < (0.01 if told else 0.05)


def test_eight_workers_that_begin_at_once_are_told_in_time() -> None:
    seen = World(Case(workers=8, seconds=10, seed=1)).run()
    assert seen.refusals(0, 6) < 0.03
    assert seen.share(0, 10) > 0.8


def test_ways_that_take_longer_and_shorter_cost_one_worker_little() -> None:
    seen = World(Case(jitter=0.005, seconds=90, seed=1)).run()
    assert seen.share(30, 90) >= 0.96
    assert seen.refusals(30, 90) < 0.01


def test_sixty_four_workers_that_begin_at_once_share_it_too() -> None:
    seen = World(Case(workers=64, told=False, seconds=60, seed=1)).run()
    assert seen.share(20, 60) >= 0.9
    assert seen.jain(20, 60) >= 0.9
    assert seen.refusals(0, 5) < 0.3


@pytest.mark.parametrize(("workers", "told"), [(1, False), (8, True)])
def test_another_cap_is_obeyed_and_the_way_back_found(workers: int, told: bool) -> None:
    case = Case(workers=workers, told=told, seconds=120, caps=((30, 100), (70, 270)), seed=1)
    seen = World(case).run()
    # What went through before is found within a few seconds, not a tenth at a time.
    assert seen.refusals(32, 40) < 0.15
    assert seen.refusals(40, 70) < 0.05
    assert 80 <= seen.rate(40, 70) <= 100
    assert seen.rate(110, 120) >= 0.94 * 270


@pytest.mark.parametrize(("cap", "workers", "within"), [(1, 1, 120), (5, 1, 80), (5, 4, 80), (30, 1, 50), (270, 1, 35)])
def test_the_way_back_is_found_after_a_minute_of_refusals(cap: int, workers: int, within: float) -> None:
    """Where requests are rare an answer must count for more, or the way back takes many times what it should."""
    end = 90.0 + within + 40.0
    caps = ((30.0, 0), (90.0, cap))
    seen = World(Case(workers=workers, told=False, cap=cap, own_cap=cap, seconds=end, caps=caps, seed=1)).run()
    assert seen.share(90 + within, end) >= 0.85


@pytest.mark.parametrize("cap", [3, 5, 10, 20, 30, 50, 270])
def test_who_joins_one_that_fills_the_cap_gets_its_share(cap: int) -> None:
    """At small caps there is no gap for it between requests as small as its own, unless others leave one."""
    seen = World(Case(workers=2, told=False, cap=cap, own_cap=cap, stagger=20.0, seconds=320, seed=1)).run()
    own = sum(batches for at, worker, batches in seen.passed if worker == 1 and at >= 200)
    assert own >= 0.15 * 120 * cap
    assert seen.share(200, 320) >= 0.88


@pytest.mark.parametrize("cap", [5, 10, 20])
def test_use_that_is_told_leaves_no_small_cap_unused(cap: int) -> None:
    seen = World(Case(workers=4, cap=cap, own_cap=cap, seconds=200, seed=1)).run()
    assert seen.share(50, 200) >= 0.88


def test_a_server_that_limits_growth_costs_one_thread_a_few_seconds() -> None:
    """With one thread a 429 is a second without a request, after which growth begins anew."""
    seen = World(Case(way="growth", threads=1, latency=(0.02, 0.1), seconds=90, seed=2)).run()
    assert seen.share(30, 90) >= 0.7


def test_slow_answers_take_larger_requests() -> None:
    seen = World(Case(latency=(0.9, 1.0), way="calendar", seconds=60, seed=1)).run()
    assert seen.share(30, 60) >= 0.97
    assert max(batches for _, _, batches in seen.departed) > 54


def _ramped(seconds: float, latency: float, apart: float = 0.1) -> float:
    """The rate after so long, with an answer as often that took so long, the first ones not."""
    pace, now = Pace(270.0, 0.0, 4), 0.0
    while now < seconds:
        pace.delay(now, 1)
        departure = pace.depart(now, 1)
        now += apart
        pace.accepted(departure.at + (latency if now > 0.5 else 0.01), departure, None)
    return pace.rate


@pytest.mark.parametrize(("cap", "told"), [(50.0, 1.0), (270.0, 1.0), (270.0, 5.0), (270.0, 99.99), (270.0, 0.97)])
def test_use_that_does_not_fall_with_the_rate_and_no_429_confirms_strangles_nobody(cap: float, told: float) -> None:
    """Rokt tells of several limits the one that is used most, which may be another one than that of batches."""
    pace, now, sent = Pace(cap, 0.0, 4), 0.0, 0
    while now < 120.0:
        size = pace.size
        while (seconds := pace.delay(now, size)) > 0:
            now += seconds
        sent += size
        pace.accepted(now, pace.depart(now, size), told)
    assert sent > (0.04 if told < 1.0 else 0.4) * cap * 120


def test_answers_that_become_slow_stop_growth_and_take_nothing_away() -> None:
    assert _ramped(4.0, 0.05) == 270.0
    assert 5.0 < _ramped(4.0, 5.0) < 135.0
    assert _ramped(60.0, 5.0) > _ramped(4.0, 5.0)
    # What is learnt to be the way's time now is learnt in seconds, however few answers they bring.
    assert _ramped(90.0, 2.0, 0.5) == 270.0


def test_its_memory_does_not_grow_with_the_requests() -> None:
    pace, now = Pace(270.0, 0.0, 4), 0.0
    for _ in range(2000):
        now += 0.05
        pace.delay(now, 1)
        pace.accepted(now, pace.depart(now, 1), None)
    assert sum(len(window._counts) for window in (pace._left, pace._passed)) <= 50


def test_jains_index() -> None:
    assert jain_of([5, 5, 5, 5]) == 1.0
    assert jain_of([5, 0, 0, 0]) == 0.25
