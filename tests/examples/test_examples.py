"""The examples are tests: every DAG imports, and every one runs against a local Rokt as Airflow would run it."""

import importlib
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from tests.examples.conftest import FOLDER
from tests.examples.runs import by_hand

MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("demo", "shop"))
# The one that stands for all where the slow tests are left out: `make demo` runs it too.
QUICK = "conversions_daily"


def test_every_example_imports(airflow_db):
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before Airflow 3.2
        from airflow.models.dagbag import DagBag
    bag = DagBag(str(FOLDER))
    assert not bag.import_errors
    assert len(bag.dags) >= len(MODULES)


@pytest.mark.parametrize(
    "module", [name if name == QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MODULES]
)
def test_every_example_runs(module, airflow_db, connected, sandbox, ledger):
    dag = importlib.import_module(f"dags_examples.{module}").dag
    by_hand(dag, datetime.now(UTC) - timedelta(days=2))
    assert sandbox.store.events or sandbox.store.imports
    assert all(delivery.complete for delivery in ledger.deliveries(10))


@pytest.mark.slow
def test_the_tables_of_outcomes_name_each_order_once(airflow_db, connected, sandbox, ledger):
    by_hand(importlib.import_module("dags_examples.outcomes_in_sql").dag, datetime.now(UTC) - timedelta(days=2))
    (delivery,) = ledger.deliveries(10)
    with sqlite3.connect(connected.shop) as warehouse:
        named = warehouse.execute(
            "SELECT o.order_id, r.outcome FROM orders o JOIN rokt_rows r ON r.row_key = o.order_id "
            "WHERE r.reason_number = 1 AND r.outcome <> 'dropped'"
        ).fetchall()
        orders = warehouse.execute("SELECT COUNT(*) FROM orders").fetchone()[0]
    assert len(named) == len(dict(named)) == orders
    refused = {order_id for order_id, outcome in named if outcome == "rejected"}
    assert len(refused) == delivery.report()["rows_rejected"] > 0
    assert refused <= connected.spoiled
