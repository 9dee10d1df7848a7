"""Many seeds, on all cores, and what came of them."""

import gc
import multiprocessing
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.simulation.run import Seed, simulate

# So many seeds go to a process at once.
_SHARE: Final = 50
# So many broken ones are shown.
_SHOWN: Final = 20
# Seeds are so short that collecting garbage after each would take as long again.
_COLLECT_EVERY: Final = 200


@dataclass
class Tally:
    """What came of many seeds."""

    seeds: int = 0
    steps: int = 0
    struck: Counter[str] = field(default_factory=Counter)
    slowest: Seed = field(default_factory=lambda: Seed(-1))
    broken: list[Seed] = field(default_factory=list)

    def add(self, seed: Seed) -> None:
        """Counts one."""
        self.seeds += 1
        self.steps += seed.steps
        self.struck += seed.struck
        self.slowest = max(self.slowest, seed, key=lambda one: one.seconds)
        if seed.broken:
            self.broken.append(seed)


def timed(number: int) -> Seed:
    """One seed, with the seconds it took."""
    if number % _COLLECT_EVERY == 0:
        gc.collect()
    begin = time.process_time()
    seed = simulate(number)
    seed.seconds = time.process_time() - begin
    return seed


def _begin() -> None:
    """In each process: nothing is collected but when :func:`timed` says so, and it ends when its pool does.

    Airflow's handler of SIGTERM, which a task run in this process leaves behind, does nothing in a fork: the pool would
    wait for ever for what it ended.
    """
    gc.disable()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def results(numbers: Iterable[int], processes: int) -> Generator[Seed, None, None]:
    """Those of many seeds, as they come."""
    if processes == 1:
        gc.disable()
        yield from map(timed, numbers)
        gc.enable()
        return
    with multiprocessing.Pool(processes, _begin) as pool:
        yield from pool.imap_unordered(timed, numbers, _SHARE)


def commit() -> str:
    """The commit that is run, so that a seed can be run again."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        asked = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return asked.stdout.strip() or "unknown"


def show(tally: Tally, seconds: float) -> None:
    """Says what came of them."""
    at = commit()
    print(
        f"{tally.seeds:,} seeds of {at} in {seconds:.0f} s, {tally.seeds / seconds:.0f} a second, {tally.steps:,} steps"
    )
    slowest = tally.slowest
    print(f"the slowest: {slowest.number}@{at}, {slowest.seconds:.2f} s, {slowest.steps:,} steps")
    print("what struck: " + ", ".join(f"{kind} {times:,}" for kind, times in tally.struck.most_common()))
    for seed in sorted(tally.broken, key=lambda seed: seed.number)[:_SHOWN]:
        print(f"BROKEN {seed.number}@{at}: {'; '.join(seed.broken)[:300]}")
        print(f"       python -m tests.simulation --replay {seed.number} -v")
    print(f"{len(tally.broken)} of {tally.seeds:,} seeds broke an invariant")
