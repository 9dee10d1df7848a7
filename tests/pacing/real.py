"""Real processes that share an account: ``python -m tests.pacing.real``, some minutes. Prints what a sandbox saw."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.sandbox.behaviour import Settings
from airflow_provider_rokt.sandbox.process import SandboxProcess
from tests.pacing.servers import jain_of

CAP: Final = 270
_WAYS: Final = {
    "sliding": Settings(counting="sliding"),
    "calendar": Settings(counting="calendar"),
    "bucket": Settings(counting="bucket"),
    "growth": Settings(counting="sliding", acceleration=CAP // 3, growth=1.5),
}
_MAPPING: Final = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": "kind",
}


def _orders(worker: str, taken: list[int]) -> Iterator[dict[str, Any]]:
    while True:
        taken[0] += 1
        name = f"{worker}-{taken[0]}"
        yield {"email": f"{name}@example.com", "id": name, "at": int(time.time() * 1000), "kind": "purchase"}


def work(worker: str, settle: float, seconds: float) -> None:
    """One worker: a delivery without an end, stopped when its time is over. Begins at a line, prints what it sent."""
    from airflow_provider_rokt.hooks.rokt import RoktHook

    hook, taken, marks = RoktHook(), [0], []
    print("ready", flush=True)
    sys.stdin.readline()

    def watch() -> None:
        time.sleep(settle)
        marks.extend((taken[0], time.process_time()))
        time.sleep(seconds)
        marks.extend((taken[0], time.process_time()))
        hook.stop()

    threading.Thread(target=watch, daemon=True).start()
    try:
        hook.send_conversions(
            _orders(worker, taken),
            _MAPPING,
            sync=f"pacing-{worker}",
            fetch_size=10,
        )
    except RoktIncompleteError:
        print(json.dumps({"sent": marks[2] - marks[0], "cpu": (marks[3] - marks[1]) / seconds}), flush=True)


def measure(workers: int, settings: Settings, settle: float, seconds: float) -> dict[str, Any]:
    """Lets workers share a sandbox, and counts while they are settled."""
    with tempfile.TemporaryDirectory() as home, SandboxProcess(settings) as sandbox:
        connection = sandbox.connection()
        connection["extra"] |= {"batches_per_second": CAP}
        env = os.environ | {
            "AIRFLOW_HOME": home,
            "AIRFLOW__ROKT__LEDGER_PATH": str(Path(home) / "ledger"),
            "AIRFLOW_CONN_ROKT_DEFAULT": json.dumps(connection),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        }
        command = [sys.executable, "-W", "ignore", "-m", "tests.pacing.real"]
        processes = [
            subprocess.Popen(
                [*command, f"--work=w{number}", f"--settle={settle}", f"--seconds={seconds}"],
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            for number in range(workers)
        ]
        for process in processes:
            while "ready" not in (line := process.stdout.readline()):
                if not line:
                    raise SystemExit("a worker did not start")
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        time.sleep(settle)
        first, began = sandbox.ask("/sandbox/summary"), time.monotonic()
        time.sleep(seconds)
        last, ended = sandbox.ask("/sandbox/summary"), time.monotonic()
        told = [json.loads(process.communicate(timeout=60)[0].splitlines()[-1]) for process in processes]
    counts = {status: last["requests"].get(status, 0) - first["requests"].get(status, 0) for status in ("202", "429")}
    return {
        "share": (last["batches"] - first["batches"]) / (ended - began) / CAP,
        "jain": jain_of([one["sent"] for one in told]),
        "refused": counts["429"] / max(1, sum(counts.values())),
        "peak": last["peak_batches_per_second"],
        "cpu": sum(one["cpu"] for one in told),
    }


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--counting", nargs="+", choices=_WAYS, default=list(_WAYS))
    parser.add_argument("--usage", nargs="+", choices=["told", "untold"], default=["told", "untold"])
    parser.add_argument("--settle", type=float, default=20.0, help="seconds before it is counted")
    parser.add_argument("--seconds", type=float, default=40.0, help="seconds that are counted")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        work(given.work, given.settle, given.seconds)
        return
    for workers in given.workers:
        for way in given.counting:
            for usage in given.usage:
                settings = replace(_WAYS[way], usage=usage, batches_per_second=CAP, keep="counts")
                seen = measure(workers, settings, given.settle, given.seconds)
                print(
                    f"{workers} {way:8} {usage:6} share {seen['share']:.3f} Jain {seen['jain']:.3f} "
                    f"429 {seen['refused']:.2%} peak {seen['peak']} CPU {seen['cpu']:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
