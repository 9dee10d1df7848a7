"""How long a mirrored audience takes and how much memory, from values in a column to the bytes of the requests.

    python benchmarks/audience_memory.py [MEMBERS ...] [--addresses]

Each size runs in a process of its own, twice over: the first run includes everyone, the second finds a twentieth new
and a twentieth gone. Nothing is sent: the numbers are what the provider adds to a query and to the network.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from airflow_provider_rokt.api.endpoints import IMPORT_V3
from airflow_provider_rokt.audiences.guards import check_plan
from airflow_provider_rokt.audiences.import_requests import ImportEnvelope, MemberPacker
from airflow_provider_rokt.audiences.import_road import MemberIntake
from airflow_provider_rokt.audiences.members import member_reader
from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.audiences.plan import plan_changes
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.storage.local_folder import LocalFolder

WINDOW = 5_000
SIZES = ("1000000", "10000000")
PACKER = MemberPacker(ImportEnvelope(IMPORT_V3, "vip", "4711"))


def windows(first: int, count: int) -> Iterator[list[str]]:
    """Addresses as a cursor would bring them."""
    for start in range(first, first + count, WINDOW):
        stop = min(start + WINDOW, first + count)
        yield [f" User.{number}@Example.com" for number in range(start, stop)]


def peak_megabytes() -> float:
    """The most memory this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def mirror(path: Path, first: int, count: int, hash_emails: bool) -> None:
    """One run, its stages timed."""
    lap = Laps()
    with MemberSpool() as spool, MirrorState(LocalFolder(path), {"audience": "vip"}, "benchmark") as state:
        intake = MemberIntake(spool, member_reader(hash_emails=hash_emails))
        for members in windows(first, count):
            intake.take(members)
        lap("read")
        with plan_changes(spool.sorted_lines(), remembered=state.remembered()) as plan:
            spool.close()
            check_plan(plan.counts, rows_read=intake.rows_read)
            lap("plan")
            state.begin(plan)
            lap("begin")
            sizes = [len(request.body) for request in PACKER.requests(plan.changes())]
            lap("pack")
            state.commit(plan)
            lap("commit")
    held = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    print(
        f"{count:>11,} {lap} | {plan.counts.added:,} added, {plan.counts.removed:,} removed, {len(sizes)} requests, "
        f"{sum(sizes) / 1e6:,.0f} MB sent, {held:,.0f} MB remembered, peak {peak_megabytes():,.0f} MB",
        flush=True,
    )


class Laps:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self._laps: list[str] = []
        self._start = time.process_time()

    def __call__(self, stage: str) -> None:
        now = time.process_time()
        self._laps.append(f"{stage} {now - self._start:.1f}")
        self._start = now

    def __str__(self) -> str:
        return ", ".join(self._laps) + " s"


def main(arguments: list[str]) -> None:
    """Starts a process for each size."""
    flags = [argument for argument in arguments if argument.startswith("--")]
    sizes = [argument for argument in arguments if argument not in flags] or SIZES
    if "--here" not in flags:
        for size in sizes:
            subprocess.run([sys.executable, __file__, size, "--here", *flags], check=True)
        return
    count = int(sizes[0])
    with tempfile.TemporaryDirectory() as folder:
        for first in (0, count // 20):
            mirror(Path(folder), first, count, "--addresses" not in flags)


if __name__ == "__main__":
    main(sys.argv[1:])
