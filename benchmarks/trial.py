"""One client sending so many rows, in a process of its own, and what that cost.

``python -m benchmarks.trial '{"client": "ours", "rows": 1000, "url": "http://127.0.0.1:1"}'`` prints a JSON object.
"""

import hashlib
import json
import os
import re
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks import shop

# Pays every import before the clock starts; enough rows that each spelling of a value is among those compared, and no
# more requests than the sink keeps.
WARM_UP = 1_000

Client = Callable[[int, str], None]


@dataclass(frozen=True)
class Cost:
    """What a client needed.

    :param cpu_seconds: of all its threads.
    :param peak_kib: the most memory its process ever had.
    :param sink: what arrived: requests, batches, events, bytes.
    :param sample: digest of the events of the warm-up; the same for clients that send the same.
    """

    rows: int
    seconds: float
    cpu_seconds: float
    peak_kib: int
    sink: dict[str, int]
    sample: str


def ours(rows: int, url: str, **options: Any) -> None:
    """The operator, as a DAG would run it.

    :param options: more of its arguments, or others.
    """
    from airflow_provider_rokt.operators.rokt import RoktConversionOperator

    query: dict[str, Any] = {"sql": shop.QUERY, "mapping": shop.MAPPING}
    operator = RoktConversionOperator(task_id="send", sql_conn_id="shop", parameters=[rows], **query | options)
    assert operator.execute({})["rows_accepted"] == rows


def script(rows: int, url: str) -> None:
    """The script, without validation."""
    from benchmarks.script import deliver, to_batch

    deliver(shop.QUERY, [rows], url, to_batch)


def validating_script(rows: int, url: str) -> None:
    """The script, every batch validated before it leaves."""
    from benchmarks.script import deliver, to_batch

    deliver(shop.QUERY, [rows], url, to_batch, validate=True)


def hand_written_script(rows: int, url: str) -> None:
    """The script without its table and without validation."""
    from benchmarks.hand_written import to_batch
    from benchmarks.script import deliver

    deliver(shop.QUERY, [rows], url, to_batch)


CLIENTS: dict[str, Client] = {
    "ours": ours,
    "script": script,
    "validating script": validating_script,
    "hand-written script": hand_written_script,
}
# A table of orders keeps neither click ids nor addresses, by which one customer's orders would differ.
_KEPT = {path: column for path, column in shop.MAPPING.items() if column not in ("click", "ip")}
# What brings a customer's orders together: nothing but the read windows, the query, or the operator.
GROUPED: dict[str, Client] = {
    "by order": partial(ours, mapping=_KEPT),
    "by customer": partial(ours, mapping=_KEPT, sql=f"SELECT * FROM ({shop.QUERY}) ORDER BY customer"),
    "whole result": partial(ours, mapping=_KEPT, group_by_user="result"),
}


def measure(client: Client, rows: int, url: str) -> Cost:
    """Warms the client up, then lets it send ``rows``."""
    client(WARM_UP, url)
    sample = _digest([batch for request in get(f"{url}/first") for batch in request])
    get(f"{url}/counts")
    started, cpu_started = time.perf_counter(), time.process_time()
    client(rows, url)
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    return Cost(rows, seconds, cpu_seconds, peak_kib(), get(f"{url}/counts"), sample)


def peak_kib() -> int:
    """The most memory this program ever had.

    Not ``ru_maxrss``, where Linux begins with what the process had before it became this program.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def connections(database: Path, url: str, batches_per_second: float) -> dict[str, str]:
    """The Airflow connections a trial needs, as environment variables."""
    rokt = {
        "conn_type": "rokt",
        "login": "key",
        "password": "secret",
        "extra": {"events_url": url, "allow_any_host": True, "batches_per_second": batches_per_second},
    }
    return {
        "AIRFLOW_CONN_SHOP": json.dumps({"conn_type": "sqlite", "host": str(database)}),
        "AIRFLOW_CONN_ROKT_DEFAULT": json.dumps(rokt),
    }


def _digest(batches: list[dict[str, Any]]) -> str:
    """Of every event with all that is said about its user, however they are grouped."""
    events = []
    for batch in batches:
        batch.pop("source_request_id", None)
        events += [{**batch, "events": [event]} for event in batch["events"]]
    events.sort(key=lambda batch: str(batch["events"][0]["data"]["source_message_id"]))
    return hashlib.sha256(json.dumps(events, sort_keys=True).encode()).hexdigest()


def get(url: str) -> Any:
    """What the sink tells."""
    with urlopen(url, timeout=60) as answer:
        return json.load(answer)


def use_package_of(checkout: str) -> None:
    """Makes another checkout's provider the one that is imported; this benchmark is imported already."""
    sys.path.insert(0, checkout)
    import airflow_provider_rokt

    if not Path(airflow_provider_rokt.__file__).is_relative_to(checkout):
        raise SystemExit(f"no provider in {checkout}")


def main() -> None:
    """Runs one trial."""
    task = json.loads(sys.argv[1])
    if task.get("checkout"):
        use_package_of(task["checkout"])
    cost = measure((CLIENTS | GROUPED)[task["client"]], task["rows"], task["url"])
    # Airflow writes to standard output too; what is left in this process is of no use to anyone.
    print(f"\n{json.dumps(asdict(cost))}", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
