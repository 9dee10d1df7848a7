"""What reading a ledger costs beside a loop that somebody would write: ``python -m benchmarks.ledger_reading [LINES]``.

Half of the lines are requests, half rejected rows. Each trial is a process of its own: the provider finds out what
``resend_from`` would send, the loop decodes every line with ``json`` and keeps the keys in a set. ``--beside PATH``
measures the provider of another checkout of this project instead of the loop.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

ROUNDS: Final = 5
LINES: Final = 1_000_000
DELIVERY: Final = "20260101T000000Z-000000000001"


class Reading(NamedTuple):
    """What one trial needed.

    :param grown: KiB that the process's peak memory grew by while it read.
    """

    cpu_seconds: float
    grown: int


def write(root: Path, lines: int) -> None:
    """Writes the ledger of a delivery with so many lines."""
    from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
    from airflow_provider_rokt.ledger.overview import Ledger
    from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord
    from airflow_provider_rokt.ledger.report import Tally

    writer = Ledger(root).begin("conversions", {}, {}, DELIVERY)
    fault = (FieldFault("user_identities.email", "not an e-mail address"),)
    verdicts = (VerdictRecord(Outcome.ACCEPTED, 202, 1),) * 100
    rows = lines // 2
    for number in range(1, rows + 1):
        writer.rows(Outcome.REJECTED, [RowFault(RowRef(number, f"order-{number}"), fault)])
        writer.request(RequestRecord(number, "v2/bulkevents", 202, 1, 54_321, 98.7, number, number, verdicts))
    tally = Tally(read=101 * rows, accepted=100 * rows, rejected=rows)
    writer.finish(tally.report(DELIVERY, writer.uri), complete=True)


def provider(root: Path) -> int:
    """What ``resend_from`` reads; how many keys."""
    from airflow_provider_rokt.ledger.overview import Ledger
    from airflow_provider_rokt.runs.resend import Resend

    selects = Resend(Ledger(root).open(DELIVERY))
    return len(selects._keys)


def loop(root: Path) -> int:
    """What somebody would write; how many keys."""
    keys = set()
    (part,) = root.rglob("part-00000.jsonl")
    with part.open() as file:
        for line in file:
            record = json.loads(line)
            if record["kind"] == "row" and record["outcome"] in ("rejected", "failed"):
                keys.add(record["key"])
    return len(keys)


READERS: Final = {"provider": provider, "loop": loop}


def peak() -> int:
    """The most memory this process ever had, in KiB."""
    return int(re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[0])


def trial(reader: str, root: Path, lines: int, checkout: Path | None = None) -> Reading:
    """One reading, in a process of its own.

    :param checkout: another checkout of this project, whose provider is used instead of this one's.
    """
    task = {"reader": reader, "root": str(root), "lines": lines, "checkout": str(checkout or "")}
    command = [sys.executable, "-m", "benchmarks.ledger_reading", "--trial", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{reader} failed:\n{done.stderr[-4000:]}")
    return Reading(*json.loads(done.stdout))


def here(task: dict[str, Any]) -> None:
    """The process of a trial."""
    if task["checkout"]:
        sys.path.insert(0, task["checkout"])
    import airflow_provider_rokt.runs.resend  # noqa: F401 - what imports cost is not what is measured

    before, began = peak(), time.process_time()
    keys = READERS[task["reader"]](Path(task["root"]))
    needed = Reading(round(time.process_time() - began, 3), peak() - before)
    if keys != task["lines"] // 2:
        raise SystemExit(f"{task['reader']} found {keys} keys")
    print(json.dumps(needed))


def main() -> None:
    """Measures, and prints as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", nargs="?", type=int, default=LINES)
    parser.add_argument("--beside", metavar="PATH", type=Path, help="another checkout, instead of the loop")
    parser.add_argument("--trial", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.trial:
        here(given.trial)
        return
    from benchmarks.bench import MIB, spread

    other, checkout = ("provider", given.beside.resolve()) if given.beside else ("loop", None)
    with tempfile.TemporaryDirectory(prefix="rokt-bench-") as folder:
        write(Path(folder), given.lines)
        pairs = []
        for number in range(ROUNDS):
            # In turns, so that neither always meets the warmer cache.
            order = [("provider", None), (other, checkout)][:: -1 if number % 2 else 1]
            taken = [trial(reader, Path(folder), given.lines, at) for reader, at in order]
            pairs.append(taken[:: -1 if number % 2 else 1])
    for name, index in (("provider", 0), (given.beside or other, 1)):
        cost = pairs[-1][index]
        print(f"  {name}: {cost.cpu_seconds:.1f} CPU s, {cost.grown / MIB:.0f} MiB, {given.lines:,} lines")
    print(f"CPU of the provider / of the other: {spread([ours.cpu_seconds / its.cpu_seconds for ours, its in pairs])}")
    print(f"Memory likewise: {spread([ours.grown / max(its.grown, 1) for ours, its in pairs])}")


if __name__ == "__main__":
    main()
