"""No word of a database's error tells what a row holds: real servers that are made to fail on a value, in many ways."""

import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.sources import SqlSource
from tests.databases.drivers import DRIVERS

# Some thousand queries, one after the other.
pytestmark = pytest.mark.slow

TYPES = (
    "integer bigint numeric real date time timestamptz interval boolean uuid inet cidr macaddr json jsonb xml money "
    "point circle int4range int[] tsquery tsvector jsonpath pg_lsn bit(3) regclass regtype regproc regrole "
    "regnamespace regconfig"
)
DUCKDB_TYPES = "integer double date time timestamp interval boolean uuid json decimal(5,2) blob int[]"
# What the rows hold; its parts, in case only some of it is repeated.
PLANTED = "PiiRFn9"
PARTS = ("PiiRFn", "piirfn")
# {v}: the value. {t}: a table with a column v of it; {t}_c: one whose constraints it breaks; {t}_f: a function of it.
POSTGRES_SQL = [
    *(f"SELECT {{v}}::{kind} AS x FROM {{t}}" for kind in (*TYPES.split(), "{t}_mood", "{t}_domain", "{t}_row")),
    *(
        f"SELECT {call} AS x FROM {{t}}"
        for call in (
            "({v} || '.b.c.d')::regclass",
            "({v} || '.b')::regclass",
            "({v} || '(')::regprocedure",
            "({v} || '(' || {v} || ')')::regprocedure",
            "('+' || {v})::regoperator",
            "({v} || '[')::regtype",
            "('{{' || {v})::int[]",
            "to_timestamp({v}, 'YYYY')",
            "to_date('2020', {v})",
            "to_number({v}, '999')",
            "set_config('timezone', {v}, false)",
            "set_config({v}, 'x', false)",
            "current_setting({v})",
            "nextval({v})",
            "has_table_privilege({v}, 'pg_class', 'select')",
            "has_table_privilege({v}, 'select')",
            "has_table_privilege('pg_class', {v})",
            "date_trunc({v}, now())",
            "date_part({v}, now())",
            "timezone({v}, now())",
            "convert_to('x', {v})",
            "encode('x', {v})",
            "decode({v}, 'hex')",
            "decode({v}, 'base64')",
            "pg_read_file({v})",
            "pg_ls_dir({v})",
            "'a' ~ ({v} || '(')",
            "regexp_replace('a', 'a', 'b', {v})",
            "'a' LIKE 'b' ESCAPE {v}",
            "to_tsvector({v}::regconfig, 'x')",
            "query_to_xml('select ' || {v}, true, true, '')",
            "query_to_xml({v}, true, true, '')",
            "format('%' || {v})",
            "format('%1$' || {v})",
            "json_populate_record(NULL::{t}_row, ('{{\"n\": \"' || {v} || '\"}}')::json)",
            "jsonb_path_query('{{}}', ('$.' || {v} || '(')::jsonpath)",
            "jsonb_set('{{}}', ARRAY['a', {v}], '1') || jsonb_set('[1]', ARRAY[{v}], '1')",
            "xpath({v} || '[', '<a/>')",
            "xmlparse(document {v})",
            "(SELECT {t}_f(v))",
            "(1 / (length({v}) - 7))",
            "(SELECT v FROM {t} UNION ALL SELECT v FROM {t})",
            "repeat({v}, 1000000000)",
        )
    ),
    "INSERT INTO {t}_c (v) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (n) SELECT length({v}) FROM {t} RETURNING v",
    "INSERT INTO {t}_c (short) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (checked) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (other) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (v, n) SELECT {v}, NULL FROM {t} RETURNING v",
    "INSERT INTO {t}_g SELECT {v} FROM {t} RETURNING v",
]
# Every field that PL/pgSQL can fill, under codes of all kinds; and the phrases that are shown, with the value in them.
RAISED = [
    "RAISE EXCEPTION '%', v",
    "RAISE NOTICE '%', v; RAISE WARNING '%', v; RAISE INFO '%', v; RAISE LOG '%', v; PERFORM v::integer",
    "RAISE EXCEPTION 'x' USING DETAIL = v, HINT = v, COLUMN = v, CONSTRAINT = v, DATATYPE = v, TABLE = v, SCHEMA = v",
    *(
        f"RAISE EXCEPTION '{text}', v USING ERRCODE = '{code}'"
        for code in ("P0001", "42P01", "42703", "22012", "22P02", "23505", "28000", "40001", "57014", "XX000", "AB123")
        for text in ('relation "%" does not exist', "no consent of %", "invalid input syntax for type %")
    ),
    "EXECUTE format('SELECT %I', v)",
    "EXECUTE v",
    "PERFORM v::integer",
]
MYSQL_SQL = [
    *(
        f"SELECT {call} AS x FROM {{t}}"
        for call in (
            "extractvalue('<a/>', concat('~', {v}))",
            "updatexml('<a/>', concat('~', {v}), 'x')",
            "'a' REGEXP concat({v}, '(')",
            "exp(length({v}) * 1000)",
            "cast({v} AS unsigned) - 18446744073709551615",
            "convert_tz(now(), {v}, 'x') + {t}_f({v})",
            "(SELECT v FROM {t} UNION ALL SELECT v FROM {t})",
            "{t}_f({v})",
        )
    ),
    "INSERT INTO {t}_c (v) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (n) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (day) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (short) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (checked) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (other) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_g SELECT {v} FROM {t} RETURNING v",
    "CALL {t}_p()",
]
SQLITE_SQL = [
    *(
        f"SELECT {call} AS x FROM {{t}}"
        for call in (
            "json({v})",
            "json_extract('{{}}', {v})",
            "json_extract('{{}}', '$[' || {v})",
            "json_set('{{}}', {v}, 1)",
            "'a' LIKE 'b' ESCAPE {v}",
            "abs(-9223372036854775807 - 1 + 0 * length({v}))",
            "zeroblob(length({v}) * 1000000000)",
        )
    ),
    "INSERT INTO {t}_c (v) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (n) SELECT length({v}) FROM {t} RETURNING v",
    "INSERT INTO {t}_c (checked) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (number) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_g SELECT {v} FROM {t} RETURNING v",
    "SELECT v FROM {t}_x WHERE {t}_x MATCH (SELECT '\"' || v FROM {t} LIMIT 1)",
]
DUCKDB_SQL = [
    *(f"SELECT {{v}}::{kind} AS x FROM {{t}}" for kind in (*DUCKDB_TYPES.split(), "{t}_mood")),
    *(
        f"SELECT {call} AS x FROM {{t}}"
        for call in (
            "error({v})",
            "error('Referenced column \"' || {v} || '\" not found in FROM clause')",
            "strptime({v}, '%Y')",
            "strftime(now(), '%' || {v})",
            "json_extract('{{}}', '$[' || {v})",
            "json({v})",
            "regexp_matches('a', {v} || '(')",
            "date_trunc({v}, now())",
            "date_part({v}, now())",
            "timezone({v}, now())",
            "unhex({v})",
            "from_base64({v})",
            "printf('%d', {v})",
            "format('{{:d}}', {v})",
            "repeat({v}, 100000000000)",
            "list_extract([1], {v}::int)",
            "nextval({v})",
        )
    ),
    "INSERT INTO {t}_c (v) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (checked) SELECT {v} FROM {t} RETURNING v",
    "INSERT INTO {t}_c (n) SELECT {v} FROM {t} RETURNING v",
]
SQL = {"postgres": POSTGRES_SQL, "mysql": MYSQL_SQL, "sqlite": SQLITE_SQL, "duckdb": DUCKDB_SQL}
TABLES = {
    "postgres": [
        "CREATE TYPE {t}_mood AS ENUM ('happy')",
        "CREATE DOMAIN {t}_domain AS text CHECK (VALUE = 'x')",
        "CREATE TYPE {t}_row AS (n integer, m integer)",
        "CREATE TABLE {t}_o (v text PRIMARY KEY)",
        "CREATE TABLE {t}_c (v text UNIQUE, n integer NOT NULL DEFAULT 1, short varchar(3), checked text CHECK "
        "(checked = 'x'), other text REFERENCES {t}_o)",
        "CREATE TABLE {t}_g (v text)",
    ],
    "mysql": [
        "CREATE TABLE {t}_o (v varchar(80) PRIMARY KEY)",
        "CREATE TABLE {t}_c (v varchar(80) UNIQUE, n integer, day date, short varchar(3), checked varchar(80) CHECK "
        "(checked = 'x'), other varchar(80) REFERENCES {t}_o (v))",
        "CREATE TABLE {t}_g (v varchar(80))",
    ],
    "sqlite": [
        "CREATE TABLE {t}_c (v text UNIQUE, n integer CHECK (n < 0), checked text CHECK (checked = 'x'), number "
        "integer CHECK (number IS NULL OR typeof(number) = 'integer'))",
        "CREATE TABLE {t}_g (v text)",
        "CREATE TRIGGER {t}_t BEFORE INSERT ON {t}_g BEGIN SELECT RAISE(ABORT, 'no consent of PiiRFn9'); END",
        "CREATE VIRTUAL TABLE {t}_x USING fts5(v)",
    ],
    "duckdb": [
        "CREATE TYPE {t}_mood AS ENUM ('happy')",
        "CREATE TABLE {t}_c (v varchar UNIQUE, n integer, checked varchar CHECK (checked = 'x'))",
    ],
}
PHRASES = [
    "no consent of PiiRFn9",
    "Unknown column 'PiiRFn9' in 'field list'",
    "Table 'PiiRFn9.PiiRFn9' doesn't exist",
    "You have an error in your SQL syntax; PiiRFn9 near 'PiiRFn9' at line 1",
    "Incorrect PiiRFn9 value: 'PiiRFn9'",
    "Access denied for user 'PiiRFn9'",
    "permission denied for PiiRFn9 PiiRFn9",
    "Syntax error: Unexpected PiiRFn9 at [1:5]",
    "function PiiRFn9(PiiRFn9) does not exist",
    "'PiiRFn9' object has no attribute 'PiiRFn9'",
]


@pytest.fixture
def planted(driver: str, hook_of: Callable[[str], Any]) -> Iterator[tuple[str, Any]]:
    """A table's name and a hook: six rows hold the value, the last two at least after a window."""
    database, name = DRIVERS[driver][0], f"rokt_foreign_{driver.replace('-', '_')}"
    # sqlite3 writes what ODBC reads.
    hook = hook_of("sqlite3" if driver == "pyodbc" else driver)
    kind = "varchar(80)" if database == "mysql" else "text"
    rows = ", ".join(f"({number}, '{PLANTED}')" for number in range(6))
    statements = [
        f"CREATE TABLE {name} (id integer, v {kind})",
        f"INSERT INTO {name} VALUES {rows}",
        *(table.format(t=name) for table in TABLES[database]),
    ]
    clear(hook, database, name)
    hook.run(statements, autocommit=database != "duckdb")
    if "_c" in " ".join(statements):
        hook.run(
            f"INSERT INTO {name}_c (v{', n' if database == 'sqlite' else ''}) VALUES ('{PLANTED}'"
            f"{', -1' if database == 'sqlite' else ''})",
            autocommit=database != "duckdb",
        )
    yield name, hook_of(driver)
    clear(hook, database, name)


def clear(hook: Any, database: str, name: str) -> None:
    if database in ("sqlite", "duckdb"):
        return  # a file of the test's own
    cascade = " CASCADE" if database == "postgres" else ""
    drop = [f"DROP TABLE IF EXISTS {name}{part}{cascade}" for part in ("_c", "_g", "_o", "")]
    if database == "postgres":
        drop += [f"DROP FUNCTION IF EXISTS {name}_f(text)", f"DROP FUNCTION IF EXISTS {name}_tf() CASCADE"]
        drop += [f"DROP TYPE IF EXISTS {name}_{kind}" for kind in ("mood", "row")] + [
            f"DROP DOMAIN IF EXISTS {name}_domain"
        ]
    else:
        drop += [f"DROP FUNCTION IF EXISTS {name}_f", f"DROP PROCEDURE IF EXISTS {name}_p"]
    hook.run(drop, autocommit=True)


def raising(database: str, name: str) -> list[list[str]]:
    """Statements that make the function, the trigger and the procedure fail, each in another way."""
    if database == "postgres":
        return [
            [
                f"CREATE OR REPLACE FUNCTION {name}_f(v text) RETURNS text LANGUAGE plpgsql AS "
                f"$$ BEGIN {body}; RETURN v; END $$",
                f"CREATE OR REPLACE FUNCTION {name}_tf() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ DECLARE v text := NEW.v; BEGIN {body}; RETURN NEW; END $$",
                f"CREATE OR REPLACE TRIGGER {name}_t BEFORE INSERT ON {name}_g "
                f"FOR EACH ROW EXECUTE FUNCTION {name}_tf()",
            ]
            for body in RAISED
        ]
    if database == "mysql":
        bodies = [
            f"SIGNAL SQLSTATE '{state}' SET MESSAGE_TEXT = '{phrase.replace(chr(39), chr(39) * 2)}'{number}"
            for state, number in (("45000", ""), ("42S02", ", MYSQL_ERRNO = 1146"), ("22012", ", MYSQL_ERRNO = 1064"))
            for phrase in PHRASES
        ]
        return [
            [
                f"DROP FUNCTION IF EXISTS {name}_f",
                f"DROP PROCEDURE IF EXISTS {name}_p",
                f"CREATE FUNCTION {name}_f(v text) RETURNS text DETERMINISTIC BEGIN {body}; RETURN v; END",
                f"CREATE PROCEDURE {name}_p() BEGIN PREPARE s FROM 'SELECT {PLANTED} FROM {PLANTED}'; EXECUTE s; END",
                f"CREATE OR REPLACE TRIGGER {name}_t BEFORE INSERT ON {name}_g FOR EACH ROW BEGIN {body}; END",
            ]
            for body in bodies
        ]
    return []


def failure(hook: Any, sql: str, said: Callable[[], str], caplog: pytest.LogCaptureFixture) -> str | None:
    """All that is said of a query that fails, logged or raised; None where it does not."""
    said()
    caplog.clear()
    try:
        SqlSource(hook, sql, fetch_size=2).read(lambda columns, rows: None)
    except RoktError as error:
        assert error.__cause__ is error.__context__ is None
        return said() + "".join(traceback.format_exception(error))
    return None


def test_no_value_is_told_by_a_cast_a_function_or_a_constraint(
    driver: str, planted: tuple[str, Any], said: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    (name, hook), database = planted, DRIVERS[driver][0]
    for statement in next(iter(raising(database, name)), []):
        hook.run(statement, autocommit=True)
    failed = 0
    for sql in SQL[database]:
        for value in ("v", "CASE id WHEN 5 THEN v END"):
            told = failure(hook, sql.format(v=value, t=name), said, caplog)
            failed += told is not None
            assert not told or not any(part in told for part in PARTS), sql
    # Some fail only on other versions, with other drivers or at once for all rows.
    assert failed > len(SQL[database]) * 0.8


def test_no_value_is_told_by_what_a_user_wrote(
    driver: str, planted: tuple[str, Any], said: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    (name, hook), database = planted, DRIVERS[driver][0]
    for statements in raising(database, name):
        for statement in statements:
            hook.run(statement, autocommit=True)
        for sql in (f"SELECT {name}_f(v) AS x FROM {name}", f"INSERT INTO {name}_g SELECT v FROM {name} RETURNING v"):
            told = failure(hook, sql, said, caplog)
            assert told and not any(part in told for part in PARTS), statements
