"""Runs seeds on all cores:  python -m tests.simulation 20000, or one again with what happened:  --replay 17 -v"""

import argparse
import multiprocessing
import sys
import time

from tests.simulation.run import Seed, simulate
from tests.simulation.seeds import Tally, commit, results, show


def replay(number: int, *, verbose: bool) -> Seed:
    """Runs one seed, saying what happens."""
    seed = simulate(number, print if verbose else None)
    print(f"{number}@{commit()}: digest {seed.digest}, {seed.steps:,} steps")
    for text in seed.broken or ("every invariant held",):
        print(text)
    return seed


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seeds", type=int, nargs="?", default=2000, help="how many; 2000")
    parser.add_argument("--start", type=int, default=0, help="the first one")
    parser.add_argument("--processes", type=int, default=multiprocessing.cpu_count())
    parser.add_argument("--first", action="store_true", help="end at the first broken invariant")
    parser.add_argument("--replay", type=int, metavar="SEED", help="runs one again")
    parser.add_argument("-v", dest="verbose", action="store_true", help="says all that happens, with --replay")
    given = parser.parse_args()
    if given.replay is not None:
        return bool(replay(given.replay, verbose=given.verbose).broken)
    tally, begin = Tally(), time.monotonic()
    numbers = range(given.start, given.start + given.seeds)
    for seed in results(numbers, given.processes):
        tally.add(seed)
        if given.first and tally.broken:
            break
    show(tally, time.monotonic() - begin)
    return bool(tally.broken)


if __name__ == "__main__":
    sys.exit(main())
