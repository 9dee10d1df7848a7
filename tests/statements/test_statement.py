"""Which semicolons separate statements, in every dialect, and what returns rows."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktSourceError
from airflow_provider_rokt.statements.dialects import dialects_of
from airflow_provider_rokt.statements.lexer import tokens
from airflow_provider_rokt.statements.statement import one_statement

CONN_TYPES = ["postgres", "mysql", "sqlite", "mssql", "oracle", "gcpbigquery", "snowflake", "databricks", "odbc", None]
ANYTHING = st.text(st.sampled_from("'\"`[]();$#-/*\\!qQeErRa1_ \né"), max_size=60)


@pytest.mark.parametrize(
    ("sql", "statement"),
    [
        ("SELECT 1", "SELECT 1"),
        ("\n SELECT 1 ;\n", "SELECT 1"),
        ("SELECT /*+ parallel(4) */ 1; -- bye;", "SELECT /*+ parallel(4) */ 1"),
        ("-- all;\nSELECT 1", "-- all;\nSELECT 1"),
        ("SELECT ';', \";\" ;;; /* ; */", "SELECT ';', \";\""),
        ("SELECT 'it''s;' -- it's;", "SELECT 'it''s;' -- it's;"),
    ],
)
@pytest.mark.parametrize("conn_type", CONN_TYPES)
def test_all_but_the_semicolon_behind_it_is_kept(conn_type: Any, sql: str, statement: str) -> None:
    assert one_statement(sql, conn_type).text == statement


ONE = {
    "postgres": [
        r"SELECT * FROM o WHERE a LIKE 'x\%' ESCAPE '\' AND id <> ';x'",
        r"SELECT 'C:\'||id, ';' FROM o",
        "SELECT $$ a;b $$, $tag$ $$;'; $tag$",
        "SELECT /* a /* ; */ ; */ 1",
        r"SELECT E'it\';s', e'\\', ';'",
        "SELECT data #> '{a}', ';'",
        "SELECT a[1], ARRAY['];'] FROM o",
        "SELECT a$$b FROM o",
    ],
    "sqlite": [r"SELECT 'C:\'||id, ';' FROM o", "SELECT `a;b`, [c;d] FROM o"],
    "mysql": [
        "SELECT 1 #a;b\n, 2",
        r"SELECT 'it\';s', " + r'"say \";\""',
        "SELECT `a;``b` FROM o",
        "SELECT /* a /* ; */ 1",
        "SELECT 1 -- a;b",
        "SELECT 'a' /* ' */, ';'",
    ],
    "mssql": ["SELECT [a;]]b;] FROM #t -- ;", "SELECT /* /* ; */ ; */ 1", r"SELECT 'C:\', ';'"],
    "oracle": ["SELECT q'[it's;]', Q'!;'!', nq'{;'}' FROM dual", r"SELECT 'C:\', ';' FROM v$session"],
    "gcpbigquery": [
        "SELECT '''it's; ''a''', \"\"\"say \";\" \"\"\"",
        r"SELECT r'\';', b'\';'",
        "SELECT 1 # ;",
        r"SELECT 1 FROM `a;b`",
    ],
    "snowflake": [r"SELECT 'it\';s'", "SELECT $$ it's; $$ // ;"],
    "databricks": [r"SELECT r'C:\', ';'", r"SELECT 'it\';s', `a;b`"],
    "odbc": [r"SELECT 'C:\', ';'", r"SELECT 'it\';s'", "SELECT [a;b]", "SELECT `a;b`", "SELECT $$ ; $$"],
}


@pytest.mark.parametrize(("conn_type", "sql"), [(kind, sql) for kind, texts in ONE.items() for sql in texts])
def test_a_semicolon_in_a_string_a_name_or_a_comment_is_none(conn_type: str, sql: str) -> None:
    assert one_statement(sql, conn_type).text == sql
    assert one_statement(f"{sql}\n;", conn_type).text == sql


@pytest.mark.parametrize(
    ("conn_type", "sql"),
    [
        ("postgres", r"SELECT 'it\'; DELETE FROM o"),
        ("postgres", "SELECT 1 #a;b"),
        ("postgres", "SELECT `a;b`"),
        ("mysql", "SELECT 5--1; SELECT 2"),
        ("mysql", "SELECT $$ a; b $$"),
        ("mysql", "/*! SELECT 1 */; SELECT 2"),
        ("mysql", "SELECT /* /* */ 1; SELECT */ 2"),
        ("sqlite", "SELECT 1 -- \n; SELECT 2"),
        ("odbc", "SELECT 1; SELECT 2"),
    ],
)
def test_two_statements_are_seen(conn_type: str, sql: str) -> None:
    with pytest.raises(RoktSourceError, match="sql holds 2 statements: give one"):
        one_statement(sql, conn_type)


@pytest.mark.parametrize("conn_type", CONN_TYPES)
@given(sql=ANYTHING)
def test_the_tokens_are_the_text(conn_type: Any, sql: str) -> None:
    for dialect in dialects_of(conn_type):
        assert "".join(value for _, value in tokens(sql, dialect)) == sql


@given(value=st.text(st.sampled_from('a;-#/*$"`[]\\ \n'), max_size=20))
def test_a_doubled_string_hides_all_it_holds(value: str) -> None:
    for conn_type, written in (("postgres", value), ("sqlite", value), ("mysql", value.replace("\\", "\\\\"))):
        sql = f"SELECT '{written}', 2"
        assert one_statement(f"{sql};", conn_type).text == sql


@pytest.mark.parametrize("piece", ["'", '"', "$a$", "/*", "q'a ", "''' ", "\\'", "[", "$", "--", "a, ", "a.b-1 ", "E'"])
@pytest.mark.parametrize("conn_type", ["postgres", "mysql", "oracle", "gcpbigquery", "databricks"])
def test_time_grows_with_the_length_only(conn_type: str, piece: str) -> None:
    def seconds(times: int) -> float:
        [dialect], started = dialects_of(conn_type), time.process_time()
        for _ in tokens("SELECT " + piece * times, dialect):
            pass
        return time.process_time() - started

    # Sixteen times the text would take 256 times as long, were it quadratic.
    assert seconds(80_000) < 50 * max(seconds(5_000), 0.005)


def test_a_statement_may_be_long() -> None:
    sql = f"SELECT * FROM orders WHERE id IN ({', '.join(map(str, range(20_000)))})"
    assert one_statement(sql + ";", "sqlite").text == sql


@pytest.mark.parametrize(
    ("conn_type", "sql", "named"),
    [
        ("postgres", "create table zz (a int)", "CREATE"),
        ("postgres", "/* x */ DELETE FROM o", "DELETE"),
        ("postgres", "WITH a AS (SELECT 1) UPDATE o SET a = 1", "UPDATE"),
        ("postgres", "WITH a AS (INSERT INTO o VALUES (1) RETURNING id) DELETE FROM o", "DELETE"),
        ("postgres", "MERGE INTO o USING p ON true WHEN MATCHED THEN DELETE", "MERGE"),
        ("postgres", "INSERT INTO o SELECT 'returning', \"returning\" -- returning", "INSERT"),
        ("postgres", "SELECT * INTO p FROM o", "SELECT INTO"),
        ("mysql", "SET @a = (SELECT 1)", "SET"),
        ("mysql", "REPLACE INTO o VALUES (1)", "REPLACE"),
        ("mssql", "CREATE TABLE #t (a int)", "CREATE"),
        ("mssql", "UPDATE o SET a = 1", "UPDATE"),
        ("odbc", "DROP TABLE o", "DROP"),
        ("postgres", "EXPLAIN ANALYZE DELETE FROM o", "EXPLAIN of DELETE"),
        ("postgres", "explain (analyze, costs off) with a as (select 1) update o set b = 1", "EXPLAIN of UPDATE"),
        ("postgres", "EXPLAIN ANALYZE CREATE TABLE p AS SELECT 1", "EXPLAIN of CREATE"),
        ("postgres", "ANALYZE o", "ANALYZE"),
        ("postgres", "CHECKPOINT", "CHECKPOINT"),
        ("mysql", "ANALYZE FORMAT=JSON DELETE FROM o", "ANALYZE of DELETE"),
        ("mysql", "OPTIMIZE TABLE o", "OPTIMIZE"),
        ("mysql", "FLUSH TABLES", "FLUSH"),
        ("mysql", "KILL 5", "KILL"),
        ("mysql", "SHUTDOWN", "SHUTDOWN"),
        ("mysql", "SELECT replace(a, 'b', 'c') INTO @a FROM o", "SELECT INTO"),
        ("sqlite", "PRAGMA user_version = 5", "PRAGMA"),
        ("sqlite", "PRAGMA main.user_version=5", "PRAGMA"),
        ("sqlite", "PRAGMA user_version(5)", "PRAGMA"),
        ("sqlite", "PRAGMA optimize", "PRAGMA"),
        ("duckdb", "EXPORT DATABASE 'x'", "EXPORT"),
        ("duckdb", "IMPORT DATABASE 'x'", "IMPORT"),
        ("snowflake", "UNDROP TABLE o", "UNDROP"),
    ],
)
def test_what_returns_no_rows_is_refused(conn_type: str, sql: str, named: str) -> None:
    with pytest.raises(RoktSourceError, match=f"sql is an? {named} statement, which returns no rows .* was not run"):
        one_statement(sql, conn_type)


RUNS_ON = ["odbc", "jdbc", "mssql", "new_database", None]


@pytest.mark.parametrize("conn_type", RUNS_ON)
@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("SELECT a INTO zz FROM o", "SELECT INTO"),
        ("SELECT replace(a, 'b', 'c') INTO zz FROM o UNION ALL SELECT a FROM p", "SELECT INTO"),
        ("WITH x AS (SELECT 1 a) SELECT a INTO #zz FROM x", "SELECT INTO"),
        ("CREATE TABLE zz AS SELECT 1", "CREATE"),
        ("CREATE TABLE zz (a) WITH (x = 1) AS SELECT 1", "CREATE"),
        ("CREATE TABLE zz SELECT 1", "CREATE"),
        ("CREATE TABLE zz AS WITH x AS (SELECT 1) SELECT * FROM x UNION SELECT 2", "CREATE"),
        ("CREATE VIEW v (a) AS SELECT 1", "CREATE"),
        ("CREATE TABLE #t (a int) INSERT INTO #t (a) SELECT 1", "CREATE"),
        ("ALTER VIEW v AS SELECT 1", "ALTER"),
        ("CREATE TRIGGER t ON o AFTER INSERT, UPDATE AS SELECT 1", "CREATE"),
        ("CREATE PROCEDURE p WITH EXECUTE AS OWNER AS EXEC q SELECT 1", "CREATE"),
        ("INSERT INTO o SELECT a FROM p", "INSERT"),
        ("INSERT INTO o (a) SELECT a FROM p UNION ALL SELECT b FROM q", "INSERT"),
        ("INSERT INTO o EXEC p", "INSERT"),
        ("INSERT INTO o OUTPUT inserted.a INTO @t SELECT 1", "INSERT"),
        ("WITH x AS (SELECT 1) INSERT INTO o SELECT * FROM x", "INSERT"),
        ("REPLACE INTO o SELECT 1", "REPLACE"),
        ("UPDATE o SET a = 1 FROM (SELECT 1) p", "UPDATE"),
        ("DELETE FROM o OUTPUT deleted.a INTO p", "DELETE"),
        ("MERGE INTO o USING p ON 1 = 1 WHEN NOT MATCHED THEN INSERT (a) VALUES (1)", "MERGE"),
        ("GRANT SELECT, INSERT ON o TO u", "GRANT"),
        ("DENY EXECUTE ON p TO u", "DENY"),
        ("DECLARE c CURSOR FOR SELECT 1", "DECLARE"),
        ("DECLARE @t TABLE (a int) INSERT INTO @t SELECT 1", "DECLARE"),
        ("EXPLAIN ANALYZE INSERT INTO o SELECT 1", "EXPLAIN of INSERT"),
    ],
)
def test_what_an_unknown_database_may_write_is_refused(conn_type: str | None, sql: str, named: str) -> None:
    with pytest.raises(RoktSourceError, match=f"sql is an? {named} statement, which returns no rows .* was not run"):
        one_statement(sql, conn_type)


@pytest.mark.parametrize("conn_type", RUNS_ON)
@pytest.mark.parametrize(
    "sql",
    [
        "SELECT o.into, a AS into, @into FROM o",
        "(SELECT 1) UNION (SELECT 2)",
        "WITH x AS (SELECT 1) (SELECT * FROM x)",
        "DECLARE @x int = 5 SELECT @x",
        "DECLARE @t TABLE (a int) INSERT INTO @t SELECT 1 SELECT a FROM @t",
        "SET NOCOUNT ON SELECT a FROM o",
        "SET NOCOUNT ON EXEC p",
        "SET NOCOUNT ON SELECT a AS into FROM o",
        "USE db SELECT 1",
        "EXEC p 1",
        "BEGIN SELECT 1 END",
        "IF EXISTS (SELECT 1 FROM o) SELECT a INTO p FROM o",
        "CREATE TABLE #t (a int) INSERT INTO #t SELECT a FROM o SELECT a AS b FROM #t",
        "CREATE TABLE #t (a int) SELECT a FROM #t",
        "SELECT a INTO #t FROM o SELECT a FROM #t DROP TABLE #t",
        "INSERT INTO o VALUES (1) SELECT SCOPE_IDENTITY() a",
        "INSERT INTO o EXEC p SELECT * FROM o",
        "INSERT INTO o (a) OUTPUT inserted.a SELECT 1",
        "INSERT INTO o VALUES (1) RETURNING a",
        "UPDATE o SET a = 1 SELECT @@ROWCOUNT a",
        "MERGE INTO o USING p ON 1 = 1 WHEN MATCHED THEN DELETE OUTPUT deleted.a",
        "DECLARE c CURSOR FOR SELECT a FROM o OPEN c FETCH NEXT FROM c",
        "SET STATEMENT max_statement_time = 1 FOR SELECT 1",
        "EXPLAIN SELECT 1",
    ],
)
def test_what_may_give_rows_is_run(conn_type: str | None, sql: str) -> None:
    assert one_statement(sql, conn_type).text == sql


@pytest.mark.parametrize(
    ("conn_type", "sql", "is_query"),
    [
        ("postgres", "SELECT 1 FOR UPDATE", True),
        ("postgres", "(SELECT 1) UNION (SELECT 2)", True),
        ("postgres", "WITH a(b) AS MATERIALIZED (SELECT 1) SELECT * FROM a", True),
        ("postgres", "VALUES (1)", True),
        ("postgres", "TABLE o", True),
        ("postgres", "SELECT 'delete', \"delete\" FROM o -- (delete", True),
        ("duckdb", "FROM o", True),
        ("postgres", "WITH a AS (DELETE FROM o RETURNING *) SELECT * FROM a", False),
        ("postgres", "WITH a AS (WITH b AS (SELECT 1) DELETE FROM o RETURNING *) SELECT * FROM a", False),
        ("postgres", "SELECT lower(replace(email, ' ', '')) AS email FROM o", True),
        (
            "postgres",
            "SELECT coalesce(replace(a, 'b', 'c'), 'x'), (replace (a, 'b', 'c')) FROM o",
            True,
        ),
        ("postgres", "SELECT now() update, count(*) delete, (update), (SELECT 1) merge FROM o", True),
        ("postgres", "SELECT * FROM json_to_record('{}') AS (delete int, b text)", True),
        ("postgres", "SELECT * FROM f() AS x(update int), lateral (replace(a, 'b', 'c')) y", True),
        ("postgres", "WITH a AS (SELECT replace(b, 'c', 'd') FROM o) SELECT (replace(b, 'c', 'd')) FROM a", True),
        ("postgres", "WITH a AS (SELECT now() update), b AS ((SELECT 1) EXCEPT (SELECT 2)) SELECT * FROM a, b", True),
        ("postgres", "WITH update AS (SELECT 1), delete(merge) AS (SELECT 2) SELECT * FROM update, delete", True),
        ("postgres", "WITH a AS (WITH delete AS (SELECT 1) SELECT * FROM delete) (SELECT * FROM a)", True),
        ("postgres", "(WITH a AS (SELECT 1) SELECT * FROM a) UNION SELECT 2", True),
        ("duckdb", "SELECT * EXCLUDE (a) REPLACE (lower(b) AS b) FROM o", True),
        ("duckdb", "WITH a AS (FROM o SELECT * REPLACE (1 AS b)) FROM a", True),
        ("postgres", "with a as not materialized (delete from o returning *) table a", False),
        (
            "postgres",
            "WITH RECURSIVE a(x) AS MATERIALIZED (/**/ INSERT INTO o VALUES (1) RETURNING 1) TABLE o",
            False,
        ),
        (
            "postgres",
            'WITH b AS (SELECT 1), "A" AS (MERGE INTO o USING b ON a RETURNING *) SELECT * FROM "A"',
            False,
        ),
        ("postgres", "(WITH a AS (UPDATE ONLY o SET b = 1 RETURNING *) SELECT * FROM a)", False),
        ("postgres", "WITH a AS (WITH b AS (DELETE FROM o RETURNING *) SELECT * FROM b) SELECT * FROM a", False),
        ("postgres", "INSERT INTO o VALUES (1) RETURNING id", False),
        ("postgres", "SHOW server_version", False),
        ("postgres", "EXPLAIN SELECT 1", False),
        ("postgres", "CALL p()", False),
        ("mysql", "SET STATEMENT max_statement_time = 1 FOR SELECT 1", False),
        ("mssql", "SET NOCOUNT ON SELECT 1", False),
        ("mssql", "DELETE FROM o OUTPUT deleted.id", False),
        ("sqlite", "PRAGMA table_info(o)", False),
        ("sqlite", "PRAGMA integrity_check(1)", False),
        ("postgres", "EXPLAIN ANALYZE SELECT 1", False),
        ("postgres", "EXPLAIN DELETE FROM o", False),
        ("mysql", "ANALYZE SELECT 1", False),
        ("postgres", "SELECT o.into, 1 AS into FROM o", True),
        ("sqlite", "SELEC 1", False),
    ],
)
def test_what_returns_rows_is_told_from_a_mere_query(conn_type: str, sql: str, is_query: bool) -> None:
    assert one_statement(sql, conn_type).is_query is is_query
