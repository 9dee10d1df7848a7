"""Memory does not grow with the result, whichever driver reads it."""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

pytestmark = pytest.mark.slow

SMALL, LARGE = 20_000, 400_000
# Measured: 0 to 80 KiB for every driver; 270 to 530 MiB for get_records.
ALLOWED = 4 * 1024  # KiB
SQLITE_NUMBERS = (
    "(WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {rows}) "
    "SELECT n FROM numbers) AS numbers"
)


def query(numbers: str, rows: int) -> str:
    """About 480 bytes a row in three columns."""
    wide = "0123456789" * 15
    columns = ", ".join(f"concat(n, '{wide}') AS c{number}" for number in range(3))
    return f"SELECT {columns} FROM {numbers.format(rows=rows)}"


def measure(conn_id: str, queries: Sequence[str], blocked: Sequence[str] = ()) -> Any:
    task = {"conn_id": conn_id, "small": queries[0], "large": queries[1], "blocked": blocked}
    command = [sys.executable, str(Path(__file__).with_name("peak_memory.py")), json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def assert_flat(measured: Any) -> None:
    assert measured["rows"] == [SMALL, LARGE, LARGE]
    assert measured["streamed"] <= ALLOWED
    # The control: a reader that keeps the result is seen to.
    assert measured["whole"] > 25 * ALLOWED


def test_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "empty.db")}))
    queries = [query(SQLITE_NUMBERS, rows).replace("concat(n, ", "(n || ") for rows in (SMALL, LARGE)]
    assert_flat(measure("lite", queries))


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_postgres(postgres: Any, driver: str) -> None:
    if find_spec(driver) is None or (driver == "psycopg" and sqlalchemy.__version__ < "2"):
        pytest.skip(f"no {driver}, or a SQLAlchemy that does not know it")
    # The hook prefers psycopg whenever it can be imported.
    blocked = ["psycopg"] if driver == "psycopg2" else []
    measured = measure(postgres.connection(), [query(postgres.numbers, rows) for rows in (SMALL, LARGE)], blocked)
    assert measured["driver"] == driver
    assert_flat(measured)


@pytest.mark.parametrize(
    "extra", [{}, {"cursor": "SSCursor"}, {"cursor": "SSDictCursor"}, {"client": "mysql-connector-python"}], ids=str
)
def test_mariadb(mariadb: Any, extra: dict[str, str]) -> None:
    queries = [query(mariadb.numbers, rows) for rows in (SMALL, LARGE)]
    assert_flat(measure(mariadb.connection(**extra), queries))
