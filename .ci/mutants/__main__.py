"""Breaks the package in one small place after the other, and names the breaks that no test notices.

make mutants                          400 mutants of the core rooms, drawn by seed 1
make mutants MUTANTS=50 SEED=3        fewer, and others
make mutants ONLY=3fa9c104be          one alone, or some, with what their tests say
"""

import argparse
import random
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from chosen import Chosen
from mutation import Mutant, mutants_of, source_of
from reach import Reach, measure
from workshop import BROKEN, Bench, Job, preload, pytest_here, run, write_no_bytecode

ROOT = Path(__file__).parent.parent.parent
INNER = ["flow", "storage", "sorting", "events", "audiences", "network", "answers", "api", "ledger", "delivery"]
NOTICED, HUNG, JUDGED, SURVIVED = "noticed", "hung", "judged", "survived"


@dataclass
class Breaking:
    """Mutants of one project, tried on copies of it.

    :param tests: folders of tests that begin fast.
    :param outer: of those that are slow to begin, tried where the others notice nothing.
    :param judged: id -> why no test can or need notice this one.
    :param patience: seconds beyond what its tests take after which a mutant hangs.
    """

    root: Path
    package: str
    tests: Sequence[str]
    outer: Sequence[str]
    judged: Mapping[str, str]
    patience: float

    def mutants(self, room: str) -> list[Mutant]:
        return [
            m for path in sorted((self.root / self.package / room).rglob("*.py")) for m in mutants_of(self.root, path)
        ]

    def outcomes(self, mutants: Sequence[Mutant], folder: Path, workers: int) -> Iterator[tuple[str, str, str]]:
        """Each one's id, what became of it and what its tests wrote, as they end."""
        first = Bench.of(self.root, folder / "0")
        print("First every test, unbroken, to see which lines each runs", flush=True)
        whole = Job("", lambda bench: measure(bench, self.package, [*self.tests, *self.outer]), seconds=1800)
        for _, status, words in run([whole], [first]):
            if status != 0:
                sys.exit(f"{words}\nThe tests fail with nothing broken")
        reach = Reach.read(first)
        preload(reach.modules)
        benches = [Bench.of(first.root, folder / str(number)) for number in range(1, workers + 1)]
        for id, status, words in run((self._job(mutant, reach, first) for mutant in mutants), benches):
            if status == BROKEN:
                sys.exit(f"{words}\nThe run of {id} is broken, not its tests")
            yield id, self._outcome(id, status), words

    def _job(self, mutant: Mutant, reach: Reach, whole: Bench) -> Job:
        turns = [Chosen(tests) for tests in reach.tests(mutant, self.tests)]

        def work(bench: Bench) -> int:
            write_no_bytecode()
            return next(filter(None, (pytest_here(bench, turn.files, turn) for turn in turns)), 0)

        limit = self.patience + reach.usual(test for turn in turns for test in turn.tests)
        return Job(mutant.id, work, limit, (mutant.path, source_of(mutant, whole.root)))

    def _outcome(self, id: str, status: int | None) -> str:
        if status is None:
            return HUNG
        if status not in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            return NOTICED
        return JUDGED if id in self.judged else SURVIVED


def drawn(rooms: Mapping[str, Sequence[Mutant]], count: int, seed: int) -> list[Mutant]:
    """So many mutants by chance, from each room its share."""
    chance, total = random.Random(seed), sum(map(len, rooms.values()))
    ends, sofar, drawn = 0, 0, []
    for mutants in rooms.values():
        sofar += len(mutants)
        share = round(min(count, total) * sofar / total) - ends
        ends += share
        drawn += chance.sample(list(mutants), share)
    return drawn


def table(rooms: Mapping[str, Sequence[Mutant]], outcomes: Mapping[str, str]) -> float:
    """Prints what became of each room's mutants; returns the score: noticed in percent of those not judged."""
    print(f"\n{'room':<12} {'mutants':>7} {'drawn':>6} {NOTICED:>8} {HUNG:>5} {JUDGED:>7} {SURVIVED:>9} {'score':>7}")
    for room, mutants in [*rooms.items(), ("all", [m for part in rooms.values() for m in part])]:
        counts = Counter(outcomes[m.id] for m in mutants if m.id in outcomes)
        found = counts[NOTICED] + counts[HUNG]
        score = 100 * found / (found + counts[SURVIVED]) if found + counts[SURVIVED] else 100.0
        print(
            f"{room:<12} {len(mutants):>7} {counts.total():>6} {counts[NOTICED]:>8} {counts[HUNG]:>5}"
            f" {counts[JUDGED]:>7} {counts[SURVIVED]:>9} {score:>6.1f}%"
        )
    return score


def main() -> int:
    given = arguments()
    sections = tomllib.loads(given.judged.read_text())
    judged = {id: why for room in given.rooms.split() for id, why in sections.get(room, {}).items()}
    breaking = Breaking(
        given.root.resolve(), given.package, given.tests.split(), given.outer.split(), judged, given.patience
    )
    rooms = {room: breaking.mutants(room) for room in given.rooms.split()}
    every = {mutant.id: mutant for mutants in rooms.values() for mutant in mutants}
    chosen = [every[id] for id in given.only] or drawn(rooms, given.mutants, given.seed)
    print(f"{len(chosen)} of {len(every)} mutants of {given.rooms}, drawn by seed {given.seed}")
    began, outcomes = time.monotonic(), {}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for id, outcome, words in breaking.outcomes(chosen, Path(folder), given.workers):
            outcomes[id] = outcome
            if given.only:
                print(words)
            if given.only or outcome in {JUDGED, SURVIVED}:
                print(f"{outcome} {id} {every[id].where}", flush=True)
            if outcome == JUDGED:
                print(f"  {judged[id]}")
    score = table(rooms, outcomes)
    for gone in judged.keys() - every.keys():
        print(f"judged, but there is no such mutant any more: {gone} {judged[gone]}")
    for id in judged.keys() & {id for id, outcome in outcomes.items() if outcome in {NOTICED, HUNG}}:
        print(f"judged, but noticed: {id} {every[id].where}")
    print(f"{len(outcomes)} mutants in {time.monotonic() - began:.0f} s; at least {given.floor}% must be noticed")
    return int(score < given.floor)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python .ci/mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=400, help="how many to draw")
    parser.add_argument("--seed", type=int, default=1, help="draws the same ones again")
    parser.add_argument("--only", nargs="*", default=[], help="ids of some, to see what their tests say")
    parser.add_argument("--rooms", default="api answers delivery ledger events audiences")
    parser.add_argument("--tests", default=" ".join(f"tests/{room}" for room in INNER))
    parser.add_argument(
        "--outer",
        default="tests/network tests/corpus tests/operators tests/sensors tests/transfers tests/trials tests/runs "
        "tests/commands tests/test_readme.py",
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--patience", type=float, default=10.0, help="seconds without need before a mutant hangs")
    parser.add_argument("--floor", type=float, default=95.0, help="percent that must be noticed")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--package", default="airflow_provider_rokt")
    parser.add_argument("--judged", type=Path, default=ROOT / ".ci" / "judged_mutants.toml")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
