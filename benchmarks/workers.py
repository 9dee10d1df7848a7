"""Measures what a second worker brings where the account's limit does not bind: ``python -m benchmarks.workers``.

The shop's rows go from a database to a sink that answers each request after a while, as a server far away does: once by
one worker, once by two that have half of the customers each, in turns. What binds is the waiting for answers, as
connections are few. Where it is the CPU, two workers bring no more than the machine has cores left for them, so the
share of a core that each needed is told, too.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any, Final

from benchmarks import shop
from benchmarks.bench import Bench, bench, spread
from benchmarks.trial import get

# By the number in "cust_000017", which is what SQLite can have instead of a hash.
SQL: Final = f"SELECT * FROM ({shop.QUERY}) WHERE CAST(substr(customer, 6, 6) AS INTEGER) % ? = ?"


class Worker:
    """A process that sends the parts that it is told to."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.answer()

    def tell(self, task: dict[str, Any]) -> None:
        """Lets it begin."""
        print(json.dumps(task), file=_given(self._process.stdin), flush=True)

    def answer(self) -> dict[str, Any]:
        """Waits for its end; what it says of it."""
        for line in _given(self._process.stdout):
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise SystemExit("a worker has failed")


def _given(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@contextmanager
def worker(at: Bench) -> Iterator[Worker]:
    """A worker, for as long as it is wanted."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.workers", "--worker"]
    process = subprocess.Popen(
        command, env=at.environment("1 event per user"), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        yield Worker(process)
    finally:
        process.kill()
        process.wait()


def sent(at: Bench, workers: Sequence[Worker], rows: int, concurrency: int) -> tuple[float, float]:
    """Lets workers share so many rows.

    :returns: the seconds until the last was done, and the CPU seconds of all.
    """
    get(f"{at.url}/counts")
    begin = time.perf_counter()
    for part, one in enumerate(workers):
        one.tell({"rows": rows, "part": part, "parts": len(workers), "concurrency": concurrency})
    cpu = sum(one.answer()["cpu_seconds"] for one in workers)
    seconds = time.perf_counter() - begin
    if (arrived := get(f"{at.url}/counts").get("events")) != rows:
        raise SystemExit(f"{arrived} of {rows} rows arrived")
    return seconds, cpu


def work() -> None:
    """Sends what is told by lines of standard input."""
    from airflow_provider_rokt.operators.rokt import RoktConversionOperator

    print("{}", flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        operator = RoktConversionOperator(
            task_id="send",
            sql=SQL,
            sql_conn_id="shop",
            parameters=[task["rows"], task["parts"], task["part"]],
            mapping=shop.MAPPING,
            concurrency=task["concurrency"],
        )
        cpu = time.process_time()
        operator.execute({})
        print(f"\n{json.dumps({'cpu_seconds': time.process_time() - cpu})}", flush=True)


def main() -> None:
    """Measures, and prints as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=1, help="connections of each worker")
    parser.add_argument("--answer-after", type=float, default=0.1, help="seconds that an answer takes")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        work()
        return
    with bench(given.answer_after) as at, ExitStack() as stack:
        workers = [stack.enter_context(worker(at)) for _ in range(2)]
        # Pays imports and caches before the clock starts.
        sent(at, workers, 2_000, given.concurrency)
        sent(at, workers[:1], 2_000, given.concurrency)
        ratios, rates, shares = [], [], []
        for number in range(given.rounds):
            order = (1, 2) if number % 2 else (2, 1)
            found = {count: sent(at, workers[:count], given.rows, given.concurrency) for count in order}
            ratios.append(found[1][0] / found[2][0])
            rates.append([given.rows / found[count][0] for count in (1, 2)])
            shares.append([found[count][1] / found[count][0] / count for count in (1, 2)])
    print(
        f"{os.cpu_count()} cores, {given.rounds} rounds of {given.rows:,} rows, {given.concurrency} connections a "
        f"worker, each answer after {given.answer_after * 1000:.0f} ms"
    )
    for place, count in enumerate((1, 2)):
        rate, share = (spread([found[place] for found in by_round]) for by_round in (rates, shares))
        print(f"  {count} workers: {rate.middle:,.0f} events/s, {share.middle:.0%} of a core each")
    print(f"  two over one: {spread(ratios)}")


if __name__ == "__main__":
    main()
