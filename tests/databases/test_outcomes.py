"""What became of deliveries, written into real databases by every driver that is tried."""

import json
import re
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktQueryError
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.transfers.outcomes import delivery_line, row_lines
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator
from airflow_provider_rokt.transfers.table_writer import TableWriter
from airflow_provider_rokt.transfers.tables import deliveries_table, rows_table

# Beyond latin1, and beyond three bytes of UTF-8.
KEYS = ["order-1", "O'Neil %s ? :x", "日本-🚀", "back\\slash", "ORDER-1"]


@pytest.fixture
def tables():
    """The names of two tables that are not there yet; they are dropped afterwards."""
    names = [f"rokt_test_{uuid.uuid4().hex[:12]}" for _ in range(2)]
    dropping = []
    yield names, dropping
    for run in dropping:
        for name in names:
            run(f"DROP TABLE IF EXISTS {name}")


@pytest.fixture
def refuse(begin):
    """A delivery whose rows were rejected, by key."""

    def refuse(keys):
        writer, rows = begin(), [RowRef(n, key) for n, key in enumerate(keys, 1)]
        tally = Tally(read=len(rows))
        faults = [RowFault(row, (FieldFault("user_identities.email", "is no e-mail address"),), 400) for row in rows]
        tally.reject(faults)
        writer.rows(Outcome.REJECTED, faults)
        report = tally.report(writer.delivery_id, writer.uri)
        writer.finish(report, complete=True)
        return report.summary()

    return refuse


def write(hook, ledger, result, names, *, spoiled=False):
    """Writes one delivery; one that is spoiled ends midway, and the connection is used on, as for the next."""
    deliveries, rows = deliveries_table(names[0]), rows_table(names[1])
    writer, reader = TableWriter(hook, "connection 'it'"), ledger.open(result["delivery_id"])
    with writer.connected():
        writer.make(rows)
        writer.make(deliveries)
        line = delivery_line(reader, reader.final_report())
        if not spoiled:
            return writer.replace(reader.delivery_id, [(rows, row_lines(reader)), (deliveries, [line])])
        try:
            return writer.replace(reader.delivery_id, [(deliveries, [line]), (rows, ending(row_lines(reader)))])
        finally:
            writer.replace("another", [(rows, [])])


def ending(lines):
    yield from lines
    raise RoktLedgerDamagedError("a line is lost")


def asked(hook, sql):
    if type(hook).__name__ == "DuckDbHook":
        return hook.get_conn().execute(sql).fetchall()
    return [tuple(row) for row in hook.get_records(sql)]


def test_every_driver_writes_and_replaces(driver, hook_of, ledger, refuse, tables):
    names, dropping = tables
    hook, (deliveries, rows) = hook_of(driver), names
    dropping.append(lambda sql: hook.run(sql, autocommit=True))
    result, other = refuse(KEYS), refuse(["other"])
    for _ in range(2):
        assert write(hook, ledger, result, names) == len(KEYS) + 1
        write(hook, ledger, other, names)
    of_it = f"WHERE delivery_id = '{result['delivery_id']}'"
    assert asked(hook, f"SELECT row_key, status, line_number FROM {rows} {of_it} ORDER BY line_number") == [
        (key, 400, number) for number, key in enumerate(KEYS, 1)
    ]
    assert asked(hook, f"SELECT rows_read, rows_rejected, state, sync FROM {deliveries} {of_it}") == [
        (len(KEYS), len(KEYS), "complete", None)
    ]
    assert asked(hook, f"SELECT COUNT(*) FROM {deliveries}") == [(2,)]
    with pytest.raises(RoktLedgerDamagedError):
        write(hook, ledger, result, names, spoiled=True)
    assert asked(hook, f"SELECT COUNT(*) FROM {rows}") == [(len(KEYS) + 1,)]
    assert asked(hook, f"SELECT COUNT(*) FROM {deliveries}") == [(2,)]
    day = asked(hook, f"SELECT CAST(started_at AS CHAR(10)) FROM {deliveries} {of_it}")[0][0]
    assert day[:10].replace("-", "") == result["delivery_id"][:8]


def test_what_databricks_wants_is_understood(hook_of, ledger, refuse, tables):
    """By DuckDB, which has its types, and its marker of a parameter."""
    hook = hook_of("duckdb")
    hook.conn_type = "databricks"
    assert write(hook, ledger, refuse([*KEYS, *map(str, range(60))]), tables[0]) == len(KEYS) + 61


def test_parameters_as_bigquery_wants_them_are_understood(postgres, ledger, refuse, tables):
    """By PostgreSQL's driver, which takes them by name, too."""
    names, dropping = tables
    dropping.append(postgres.run)
    hook = BaseHook.get_connection(postgres.connection()).get_hook()
    write(hook, ledger, refuse(["first"]), names)
    hook.conn_type = "gcpbigquery"
    result = refuse(KEYS)
    for _ in range(2):
        assert write(hook, ledger, result, names) == len(KEYS) + 1
    of_it = f"WHERE delivery_id = '{result['delivery_id']}' ORDER BY line_number"
    assert asked(hook, f"SELECT row_key FROM {names[1]} {of_it}") == [(key,) for key in KEYS]


@pytest.mark.parametrize(
    ("database", "extra"), [("postgres", {}), ("mariadb", {}), ("mariadb", {"cursor": "SSDictCursor"})], ids=str
)
def test_the_task_writes_and_the_rows_can_be_joined(request, database, extra, ledger, refuse, table, tables):
    server = request.getfixturevalue(database)
    names, dropping = tables
    dropping.append(server.run)
    text = "text" if database == "postgres" else "varchar(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
    orders = table(server, f"order_id {text}, city text", "('order-1', 'Wien'), ('ORDER-1', 'Graz'), ('x', 'Linz')")
    first, second = refuse(KEYS), refuse(["x"])
    for _ in range(2):
        task = RoktDeliveryToSqlOperator(
            task_id="t",
            delivery=[first, second],
            sql_conn_id=server.connection(**extra),
            deliveries_table=f"{'public' if database == 'postgres' else 'test'}.{names[0]}",
            rows_table=names[1],
        )
        assert task.execute({}) == {"deliveries": 2, "rows_written": len(KEYS) + 1}
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (block,) = re.findall(r"<!-- outcomes -->\n```sql\n(.*?)```", readme, re.DOTALL)
    for name, ours in (("rokt_deliveries", names[0]), ("rokt_rows", names[1]), ("JOIN orders ", f"JOIN {orders} ")):
        block = block.replace(name, ours)
    for question in block.replace("o.total", "o.city").split(";\n\n"):
        server.run(question)
    joined = server.run(
        f"SELECT o.city, r.path, r.reason FROM {names[1]} r JOIN {orders} o ON o.order_id = r.row_key "
        f"JOIN {names[0]} d ON d.delivery_id = r.delivery_id WHERE r.outcome = 'rejected' ORDER BY o.city"
    )
    assert [tuple(row) for row in joined] == [
        (city, "user_identities.email", "is no e-mail address") for city in ("Graz", "Linz", "Wien")
    ]


@pytest.mark.parametrize("database", ["postgres", "mariadb"])
def test_what_fails_midway_leaves_what_was_there(request, database, ledger, refuse, tables):
    server = request.getfixturevalue(database)
    names, dropping = tables
    dropping.append(server.run)
    hook = BaseHook.get_connection(server.connection()).get_hook()
    result = refuse([f"order-{n}" for n in range(250)])
    write(hook, ledger, result, names)
    server.run(f"ALTER TABLE {names[0]} DROP COLUMN requests")
    server.run(f"ALTER TABLE {names[0]} ADD COLUMN requests varchar(1) CHECK (requests = 'jane.secret')")
    with pytest.raises(RoktQueryError, match="connection 'it'") as failed:
        write(hook, ledger, result, names)
    assert "jane" not in str(failed.value)
    assert failed.value.__cause__ is failed.value.__context__ is None
    assert asked(hook, f"SELECT COUNT(*) FROM {names[1]}") == [(250,)]
    assert asked(hook, f"SELECT COUNT(*) FROM {names[0]}") == [(1,)]


def test_who_may_not_make_tables_writes_into_those_that_are_there(postgres, ledger, refuse, tables):
    names, dropping = tables
    dropping.append(postgres.run)
    role = f"rokt_test_{uuid.uuid4().hex[:12]}"
    owner = BaseHook.get_connection(postgres.connection()).get_hook()
    write(owner, ledger, refuse(["first"]), names)
    postgres.run(f"CREATE ROLE {role}", f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role}")
    try:
        postgres.run(*(f"GRANT SELECT, INSERT, DELETE ON {name} TO {role}" for name in names))
        conn_id = postgres.connection(options=f"-c role={role}")
        assert write(BaseHook.get_connection(conn_id).get_hook(), ledger, refuse(["second"]), names) == 2
        other = [f"{name}_new" for name in names]
        with pytest.raises(RoktQueryError, match="permission denied for schema"):
            write(BaseHook.get_connection(conn_id).get_hook(), ledger, refuse(["third"]), other)
    finally:
        postgres.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


@pytest.mark.parametrize("database", ["postgres", "mariadb"])
def test_parts_that_are_written_side_by_side_do_not_disturb_each_other(request, database, ledger, refuse, tables):
    server = request.getfixturevalue(database)
    names, dropping = tables
    dropping.append(server.run)
    conn_id, results, failures = server.connection(), [refuse(["a", "b"]) for _ in range(6)], []

    def run(result):
        try:
            write(BaseHook.get_connection(conn_id).get_hook(), ledger, result, names)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=[result]) for result in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [tuple(row) for row in server.run(f"SELECT COUNT(*) FROM {names[1]}")] == [(12,)]


@pytest.mark.slow
@pytest.mark.parametrize("where", ["sqlite", "postgres", "mariadb"])
def test_memory_does_not_grow_with_the_rows(request, where, tmp_path, monkeypatch, ledger, refuse, tables):
    names, dropping = tables
    if where == "sqlite":
        monkeypatch.setenv("AIRFLOW_CONN_LITE", json.dumps({"conn_type": "sqlite", "host": str(tmp_path / "x.db")}))
        conn_id = "lite"
    else:
        server = request.getfixturevalue(where)
        dropping.append(server.run)
        conn_id = server.connection()
    sizes = [refuse([f"order-{n}" for n in range(rows)])["delivery_id"] for rows in (2_000, 100_000)]
    command = [sys.executable, __file__, conn_id, *names, *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr
    small, large = json.loads(done.stdout.splitlines()[-1])
    # Measured: less than 0.1 MiB, and 2 MiB with SQLite, whose cache is as large; 100,000 lines in a list are 60 MiB.
    assert large - small < 8 * 1024


def _main(conn_id, deliveries, rows, *ids):
    from tests.databases.peak_memory import peak

    peaks = []
    for delivery_id in ids:
        RoktDeliveryToSqlOperator(
            task_id="t", delivery=delivery_id, sql_conn_id=conn_id, deliveries_table=deliveries, rows_table=rows
        ).execute({})
        peaks.append(peak())
    print(json.dumps(peaks))


if __name__ == "__main__":
    _main(*sys.argv[1:])
