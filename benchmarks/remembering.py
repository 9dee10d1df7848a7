"""What a sync's memory costs a delivery: ``python -m benchmarks.remembering [ROWS ...]``.

For each size (1 M, 10 M and 100 M) a memory is written as folding leaves it, three files of which each is much larger
than the next, and windows of 5,000 rows are looked up. Rokt has all but one in 72: an hourly query over the last three
days, whose rows are in the newest file, and one over rows of any age. The cost is set beside that of delivering such
rows, measured in the same run. 100 M rows take 2 GB of disk.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

SIZES: Final = (1_000_000, 10_000_000, 100_000_000)
# Shares of the rows that the files have.
FILES: Final = (0.8, 0.16, 0.04)
WINDOW: Final = 5_000
WINDOWS: Final = 40
NEW: Final = 72
DELIVERED: Final = 20_000


def slices(rows: int, day: bytes) -> Iterator[list[bytes]]:
    """Random entries, ascending."""
    parts = max(rows // 50_000, 1)
    for part in range(parts):
        prefix = range(part * 2**32 // parts, (part + 1) * 2**32 // parts)
        count = rows * (part + 1) // parts - rows * part // parts
        noise = os.urandom(12 * count)
        step = len(prefix)
        heads = [
            (prefix.start + int.from_bytes(os.urandom(4), "big") * step // 2**32).to_bytes(4, "big")
            for _ in range(count)
        ]
        yield sorted(head + noise[12 * n : 12 * n + 12] + day for n, head in enumerate(heads))


def write(folder: Path, rows: int) -> None:
    """A memory of so many rows, and a sample of the rows in it."""
    from airflow_provider_rokt.sorting.sorted_records import write_sorted
    from airflow_provider_rokt.storage.local_folder import LocalFolder
    from airflow_provider_rokt.syncs.memory import ENTRY_BYTES
    from airflow_provider_rokt.syncs.sync import today

    known: list[bytes] = []
    every = max(rows // (WINDOWS * WINDOW), 1)

    def sampled(count: int) -> Iterator[list[bytes]]:
        newest = count == int(rows * FILES[-1])
        for entries in slices(count, today().to_bytes(2, "big")):
            known.extend(entries[::every])
            if newest:
                recent.extend(entries[:: max(every // 20, 1)])
            yield entries

    recent: list[bytes] = []

    for number, share in enumerate(FILES, 1):
        name = f"m{number:08}-{today():05}-{int(rows * share)}-{os.urandom(4).hex()}"
        write_sorted(LocalFolder(folder), name, {}, ENTRY_BYTES, sampled(int(rows * share)), int(rows * share))
    for kind, entries in (("any", known), ("recent", recent)):
        (folder / kind).write_bytes(b"".join(entry[:16] for entry in entries))


def look(folder: Path, kind: str) -> dict[str, Any]:
    """Opens the memory and looks rows up, in a process of its own.

    :param kind: of the rows that it has, ``any`` or ``recent``.
    """
    from random import Random

    from airflow_provider_rokt.storage.local_folder import LocalFolder
    from airflow_provider_rokt.syncs.memory import folds, open_memory
    from airflow_provider_rokt.syncs.sync import today

    data = (folder / kind).read_bytes()
    chance = Random(1)
    marks = [
        os.urandom(16) if n % NEW == 0 else data[16 * (at := chance.randrange(len(data) // 16)) : 16 * at + 16]
        for n in range(WINDOWS * WINDOW)
    ]
    before, began = peak(), time.process_time()
    found = folds(LocalFolder(folder).names())
    memory = open_memory(LocalFolder(folder), found, [], today() - 90)
    opened = time.process_time() - began
    new = sum(memory.find(mark) is None for mark in marks)
    seconds = time.process_time() - began
    if new != -(-len(marks) // NEW):
        raise SystemExit(f"{new} of {len(marks)} rows are new")
    return {"opening": opened, "row": (seconds - opened) / len(marks), "grown": peak() - before}


def peak() -> int:
    """The most memory this process ever had, in KiB."""
    return int(re.findall(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[0])


def measured(folder: Path, kind: str) -> dict[str, Any]:
    """The cheapest of three that :func:`look` finds."""
    command = [sys.executable, "-m", "benchmarks.remembering", "--look", str(folder), kind]
    found = [json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout) for _ in range(3)]
    cheapest: dict[str, Any] = min(found, key=lambda one: float(one["row"]))
    return cheapest


def main() -> None:
    """Measures, and prints as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    parser.add_argument("--look", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.look:
        print(json.dumps(look(Path(given.look[0]), given.look[1])))
        return
    from benchmarks.bench import bench

    with bench() as sink:
        row = min(sink.trial("ours", DELIVERED).cpu_seconds for _ in range(3)) / DELIVERED
    print(f"A delivery takes {row * 1e6:.0f} us of CPU a row")
    for rows in given.rows:
        with tempfile.TemporaryDirectory(prefix="rokt-bench-") as folder:
            write(Path(folder), rows)
            for kind in ("recent", "any"):
                cost = measured(Path(folder), kind)
                print(
                    f"{rows:>11,} remembered, {kind:>6} ones looked up: {cost['row'] * 1e6:.1f} us a row, "
                    f"{cost['row'] / row:.1%} of its delivery; opened in {cost['opening'] * 1e3:.1f} ms, "
                    f"{cost['grown'] / 1024:.1f} MiB more"
                )


if __name__ == "__main__":
    main()
