"""The examples are tests: every DAG imports, and every one runs against a local Rokt as Airflow would run it."""

import importlib
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
