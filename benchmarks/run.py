"""Measures the provider beside a script somebody would write instead: ``python -m benchmarks.run [--quick]``.

Every trial is a process of its own, the sink another. Rounds interleave the clients and alternate their order, and
ratios are taken within a round: on a shared machine single figures wander by 40 %, such ratios far less.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks import shop
from benchmarks.trial import CLIENTS, Cost, connections

# More than any client can send: what is measured is the client, not its patience.
UNPACED: Final = 1e9
CAP: Final = 270
MIB: Final = 1024
# Seconds; what an answer over the internet may well take.
FAR: Final = 0.05


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    :param rows: of a trial; each takes a few seconds.
    :param validated: rows of a trial of a client that many times slower.
    :param memory: sizes whose peak memory must be alike.
    :param capped_seconds: how long to send at Rokt's cap.
    """

    rounds: int
    rows: int
    validated: int
    memory: tuple[int, int]
    capped_seconds: int

    def rows_of(self, client: str) -> int:
        """How many rows a client sends."""
        return self.validated if client == "validating script" else self.rows


FULL = Plan(7, 60_000, 6_000, (10_000, 1_000_000), 20)
QUICK = Plan(3, 20_000, 2_000, (10_000, 100_000), 5)


class Bench:
    """A database, a sink, and trials with them."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url

    def trial(self, client: str, rows: int, events_per_user: int = 1, batches_per_second: float = UNPACED) -> Cost:
        """Lets a client send rows, and makes sure that they arrived."""
        database = self._folder / f"{events_per_user}.db"
        if not database.exists():
            shop.build(database, events_per_user)
        task = json.dumps({"client": client, "rows": rows, "url": self._url})
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.trial", task],
            env=os.environ | self._airflow() | connections(database, self._url, batches_per_second),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{client} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        cost = Cost(**json.loads(done.stdout.splitlines()[-1]))
        if cost.sink.get("events") != rows:
            raise SystemExit(f"{client} sent {rows} rows, but {cost.sink} arrived")
        return cost

    def _airflow(self) -> dict[str, str]:
        return {
            "AIRFLOW_HOME": str(self._folder / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        }


def main() -> None:
    """Measures, and prints as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows: a check, not a measurement")
    plan = QUICK if parser.parse_args().quick else FULL
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {plan.rounds} rounds")
    with bench() as at:
        targets = [target for events in (1, 3) for target in speed(at, plan, events)]
        targets += [memory(at, plan), capped(at, plan)]
    waiting(plan)
    print("\nTargets")
    for met, text in targets:
        print(f"  {'pass' if met else 'FAIL'}  {text}")


@contextmanager
def bench(answer_after: float = 0) -> Iterator[Bench]:
    """Everything a trial needs, for as long as trials run.

    :param answer_after: seconds the sink lets a client wait.
    """
    with tempfile.TemporaryDirectory(prefix="rokt-bench-") as folder:
        command = [sys.executable, "-m", "benchmarks.sink", str(answer_after)]
        sink = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert sink.stdout is not None
            yield Bench(Path(folder), f"http://127.0.0.1:{int(sink.stdout.readline())}")
        finally:
            sink.terminate()
            sink.wait()


def speed(at: Bench, plan: Plan, events_per_user: int) -> list[tuple[bool, str]]:
    """Clients side by side."""
    print(f"\nSpeed, {events_per_user} event(s) per user, pacing off", flush=True)
    rounds = measured(at, plan.rounds, {name: plan.rows_of(name) for name in CLIENTS}, events_per_user)
    against = []
    # The last has no target: it knows these very columns by heart, where ours and the script take a table.
    for name, factor in (("validating script", 8), ("script", 1), ("hand-written script", None)):
        faster = spread([rate(costs["ours"]) / rate(costs[name]) for costs in rounds])
        leaner = spread([cpu(costs[name]) / cpu(costs["ours"]) for costs in rounds])
        text = f"{faster} x the events/s of the {name}, {events_per_user} per user"
        print(f"  ours: {text}; {leaner} x its events per CPU second")
        if factor:
            against.append((faster.middle >= factor, f"{text}; at least {factor} x"))
    return against


def measured(at: Bench, rounds: int, rows: Mapping[str, int], events_per_user: int) -> list[dict[str, Cost]]:
    """What each client costs, by round.

    :param rows: of each client.
    """
    costs: list[dict[str, Cost]] = []
    for number in range(rounds):
        order = list(rows)[:: -1 if number % 2 else 1]
        costs.append({name: at.trial(name, rows[name], events_per_user) for name in order})
        check_samples(costs[-1])
    for name in rows:
        print_costs(name, [by_name[name] for by_name in costs])
    return costs


def waiting(plan: Plan) -> None:
    """Clients side by side where an answer takes as long as one over the internet."""
    print(f"\nSpeed, 1 event per user, pacing off, each answer after {FAR * 1000:.0f} ms", flush=True)
    name = "hand-written script"
    with bench(FAR) as at:
        rounds = measured(at, plan.rounds, {"ours": plan.rows // 3, name: plan.rows // 3}, 1)
    faster = spread([rate(costs["ours"]) / rate(costs[name]) for costs in rounds])
    print(f"  ours: {faster} x the events/s of the {name}, which has one connection where ours has four")


class Spread(NamedTuple):
    """A ratio, as several rounds had it."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.middle:.1f} ({self.least:.1f} to {self.most:.1f})"


def spread(ratios: Sequence[float]) -> Spread:
    """The median of per-round ratios, and how far they went."""
    return Spread(median(ratios), min(ratios), max(ratios))


def memory(at: Bench, plan: Plan) -> tuple[bool, str]:
    """Peak memory of two very different sizes."""
    small, large = plan.memory
    peaks = [at.trial("ours", rows).peak_kib / MIB for rows in plan.memory]
    text = f"{peaks[0]:.0f} MiB at {small:,} rows, {peaks[1]:.0f} MiB at {large:,}"
    print(f"\nPeak memory of the process\n  ours    {text}")
    print(f"  script  {at.trial('script', small).peak_kib / MIB:.0f} MiB at {small:,} rows")
    return peaks[1] - peaks[0] <= 16, f"{text}: at most 16 MiB more"


def capped(at: Bench, plan: Plan) -> tuple[bool, str]:
    """The share of a core that sending at Rokt's default cap takes."""
    cost = at.trial("ours", CAP * (plan.capped_seconds + 1), batches_per_second=CAP)
    share = cost.cpu_seconds / cost.seconds
    # The first second's batches leave at once.
    pace = (cost.sink["batches"] - CAP) / cost.seconds
    text = f"{share:.1%} of a core at {pace:.0f} batches/s for {cost.seconds:.0f} s"
    print(f"\nAt the cap of {CAP} batches/s\n  ours    {text}")
    return share < 0.03, f"{text}: under 3 %"


def rate(cost: Cost) -> float:
    """Events a second."""
    return cost.rows / cost.seconds


def cpu(cost: Cost) -> float:
    """CPU seconds an event."""
    return cost.cpu_seconds / cost.rows


def check_samples(costs: dict[str, Cost]) -> None:
    """Speed compares only clients that send the same."""
    if len({cost.sample for cost in costs.values()}) != 1:
        raise SystemExit("the clients do not send the same events")


def print_costs(name: str, costs: Sequence[Cost]) -> None:
    """One client's medians."""
    rates = sorted(map(rate, costs))
    cpu_seconds = median(map(cpu, costs)) * 1e6
    sent = costs[0].sink
    peak = max(cost.peak_kib for cost in costs) / MIB
    print(
        f"  {name:<20}{median(rates):>8,.0f} events/s ({rates[0]:,.0f} to {rates[-1]:,.0f})"
        f"{cpu_seconds:>8.1f} CPU s per million{peak:>6.0f} MiB peak at {costs[0].rows:,}"
        f"{sent['bytes'] / sent['events']:>7,.0f} bytes/event in {sent['batches']:,} batches"
    )


if __name__ == "__main__":
    main()
