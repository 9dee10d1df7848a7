"""A database, a sink, and clients that send from the one to the other, each trial in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from benchmarks import shop
from benchmarks.trial import Cost, connections

# More than any client can send: what is measured is the client, not its patience.
UNPACED: Final = 1e9
MIB: Final = 1024


class Bench:
    """Everything a trial needs.

    :ivar url: the sink's.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self.url = url

    def trial(
        self,
        client: str,
        rows: int,
        of: str = "1 event per user",
        batches_per_second: float = UNPACED,
        checkout: Path | None = None,
    ) -> Cost:
        """Lets a client send rows, and makes sure that they arrived.

        :param of: the shop.
        :param checkout: another checkout of this project, whose provider is used instead of the installed one.
        """
        task = {"client": client, "rows": rows, "url": self.url, "checkout": str(checkout or "")}
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.trial", json.dumps(task)],
            env=self.environment(of, batches_per_second),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{client} failed with {task}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
        cost = Cost(**json.loads(done.stdout.splitlines()[-1]))
        if cost.sink.get("events") != rows:
            raise SystemExit(f"{client} sent {rows} rows, but {cost.sink} arrived")
        return cost

    def _database(self, of: str) -> Path:
        """The shop's, made when it is first needed."""
        path = self._folder / f"{of}.db"
        if not path.exists():
            shop.build(path, of)
        return path

    def environment(self, of: str, batches_per_second: float = UNPACED) -> dict[str, str]:
        """What a client's process begins with."""
        airflow = {
            "AIRFLOW_HOME": str(self._folder / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        }
        return os.environ | airflow | connections(self._database(of), self.url, batches_per_second)


@contextmanager
def bench(answer_after: float = 0) -> Iterator[Bench]:
    """A bench, for as long as trials run.

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


class Spread(NamedTuple):
    """A ratio, as several rounds had it."""

    middle: float
    least: float
    most: float

    def __str__(self) -> str:
        return f"{self.middle:.2f} ({self.least:.2f} to {self.most:.2f})"


def spread(ratios: Sequence[float]) -> Spread:
    """The median of per-round ratios, and how far they went."""
    return Spread(median(ratios), min(ratios), max(ratios))


def rate(cost: Cost) -> float:
    """Events a second."""
    return cost.rows / cost.seconds


def cpu(cost: Cost) -> float:
    """CPU seconds an event."""
    return cost.cpu_seconds / cost.rows


def check_samples(costs: Sequence[Cost]) -> None:
    """Speed compares only clients that send the same."""
    if len({cost.sample for cost in costs}) != 1:
        raise SystemExit("the clients do not send the same events")
