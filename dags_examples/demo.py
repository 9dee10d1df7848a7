"""``make demo``: a shop, a local Rokt and an example DAG, from nothing to a verdict for every row.

Everything it writes is in ``.demo`` beside this folder; nothing leaves the machine.
"""

import importlib
import json
import os
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path
from typing import Any

HOME = Path(__file__).resolve().parent.parent / ".demo"


def main() -> int:
    """Runs the demo; the exit code says whether every row was accounted for as planned."""
    from airflow_provider_rokt.sandbox import Sandbox
    from dags_examples.shop import write_shop

    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir()
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    spoiled = write_shop(HOME / "shop.sqlite", until=today, span=timedelta(days=1))
    say(f"Yesterday's 4,000 orders of a shop are in {HOME / 'shop.sqlite'}; {len(spoiled)} are spoiled on purpose.")
    with Sandbox() as sandbox:
        say(f"A local Rokt listens on {sandbox.url}.")
        prepare_airflow(json.dumps(sandbox.connection()))
        say("Airflow makes its database ...")
        succeeded = run_example(sandbox, today)
        return show(sandbox, spoiled) if succeeded else 1


def say(line: str) -> None:
    """Prints a line of progress at once."""
    print(line, flush=True)


def prepare_airflow(rokt_connection: str) -> None:
    """Points Airflow at a home of its own, quietly; it reads these before its first import."""
    os.environ.update(
        AIRFLOW_HOME=str(HOME),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=str(Path(__file__).parent),
        AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
        AIRFLOW__API_AUTH__JWT_SECRET="a demo of one process needs no secret, only sixty-four characters",
        AIRFLOW_CONN_ROKT_DEFAULT=rokt_connection,
        AIRFLOW_CONN_SHOP=json.dumps({"conn_type": "sqlite", "host": str(HOME / "shop.sqlite")}),
    )


def run_example(sandbox: Any, midnight: datetime) -> bool:
    """Runs the guide's daily sync as Airflow would at `midnight`; whether it succeeded."""
    from airflow.utils.db import initdb

    initdb()
    say("The DAG rokt_conversions_daily runs ...")
    dag = importlib.import_module("dags_examples.conversions_daily").dag
    with progress(sandbox):
        # Airflow 2 calls it by its older name.
        name = "logical_date" if "logical_date" in signature(dag.test).parameters else "execution_date"
        run = dag.test(**{name: midnight})
    return str(run.state) == "success"


@contextmanager
def progress(sandbox: Any) -> Iterator[None]:
    """Says twice a second how many events have arrived, when more have."""
    done = threading.Event()

    def watch() -> None:
        seen = 0
        while not done.wait(0.5):
            arrived = sandbox.store.counts.events
            if arrived != seen:
                say(f"  {arrived:5} events at Rokt")
            seen = arrived

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def show(sandbox: Any, spoiled: dict[str, str]) -> int:
    """Prints the report; whether it is what the spoiled rows call for."""
    from airflow_provider_rokt.task.configuration import open_ledger

    ledger = open_ledger().deliveries(1)[0]
    report = ledger.report() or {}
    say("\nThe report")
    for name, value in report.items():
        if name not in ("rejections", "ledger"):
            say(f"  {name:15} {value}")
    rejected, dropped = list(ledger.rows()), list(ledger.dropped())
    say("\nRejected rows, and what the shop had spoiled")
    tell(rejected, spoiled)
    say("\nValues that were left out of rows that arrived")
    tell(dropped, spoiled)
    kept = sandbox.store.counts
    say(f"\nAt Rokt: {kept.events} events in {kept.batches} batches.\nThe ledger: {report.get('ledger')}")
    told = {row.key for row in [*rejected, *dropped]}
    as_planned = told == set(spoiled) and kept.events == report.get("rows_accepted")
    return 0 if as_planned else 1


def tell(rows: list[Any], spoiled: dict[str, str]) -> None:
    """Prints what was wrong with each row, beside what the shop had done to it."""
    for row in rows:
        for path, reason in row.faults:
            say(f"  {row.key}  {path}: {reason}\n      the shop had: {spoiled.get(row.key, 'nothing wrong with it')}")


if __name__ == "__main__":
    sys.exit(main())
