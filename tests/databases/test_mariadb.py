"""MariaDB, read with an unbuffered cursor."""

import time
import traceback
import uuid
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_rokt.exceptions import RoktAuthError, RoktQueryError, RoktSourceError
from airflow_provider_rokt.sources import SqlSource

EXTRAS = [{}, {"cursor": "SSCursor"}, {"cursor": "SSDictCursor"}, {"cursor": "DictCursor"}]
EXTRAS += [{"client": "mysql-connector-python"}]
CLIENTS: list[dict[str, str]] = [{}, {"client": "mysql-connector-python"}]
# More than the buffers between server and client hold, so that the server waits for its reader.
MANY = "SELECT n, repeat('x', 1000) AS x FROM {numbers}"


@pytest.fixture
def orders(mariadb: Any, table: Callable[..., str]) -> str:
    return table(mariadb, "id integer, email text", "(1, 'a@example.com'), (2, NULL), (3, '50% off; it''s'), (4, '')")


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
def test_types_arrive_as_the_driver_gives_them(
    mariadb: Any, table: Callable[..., str], reader: Any, extra: dict[str, str]
) -> None:
    name = table(
        mariadb,
        "id integer, big bigint, amount decimal(12, 2), ratio double, agreed boolean, name varchar(40) "
        "CHARACTER SET utf8mb4, day date, at datetime(3), document json, nothing text",
        "(1, 9007199254740993, 10.50, 0.5, true, 'Zoë 🚀', '2026-11-24', '2026-11-24 06:05:32.25', "
        """'{"a": [1, null]}', NULL)""",
    )
    SqlSource(mariadb.connection(**extra), f"SELECT * FROM {name}").read(reader)
    [(columns, [row])] = reader.windows
    assert dict(zip(columns, row, strict=True)) == {
        "id": 1,
        "big": 9007199254740993,
        "amount": Decimal("10.50"),
        "ratio": 0.5,
        "agreed": 1,
        "name": "Zoë 🚀",
        "day": date(2026, 11, 24),
        "at": datetime(2026, 11, 24, 6, 5, 32, 250_000),
        "document": '{"a": [1, null]}',
        "nothing": None,
    }


@pytest.mark.parametrize("extra", CLIENTS, ids=str)
@pytest.mark.parametrize(
    ("where", "parameters"),
    [
        ("email LIKE '50%'", None),
        ("email LIKE '50%%' AND id = %s", [3]),
        ("email = %(email)s", {"email": "50% off; it's"}),
        ("email = '50% off; it''s'; -- the end;", None),
    ],
)
def test_parameters_and_percent_signs(
    mariadb: Any, orders: str, reader: Any, extra: dict[str, str], where: str, parameters: Any
) -> None:
    SqlSource(mariadb.connection(**extra), f"SELECT id FROM {orders} WHERE {where}", parameters).read(reader)
    assert reader.windows == [(("id",), [(3,)])]


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
def test_windows(mariadb: Any, orders: str, reader: Any, extra: dict[str, str]) -> None:
    SqlSource(mariadb.connection(**extra), f"SELECT * FROM {orders} ORDER BY id", fetch_size=3).read(reader)
    assert [[row[0] for row in rows] for _, rows in reader.windows] == [[1, 2, 3], [4]]


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
def test_an_empty_result_shows_its_columns_once(mariadb: Any, orders: str, reader: Any, extra: dict[str, str]) -> None:
    SqlSource(mariadb.connection(**extra), f"SELECT id, email FROM {orders} WHERE false").read(reader)
    assert reader.windows == [(("id", "email"), [])]


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
def test_columns_of_one_name_are_refused(mariadb: Any, orders: str, reader: Any, extra: dict[str, str]) -> None:
    with pytest.raises(RoktSourceError, match="columns named id, email"):
        SqlSource(mariadb.connection(**extra), f"SELECT a.*, b.* FROM {orders} a, {orders} b").read(reader)
    assert reader.windows == []


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
def test_a_statement_without_a_result_is_refused_and_not_committed(
    mariadb: Any, orders: str, reader: Any, extra: dict[str, str]
) -> None:
    with pytest.raises(RoktSourceError, match="SELECT"):
        SqlSource(mariadb.connection(**extra), f"DELETE FROM {orders}").read(reader)
    assert len(mariadb.run(f"SELECT * FROM {orders}")) == 4


@pytest.mark.parametrize("extra", CLIENTS, ids=str)
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM rokt_missing", r"\((42S02|1146)\): .*Table '….rokt_missing' doesn't exist"),
        ("SELEC 1", r"\((42000|1064)\): .*SQL syntax.*near 'SELEC 1' at line 1"),
        ("SELECT emial FROM (SELECT 1 AS n) AS o", r"Unknown column 'emial' in '"),
    ],
)
def test_what_the_database_says_of_a_wrong_query_is_kept(
    mariadb: Any, reader: Any, extra: dict[str, str], sql: str, message: str
) -> None:
    with pytest.raises(RoktQueryError, match=message):
        SqlSource(mariadb.connection(**extra), sql).read(reader)


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
def test_no_error_shows_a_value(mariadb: Any, table: Callable[..., str], reader: Any, extra: dict[str, str]) -> None:
    name = table(mariadb, "email text", "('jane.secret250')")
    sql = f"SELECT ExtractValue('<a/>', concat('!', (SELECT email FROM {name}))) AS n"
    with pytest.raises(RoktQueryError, match=r"XPATH syntax error: '…'") as caught:
        SqlSource(mariadb.connection(**extra), sql).read(reader)
    assert "jane" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
@pytest.mark.parametrize("state", ["45000", "42S02"])
def test_what_a_function_signals_is_hidden(mariadb: Any, reader: Any, extra: dict[str, str], state: str) -> None:
    name = f"rokt_test_{uuid.uuid4().hex}"
    mariadb.run(
        f"CREATE FUNCTION {name}() RETURNS integer BEGIN SIGNAL SQLSTATE '{state}' "
        "SET MESSAGE_TEXT = 'no consent of jane secret'; RETURN 1; END"
    )
    try:
        with pytest.raises(RoktQueryError, match=r"\((\w{5}|\d+)\): … \(") as caught:
            SqlSource(mariadb.connection(**extra), f"SELECT {name}() AS n").read(reader)
    finally:
        mariadb.run(f"DROP FUNCTION {name}")
    assert "jane" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("extra", EXTRAS, ids=str)
def test_what_is_no_query_is_read_too(mariadb: Any, orders: str, reader: Any, extra: dict[str, str]) -> None:
    name = f"rokt_test_{uuid.uuid4().hex}"
    mariadb.run(f"CREATE PROCEDURE {name}() SELECT id FROM {orders}")
    try:
        for sql in (
            f"INSERT INTO {orders} VALUES (5, 'e') RETURNING id",
            f"CALL {name}()",
            "SHOW TABLES",
            "SELECT 1 AS n #a;b",
        ):
            SqlSource(mariadb.connection(**extra), sql).read(reader)
    finally:
        mariadb.run(f"DROP PROCEDURE {name}")
    assert [rows for columns, rows in reader.windows if columns == ("id",)] == [[(5,)], [(1,), (2,), (3,), (4,), (5,)]]


@pytest.mark.parametrize(
    ("sql", "parameters", "says"),
    [
        ("SELECT 1 AS n WHERE 'b' LIKE 'b%' AND 1 = %s", [1], "unsupported format character"),
        ("SELECT %s AS n", [1, 2], "not all arguments converted"),
        ("SELECT %s, %s AS n", [1], "not enough arguments for format string"),
    ],
)
def test_what_the_driver_says_before_it_asks_is_shown(
    mariadb: Any, reader: Any, sql: str, parameters: Any, says: str
) -> None:
    with pytest.raises(RoktQueryError, match=says):
        SqlSource(mariadb.connection(), sql, parameters).read(reader)


# mysql-connector raises an error of its own on the way out, over an unread result.
@pytest.mark.parametrize("extra", CLIENTS, ids=str)
def test_an_error_of_the_consumer_arrives_unchanged_and_at_once(mariadb: Any, extra: dict[str, str]) -> None:
    refused = RoktAuthError("refused")

    def consume(columns: Any, rows: Any) -> None:
        raise refused

    # Reading the rest first, as an orderly end does on MySQL, would take a day.
    endless = MANY.format(numbers=mariadb.numbers.format(rows=10**10))
    with pytest.raises(RoktAuthError) as caught:
        SqlSource(mariadb.connection(**extra), endless, fetch_size=10).read(consume)
    assert caught.value is refused


def test_the_server_waits_for_a_slow_consumer(mariadb: Any) -> None:
    sql = MANY.format(numbers=mariadb.numbers.format(rows=50_000))
    impatient = {"init_command": "SET SESSION net_write_timeout = 1"}
    counts: list[int] = []

    def consume(columns: Any, rows: Any) -> None:
        if not counts:
            time.sleep(2.5)
        counts.append(len(rows))

    SqlSource(mariadb.connection(), sql, hook_params=impatient, fetch_size=10_000).read(consume)
    assert sum(counts) == 50_000

    # The control: the same pause, with the timeout as it was set, is answered with a lost connection.
    counts.clear()
    hook = BaseHook.get_connection(mariadb.connection(cursor="SSCursor")).get_hook(hook_params=impatient)

    def handle(cursor: Any) -> None:
        while rows := cursor.fetchmany(10_000):
            consume((), rows)

    with pytest.raises(Exception, match=r"(?i)lost connection"):
        hook.run(sql, handler=handle)
