"""Real databases: PostgreSQL and MariaDB, wherever they listen on this host's usual ports."""

import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.databases.drivers import DRIVERS

REQUIRED = os.environ.get("ROKT_REQUIRE_DATABASES") == "1"


@dataclass(frozen=True)
class Database:
    """A server, and how to get an Airflow connection to it.

    :param provider: the module of its provider package.
    :param numbers: a query of the numbers 1 to ``{rows}`` as column ``n``, for a ``FROM`` clause.
    """

    conn_type: str
    provider: str
    port: int
    login: str
    numbers: str
    host: str = "127.0.0.1"
    schema: str = "test"
    made: list[str] = field(default_factory=list, hash=False)

    def connection(self, **extra: Any) -> str:
        """Makes an Airflow connection with these extras.

        :returns: its id.
        """
        conn_id = f"rokt_test_{uuid.uuid4().hex}"
        parts: Mapping[str, object] = {
            "conn_type": self.conn_type,
            "host": self.host,
            "port": self.port,
            "login": self.login,
            "schema": self.schema,
            "extra": extra,
        }
        variable = f"AIRFLOW_CONN_{conn_id.upper()}"
        os.environ[variable] = json.dumps(parts)
        self.made.append(variable)
        return conn_id

    def run(self, *statements: str) -> Any:
        """Runs statements and returns the last one's rows, if it has any."""
        from airflow.providers.common.compat.sdk import BaseHook

        hook = BaseHook.get_connection(self.connection()).get_hook()
        return hook.run(list(statements), autocommit=True, handler=_rows)[-1]


POSTGRES = Database(
    "postgres", "airflow.providers.postgres", 5432, "postgres", "(SELECT generate_series(1, {rows}) AS n) AS numbers"
)
MARIADB = Database(
    "mysql", "airflow.providers.mysql", 3306, "root", "(SELECT seq AS n FROM seq_1_to_{rows}) AS numbers"
)


def _rows(cursor: Any) -> list[Any] | None:
    return list(cursor.fetchall()) if cursor.description else None


@cache
def missing(database: Database) -> str | None:
    """Why tests with a database cannot run, or None."""
    if find_spec(database.provider) is None:
        return f"{database.provider} is not installed"
    try:
        socket.create_connection((database.host, database.port), timeout=2).close()
    except OSError as error:
        return f"no {database.conn_type} server at {database.host}:{database.port} ({error})"
    return None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips before a fixture would: what is skipped in one place, pytest reports as one line."""
    reasons = {name: missing(database) for name, database in (("mariadb", MARIADB), ("postgres", POSTGRES))}
    asked = [*getattr(item, "fixturenames", ())]
    if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
        # Some are named by a parameter, and asked for by the test.
        asked += [value for value in item.callspec.params.values() if isinstance(value, str)]
    if not REQUIRED and any(reasons.get(name) for name in asked):
        pytest.skip("database tests: " + ", ".join(filter(None, reasons.values())))


def _ready(database: Database) -> Iterator[Database]:
    if reason := missing(database):
        pytest.fail(f"ROKT_REQUIRE_DATABASES is set, but {reason}")
    yield database
    for variable in database.made:
        os.environ.pop(variable, None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Database]:
    """PostgreSQL, trusting user ``postgres`` for database ``test``."""
    yield from _ready(POSTGRES)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Database]:
    """MariaDB or MySQL, where ``root`` without a password owns database ``test``."""
    yield from _ready(MARIADB)


@pytest.fixture
def table() -> Iterator[Callable[[Database, str, str], str]]:
    """Makes a table of a unique name, dropped afterwards: ``table(database, columns, values)``."""
    made: list[tuple[Database, str]] = []

    def make(database: Database, columns: str, values: str = "") -> str:
        name = f"rokt_test_{uuid.uuid4().hex}"
        made.append((database, name))
        database.run(f"CREATE TABLE {name} ({columns})", *([f"INSERT INTO {name} VALUES {values}"] if values else []))
        return name

    yield make
    for database, name in made:
        database.run(f"DROP TABLE IF EXISTS {name}")


def _psycopg2_hook(conn_id: str) -> Any:
    """The hook prefers psycopg whenever it can be imported."""
    import psycopg2
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    class Psycopg2Hook(PostgresHook):
        def get_conn(self) -> Any:
            return psycopg2.connect(host=POSTGRES.host, port=POSTGRES.port, user=POSTGRES.login, dbname=POSTGRES.schema)

    return Psycopg2Hook(postgres_conn_id=conn_id, sqlalchemy_scheme="postgresql+psycopg2")


def _duckdb_hook(path: Path) -> Any:
    import duckdb
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    class DuckDbHook(DbApiHook):
        """As the third-party providers have it."""

        conn_name_attr = "duckdb_conn_id"
        default_conn_name = "duckdb"
        conn_type = "duckdb"

        def get_conn(self) -> Any:
            return duckdb.connect(str(path))

    return DuckDbHook()


def _file_connection(conn_type: str, **parts: object) -> str:
    conn_id = f"rokt_test_{uuid.uuid4().hex}"
    os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps({"conn_type": conn_type, **parts})
    return conn_id


@cache
def without_driver(driver: str) -> str | None:
    """Why a driver cannot be tried, or None."""
    conn_type, module = DRIVERS[driver]
    top = module.partition(".")[0]
    if find_spec(top) is None or find_spec(module) is None:
        return f"{driver} is not installed"
    if driver == "pyodbc":
        if find_spec("airflow.providers.odbc") is None:
            return "airflow.providers.odbc is not installed"
        try:
            import pyodbc
        except ImportError as error:
            return f"pyodbc cannot be loaded ({error})"
        if "SQLite3" not in pyodbc.drivers():
            return "no ODBC driver for SQLite (the package libsqliteodbc) is installed"
    return missing({"postgres": POSTGRES, "mysql": MARIADB}[conn_type]) if conn_type in ("postgres", "mysql") else None


def _require(driver: str) -> None:
    reason = without_driver(driver)
    # The ODBC driver is a package of the operating system's, which no dependency group can bring.
    if reason and REQUIRED and driver != "pyodbc":
        pytest.fail(f"ROKT_REQUIRE_DATABASES is set, but {reason}")
    if reason:
        pytest.skip(f"database tests: {reason}")


@pytest.fixture(params=list(DRIVERS))
def driver(request: pytest.FixtureRequest) -> str:
    """Each driver in turn."""
    _require(request.param)
    return str(request.param)


@pytest.fixture
def hook_of(tmp_path: Path) -> Callable[[str], Any]:
    """Makes the hook of a driver; those that read files share one in this test."""

    def make(driver: str) -> Any:
        from airflow.providers.common.compat.sdk import BaseHook

        _require(driver)
        file = str(tmp_path / f"{DRIVERS[driver][0]}.db")
        if driver == "psycopg2":
            return _psycopg2_hook(POSTGRES.connection())
        if driver == "duckdb":
            return _duckdb_hook(tmp_path / "duck.db")
        if driver == "pyodbc":
            conn_id = _file_connection("odbc", extra={"driver": "SQLite3", "database": file})
            return BaseHook.get_connection(conn_id).get_hook(hook_params={"database": file, "driver": "SQLite3"})
        conn_id = {
            "psycopg": POSTGRES.connection,
            "mysqlclient": MARIADB.connection,
            "mysql-connector": lambda: MARIADB.connection(client="mysql-connector-python"),
            "sqlite3": lambda: _file_connection("sqlite", host=file),
        }[driver]()
        hook = BaseHook.get_connection(conn_id).get_hook()
        if driver == "psycopg" and (used := type(hook.get_conn()).__module__.partition(".")[0]) != driver:
            pytest.skip(f"database tests: with this SQLAlchemy, Airflow's hook reads with {used}")
        return hook

    return make


@dataclass
class Reader:
    """A consumer that keeps every window."""

    windows: list[tuple[tuple[str, ...], list[tuple[object, ...]]]] = field(default_factory=list)

    def __call__(self, columns: tuple[str, ...], rows: list[Sequence[object]]) -> None:
        self.windows.append((columns, [tuple(row) for row in rows]))

    @property
    def rows(self) -> list[tuple[object, ...]]:
        return [row for _, rows in self.windows for row in rows]


@pytest.fixture
def reader() -> Reader:
    return Reader()
