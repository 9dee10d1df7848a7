"""Real databases: PostgreSQL and MariaDB, wherever they listen on this host's usual ports."""

import json
import os
import socket
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from typing import Any

import pytest

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
    if not REQUIRED and any(reasons.get(name) for name in getattr(item, "fixturenames", ())):
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
