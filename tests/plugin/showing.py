"""An Airflow to look at: a DAG run in parts that was really delivered, one that failed, and a past that was written.

``python -m tests.plugin.showing`` fills the database and the ledger that the environment names, and says which
deliveries there are.
"""

import json
import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow_provider_rokt.runs.place import syncs_of
from airflow_provider_rokt.sandbox import Sandbox
from tests.dags.regions import REGIONS
from tests.plugin.history import AMOUNT, COVERAGE, EMAIL, PHONE, SILENCE, TIME, History, sender_of

ORDERS = 480
MAILS, PHONES, NO_AMOUNT, NO_PHONE = "@example.com", "+1206555", "gratis", "ex-directory"
PLANTED = (MAILS, PHONES, NO_AMOUNT, NO_PHONE)
"""Of the orders' values: none may be shown."""


def main() -> None:
    """Fills both."""
    from airflow.utils.db import initdb

    initdb()
    runs = _deliver(Path(os.environ["AIRFLOW_HOME"], "shop.sqlite"))
    print(json.dumps(runs | write_past(History(Path(os.environ["AIRFLOW__ROKT__LEDGER_PATH"])))))


def _deliver(shop: Path) -> dict[str, str]:
    """Runs the DAGs; gives the ids of their runs."""
    _sell(shop)
    with Sandbox() as sandbox:
        os.environ["AIRFLOW_CONN_SHOP"] = json.dumps({"conn_type": "sqlite", "host": str(shop)})
        os.environ["AIRFLOW_CONN_ROKT_DEFAULT"] = json.dumps(sandbox.connection("v1"))
        from tests.dags.regions import refunds, regions

        return {"run_id": str(regions.test().run_id), "failed_run_id": str(refunds.test().run_id)}


def _sell(shop: Path) -> None:
    columns = "id, at, email, phone, total, region"
    now = datetime.now(UTC)
    with sqlite3.connect(shop) as database:
        database.execute(f"CREATE TABLE orders ({columns})")
        database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?)", [_order(n, now) for n in range(ORDERS)])


def _order(number: int, now: datetime) -> tuple[object, ...]:
    """An order; of the first region some amounts are none, and some phone numbers of all."""
    region = REGIONS[number % len(REGIONS)]
    total = NO_AMOUNT if region == REGIONS[0] and number % 3 == 0 else 10 + number
    phone = NO_PHONE if number % 11 == 0 else f"{PHONES}{number:04}"
    at = (now - timedelta(minutes=number)).isoformat()
    return (f"order-{number:05}", at, f"shopper{number}{MAILS}", phone, total, region)


def write_past(history: History) -> dict[str, str]:
    """Thirty days of one sync and some of others; gives the ids of what is worth looking at."""
    now = datetime.now(UTC)
    return {
        "sync": syncs_of(history.ledger).sync("rokt_default", "shop.orders").key,
        "rejected": [_of_orders(history, now, day) for day in range(29, 0, -1)][-1],
        "green": [_of_members(history, now, day) for day in range(6, -1, -1)][-1],
        "large": _large(history, now - timedelta(hours=30)),
        "halfway": _halfway(history, now - timedelta(hours=2)),
        "in_flight": _in_flight(history, datetime.now(UTC) - timedelta(seconds=12)),
    }


def _of_orders(history: History, now: datetime, day: int) -> str:
    """So many days ago: most of them are there, and fewer than usual once."""
    began = now - timedelta(days=day, minutes=9)
    accepted = 11_800 + 370 * (day % 7) - (6_000 if day == 12 else 0)
    rejected = {EMAIL: 31 + day % 5, TIME: 12, AMOUNT: 4} if day % 2 else {EMAIL: 9}
    failed = {SILENCE: 1_400} if day == 8 else {}
    coverage = {path: share - day % 4 / 100 for path, share in COVERAGE.items()}
    told = {"rows_a_batch": 4, "options": {"max_rejected": 0.01}, "coverage": coverage}
    return history.add(began, sender_of(_run_id(began)), accepted, rejected, failed, {PHONE: 210}, **told)


def _of_members(history: History, now: datetime, day: int) -> str:
    """So many days ago: an audience that grows."""
    began, joined, stayed = now - timedelta(days=day, minutes=50), 1_204 - 31 * day, 83_429 - 470 * day
    members = {"members_added": joined, "members_removed": 318 + 9 * day, "members_unchanged": stayed}
    told = {"options": {"audience": "vip", "mode": "mirror"}, "skipped": stayed, "why_skipped": "unchanged"}
    return history.add(began, sender_of(_run_id(began), dag_id="loyalty", task_id="vip"), joined, **told, **members)


def _large(history: History, began: datetime) -> str:
    """Ten thousand batches, of which the last ones failed."""
    sender = sender_of(_run_id(began, "backfill"), task_id="all_orders")
    told = {"rows_a_batch": 3, "attempts": 3, "took": timedelta(seconds=95), "judged": True}
    return history.add(began, sender, 29_880, {EMAIL: 37}, {SILENCE: 120}, **told)


def _halfway(history: History, began: datetime) -> str:
    """Nothing was answered any more from the middle on."""
    sender = sender_of(_run_id(began), dag_id="returns", task_id="send")
    told = {"rows_a_batch": 10, "attempts": 4, "judged": True}
    return history.add(began, sender, 7_200, {AMOUNT: 14}, {SILENCE: 4_300}, **told)


def _in_flight(history: History, began: datetime) -> str:
    """Without an end."""
    told = {"dropped": {PHONE: 96}, "rows_a_batch": 4, "ends": False}
    return history.add(began, sender_of(_run_id(began, "manual")), 6_240, {EMAIL: 11}, **told)


def _run_id(began: datetime, kind: str = "scheduled") -> str:
    return f"{kind}__{began:%Y-%m-%dT%H:%M:00+00:00}"


if __name__ == "__main__":
    main()
