"""Seeds of the simulation, that each can be had again, and that they find bugs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest

from tests.simulation.planted import BUGS, Bug, seeds_until_found
from tests.simulation.run import simulate
from tests.simulation.scheduler import StuckError, World
from tests.simulation.seeds import Tally, results, show

ROOT = Path(__file__).parent.parent.parent
MOST_SEEDS = 2000


def ran(seeds: range, processes: int, capsys: pytest.CaptureFixture[str]) -> Tally:
    """What came of these seeds, which is shown whatever pytest captures."""
    tally, begin = Tally(), time.monotonic()
    for seed in results(seeds, processes):
        tally.add(seed)
    with capsys.disabled():
        print()
        show(tally, time.monotonic() - begin)
    return tally


def test_a_hundred_seeds_break_no_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    assert [(seed.number, seed.broken) for seed in ran(range(100), 1, capsys).broken] == []


@pytest.mark.slow
def test_two_thousand_seeds_break_no_invariant(capsys: pytest.CaptureFixture[str]) -> None:
    tally = ran(range(MOST_SEEDS), os.cpu_count() or 1, capsys)
    assert [(seed.number, seed.broken) for seed in tally.broken] == []
    # Each kind of fault is among them, many times over.
    assert min(tally.struck.values()) >= 20
    assert len(tally.struck) >= 23


def test_its_processes_end_whatever_a_task_left_to_handle_sigterm() -> None:
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        seeds = results(range(MOST_SEEDS), 2)
        next(seeds)
        seeds.close()
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_seed_replays_its_run_exactly() -> None:
    for number in range(20):
        lines: list[list[str]] = [[], []]
        digests = {simulate(number, trace.append).digest for trace in lines}
        assert lines[0] == lines[1]
        assert len(digests) == 1


def test_a_seed_replays_its_run_in_another_process_too() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--replay", "11"]
    said = {
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": hashing}, capture_output=True, text=True, check=True
        ).stdout
        for hashing in ("1", "2")
    }
    assert len(said) == 1
    assert simulate(11).digest in said.pop()


def test_seeds_differ() -> None:
    assert len({simulate(number).digest for number in range(20)}) == 20


def test_the_checker_and_the_model_share_nothing_with_the_product() -> None:
    code = "import sys, tests.simulation.checker, tests.simulation.rokt_model; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "tests.simulation.weather" in done.stdout
    assert "airflow_provider_rokt" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bug.plant(tmp_path)
    seeds, sign = seeds_until_found(tmp_path, MOST_SEEDS)
    with capsys.disabled():
        print(f"\n{bug.name}: after {seeds} seeds, as {sign[:100]}")
    assert seeds


def world_of(*works: Callable[[World], None], most_steps: int = 1000) -> World:
    """A world in which these ran, the first as its main thread."""
    world = World(Random(1), most_steps=most_steps)

    def main() -> None:
        for work in works[1:]:
            world.start(partial(work, world), work.__name__)
        works[0](world)

    world.run(main)
    return world


def test_threads_that_wait_for_each_other_are_noticed() -> None:
    def wait(world: World) -> None:
        world.wait(bool, float("inf"))

    with pytest.raises(StuckError, match="deadlock of main, wait"):
        world_of(wait, wait)


def test_a_thread_that_goes_on_for_ever_is_noticed() -> None:
    def spin(world: World) -> None:
        while True:
            world.step()

    with pytest.raises(StuckError, match="no end after"):
        world_of(spin)


def test_nobody_waits_in_real_time() -> None:
    begin = time.monotonic()
    assert world_of(lambda world: world.sleep(86_400)).time >= 86_400
    assert time.monotonic() - begin < 5
