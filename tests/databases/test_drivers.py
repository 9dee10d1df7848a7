"""One table in every database, read through every driver, and the values that drivers stumble over."""

import json
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from typing import Any

import pytest

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.exceptions import RoktQueryError, RoktSourceError
from airflow_provider_rokt.sources import DictSource, SqlSource
from tests.databases.drivers import DRIVERS

NOW = 1_795_000_000.0
# Database -> its name of each type.
TYPES = {
    "postgres": {},
    "duckdb": {"bytea": "blob"},
    "mysql": {
        "bytea": "varbinary(32)",
        "uuid": "char(36)",
        "timestamp": "datetime",
        "double precision": "double",
        "json": "text",
    },
    # SQLite has few types: what it keeps is what is written.
    "sqlite": {"bytea": "blob", "double precision": "real", "real": "real"},
}
COLUMNS = {
    "id": "varchar(20)",
    "email": "varchar(80)",
    "place": "varchar(80)",
    "small": "integer",
    "big": "bigint",
    "amount": "numeric(10,2)",
    "ratio": "double precision",
    "share": "real",
    "agreed": "boolean",
    "born": "date",
    "at": "timestamp",
    "digest": "bytea",
    "ref": "uuid",
    "doc": "json",
    "nothing": "varchar(10)",
}
ROWS = [
    "'o-1', 'zoe@example.com', 'Köln 🚀', 7, 9007199254740993, 10.25, 0.1, 0.25, {true}, '1990-02-28', "
    "'2026-11-14 06:05:32', {bytes}, '3f9c1a2b-0000-4000-8000-000000000000', '{{\"a\": 1}}', NULL",
    "'o-2', 'b@example.com', NULL, NULL, NULL, 99.99, NULL, NULL, NULL, NULL, '2026-11-14 00:00:00', NULL, NULL, "
    "NULL, NULL",
]
# The same from Python. What drivers give of it differs: dates are text in SQLite, booleans are numbers in MySQL, a uuid
# is an object in psycopg and DuckDB. No amount ends in a zero, which SQLite would not keep.
SAME = [
    {
        "id": "o-1",
        "email": "zoe@example.com",
        "place": "Köln 🚀",
        "small": 7,
        "big": 9007199254740993,
        "amount": Decimal("10.25"),
        "ratio": 0.1,
        "share": 0.25,
        "agreed": True,
        "born": date(1990, 2, 28),
        "at": datetime(2026, 11, 14, 6, 5, 32),
        "digest": b"\xab" * 32,
        "ref": "3f9c1a2b-0000-4000-8000-000000000000",
    },
    {"id": "o-2", "email": "b@example.com", "amount": Decimal("99.99"), "at": datetime(2026, 11, 14)},
]
MAPPING = {
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "user_identities.email": "email",
    "user_identities.other": "digest",
    "user_attributes.dob": "born",
    "consent_state.ccpa.data_sale_opt_out.consented": "agreed",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.amount": "amount",
    "events[].data.custom_attributes.currency": {"literal": "EUR"},
    "user_attributes.nothing": "nothing",
    **{f"user_attributes.{name}": name for name in ("place", "small", "big", "ratio", "share", "ref")},
}


def write(hook: Any, database: str, name: str) -> None:
    types = TYPES[database]
    columns = ", ".join(f'"{column}" {types.get(kind, kind)}' for column, kind in COLUMNS.items())
    digest = "ab" * 32
    blob = {"postgres": f"'\\x{digest}'", "duckdb": f"unhex('{digest}')"}.get(database, f"x'{digest}'")
    statements = [f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} ({columns})"]
    statements += [f"INSERT INTO {name} VALUES ({row.format(true='true', bytes=blob)})" for row in ROWS]
    if database == "mysql":
        statements = [statement.replace('"', "`") for statement in statements[:2]] + statements[2:]
    hook.run(statements, autocommit=database != "duckdb")


def payload(source: SqlSource | DictSource, mapping: Any = MAPPING) -> tuple[bytes, list[Any]]:
    """The bytes of all requests, and what was refused."""
    bodies, faults, streams = [], [], []

    def consume(columns: Any, rows: Any) -> None:
        if not streams:
            plan = compile_mapping(mapping, columns, Rules(now=NOW))
            streams.append(ConversionStream(plan, now=NOW, batches_per_request=100, bulk=BULK))
        packed = streams[0].window(rows)
        bodies.extend(request.body for request in packed.requests)
        faults.extend(packed.faults)

    source.read(consume)
    bodies += [request.body for packed in streams[0].flush() for request in packed.requests]
    return b"\n".join(bodies), faults


def test_every_driver_makes_the_same_payload(driver: str, hook_of: Callable[[str], Any]) -> None:
    name = f"rokt_test_{driver.replace('-', '_')}"
    # sqlite3 writes what ODBC reads.
    writer = hook_of("sqlite3" if driver == "pyodbc" else driver)
    write(writer, DRIVERS[driver][0], name)
    try:
        body, faults = payload(SqlSource(hook_of(driver), f"SELECT * FROM {name} ORDER BY id"))
    finally:
        writer.run(f"DROP TABLE {name}", autocommit=driver != "duckdb")
    assert faults == []
    assert (body, faults) == payload(DictSource(SAME, columns=dict.fromkeys(COLUMNS, True)))
    assert len(json.loads(body)) == 2


class IsNan:
    """Equals what does not equal itself."""

    def __eq__(self, other: object) -> bool:
        return other != other

    __hash__ = None  # type: ignore[assignment]


# Driver -> expressions for a column, and what arrives of them.
POSTGRES_ODD = {
    "'infinity'::date": "infinity",
    "'-infinity'::date": "-infinity",
    "'0044-03-15 BC'::date": "0044-03-15 BC",
    "'12000-01-01'::date": "12000-01-01",
    "'24:00'::time": "24:00:00",
    "'24:00+02'::timetz": "24:00:00+02",
    "'infinity'::timestamp": "infinity",
    "'-infinity'::timestamptz": "-infinity",
    "'12000-01-01'::timestamptz": "12000-01-01 00:00:00+00",
    "'0044-03-15 10:00 BC'::timestamp": "0044-03-15 10:00:00 BC",
    "interval '170000000 years'": "170000000 years",
    "ARRAY['infinity'::date, '2026-01-02', NULL]": ["infinity", date(2026, 1, 2), None],
    "'NaN'::numeric": IsNan(),
    "'Infinity'::numeric": Decimal("Infinity"),
    "'-Infinity'::float8": float("-inf"),
    "('[' || repeat('9', 5000) || ']')::jsonb": f"[{'9' * 5000}]",
    "'2026-11-14'::date": date(2026, 11, 14),
    "'10:00:00.25'::time": clock(10, 0, 0, 250_000),
    "'2026-11-14 06:05:32.5'::timestamp": datetime(2026, 11, 14, 6, 5, 32, 500_000),
    "'2026-11-14 06:05:32+02'::timestamptz": datetime(2026, 11, 14, 4, 5, 32, tzinfo=UTC),
    "interval '1 day 02:00'": timedelta(days=1, hours=2),
    "NULL::timestamptz": None,
}


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"], indirect=True)
def test_postgres_values_that_python_has_no_type_for(driver: str, hook_of: Callable[[str], Any], reader: Any) -> None:
    columns = ", ".join(f"{expression} AS c{number}" for number, expression in enumerate(POSTGRES_ODD))
    hook = hook_of(driver)
    hook.options = "-c timezone=UTC"
    # Streamed, and by the hook's own cursor.
    for sql in (f"SELECT {columns}", f"WITH t AS (DELETE FROM pg_class WHERE false RETURNING 1) SELECT {columns}"):
        SqlSource(hook, f"SELECT {columns}").read(reader)
        assert dict(zip(POSTGRES_ODD, reader.rows[-1], strict=True)) == POSTGRES_ODD, sql


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"], indirect=True)
def test_one_infinite_date_and_one_huge_cell_cost_themselves(driver: str, hook_of: Callable[[str], Any]) -> None:
    sql = (
        "SELECT 'o-' || n AS id, 'u' || n || '@example.com' AS email, timestamp '2026-11-14 06:05:32' AS at, "
        "10.25 AS amount, CASE n WHEN 11000 THEN 'infinity'::date ELSE '1990-02-28' END AS born, "
        "CASE n WHEN 7000 THEN repeat('x', 100000000) ELSE 'Oslo' END AS place FROM generate_series(1, 12000) AS n"
    )
    wanted = ("events[]", "user_identities.email", "user_attributes.dob", "user_attributes.place")
    body, faults = payload(
        SqlSource(hook_of(driver), sql), {path: source for path, source in MAPPING.items() if path.startswith(wanted)}
    )
    accepted = body.count(b'"source_message_id"')
    assert accepted + len(faults) == 12_000
    assert {fault.row.key for fault in faults} <= {"o-7000", "o-11000"}


@pytest.mark.parametrize("driver", ["mysqlclient", "mysql-connector"], indirect=True)
def test_mysql_dates_that_are_none_are_no_nulls(
    driver: str, hook_of: Callable[[str], Any], mariadb: Any, table: Callable[..., str], reader: Any
) -> None:
    name = table(mariadb, "id int, born date, at datetime, late time")
    writer = hook_of("mysqlclient")
    insert = f"INSERT INTO {name} VALUES (1, '0000-00-00', '2026-02-00 01:02:03', '838:59:59'), (2, NULL, NULL, NULL)"
    writer.run(["SET SESSION sql_mode = ''", insert], autocommit=True)
    SqlSource(hook_of(driver), f"SELECT born, at, late FROM {name} ORDER BY id").read(reader)
    assert reader.rows == [
        ("0000-00-00", "2026-02-00 01:02:03", timedelta(hours=838, minutes=59, seconds=59)),
        (None, None, None),
    ]


@pytest.mark.parametrize("driver", ["mysqlclient", "mysql-connector"], indirect=True)
def test_mysql_text_in_another_character_set_costs_itself(
    driver: str, hook_of: Callable[[str], Any], reader: Any
) -> None:
    hook = hook_of(driver)
    hook.init_command = "SET NAMES latin1"
    # The statement is latin1 then too, and so in ASCII.
    sql = "SELECT 1 AS n, CONVERT(_utf8mb4 x'c3a9' USING utf8mb4) AS name UNION ALL SELECT 2, 'Zoe' ORDER BY n"
    SqlSource(hook, sql).read(reader)
    # Either is found invalid where it is meant for a text; the other row goes.
    assert reader.rows[0][1] in ("\udce9", b"\xe9", "é")
    assert reader.rows[1] == (2, "Zoe")


def test_duckdb_values_that_python_has_no_type_for(hook_of: Callable[[str], Any], reader: Any) -> None:
    sql = (
        "SELECT '0044-03-15 (BC)'::date AS a, '99999-01-01'::date AS b, '24:00:00'::time AS c, "
        "170141183460469231731687303715884105727::hugeint AS d"
    )
    SqlSource(hook_of("duckdb"), sql).read(reader)
    assert reader.rows == [("0044-03-15 (BC)", "99999-01-01", "24:00:00", 2**127 - 1)]


def test_a_driver_that_cannot_pass_a_value_on_says_what_to_do(
    postgres: Any, monkeypatch: pytest.MonkeyPatch, reader: Any
) -> None:
    pyodbc = pytest.importorskip("pyodbc")
    if "PostgreSQL Unicode" not in pyodbc.drivers():
        pytest.skip("no ODBC driver for PostgreSQL (the package odbc-postgresql) is installed")
    from airflow.providers.odbc.hooks.odbc import OdbcHook

    parts = {"conn_type": "odbc", "host": postgres.host, "port": postgres.port, "login": "postgres", "schema": "test"}
    monkeypatch.setenv("AIRFLOW_CONN_ROKT_ODBC", json.dumps(parts))
    hook = OdbcHook(odbc_conn_id="rokt_odbc", driver="PostgreSQL Unicode")
    sql = "SELECT n, CASE n WHEN 25 THEN time '24:00' END AS late FROM generate_series(1, 30) AS n"
    with pytest.raises(
        RoktSourceError, match=r"after 20 rows the driver cannot represent .* \(ValueError\). Select such"
    ):
        SqlSource(hook, sql, fetch_size=10).read(reader)
    assert [row[0] for row in reader.rows] == list(range(1, 21))


HANGING = {
    "postgres": "SELECT 1 AS n, pg_sleep(60)",
    "mysql": "SELECT sleep(60) AS n",
    "duckdb": "SELECT count(*) AS n FROM range(10000000) a, range(10000000) b WHERE a.range * b.range % 7 = 3",
    "sqlite": "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS n FROM n",
}


def test_a_query_that_hangs_is_cancelled_from_another_thread(driver: str, hook_of: Callable[[str], Any]) -> None:
    if driver == "pyodbc":
        pytest.skip("the ODBC driver for SQLite cannot be interrupted")
    source = SqlSource(hook_of(driver), HANGING[DRIVERS[driver][0]])
    timer = threading.Timer(1.0, source.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(RoktQueryError, match="cancelled"):
        source.read(lambda columns, rows: None)
    timer.join()
    assert 0.8 < time.monotonic() - started < 15


class Stopped(BaseException):
    """What a handler raises, as Airflow's of a timeout does."""


@pytest.mark.parametrize("raises", [False, True])
def test_a_query_that_hangs_ends_at_a_signal(driver: str, hook_of: Callable[[str], Any], raises: bool) -> None:
    """Most drivers wait in C, where Python runs no handler before they return."""
    if driver == "pyodbc":
        pytest.skip("the ODBC driver for SQLite cannot be interrupted")
    source = SqlSource(hook_of(driver), HANGING[DRIVERS[driver][0]])

    def handle(number: int, frame: object) -> None:
        if raises:
            raise Stopped
        source.cancel()

    ends: tuple[type[BaseException], ...] = (Stopped,) if raises else (RoktQueryError,)
    if driver == "duckdb":
        # It looks for signals itself now and then, and makes an interruption of what the handler raises there.
        ends = (*ends, RoktQueryError)
    before = signal.signal(signal.SIGALRM, handle)
    started = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 1.0)
        with pytest.raises(ends) as ended:
            source.read(lambda columns, rows: None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert isinstance(ended.value, Stopped) or "cancelled" in str(ended.value)
    assert time.monotonic() - started < 15
    assert signal.set_wakeup_fd(-1) == -1


def test_no_driver_is_changed_for_others(driver: str, hook_of: Callable[[str], Any]) -> None:
    hook = hook_of(driver)
    SqlSource(hook, "SELECT 1 AS n").read(lambda columns, rows: None)
    assert "get_conn" not in vars(hook)
    if driver == "psycopg":
        with pytest.raises(Exception, match="too large"):
            hook.get_first("SELECT 'infinity'::date")
    if driver == "psycopg2":
        assert hook.get_first("SELECT 'infinity'::date") == (date.max,)
