"""This checkout's provider beside another's, in pairs: whether a change made it slower."""

from pathlib import Path

from benchmarks.bench import Bench, bench, check_samples, cpu, rate, spread
from benchmarks.shop import SHOPS
from benchmarks.trial import Cost

Pair = tuple[Cost, Cost]


def beside(checkout: Path, rounds: int, rows: int) -> None:
    """Measures both on the rows of every shop, and prints as it goes.

    :param checkout: the other one; only its package is used, with the rows, the clients and the sink of this one.
    """
    with bench() as at:
        for shop in SHOPS:
            print(f"\nThis checkout / {checkout}, {shop}: below 1 is better", flush=True)
            pairs = []
            for number in range(rounds):
                pairs.append(_pair(at, checkout, shop, rows, number % 2 == 1))
                print(f"  {number + 1:>6}  CPU {_cpu(pairs[-1]):.3f}  wall {_wall(pairs[-1]):.3f}", flush=True)
            print(f"  median  CPU {spread(list(map(_cpu, pairs)))}  wall {spread(list(map(_wall, pairs)))}")


def _pair(at: Bench, checkout: Path, shop: str, rows: int, other_first: bool) -> Pair:
    """Both, one right after the other."""
    costs = {which: at.trial("ours", rows, shop, checkout=which) for which in _ordered(checkout, other_first)}
    check_samples(list(costs.values()))
    return costs[None], costs[checkout]


def _ordered(checkout: Path, other_first: bool) -> tuple[Path | None, Path | None]:
    return (checkout, None) if other_first else (None, checkout)


def _cpu(pair: Pair) -> float:
    ours, theirs = pair
    return cpu(ours) / cpu(theirs)


def _wall(pair: Pair) -> float:
    ours, theirs = pair
    return rate(theirs) / rate(ours)
