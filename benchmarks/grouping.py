"""What ``group_by_user="result"`` gains and costs: ``python -m benchmarks.grouping [--quick]``.

The rows are those of repeat customers, ordered by order id as a table has them; beside them the same ordered by
customer, which is how few batches are made without it.
"""

import argparse
from typing import Final

from benchmarks.bench import MIB, Bench, bench, cpu, spread
from benchmarks.trial import GROUPED

SHOP: Final = "a long tail of repeat customers"
ROWS: Final = 50_000
LARGE: Final = 1_000_000
MOST_MORE: Final = 16
CAP: Final = 270


def main() -> None:
    """Measures, and prints as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds and rows: a check, not a measurement")
    arguments = parser.parse_args()
    with bench() as at:
        fewest = batches(at, 1 if arguments.quick else 5)
        flat = memory(at, LARGE // 10 if arguments.quick else LARGE)
    for met, text in (fewest, flat):
        print(f"  {'pass' if met else 'FAIL'}  {text}")


def batches(at: Bench, rounds: int) -> tuple[bool, str]:
    """How many batches each way makes, and what it costs beside the first."""
    print(f"{ROWS:,} rows of {SHOP}")
    costs = [{name: at.trial(name, ROWS, SHOP) for name in GROUPED} for _ in range(rounds)]
    for name in GROUPED:
        made = costs[0][name].sink["batches"]
        more = spread([cpu(by_name[name]) / cpu(by_name["by order"]) for by_name in costs])
        micros = spread([cpu(by_name[name]) * 1e6 for by_name in costs])
        print(f"  {name:<14}{made:>7,} batches, {made / CAP:.0f} s at {CAP}/s; {micros} us of CPU a row, {more} x")
    made = {name: cost.sink["batches"] for name, cost in costs[0].items()}
    text = f"{made['whole result']:,} batches of the whole result, {made['by customer']:,} ordered by customer"
    return made["whole result"] <= made["by customer"], text


def memory(at: Bench, rows: int) -> tuple[bool, str]:
    """The peak memory of the process beside that of the streaming way."""
    peaks = {name: at.trial(name, rows, SHOP).peak_kib / MIB for name in ("by order", "whole result")}
    text = f"peak at {rows:,} rows: {peaks['whole result']:.0f} MiB, streaming {peaks['by order']:.0f} MiB"
    return peaks["whole result"] - peaks["by order"] <= MOST_MORE, f"{text}; at most {MOST_MORE} more"


if __name__ == "__main__":
    main()
