"""What the examples' tests share."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import dags_examples

FOLDER = Path(next(iter(dags_examples.__path__)))
_BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


@dataclass(frozen=True)
class Connected:
    """What an Airflow is connected to.

    :ivar shop: the SQLite file of the connections ``shop`` and ``warehouse``.
    :ivar spoiled: the ids of its spoiled orders.
    :ivar dags: an empty folder for further DAGs.
    """

    shop: Path
    spoiled: frozenset[str]
    dags: Path


@pytest.fixture
def connected(rokt, tmp_path, monkeypatch, ledger, airflow_db) -> Connected:
    """An Airflow that has the examples, a shop with four orders an hour of 20 days to yesterday, a local Rokt."""
    from dags_examples.shop import write_shop

    _forget_variables()

    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    path, dags = tmp_path / "shop.sqlite", tmp_path / "dags"
    spoiled = write_shop(path, orders=20 * 96, customers=900, until=today, span=timedelta(days=20))
    dags.mkdir()
    # dag.test() of Airflow 3 looks for the DAG in the configured bundles.
    bundles = [
        {"name": name, "classpath": _BUNDLE, "kwargs": {"path": str(folder)}}
        for name, folder in (("examples", FOLDER), ("written", dags))
    ]
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps(bundles))
    for connection in ("SHOP", "WAREHOUSE"):
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection}", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return Connected(path, frozenset(spoiled), dags)


def _forget_variables() -> None:
    """What Airflow's database knows of the memories of other tests, whose ledgers are gone."""
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    with create_session() as session:
        session.query(Variable).filter(Variable.key.like("rokt_%")).delete(synchronize_session=False)
