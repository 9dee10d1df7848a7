"""The examples are tests: every DAG imports, and every one runs against a local Rokt as Airflow would run it."""

import importlib
import json
from datetime import UTC, datetime, timedelta
from inspect import signature
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import DAG

import dags_examples

FOLDER = Path(next(iter(dags_examples.__path__)))
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("demo", "shop"))
# The one that stands for all where the slow tests are left out: `make demo` runs it too.
QUICK = "conversions_daily"
# Airflow 2 calls it by its older name.
_RUN_DATE = "logical_date" if "logical_date" in signature(DAG.test).parameters else "execution_date"
_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


@pytest.fixture
def connected(sandbox, tmp_path, monkeypatch, ledger):
    """An Airflow that has the examples, a shop with 1,200 orders and a local Rokt."""
    from dags_examples.shop import write_shop

    write_shop(tmp_path / "shop.sqlite", orders=1200, customers=300)
    # dag.test() of Airflow 3 looks for the DAG in the configured bundles.
    bundle = {"name": "examples", "classpath": _BUNDLE, "kwargs": {"path": str(FOLDER)}}
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))
    connection = sandbox.connection()
    connection["extra"] |= {"batches_per_second": 100_000}
    monkeypatch.setenv("AIRFLOW_CONN_ROKT_DEFAULT", json.dumps(connection))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "shop.sqlite")}))


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
    # The shop's first order is two weeks old, so the hour a day after it has orders.
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=13)
    run = dag.test(**{_RUN_DATE: begin})
    assert run.state == "success"
    assert sandbox.store.events or sandbox.store.imports
    assert all(delivery.complete for delivery in ledger.deliveries(10))
