"""What the pace reaches, simulated: ``python -m tests.pacing``, about a minute."""

import argparse
from collections.abc import Iterator

from tests.pacing.servers import WAYS
from tests.pacing.world import Case, Seen, World


def cases(workers: int, way: str, *, told: bool, seeds: int) -> Iterator[Case]:
    """Workers that begin together, and such as begin within four seconds, in turns."""
    for seed in range(seeds):
        yield Case(workers=workers, way=way, told=told, seed=seed, stagger=4.0 / workers * (seed % 2))


def line(label: str, seen: list[Seen]) -> str:
    """The worst of some runs: once they are settled, and as a whole."""
    share, whole = min(one.share(60, 120) for one in seen), min(one.share(0, 120) for one in seen)
    refused, fair = max(one.refusals(60, 120) for one in seen), min(one.jain(60, 120) for one in seen)
    return f"| {label} | {share:.1%} | {whole:.1%} | {refused:.1%} | {fair:.3f} |"


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 8, 64])
    parser.add_argument("--seeds", type=int, default=4)
    given = parser.parse_args()
    print("The worst of each seed. Share of the cap from 60 to 120 s, and from the beginning; 429; Jain.\n")
    print("| workers, counting, usage | share | whole run | 429 | Jain |\n|---|---|---|---|---|")
    for workers in given.workers:
        for way in WAYS:
            for told in (True, False):
                seen = [World(case).run() for case in cases(workers, way, told=told, seeds=given.seeds)]
                print(line(f"{workers}, {way}, {'told' if told else 'untold'}", seen), flush=True)
    print("\nA cap of 100 instead of 270 from 60 s to 120 s: batches a second that came through.")
    for workers in (1, 8):
        for told in (True, False):
            case = Case(workers=workers, told=told, seconds=200, caps=((60, 100), (120, 270)))
            seen_once = World(case).run()
            rates = {
                f"{at} s": round(seen_once.rate(at, at + 5)) for at in (50, 60, 65, 70, 110, 125, 140, 150, 160, 190)
            }
            late = seen_once.refusals(70, 120)
            print(f"{workers}, {'told' if told else 'untold'}: {rates}; 429 from 70 s on {late:.1%}")


if __name__ == "__main__":
    main()
