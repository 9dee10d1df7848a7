"""Many seeds, on all cores, and what came of them."""

import gc
import multiprocessing
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.simulation.run import Seed, simulate

# So many seeds go to a process at once.
_SHARE: Final = 50
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


def results(numbers: Iterable[int], processes: int) -> Iterator[Seed]:
    """Those of many seeds, as they come."""
    if processes == 1:
        gc.disable()
        yield from map(timed, numbers)
        gc.enable()
        return
    with multiprocessing.Pool(processes, gc.disable) as pool:
        yield from pool.imap_unordered(timed, numbers, _SHARE)


def commit() -> str:
    """The commit that is run, so that a seed can be run again."""
    command = ["git", "describe", "--always", "--dirty"]
    try:
        asked = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return asked.stdout.strip() or "unknown"
