"""Measures the provider beside a script somebody would write instead: ``python -m benchmarks.run [--quick]``.

Every trial is a process of its own, the sink another. Rounds interleave the clients and alternate their order, and
ratios are taken within a round: on a shared machine single figures wander by 40 %, such ratios far less.

``--beside PATH`` measures the provider of another checkout of this project instead, in pairs with this one's.
"""

import argparse
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.bench import MIB, Bench, bench, check_samples, cpu, rate, spread
from benchmarks.beside import beside
from benchmarks.shop import SHOPS
from benchmarks.trial import CLIENTS, Cost

CAP: Final = 270
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


def main() -> None:
    """Measures, and prints as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows: a check, not a measurement")
    parser.add_argument("--beside", metavar="PATH", type=Path, help="measure another checkout's provider instead")
    arguments = parser.parse_args()
    plan = QUICK if arguments.quick else FULL
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {plan.rounds} rounds")
    if arguments.beside:
        beside(arguments.beside.resolve(), plan.rounds, plan.rows)
    else:
        _beside_scripts(plan)


def _beside_scripts(plan: Plan) -> None:
    with bench() as at:
        targets = [target for shop in SHOPS for target in speed(at, plan, shop)]
        targets += [memory(at, plan), capped(at, plan)]
    waiting(plan)
    print("\nTargets")
    for met, text in targets:
        print(f"  {'pass' if met else 'FAIL'}  {text}")


def speed(at: Bench, plan: Plan, shop: str) -> list[tuple[bool, str]]:
    """Clients side by side."""
    print(f"\nSpeed, {shop}, pacing off", flush=True)
    rounds = measured(at, plan.rounds, {name: plan.rows_of(name) for name in CLIENTS}, shop)
    against = []
    # The last has no target: it knows these very columns by heart, where ours and the script take a table.
    for name, factor in (("validating script", 8), ("script", 1), ("hand-written script", None)):
        faster = spread([rate(costs["ours"]) / rate(costs[name]) for costs in rounds])
        leaner = spread([cpu(costs[name]) / cpu(costs["ours"]) for costs in rounds])
        text = f"{faster} x the events/s of the {name}, {shop}"
        print(f"  ours: {text}; {leaner} x its events per CPU second")
        if factor:
            against.append((faster.middle >= factor, f"{text}; at least {factor} x"))
    return against


def measured(at: Bench, rounds: int, rows: Mapping[str, int], shop: str) -> list[dict[str, Cost]]:
    """What each client costs, by round.

    :param rows: of each client.
    """
    costs: list[dict[str, Cost]] = []
    for number in range(rounds):
        order = list(rows)[:: -1 if number % 2 else 1]
        costs.append({name: at.trial(name, rows[name], shop) for name in order})
        check_samples(list(costs[-1].values()))
    for name in rows:
        print_costs(name, [by_name[name] for by_name in costs])
    return costs


def waiting(plan: Plan) -> None:
    """Clients side by side where an answer takes as long as one over the internet."""
    shop = next(iter(SHOPS))
    print(f"\nSpeed, {shop}, pacing off, each answer after {FAR * 1000:.0f} ms", flush=True)
    name = "hand-written script"
    with bench(FAR) as at:
        rounds = measured(at, plan.rounds, {"ours": plan.rows // 3, name: plan.rows // 3}, shop)
    faster = spread([rate(costs["ours"]) / rate(costs[name]) for costs in rounds])
    print(f"  ours: {faster} x the events/s of the {name}, which has one connection where ours has four")


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
    # The first two seconds' batches are the ramp's.
    pace = cost.sink["batches"] / cost.seconds
    text = f"{share:.1%} of a core at {pace:.0f} batches/s for {cost.seconds:.0f} s"
    print(f"\nAt the cap of {CAP} batches/s\n  ours    {text}")
    return share < 0.03, f"{text}: under 3 %"


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
