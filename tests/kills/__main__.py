"""Kills real tasks at random moments:  python -m tests.kills 200, or one again:  --replay 17"""

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from airflow_provider_rokt.sandbox import Sandbox

# Before what imports Airflow: it gives that a home of its own.
from tests import conftest as conftest
from tests.kills.trial import Trial, Warehouse, play


def show(trials: Sequence[Trial], seconds: float) -> None:
    """Says what came of them."""
    kills = [(kill, trial.plan) for trial in trials for kill in trial.kills]
    kinds = Counter(trial.plan.road for trial in trials)
    kinds["any order"] = sum(trial.plan.shuffled for trial in trials)
    kinds["of the whole result"] = sum(trial.plan.whole for trial in trials)
    kinds["with faults"] = sum(bool(trial.plan.faults) for trial in trials)
    kinds["killed twice"] = sum(len(trial.kills) == 2 for trial in trials)
    print(f"{len(kills)} kills in {len(trials)} trials, in {seconds:.0f} s: {dict(kinds)}")
    if kills:
        again = [kill.again / plan.per_request for kill, plan in kills]
        wire = sum(kill.on_the_wire for kill, _ in kills) / len(kills)
        most = sum(2 * plan.concurrency for _, plan in kills) / len(kills)
        rows = sum(kill.again for kill, _ in kills)
        print(f"rows sent again: {rows}, {rows / len(kills):.1f} a kill; rows sent at all: {sent(trials)}")
        print(f"requests sent again: {sum(again) / len(again):.2f} a kill, at worst {max(again):.2f}")
        print(f"requests on the wire at a kill: {wire:.2f}; the most in flight, 2 x concurrency: {most:.2f}")
        print(f"of the most in flight, at worst {max(kill.again / kill.most for kill, _ in kills):.0%} was sent again")
    for trial in trials:
        if trial.broken:
            print(f"BROKEN {trial.seed}: {'; '.join(trial.broken)}")
            print(f"       python -m tests.kills --replay {trial.seed}")
    print(f"{sum(bool(trial.broken) for trial in trials)} of {len(trials)} trials broke what must hold")


def sent(trials: Sequence[Trial]) -> int:
    """The rows of all trials."""
    return sum(trial.plan.rows for trial in trials)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("trials", type=int, nargs="?", default=200, help="how many; 200")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--replay", type=int, metavar="SEED", help="plays one again")
    given = parser.parse_args()
    # The server has something to say of each sender that is gone.
    logging.disable(logging.ERROR)
    # Of the tasks, which begin with this environment.
    os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    seeds = range(given.start, given.start + given.trials) if given.replay is None else [given.replay]
    trials, begin = [], time.monotonic()
    with TemporaryDirectory(prefix="rokt-kills-") as folder, Sandbox() as sandbox:
        warehouse = Warehouse(Path(folder))
        for seed in seeds:
            trials.append(play(seed, sandbox, warehouse))
            if given.replay is not None:
                print(trials[-1])
    show(trials, time.monotonic() - begin)
    return any(trial.broken for trial in trials)


if __name__ == "__main__":
    sys.exit(main())
