"""Rows from SQLite, whose driver has no server-side cursor, and from Python."""

import json
import logging
import signal
import socket
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException, BaseHook
from airflow.providers.sqlite.hooks.sqlite import SqliteHook
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DataError

from airflow_provider_rokt.events.values import BadValue
from airflow_provider_rokt.events.values import text as normalised_text
from airflow_provider_rokt.exceptions import RoktAuthError, RoktIncompleteError, RoktQueryError, RoktSourceError
from airflow_provider_rokt.sources import DictSource, SqlSource
from airflow_provider_rokt.sources.query_error import query_error

CONN_ID = "shop"
PERSON = "jane"
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) AS x FROM n"
ORDERS = [(1, "a@example.com"), (2, None), (3, "it's; 100%"), (4, ""), (5, "é")]


class Error(Exception):
    """What a driver's errors derive from."""


class PostgresError(Error):
    """Has the attributes that PostgreSQL's drivers give their errors."""

    def __init__(self, text: str, **attributes: object) -> None:
        super().__init__(text)
        vars(self).update(attributes)


def refuse(value: object) -> None:
    raise TypeError(f"cannot take {value}, sorry")


def raised(raises: Callable[[], object]) -> Exception:
    """An error with its traceback."""
    try:
        raises()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


class Reader:
    """Keeps every window it is given."""

    def __init__(self) -> None:
        self.windows: list[tuple[tuple[str, ...], list[tuple[object, ...]]]] = []

    def __call__(self, columns: tuple[str, ...], rows: list[Sequence[object]]) -> None:
        self.windows.append((columns, [tuple(row) for row in rows]))

    @property
    def rows(self) -> list[tuple[object, ...]]:
        return [row for _, rows in self.windows for row in rows]


def read(source: SqlSource | DictSource) -> Reader:
    reader = Reader()
    source.read(reader)
    return reader


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE orders (id INTEGER, email TEXT)")
        connection.executemany("INSERT INTO orders VALUES (?, ?)", ORDERS)
    connection.close()
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    return path


def orders_in(path: Path) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT count(*) FROM orders").fetchone()[0]
    connection.close()
    return int(found)


@pytest.mark.usefixtures("database")
class TestSqlSource:
    """A query's rows, by way of the hook's own cursor."""

    @pytest.mark.parametrize(("fetch_size", "sizes"), [(1, [1, 1, 1, 1, 1]), (2, [2, 2, 1]), (5, [5]), (5000, [5])])
    def test_hands_over_windows_of_at_most_fetch_size_rows(self, fetch_size: int, sizes: list[int]) -> None:
        reader = read(SqlSource(CONN_ID, "SELECT id, email FROM orders ORDER BY id", fetch_size=fetch_size))
        assert [len(rows) for _, rows in reader.windows] == sizes
        assert {columns for columns, _ in reader.windows} == {("id", "email")}
        assert reader.rows == ORDERS

    def test_an_empty_result_shows_its_columns_once(self) -> None:
        reader = read(SqlSource(CONN_ID, "SELECT id, email AS mail FROM orders WHERE id > 5"))
        assert reader.windows == [(("id", "mail"), [])]

    def test_takes_a_hook_instead_of_a_connection_id(self) -> None:
        assert read(SqlSource(SqliteHook(CONN_ID), "SELECT id, email FROM orders")).rows == ORDERS

    @pytest.mark.parametrize(
        ("where", "parameters"),
        [
            ("id = ?", (3,)),
            ("id = ?", [3]),
            ("id = :id", {"id": 3}),
            ("email LIKE 'it%'", None),
            ("email = 'it''s; 100%' -- it's;\n;", None),
            ("id = 3; -- the end;", ()),
            ("id = 3 /* ; */ ;;\n", {}),
        ],
    )
    def test_parameters_quotes_and_comments(self, where: str, parameters: Any) -> None:
        assert read(SqlSource(CONN_ID, f"SELECT * FROM orders WHERE {where}", parameters)).rows == [ORDERS[2]]

    def test_reads_in_the_calling_thread(self) -> None:
        threads = []
        SqlSource(CONN_ID, "SELECT 1 AS x").read(lambda columns, rows: threads.append(threading.get_ident()))
        assert threads == [threading.get_ident()]

    @pytest.mark.parametrize(
        ("sql", "found"),
        [
            ("DELETE FROM orders; SELECT 1", "2 statements"),
            ("DELETE FROM orders;; SELECT ';'; -- ;", "2 statements"),
            (["DELETE FROM orders"], "list"),
            ("", "no statement"),
            (" ;\n-- nothing; at all\n", "no statement"),
            (None, "NoneType"),
        ],
    )
    def test_anything_but_one_statement_is_refused_before_it_runs(self, sql: Any, found: str, database: Path) -> None:
        with pytest.raises(RoktSourceError, match=found):
            SqlSource(CONN_ID, sql).read(Reader())
        assert orders_in(database) == len(ORDERS)

    def test_a_statement_without_a_result_is_refused_and_not_committed(self, database: Path) -> None:
        with pytest.raises(RoktSourceError, match="SELECT"):
            SqlSource(CONN_ID, "DELETE FROM orders").read(Reader())
        assert orders_in(database) == len(ORDERS)

    @pytest.mark.parametrize("sql", ["CREATE TABLE zz (a int)", "DROP TABLE orders", "UPDATE orders SET id = 7"])
    def test_what_returns_nothing_is_refused_before_it_runs(self, sql: str, database: Path) -> None:
        with pytest.raises(RoktSourceError, match="and was not run: give a SELECT"):
            SqlSource(CONN_ID, sql).read(Reader())
        assert orders_in(database) == len(ORDERS)

    def test_what_changes_and_returns_rows_is_read_and_committed(self, database: Path) -> None:
        reader = read(SqlSource(CONN_ID, "DELETE FROM orders WHERE id > 2 RETURNING id"))
        assert reader.rows == [(3,), (4,), (5,)]
        assert orders_in(database) == 2

    @pytest.mark.parametrize(
        ("sql", "parameters", "says"),
        [
            ("SELECT * FROM orders WHERE id = ?", [1, 2], "Incorrect number of bindings supplied"),
            ("SELECT * FROM orders WHERE id = :id", {"secret": 1}, "did not supply a value for binding parameter :id"),
            ("SELECT * FROM orders WHERE id = ?", [object], "Error binding parameter 1: type 'type' is not supported"),
        ],
    )
    def test_what_a_driver_says_before_it_asks_the_database_is_shown(
        self, sql: str, parameters: Any, says: str
    ) -> None:
        with pytest.raises(RoktQueryError, match=f"sqlite3.ProgrammingError: .*{says}"):
            SqlSource(CONN_ID, sql, parameters).read(Reader())

    def test_a_parameter_is_never_shown(self) -> None:
        with pytest.raises(RoktQueryError) as caught:
            SqlSource(FailingHook(CONN_ID), "SELECT 1 WHERE 'x' = ?", ["jane-secret"]).read(Reader())
        assert "unsupported parameter …" in str(caught.value)

    def test_long_column_names_are_cut(self) -> None:
        name = "x" * 20_000
        for sql in (f"SELECT 1 AS {name}, 2 AS {name}", f"SELECT {name} FROM orders"):
            with pytest.raises(RoktSourceError) as caught:
                SqlSource(CONN_ID, sql).read(Reader())
            assert len(str(caught.value)) < 600

    @pytest.mark.parametrize("url", ["smtp://host", "nosuchtype://host", "sqlite:///nosuch/shop.db"])
    def test_long_ids_of_connections_are_cut(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        name = "x" * 240  # Airflow 2.11 takes 250
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", url)
        with pytest.raises(RoktSourceError) as caught:
            SqlSource(name, "SELECT 1").read(Reader())
        assert "x" * 20 in str(caught.value)
        assert "x" * 100 not in str(caught.value)

    @pytest.mark.parametrize("early", [False, True])
    def test_a_query_is_cancelled_from_another_thread(self, early: bool) -> None:
        source = SqlSource(CONN_ID, ENDLESS)
        timer = threading.Timer(0.3, source.cancel)
        source.cancel() if early else timer.start()
        started = time.monotonic()
        with pytest.raises(RoktQueryError, match="cancelled"):
            source.read(Reader())
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize("connected", [False, True])
    def test_a_query_that_had_not_begun_is_cancelled_too(self, connected: bool) -> None:
        class LateHook(SqliteHook):
            supports_autocommit = True

            def get_conn(self) -> Any:
                if not connected:
                    source.cancel()
                return super().get_conn()

            def set_autocommit(self, conn: Any, autocommit: bool) -> None:
                source.cancel()
                # The database is told, and has nothing to end.
                time.sleep(0.2)

        source = SqlSource(LateHook(CONN_ID), ENDLESS)
        started = time.monotonic()
        with pytest.raises(RoktQueryError, match="cancelled"):
            source.read(Reader())
        assert time.monotonic() - started < 5

    def test_a_cancelled_source_hands_no_more_windows_over(self) -> None:
        source = SqlSource(CONN_ID, "SELECT id FROM orders", fetch_size=2)
        windows = []

        def consume(columns: tuple[str, ...], rows: list[Sequence[object]]) -> None:
            windows.append(len(rows))
            source.cancel()

        with pytest.raises(RoktQueryError, match="cancelled"):
            source.read(consume)
        assert windows == [2]

    def test_a_signal_while_rows_are_consumed_ends_no_query(self) -> None:
        handled = []
        before = signal.signal(signal.SIGTERM, lambda number, frame: handled.append(number))
        reader = Reader()

        def consume(columns: tuple[str, ...], rows: list[Sequence[object]]) -> None:
            signal.raise_signal(signal.SIGTERM)
            time.sleep(0.05)
            reader(columns, rows)

        try:
            SqlSource(CONN_ID, "SELECT id, email FROM orders", fetch_size=2).read(consume)
        finally:
            signal.signal(signal.SIGTERM, before)
        assert reader.rows == ORDERS and handled == [signal.SIGTERM] * 3

    def test_a_wakeup_file_of_somebody_elses_is_left_alone(self) -> None:
        near, far = socket.socketpair()
        with near, far:
            far.setblocking(False)
            signal.set_wakeup_fd(far.fileno())
            try:
                read(SqlSource(CONN_ID, "SELECT 1 AS x"))
            finally:
                assert signal.set_wakeup_fd(-1) == far.fileno()

    def test_the_users_hook_stays_as_it_is(self) -> None:
        hook = SqliteHook(CONN_ID)
        before = dict(vars(hook))
        read(SqlSource(hook, "SELECT 1 AS x"))
        assert "get_conn" not in vars(hook) and before.keys() == vars(hook).keys() - {"_connection", "descriptions"} | (
            before.keys() & {"_connection", "descriptions"}
        )
        assert sqlite3.connect(":memory:").text_factory is str

    def test_columns_of_one_name_are_refused(self) -> None:
        reader = Reader()
        with pytest.raises(RoktSourceError, match="columns named id, email: give each"):
            SqlSource(CONN_ID, "SELECT a.*, b.*, 1 AS x FROM orders a, orders b").read(reader)
        assert reader.windows == []

    @pytest.mark.parametrize(
        ("sql", "says"),
        [
            ("SELECT * FROM missing", "no such table: missing"),
            ("SELEC 1", 'near "SELEC": syntax error'),
            ("SELECT emial FROM orders", "no such column: emial"),
        ],
    )
    def test_what_the_database_says_of_a_wrong_query_is_kept(self, sql: str, says: str) -> None:
        with pytest.raises(RoktQueryError) as caught:
            SqlSource(CONN_ID, sql).read(Reader())
        assert str(caught.value) == f"connection 'shop': the query failed with sqlite3.OperationalError: {says}"
        assert caught.value.retryable
        assert caught.value.__cause__ is caught.value.__context__ is None

    @pytest.mark.parametrize("fetch_size", [1, 10])
    def test_text_that_is_not_utf_8_costs_itself_only(self, fetch_size: int, database: Path) -> None:
        connection = sqlite3.connect(database)
        connection.execute("INSERT INTO orders VALUES (0, CAST(x'6a616e65ff' AS TEXT))")
        connection.commit()
        connection.close()
        found = read(SqlSource(CONN_ID, "SELECT id, email FROM orders ORDER BY id", fetch_size=fetch_size)).rows
        assert found == [(0, "jane\udcff"), *ORDERS]
        with pytest.raises(BadValue, match="not valid Unicode"):
            normalised_text(found[0][1])

    @pytest.mark.parametrize("hook", ["SqliteHook", "WrappingHook"])
    def test_no_error_of_the_database_shows_a_value(self, hook: str, database: Path) -> None:
        connection = sqlite3.connect(database)
        connection.execute("CREATE TABLE log (email TEXT)")
        connection.execute(
            "CREATE TRIGGER guard BEFORE INSERT ON log BEGIN SELECT RAISE(ABORT, 'no consent of jane secret'); END"
        )
        connection.commit()
        connection.close()
        source = SqlSource(globals()[hook](CONN_ID), "INSERT INTO log SELECT email FROM orders RETURNING email")
        with pytest.raises(RoktQueryError) as caught:
            source.read(Reader())
        said = "".join(traceback.format_exception(caught.value))
        assert f"{hook}: the query failed with sqlite3.IntegrityError (SQLITE_CONSTRAINT_TRIGGER): … (" in said
        assert "secret" not in said and "jane" not in said
        assert caught.value.__cause__ is caught.value.__context__ is None

    def test_a_database_that_cannot_be_reached_may_be_later(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": "/nosuch/shop.db"}))
        with pytest.raises(RoktQueryError, match=r"'shop'.*unable to open database file"):
            SqlSource(CONN_ID, "SELECT 1").read(Reader())

    @pytest.mark.parametrize("wraps", [False, True])
    def test_an_error_of_the_consumer_arrives_unchanged(self, wraps: bool) -> None:
        refused = RoktAuthError("refused")

        def consume(columns: tuple[str, ...], rows: list[Sequence[object]]) -> None:
            raise refused

        hook = WrappingHook(CONN_ID) if wraps else SqliteHook(CONN_ID)
        with pytest.raises(RoktAuthError) as caught:
            SqlSource(hook, "SELECT id FROM orders", fetch_size=2).read(consume)
        assert caught.value is refused
        assert refused.__cause__ is refused.__context__ is None

    @pytest.mark.parametrize("wraps", [False, True])
    def test_so_does_one_of_a_kind_that_a_driver_raises_too(self, wraps: bool) -> None:
        full = sqlite3.OperationalError("database or disk is full")

        def consume(columns: tuple[str, ...], rows: list[Sequence[object]]) -> None:
            raise full

        hook = WrappingHook(CONN_ID) if wraps else SqliteHook(CONN_ID)
        with pytest.raises(sqlite3.OperationalError) as caught:
            SqlSource(hook, "SELECT id FROM orders").read(consume)
        assert caught.value is full

    def test_an_own_error_arrives_unchanged_through_a_hook_that_wraps(self) -> None:
        with pytest.raises(RoktSourceError, match="columns named id"):
            SqlSource(WrappingHook(CONN_ID), "SELECT id, id FROM orders").read(Reader())

    @pytest.mark.parametrize("parameters", [5, "u1@example.com", b"u1@example.com", "", {3}, iter([3])])
    def test_other_parameters_are_refused(self, parameters: Any) -> None:
        with pytest.raises(RoktSourceError, match=f"parameters is a {type(parameters).__name__}: .*list") as caught:
            SqlSource(CONN_ID, "SELECT * FROM orders WHERE id = ?", parameters)
        assert "u1" not in str(caught.value)

    def test_nothing_is_read_after_the_consumer_failed(self) -> None:
        calls = []

        def consume(columns: tuple[str, ...], rows: list[Sequence[object]]) -> None:
            calls.append(len(rows))
            raise RoktAuthError

        with pytest.raises(RoktAuthError):
            SqlSource(CONN_ID, "SELECT id FROM orders", fetch_size=2).read(consume)
        assert calls == [2]

    @pytest.mark.parametrize("engine", [TypeError("cursor"), SimpleNamespace()])
    def test_an_engine_that_cannot_be_used_is_done_without(self, engine: Any, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        assert read(SqlSource(UnstreamableHook(CONN_ID, engine=engine), "SELECT * FROM orders")).rows == ORDERS
        assert "own cursor" in caplog.text

    def test_rows_that_are_dicts_are_read_by_position(self) -> None:
        assert read(SqlSource(DictRowHook(CONN_ID), "SELECT * FROM orders", fetch_size=2)).rows == ORDERS

    @pytest.mark.parametrize(("seconds", "warnings"), [(-1.0, 1), (3600.0, 0)])
    def test_a_slow_consumer_on_mysql_is_warned_of_once(
        self, seconds: float, warnings: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Impatient(SqlSource):
            slow_window_seconds = seconds

        read(Impatient(MysqlLikeHook(CONN_ID), "SELECT * FROM orders", fetch_size=1))
        read(Impatient(SqliteHook(CONN_ID), "SELECT * FROM orders", fetch_size=1))
        assert caplog.text.count("net_write_timeout (60 s") == warnings


class TestConnection:
    """A connection that cannot be read from."""

    def test_that_is_missing(self) -> None:
        with pytest.raises(AirflowNotFoundException, match="nowhere"):
            SqlSource("nowhere", "SELECT 1").read(Reader())
        with pytest.raises(AirflowNotFoundException, match="nowhere"):
            SqlSource(SqliteHook("nowhere"), "SELECT 1").read(Reader())

    def test_of_a_type_without_a_hook(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_PLAIN", "generic://host")
        with pytest.raises(RoktSourceError, match=r"'plain' of type 'generic' gives no hook \(the type has none\)"):
            SqlSource("plain", "SELECT 1").read(Reader())

    def test_of_a_type_nobody_provides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_ODD", "nosuchtype://host")
        with pytest.raises(RoktSourceError, match=r"'odd' of type 'nosuchtype' .*SQL connection"):
            SqlSource("odd", "SELECT 1").read(Reader())

    def test_of_a_type_that_runs_no_sql(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_POST", "smtp://host")
        with pytest.raises(RoktSourceError, match=r"'post' gives a SmtpHook, which runs no SQL"):
            SqlSource("post", "SELECT 1").read(Reader())

    def test_or_a_hook_that_runs_no_sql(self) -> None:
        with pytest.raises(RoktSourceError, match="BaseHook, which runs no SQL"):
            SqlSource(BaseHook(), "SELECT 1").read(Reader())  # type: ignore[arg-type]


def odbc_error(*args: str) -> Exception:
    """An error as pyodbc raises it; what a server said has a SQLSTATE before its text."""
    kind = type("ProgrammingError", (Error,), {"__module__": "pyodbc"})
    return kind(*args)


class TestQueryError:
    """What is repeated of a driver's words."""

    @staticmethod
    def said(text: str, sql: str | None) -> str:
        return str(query_error(ValueError(text), "x", sql)).removeprefix("x: the query failed with ValueError: ")

    @pytest.mark.parametrize(
        ("text", "kept"),
        [
            ('relation "ordrs" does not exist\nLINE 1: SELECT emial FROM ordrs o', 'relation "ordrs" does not exist'),
            ('relation "ORDRS" does not exist', 'relation "ORDRS" does not exist'),
            ("column o.emial does not exist", "column o.emial does not exist"),
            ("Table 'shop.ordrs' doesn't exist", "Table '….ordrs' doesn't exist"),
            ("Unknown column 'emial' in 'field list'", "Unknown column 'emial' in 'field list'"),
            ("Unknown column 'o.emial' in 'where clause'", "Unknown column 'o.emial' in 'where clause'"),
            ("SQL compilation error: error line 1 at position 7\ninvalid identifier 'EMIAL'", None),
            ('jane secret: relation "jane" does not exist', 'relation "…" does not exist'),
        ],
    )
    def test_names_that_stand_in_the_query_are_kept_before_it_has_rows(self, text: str, kept: str | None) -> None:
        said = self.said(text, "SELECT o.emial FROM Ordrs o")
        assert said.partition(" (…")[0] == (kept or "SQL compilation error; invalid identifier 'EMIAL'")

    @given(
        value=st.text(st.sampled_from("ЖШ'\"`»\n\r @."), min_size=1),
        around=st.sampled_from(["'{}'", '"{}"', "`{}`", "»{}«", "“{}”", "\"email\" with text '{}' at line 1"]),
        sql=st.sampled_from([None, "SELECT email FROM orders"]),
        pgcode=st.sampled_from([None, "22P02", "42P01"]),
    )
    def test_no_quoted_value_is_repeated_whatever_it_holds(
        self, value: str, around: str, sql: str | None, pgcode: str | None
    ) -> None:
        text = "invalid input syntax for type integer: " + around.format(f"Ж{value}Ж")
        # SQLite cuts what it says off after 200 bytes, wherever that is, and so may leave an odd number of quotes.
        for end in range(len(text) + 1):
            error = PostgresError(text[:end], pgcode=pgcode, diag=SimpleNamespace(severity="ERROR", context=None))
            assert not {"Ж", "Ш"} & {*str(query_error(error, "x", sql))}

    @pytest.mark.parametrize("sql", [None, "SELECT email FROM orders"])
    @pytest.mark.parametrize(
        "text",
        [
            "bad customer jane.secret@example.com",
            "5551234567 is out of range",
            "400 Bad int64 value: jane secret; reason: invalidQuery",
            "failed: postgresql://shop:secret@db/shop",
            "refused (user=shop password=secret)",
            "ERROR\njane secret",
            'syntax for "jane.secret"',
            'syntax for "secret\nof jane',
            "\"jane\" of 'secret'",
        ],
    )
    def test_what_may_be_private_is_hidden(self, text: str, sql: str | None) -> None:
        said = self.said(text, sql)
        assert all(private not in said for private in ("jane", "secret", "5551234567"))

    def test_a_name_in_the_query_is_hidden_once_rows_may_be_meant(self) -> None:
        assert "paid" not in self.said('invalid input syntax for type integer: "paid"', None)

    def test_a_text_is_cut_off(self) -> None:
        assert len(self.said("x " * 500, "SELECT 1").partition(" (…")[0]) <= 200

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (PostgresError("jane: syntax error", pgcode="42601"), "PostgresError (42601): …"),
            (PostgresError("division by zero", sqlstate="22012"), "PostgresError (22012): division by zero"),
            (PostgresError("division by zero", pgcode=None), "PostgresError: division by zero"),
            (Error(1644, "division by zero"), "Error (1644): …"),
            (Error(1365, "Division by 0"), "Error (1365): Division by 0"),
            (Error("42S02", "[42S02] Invalid object name 'n'"), "Error (42S02): Invalid object name '…'"),
            (Error("42000", "[42000] [Microsoft] division by zero (50000)"), "Error (42000): …"),
            (RuntimeError("ORA-20001: division by zero"), "RuntimeError (ORA-20001): …"),
            (RuntimeError("ORA-01476: division by zero"), "RuntimeError (ORA-01476): division by zero"),
            (TypeError("not all arguments converted"), "TypeError: not all arguments converted"),
            (
                raised(lambda: None.nosuch),  # type: ignore[attr-defined]
                "AttributeError: 'NoneType' object has no attribute 'nosuch'",
            ),
            # What the program did not write itself may be a value.
            (raised(lambda: getattr(None, PERSON)), "AttributeError: 'NoneType' object has no attribute '…'"),
            (
                AttributeError("'NoneType' object has no attribute 'jane'"),
                "AttributeError: 'NoneType' object has no attribute '…'",
            ),
            (raised(lambda: refuse(PERSON)), "TypeError: cannot take …, sorry"),
            (TypeError("cannot take jane, sorry"), "TypeError: …"),
            (RuntimeError(90210, "jane"), "RuntimeError: …"),
            (RuntimeError("90210", "jane"), "RuntimeError: …"),
            (Error(4111111, "division by zero"), "Error: division by zero"),
            (RuntimeError(), "RuntimeError"),
            (KeyError("jane"), "KeyError: '…'"),
            (
                DataError("SELECT 1", {"who": "jane secret"}, Error(1292, "Incorrect date value: 'jane'")),
                "Error (1292): Incorrect date value: …",
            ),
        ],
    )
    def test_kind_and_code_are_named(self, error: Exception, says: str) -> None:
        said = str(query_error(error, "connection 'shop'", "SELECT 1"))
        assert (
            said.partition(" (…")[0].replace(f"{__name__}.", "") == f"connection 'shop': the query failed with {says}"
        )

    @pytest.mark.parametrize("sql", [None, "EXEC p"])
    def test_odbc_says_that_a_statement_gave_no_result(self, sql: str | None) -> None:
        text = "No results.  Previous SQL was not a query."
        said = str(query_error(odbc_error(text), "x", sql))
        assert said.startswith("x: the query failed with pyodbc.ProgrammingError: No results.  Previous SQL was not a")
        assert "…" not in said

    def test_odbc_drivers_own_words_are_shown_while_no_row_was_read(self) -> None:
        assert "cannot be bound here" in str(query_error(odbc_error("cannot be bound here"), "x", "SELECT 1"))
        assert "cannot be bound here" not in str(query_error(odbc_error("cannot be bound here"), "x", None))
        server = odbc_error("42000", "[42000] [Microsoft] no consent of jane (50000)")
        assert "jane" not in str(query_error(server, "x", "SELECT 1"))


class TestDictSource:
    """Rows from Python."""

    @given(
        rows=st.lists(st.fixed_dictionaries({}, optional={name: st.integers() for name in "abc"}), max_size=20),
        fetch_size=st.integers(min_value=1, max_value=7),
    )
    def test_every_row_arrives_once_and_in_order(self, rows: list[dict[str, int]], fetch_size: int) -> None:
        whole = [dict.fromkeys("abc", 0), *rows]
        reader = read(DictSource(iter(whole), fetch_size))
        assert [dict(zip("abc", row, strict=True)) for row in reader.rows] == [
            {name: row.get(name) for name in "abc"} for row in whole
        ]
        assert {columns for columns, _ in reader.windows} == {("a", "b", "c")}
        assert all(1 <= len(rows) <= fetch_size for _, rows in reader.windows)

    def test_columns_are_the_first_windows_keys_as_first_seen(self) -> None:
        reader = read(DictSource([{"b": 1}, {"a": 2, "b": 3}, {"c": 4}], fetch_size=3))
        assert reader.windows == [(("b", "a", "c"), [(1, None, None), (3, 2, None), (None, None, 4)])]

    @pytest.mark.parametrize("rows", [[], iter([]), {}])
    def test_no_rows_show_their_columns_once(self, rows: Any) -> None:
        assert read(DictSource(rows)).windows == [((), [])]
        assert read(DictSource(rows, if_empty=("email",))).windows == [(("email",), [])]
        named = {"Mail": False, "city": True}
        assert read(DictSource(rows, columns=named, if_empty=("email",))).windows == [(("Mail", "city"), [])]

    def test_named_columns_are_read_and_other_keys_are_ignored_in_any_window(self) -> None:
        rows = [{"x": 0, "b": 1}, {"A": 2}, {"b": 3, "new": 4, "city": 5}, {5: 6}]
        reader = read(DictSource(rows, fetch_size=2, columns={"a": False, "b": False, "city": True}))
        assert {columns for columns, _ in reader.windows} == {("b", "A", "city")}
        assert reader.rows == [(1, None, None), (None, 2, None), (3, None, 5), (None, None, None)]

    def test_a_named_column_that_is_missing_is_left_out_beside_the_keys_there_are(self) -> None:
        reader = read(DictSource([{"emial": 1, "x": 2}], columns={"email": False, "city": True}))
        assert reader.windows == [(("emial", "x", "city"), [(1, 2, None)])]

    @pytest.mark.parametrize("columns", [None, {"a": False}])
    def test_keys_are_text(self, columns: Any) -> None:
        with pytest.raises(RoktSourceError, match=r"row 2 has a key of type int: name columns with text"):
            DictSource([{"a": 1}, {5551234: 2}], columns=columns).read(Reader())

    def test_keys_are_text_later_too(self) -> None:
        with pytest.raises(RoktSourceError, match=r"row 2 has a key of type NoneType"):
            DictSource([{"a": 1}, {"a": 1, None: 2}], fetch_size=1).read(Reader())  # type: ignore[dict-item]

    @pytest.mark.parametrize("rows", [None, 5])
    def test_rows_are_iterable(self, rows: Any) -> None:
        with pytest.raises(RoktSourceError, match=f"rows is a {type(rows).__name__}: give a list"):
            DictSource(rows).read(Reader())

    def test_takes_no_more_than_a_window_ahead_of_the_consumer(self) -> None:
        taken = 0

        def endless() -> Iterator[dict[str, object]]:
            nonlocal taken
            for taken in count(1):
                yield {"n": taken}

        ahead = []

        def consume(columns: tuple[str, ...], rows: list[Sequence[object]]) -> None:
            ahead.append(taken - 10 * len(ahead))
            if len(ahead) == 3:
                raise RoktAuthError

        with pytest.raises(RoktAuthError):
            DictSource(endless(), fetch_size=10).read(consume)
        assert ahead == [10, 10, 10]

    def test_once_cancelled_it_takes_no_more_rows(self) -> None:
        taken = []

        def rows() -> Iterator[dict[str, int]]:
            for number in range(10):
                taken.append(number)
                if number == 5:
                    source.cancel()
                yield {"id": number}

        source, reader = DictSource(rows(), fetch_size=2), Reader()
        with pytest.raises(RoktIncompleteError, match="stopped") as caught:
            source.read(reader)
        assert caught.value.retryable
        assert (reader.rows, taken) == ([(0,), (1,), (2,), (3,)], [0, 1, 2, 3, 4, 5])

    def test_a_later_row_with_a_new_key_is_named(self) -> None:
        reader = Reader()
        rows: list[Mapping[str, object]] = [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4, "email": "secret@example.com"}]
        with pytest.raises(RoktSourceError, match=r"row 4 .*'email'") as caught:
            DictSource(rows, fetch_size=2).read(reader)
        assert "secret" not in str(caught.value)
        assert reader.rows == [(1,), (2,)]

    @pytest.mark.parametrize("odd", [("a", 1), "secret@example.com", None, 1])
    def test_a_row_that_is_no_mapping_is_named(self, odd: Any) -> None:
        with pytest.raises(RoktSourceError, match=rf"row 3 is a {type(odd).__name__}") as caught:
            DictSource([{"a": 1}, {"a": 2}, odd], fetch_size=2).read(Reader())
        assert "secret" not in str(caught.value)

    def test_an_error_of_the_iterable_arrives_unchanged(self) -> None:
        broken = OSError("gone")

        def rows() -> Iterable[dict[str, object]]:
            yield {"a": 1}
            raise broken

        with pytest.raises(OSError, match="gone") as caught:
            DictSource(rows()).read(Reader())
        assert caught.value is broken


class WrappingHook(SqliteHook):
    """Wraps what its handler raises, as the Databricks hook does."""

    def run(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().run(*args, **kwargs)
        except Exception as error:
            raise RuntimeError("Error running SQL statement") from error


class FailingHook(SqliteHook):
    """Its driver quotes what it does not understand."""

    def run(self, sql: Any, *args: Any, parameters: Any = None, **kwargs: Any) -> Any:
        raise TypeError(f"unsupported parameter {parameters[0]}")


class UnstreamableHook(SqliteHook):
    """Has no engine, as when SQLAlchemy or the database's dialect is not installed, or one that is of no use."""

    def __init__(self, *args: Any, engine: Any) -> None:
        super().__init__(*args)
        self._engine = engine

    def get_sqlalchemy_engine(self, engine_kwargs: Any = None) -> Any:
        if isinstance(self._engine, Exception):
            raise self._engine
        return BrokenEngine()


class BrokenEngine:
    """Claims to stream, and cannot connect."""

    dialect = SimpleNamespace(supports_server_side_cursors=True, name="broken")

    def connect(self) -> Any:
        raise ValueError("no such option")

    def dispose(self) -> None:
        pass


class DictRowHook(SqliteHook):
    """Rows as dicts, as ``{"cursor": "dictcursor"}`` gives."""

    def get_conn(self) -> sqlite3.Connection:
        connection = super().get_conn()
        connection.row_factory = lambda cursor, row: dict(
            zip([column[0] for column in cursor.description], row, strict=True)
        )
        return connection


class MysqlLikeHook(SqliteHook):
    """SQLite under MySQL's name."""

    conn_type = "mysql"
