"""README's ways to share a query among tasks: every row is in exactly one part, and a customer's are all in one."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_rokt.sources import SqlSource
from tests.databases.drivers import DRIVERS

README = (Path(__file__).parents[2] / "README.md").read_text()
# Kind of database -> how README's table calls it.
CALLED = {"postgres": "PostgreSQL", "mysql": "MySQL, MariaDB", "sqlite": "SQLite", "duckdb": "DuckDB"}
STYLES = {"sqlite3": ":{}", "duckdb": "${}", "pyodbc": "?"}
CUSTOMERS = 300
# Nobody, and whom a database may take for somebody else.
ODD = (None, None, "", " ", "ADA", "ada", "ada ", "Zoë", "Zoe", "李", "O'Neil", "%", "x" * 200)


def expression(kind: str) -> str:
    """The part of a key, as README writes it."""
    (found,) = re.findall(rf"^\| {CALLED[kind]} \| `(.*)` \|", README, re.MULTILINE)
    return str(found)


def rows(kind: str) -> list[tuple[Any, Any]]:
    """Orders and their customers, most of whom come back; SQLite's are numbers."""
    names = [*ODD, *(f"cust_{number}" for number in range(CUSTOMERS))]
    customers = [None, *range(CUSTOMERS), None] if kind == "sqlite" else names
    number = (lambda n: n) if kind == "sqlite" else (lambda n: f"order_{n}")
    return [(number(n), customer) for n, customer in enumerate(customers * 3)]


def write(hook: Any, kind: str, name: str) -> None:
    types = ("INTEGER", "INTEGER") if kind == "sqlite" else ("VARCHAR(20)", "VARCHAR(200)")
    charset = " CHARACTER SET utf8mb4" if kind == "mysql" else ""
    quoted = ", ".join("(" + ", ".join(map(_literal, row)) + ")" for row in rows(kind))
    for statement in (
        f"DROP TABLE IF EXISTS {name}",
        f"CREATE TABLE {name} (order_id {types[0]}, customer {types[1]}){charset}",
        f"INSERT INTO {name} VALUES {quoted}",
    ):
        hook.run(statement, autocommit=kind != "duckdb")


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


@pytest.fixture
def read_part(driver: str, hook_of: Callable[[str], Any]) -> Any:
    """Reads one part of a table of orders, as the operator does."""
    kind, name = DRIVERS[driver][0], f"rokt_test_parts_{driver.replace('-', '_')}"
    writer = hook_of("sqlite3" if driver == "pyodbc" else driver)
    write(writer, kind, name)
    style = STYLES.get(driver, "%({})s")
    key = re.sub(r"\bkey\b", "COALESCE(customer, order_id)", expression(kind))
    hash_part = re.sub(r"\bparts\b", lambda _: style.format("parts"), key)

    def read(part: int, parts: int) -> list[tuple[Any, Any]]:
        found: list[tuple[Any, Any]] = []
        sql = f"SELECT order_id, customer FROM {name} WHERE {hash_part} = {style.format('part')}"
        parameters = [parts, part] if style == "?" else {"part": part, "parts": parts}
        SqlSource(hook_of(driver), sql, parameters).read(lambda _, rows: found.extend(map(tuple, rows)))
        return found

    yield read
    writer.run(f"DROP TABLE {name}", autocommit=kind != "duckdb")


def test_parts_are_the_whole_each_row_once_and_a_customer_in_one(driver: str, read_part: Any) -> None:
    wanted = Counter(rows(DRIVERS[driver][0]))
    for parts in (1, 4, 7):
        found = [read_part(part, parts) for part in range(parts)]
        assert Counter(row for part in found for row in part) == wanted
        parts_of = defaultdict(set)
        for number, part in enumerate(found):
            for _, customer in part:
                parts_of[customer].add(number)
        strangers = parts_of.pop(None)
        assert {customer for customer, numbers in parts_of.items() if len(numbers) > 1} == set()
        # Who is not known does not crowd into one part, and no part is far from its share.
        assert len(strangers) > 1 or parts == 1
        assert all(0.6 < len(part) * parts / wanted.total() < 1.6 for part in found)
