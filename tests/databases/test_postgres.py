"""PostgreSQL, read with a named cursor."""

import traceback
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_rokt.exceptions import RoktAuthError, RoktQueryError, RoktSourceError
from airflow_provider_rokt.sources import SqlSource

# A sequence keeps its step when the transaction around it fails, and so counts how often a query ran.
COUNTED = "SELECT nextval('{sequence}') / 0 AS n"


@pytest.fixture
def orders(postgres: Any, table: Callable[..., str]) -> str:
    return table(postgres, "id integer, email text", "(1, 'a@example.com'), (2, NULL), (3, '50% off; it''s'), (4, '')")


@pytest.mark.parametrize(
    "extra",
    [{}, {"cursor": "namedtuplecursor"}, {"cursor": "dictcursor"}, {"sqlalchemy_scheme": "postgresql+psycopg2"}],
)
def test_types_arrive_as_the_driver_gives_them(
    postgres: Any, table: Callable[..., str], reader: Any, extra: dict[str, str]
) -> None:
    name = table(
        postgres,
        "id integer, big bigint, amount numeric(12, 2), ratio double precision, agreed boolean, name text, "
        "day date, at timestamptz, key uuid, document jsonb, tags text[], nothing text",
        "(1, 9007199254740993, 10.50, 0.5, true, 'Zoë 🚀', '2026-11-24', '2026-11-24 06:05:32+00', "
        """'3f9c1a2b-0000-4000-8000-000000000000', '{"a": [1, null]}', '{x,"y z"}', NULL)""",
    )
    SqlSource(postgres.connection(**extra), f"SELECT * FROM {name}").read(reader)
    [(columns, [row])] = reader.windows
    assert columns[:3] == ("id", "big", "amount")
    found = dict(zip(columns, row, strict=True))
    # psycopg2 gives a uuid as text unless asked otherwise; the mapping takes either.
    assert str(found.pop("key")) == "3f9c1a2b-0000-4000-8000-000000000000"
    assert found == {
        "id": 1,
        "big": 9007199254740993,
        "amount": Decimal("10.50"),
        "ratio": 0.5,
        "agreed": True,
        "name": "Zoë 🚀",
        "day": date(2026, 11, 24),
        "at": datetime(2026, 11, 24, 6, 5, 32, tzinfo=UTC),
        "document": {"a": [1, None]},
        "tags": ["x", "y z"],
        "nothing": None,
    }


@pytest.mark.parametrize(
    ("where", "parameters"),
    [
        ("email LIKE '50%'", None),
        ("email LIKE '50%%' AND id = %s", [3]),
        ("email LIKE '50%%' AND id = %s", (3,)),
        ("email = %(email)s", {"email": "50% off; it's"}),
        ("email = '50% off; it''s'; -- the end;", None),
    ],
)
def test_parameters_and_percent_signs(postgres: Any, orders: str, reader: Any, where: str, parameters: Any) -> None:
    SqlSource(postgres.connection(), f"SELECT id FROM {orders} WHERE {where}", parameters).read(reader)
    assert reader.windows == [(("id",), [(3,)])]


@pytest.mark.parametrize(("fetch_size", "sizes"), [(1, [1, 1, 1, 1]), (3, [3, 1]), (4, [4])])
def test_windows(postgres: Any, orders: str, reader: Any, fetch_size: int, sizes: list[int]) -> None:
    SqlSource(postgres.connection(), f"SELECT * FROM {orders} ORDER BY id", fetch_size=fetch_size).read(reader)
    assert [len(rows) for _, rows in reader.windows] == sizes
    assert [row[0] for row in reader.rows] == [1, 2, 3, 4]


def test_an_empty_result_shows_its_columns_once(postgres: Any, orders: str, reader: Any) -> None:
    SqlSource(postgres.connection(), f"SELECT id, email FROM {orders} WHERE false").read(reader)
    assert reader.windows == [(("id", "email"), [])]


def test_columns_of_one_name_are_refused(postgres: Any, orders: str, reader: Any) -> None:
    with pytest.raises(RoktSourceError, match="columns named id, email"):
        SqlSource(postgres.connection(), f"SELECT a.*, b.* FROM {orders} a, {orders} b").read(reader)
    assert reader.windows == []


@pytest.mark.parametrize("extra", [{}, {"cursor": "dictcursor"}])
def test_an_error_of_the_database_is_told_and_the_query_ran_once(
    postgres: Any, reader: Any, extra: dict[str, str]
) -> None:
    sequence = f"rokt_test_{uuid.uuid4().hex}"
    postgres.run(f"CREATE SEQUENCE {sequence}")
    try:
        with pytest.raises(RoktQueryError, match=r"psycopg.*DivisionByZero \(22012\): division by zero$"):
            SqlSource(postgres.connection(**extra), COUNTED.format(sequence=sequence)).read(reader)
        assert postgres.run(f"SELECT last_value, is_called FROM {sequence}")[0] == (1, True)
    finally:
        postgres.run(f"DROP SEQUENCE {sequence}")


@pytest.mark.parametrize("extra", [{}, {"cursor": "dictcursor"}])
@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT * FROM rokt_missing", 'relation "rokt_missing" does not exist'),
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT emial FROM pg_class AS orders", 'column "emial" does not exist'),
    ],
)
def test_what_postgres_says_of_a_wrong_query_is_kept(
    postgres: Any, reader: Any, extra: dict[str, str], sql: str, message: str
) -> None:
    conn_id = postgres.connection(**extra)
    with pytest.raises(RoktQueryError) as caught:
        SqlSource(conn_id, sql).read(reader)
    assert f"connection {conn_id!r}: the query failed with psycopg" in str(caught.value)
    assert str(caught.value).endswith(f"): {message}")


@pytest.mark.parametrize("extra", [{}, {"cursor": "dictcursor"}])
@pytest.mark.parametrize("parameters", [None, ["jane.parameter"]])
def test_no_error_shows_a_value(
    postgres: Any, table: Callable[..., str], reader: Any, extra: dict[str, str], parameters: Any
) -> None:
    values = ", ".join(f"('{number}')" for number in range(250))
    name = table(postgres, "email text", f"{values}, ('jane.secret250')")
    where = "WHERE email <> %s" if parameters else ""
    source = SqlSource(
        postgres.connection(**extra), f"SELECT email::integer AS n FROM {name} {where}", parameters, fetch_size=100
    )
    with pytest.raises(RoktQueryError, match=r"\(22P02\): invalid input syntax for type integer: '…'") as caught:
        source.read(reader)
    assert "jane" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_parameters_are_not_shown(postgres: Any, reader: Any) -> None:
    with pytest.raises(RoktQueryError) as caught:
        SqlSource(postgres.connection(), "SELECT %s::integer AS n", ["".join(["se", "cret"])]).read(reader)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


RAISE = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no consent of jane secret' {using}; END $$"


@pytest.mark.parametrize("extra", [{}, {"cursor": "dictcursor"}])
@pytest.mark.parametrize("using", ["", "USING ERRCODE = '42P01'", "USING ERRCODE = '22012'", "USING ERRCODE = 'AB123'"])
def test_what_a_function_raises_is_hidden_whatever_its_code(
    postgres: Any, reader: Any, extra: dict[str, str], using: str
) -> None:
    name = f"rokt_test_{uuid.uuid4().hex}"
    postgres.run(f"CREATE FUNCTION {name}(n integer) RETURNS integer {RAISE.format(using=using)}")
    try:
        with pytest.raises(RoktQueryError, match=r"psycopg.* \(\w{5}\): … \(") as caught:
            SqlSource(postgres.connection(**extra), f"SELECT {name}(1) AS n").read(reader)
    finally:
        postgres.run(f"DROP FUNCTION {name}(integer)")
    assert "jane" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("sql", "parameters", "says"),
    [
        (
            "SELECT 1 AS n WHERE 'b' LIKE 'b%' AND 1 = %s",
            [1],
            "only '%s', '%b', '%t' are allowed as placeholders|IndexError: tuple",
        ),
        ("SELECT %s AS n", [1, 2], " but 2 parameters were passed|not all arguments converted"),
        ("SELECT %(secret)s AS n", {"name": 1}, "query parameter missing: secret|KeyError: 'secret'"),
    ],
)
def test_what_the_driver_says_before_it_asks_is_shown(
    postgres: Any, reader: Any, sql: str, parameters: Any, says: str
) -> None:
    # Either in psycopg's words or in psycopg2's.
    with pytest.raises(RoktQueryError, match=says):
        SqlSource(postgres.connection(), sql, parameters).read(reader)


@pytest.mark.parametrize(
    ("extra", "says"), [({"cursor": "nosuch"}, "Invalid cursor passed nosuch"), ({"bogus": 1}, '"bogus"')]
)
def test_wrong_settings_of_the_connection_are_told(
    postgres: Any, reader: Any, extra: dict[str, Any], says: str
) -> None:
    with pytest.raises(RoktQueryError) as caught:
        SqlSource(postgres.connection(**extra), "SELECT 1 AS n").read(reader)
    assert says in str(caught.value)


def test_what_no_cursor_can_be_declared_for_is_read_too(
    postgres: Any, orders: str, reader: Any, table: Callable[..., str]
) -> None:
    for sql in (
        f"INSERT INTO {orders} VALUES (5, 'e') RETURNING id",
        f"WITH gone AS (DELETE FROM {orders} WHERE id = 5 RETURNING id) SELECT id FROM gone",
        "SHOW search_path",
        "EXPLAIN (FORMAT JSON) SELECT 1",
        "VALUES (7)",
        f"TABLE {orders}",
    ):
        SqlSource(postgres.connection(), sql).read(reader)
    assert [len(rows) for _, rows in reader.windows] == [1, 1, 1, 1, 1, 4]
    assert [columns[0] for columns, _ in reader.windows[2:4]] == ["search_path", "QUERY PLAN"]


def test_a_procedure_is_called(postgres: Any, reader: Any) -> None:
    name = f"rokt_test_{uuid.uuid4().hex}"
    postgres.run(f"CREATE PROCEDURE {name}(INOUT n integer) LANGUAGE sql AS $$ SELECT n + 1 $$")
    try:
        SqlSource(postgres.connection(), f"CALL {name}(1)").read(reader)
    finally:
        postgres.run(f"DROP PROCEDURE {name}(integer)")
    assert reader.windows == [(("n",), [(2,)])]


@pytest.mark.parametrize("sql", ["CREATE TABLE {name} (a int)", "SELECT 1 AS a INTO {name}"])
def test_what_returns_nothing_is_not_run(postgres: Any, reader: Any, sql: str) -> None:
    name = f"rokt_test_{uuid.uuid4().hex}"
    with pytest.raises(RoktSourceError, match="was not run"):
        SqlSource(postgres.connection(), sql.format(name=name)).read(reader)
    assert postgres.run(f"SELECT to_regclass('{name}')") == [(None,)]


def test_a_server_that_cannot_be_reached_may_be_later(postgres: Any, reader: Any) -> None:
    nowhere = replace(postgres, port=1, made=[])
    with pytest.raises(RoktQueryError, match=r"OperationalError: .*127\.0\.0\.1.*, port 1 failed: .*refused"):
        SqlSource(nowhere.connection(), "SELECT 1 AS n").read(reader)


def test_an_error_of_the_consumer_arrives_unchanged(postgres: Any) -> None:
    refused = RoktAuthError("refused")

    def consume(columns: Any, rows: Any) -> None:
        raise refused

    with pytest.raises(RoktAuthError) as caught:
        SqlSource(postgres.connection(), "SELECT 1 AS n").read(consume)
    assert caught.value is refused


@pytest.mark.parametrize("fails", [False, True])
def test_the_query_is_committed_once_its_rows_are_consumed(
    postgres: Any, table: Callable[..., str], fails: bool
) -> None:
    claimed = table(postgres, "id integer")
    postgres.run(
        f"CREATE FUNCTION claim_{claimed}() RETURNS integer LANGUAGE sql AS "
        f"$$ INSERT INTO {claimed} VALUES (1) RETURNING id $$"
    )

    def consume(columns: Any, rows: Any) -> None:
        if fails:
            raise RoktAuthError

    try:
        SqlSource(postgres.connection(), f"SELECT claim_{claimed}() AS id").read(consume)
    except RoktAuthError:
        assert fails
    finally:
        postgres.run(f"DROP FUNCTION claim_{claimed}()")
    assert len(postgres.run(f"SELECT * FROM {claimed}")) == (0 if fails else 1)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("extra", [{}, {"cursor": "dictcursor"}])
def test_one_connection_is_used_and_closed(postgres: Any, extra: dict[str, str], fails: bool) -> None:
    name = f"rokt_test_{uuid.uuid4().hex[:16]}"
    open_connections = f"SELECT pid FROM pg_stat_activity WHERE application_name = '{name}'"
    during = []

    def consume(columns: Any, rows: Any) -> None:
        during.append(len(postgres.run(open_connections)))
        if fails:
            raise RoktAuthError

    try:
        SqlSource(postgres.connection(application_name=name, **extra), "SELECT 1 AS n").read(consume)
    except RoktAuthError:
        assert fails
    assert during == [1]
    assert postgres.run(f"SELECT count(*) FROM ({open_connections}) AS left_open, pg_sleep(0.2)")[0] == (0,)


def test_the_connections_extra_and_the_hooks_params_hold(postgres: Any, reader: Any) -> None:
    conn_id = postgres.connection(options="-c search_path=elsewhere", sslmode="disable")
    SqlSource(conn_id, "SELECT current_setting('search_path') AS path").read(reader)
    SqlSource(
        postgres.connection(),
        "SELECT current_setting('search_path') AS path",
        hook_params={"options": "-c search_path=nowhere"},
    ).read(reader)
    assert reader.rows == [("elsewhere",), ("nowhere",)]
    with pytest.raises(RoktQueryError, match="SSL"):
        SqlSource(postgres.connection(sslmode="require"), "SELECT 1 AS n").read(reader)
