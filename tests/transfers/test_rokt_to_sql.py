"""The task that writes what became of deliveries into a database: what it writes, once and again, what it refuses."""

import json
import os
import re
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktQueryError, RoktSettingsError
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.sandbox.faults import Refuse, Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator
from tests.ledger.test_damage import NO_REPORTS, path_of

SECRET = "jane.secret"
ADDRESS = "not an e-mail address"
MAPPING = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "order_id",
    "events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms",
    "events[].data.custom_attributes.conversiontype": "conversiontype",
}
REASON = "is no e-mail address"


@pytest.fixture
def warehouse(tmp_path, monkeypatch):
    """The file of the connection ``warehouse``; ``ask(sql)`` gives the rows."""
    path = tmp_path / "warehouse.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps({"conn_type": "sqlite", "host": str(path)}))

    def ask(sql):
        with sqlite3.connect(path) as database:
            return database.execute(sql).fetchall()

    ask.path = path
    return ask


def transfer(delivery, **arguments):
    return RoktDeliveryToSqlOperator(**{"task_id": "t", "delivery": delivery, "sql_conn_id": "warehouse"} | arguments)


def orders(*emails):
    at = int(datetime.now().timestamp() * 1000)
    return [
        {"email": email, "source_message_id": f"order-{n}", "timestamp_unixtime_ms": at, "conversiontype": "purchase"}
        for n, email in enumerate(emails, 1)
    ]


def sent(**arguments):
    """Sends the shop's orders; a failed task's report is what it leaves as XCom."""
    given = {"task_id": "send", "sql": "SELECT * FROM orders", "sql_conn_id": "shop", "max_rejected": 1.0}
    operator = RoktConversionOperator(**given | {"group_by_user": False} | arguments)
    try:
        return operator.execute({})
    except Exception as error:
        return error.report


class TestWhatItWrites:
    def test_a_line_for_each_delivery_and_for_each_refused_row(self, deliver, warehouse):
        result = deliver(accepted=3, rejected=2, failed=1)
        assert transfer(result).execute({}) == {"deliveries": 1, "rows_written": 3}
        name = result["delivery_id"]
        assert warehouse(
            "SELECT delivery_id, operation, state, dag_id, rows_read, rows_accepted, rows_rejected, rows_failed, "
            "rows_skipped, batches, requests, ledger FROM rokt_deliveries"
        ) == [(name, "conversions", "complete", "orders", 6, 3, 2, 1, 0, 6, 1, result["ledger"])]
        assert warehouse(
            "SELECT line_number, row_place, row_key, outcome, reason_number, path, reason FROM rokt_rows ORDER BY 1"
        ) == [
            (1, 1, "order-1", "rejected", 1, "user_identities.email", REASON),
            (2, 2, "order-2", "rejected", 1, "user_identities.email", REASON),
            (3, 1, "order-1", "failed", 1, None, "not sent: Rokt did not answer"),
        ]

    def test_what_rokt_refused_dropped_and_left_unanswered_with_its_status(self, rokt, sandbox, shop, warehouse):
        rows = orders("a@example.com", "b@example.com", "c@example.com", "nobody")
        shop([{**row, "mobile": "07" if n == 2 else "2025550123"} for n, row in enumerate(rows)])
        sandbox.faults.add(Refuse(message_ids={"order-2"}))
        transfer(sent(max_dropped=1.0)).execute({})
        asked = "SELECT row_key, row_place, outcome, path, status FROM rokt_rows ORDER BY row_place"
        assert warehouse(asked) == [
            ("order-2", 2, "rejected", "events[].data.source_message_id", 202),
            ("order-3", 3, "dropped", "user_attributes.mobile", None),
            ("order-4", 4, "rejected", "user_identities.email", None),
        ]
        assert warehouse("SELECT values_dropped, rows_accepted, sync, rokt_conn_id FROM rokt_deliveries") == [
            (1, 2, None, "rokt_default")
        ]

    def test_an_answer_that_is_no_verdict_fails_rows_with_its_status(self, rokt, sandbox, shop, warehouse, monkeypatch):
        monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.01")
        shop(orders("a@example.com"))
        sandbox.faults.add(Status(status=503))
        transfer(sent()).execute({})
        assert warehouse("SELECT row_key, outcome, status FROM rokt_rows") == [("order-1", "failed", 503)]
        assert warehouse("SELECT state, rows_failed FROM rokt_deliveries") == [("complete", 1)]

    def test_accepted_rows_where_they_were_recorded(self, rokt, sandbox, shop, warehouse):
        shop(orders("a@example.com", "nobody", "c@example.com"))
        transfer([sent(record_accepted=True), sent()]).execute({})
        asked = "SELECT row_key, status, reason FROM rokt_rows WHERE outcome = 'accepted' ORDER BY row_place"
        assert warehouse(asked) == [("order-1", 202, None), ("order-3", 202, None)]

    @pytest.mark.parametrize("via", ["import", "events"])
    def test_members_by_their_digest(self, rokt, sandbox, shop, warehouse, via):
        shop([{"email": f"{SECRET}1@example.com"}, {"email": f"{SECRET}2@example.com"}, {"email": "nobody"}])
        result = RoktAudienceOperator(
            task_id="a",
            sql="SELECT * FROM orders",
            sql_conn_id="shop",
            audience="vip",
            via=via,
            max_rejected=1,
            record_accepted=True,
        ).execute({})
        transfer(result).execute({})
        rows = warehouse("SELECT outcome, row_key, status FROM rokt_rows ORDER BY row_place")
        assert [(outcome, key[:7], status is None) for outcome, key, status in rows] == [
            ("accepted", "member ", False),
            ("accepted", "member ", False),
            ("rejected", "row 3", True),
        ]
        assert warehouse("SELECT operation, members_added FROM rokt_deliveries") == [("audience", 2)]

    def test_times_are_utc(self, deliver, warehouse):
        transfer(deliver(accepted=1)).execute({})
        [(started, finished)] = warehouse("SELECT started_at, finished_at FROM rokt_deliveries")
        assert abs((datetime.fromisoformat(started) - datetime.now(UTC).replace(tzinfo=None)).total_seconds()) < 600
        assert started <= finished

    def test_no_value_stands_anywhere(self, rokt, sandbox, shop, warehouse, said):
        rows = orders(f"{SECRET}1@example.com", f"{SECRET} 2", f"{SECRET}3@example.com")
        rows[2] |= {"source_message_id": f"{SECRET}3@example.com"}
        shop([{**row, "mobile": f"{SECRET} 07", "ip": f"{SECRET}", "firstname": f"{SECRET}"} for row in rows])
        transfer(sent(record_accepted=True, max_dropped=1.0)).execute({})
        assert len(warehouse("SELECT * FROM rokt_rows")) > 5
        assert SECRET not in "\n".join(sqlite3.connect(warehouse.path).iterdump())
        assert SECRET.encode() not in warehouse.path.read_bytes()
        assert SECRET not in said()

    def test_long_and_odd_keys_are_made_to_fit(self, begin, finish, warehouse, ledger):
        result = finish(begin(), rejected=1)
        part = path_of(result, ledger, "part-00000.jsonl")
        part.write_text(part.read_text().replace('"order-1"', json.dumps("k" * 2000)).replace(REASON, "\\u0000"))
        transfer(result).execute({})
        [(key, reason)] = warehouse("SELECT row_key, reason FROM rokt_rows")
        assert (len(key), key[-1], reason) == (1000, "…", "\ufffd")


class TestAgain:
    def test_a_delivery_is_replaced_and_the_others_stay(self, deliver, warehouse):
        first, second = deliver(rejected=2), deliver(rejected=3)
        for _ in range(2):
            assert transfer([first, second]).execute({}) == {"deliveries": 2, "rows_written": 5}
        transfer(first).execute({})
        assert warehouse("SELECT COUNT(*) FROM rokt_deliveries") == [(2,)]
        assert warehouse("SELECT COUNT(*) FROM rokt_rows") == [(5,)]

    def test_it_takes_tables_that_are_there_with_more_columns(self, deliver, warehouse):
        transfer(deliver(rejected=1)).execute({})
        with sqlite3.connect(warehouse.path) as database:
            database.execute("ALTER TABLE rokt_rows ADD COLUMN seen_by TEXT DEFAULT 'nobody'")
            database.execute("ALTER TABLE rokt_deliveries ADD COLUMN note TEXT")
        transfer(deliver(rejected=1)).execute({})
        assert warehouse("SELECT seen_by FROM rokt_rows") == [("nobody",), ("nobody",)]

    def test_what_fails_midway_leaves_what_was_there(self, deliver, warehouse):
        result = deliver(rejected=250)
        transfer(result).execute({})
        before = warehouse("SELECT * FROM rokt_rows")
        with sqlite3.connect(warehouse.path) as database:
            database.execute(
                "CREATE TRIGGER full BEFORE INSERT ON rokt_rows WHEN NEW.line_number = 200 "
                f"BEGIN SELECT RAISE(ABORT, 'no room for {SECRET}'); END"
            )
        with pytest.raises(RoktQueryError) as failed:
            transfer(result).execute({})
        assert warehouse("SELECT * FROM rokt_rows") == before
        assert warehouse("SELECT COUNT(*) FROM rokt_deliveries") == [(1,)]
        assert SECRET not in str(failed.value)
        assert failed.value.__cause__ is failed.value.__context__ is None

    def test_no_mapped_tasks_are_nothing_to_write(self, ledger, warehouse):
        assert transfer([]).execute({}) == {"deliveries": 0, "rows_written": 0}
        assert warehouse("SELECT COUNT(*) FROM rokt_deliveries") == [(0,)]


class TestWhatItRefuses:
    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ({"deliveries_table": "x; DROP TABLE orders"}, "deliveries_table must be a table's name"),
            ({"rows_table": "order"}, "rows_table must be another name: ORDER is a word of SQL's own"),
            ({"rows_table": 'a"b'}, "rows_table must be"),
            ({"rows_table": "a.b.c.d.e"}, "rows_table must be"),
            ({"rows_table": "rows\n"}, "rows_table must be"),
            ({"rows_table": ""}, "rows_table must be"),
            ({"rows_table": "zeilen_für_rokt"}, "rows_table must be"),
            ({"rows_table": "ROKT_deliveries"}, "another table than deliveries_table"),
            ({"sql_conn_id": " "}, "sql_conn_id must be"),
            ({"sql_hook_params": ["x"]}, "sql_hook_params must be"),
        ],
    )
    def test_it_says_in_the_dag_file_what_is_wrong(self, arguments, says):
        with pytest.raises(RoktSettingsError, match="the task 't'") as refused:
            transfer("id", **arguments)
        assert says in str(refused.value)

    def test_a_template_is_judged_once_it_is_rendered(self, ledger, warehouse):
        task = transfer([], rows_table="{{ params.table }}")
        task.render_template_fields({"params": {"table": "x; DROP TABLE orders"}})
        with pytest.raises(RoktTaskFailed, match="rows_table must be a table's name"):
            task.execute({})

    def test_a_schema_stands_before_the_name(self, deliver, warehouse):
        transfer(deliver(rejected=1), rows_table="main.refused", deliveries_table="main.Sent_2").execute({})
        assert warehouse("SELECT COUNT(*) FROM refused, sent_2") == [(1,)]

    @pytest.mark.parametrize("content", NO_REPORTS, ids=range(len(NO_REPORTS)))
    def test_a_damaged_delivery_is_named_and_the_others_are_written(self, deliver, ledger, warehouse, content):
        damaged, whole = deliver(rejected=1), deliver(rejected=2)
        path_of(damaged, ledger, "report.jsonl").write_bytes(content)
        with pytest.raises(RoktTaskFailed, match="1 of 2 deliveries were not written") as failed:
            transfer([damaged, whole]).execute({})
        assert isinstance(failed.value.__cause__, RoktLedgerDamagedError)
        assert damaged["delivery_id"] in str(failed.value)
        assert whole["delivery_id"] not in str(failed.value)
        assert warehouse("SELECT delivery_id FROM rokt_deliveries") == [(whole["delivery_id"],)]
        assert warehouse("SELECT DISTINCT delivery_id FROM rokt_rows") == [(whole["delivery_id"],)]

    @pytest.mark.parametrize(
        "spoil", [lambda t: t.replace('"row"', "'row", 1), lambda t: t[: t.rindex('{"kind":"row"')]]
    )
    def test_a_line_that_is_lost_leaves_what_was_written_before(self, deliver, ledger, warehouse, spoil):
        result, other = deliver(rejected=3), deliver(rejected=1)
        transfer(result).execute({})
        part = path_of(result, ledger, "part-00000.jsonl")
        part.write_text(spoil(part.read_text()))
        with pytest.raises(RoktTaskFailed, match="is damaged"):
            transfer([result, other]).execute({})
        assert warehouse("SELECT COUNT(*) FROM rokt_rows") == [(4,)]
        assert warehouse("SELECT COUNT(*) FROM rokt_deliveries") == [(2,)]

    def test_one_that_is_missing_or_not_over_is_named(self, begin, ledger, warehouse):
        running = begin().delivery_id
        with pytest.raises(RoktTaskFailed, match="2 of 2 deliveries were not written") as failed:
            transfer([running, "20240101T000000Z-000000000000"]).execute({})
        assert f"delivery {running} is not over" in str(failed.value)
        assert "no ledger of delivery '20240101T000000Z-000000000000'" in str(failed.value)
        assert warehouse("SELECT COUNT(*) FROM rokt_deliveries") == [(0,)]

    @pytest.mark.parametrize("nothing", [None, "", "None", {}, 7])
    def test_nothing_is_no_delivery(self, ledger, warehouse, nothing):
        with pytest.raises(RoktTaskFailed, match="argument 'delivery'"):
            transfer(nothing).execute({})

    def test_a_table_of_that_name_with_other_columns_is_named(self, deliver, warehouse):
        with sqlite3.connect(warehouse.path) as database:
            database.execute("CREATE TABLE rokt_rows (email TEXT)")
        with pytest.raises(RoktQueryError, match=r"connection 'warehouse'.*no such column: \"?delivery_id"):
            transfer(deliver(rejected=1)).execute({})

    def test_a_connection_that_is_no_database(self, deliver, rokt):
        with pytest.raises(RoktTaskFailed, match="runs no SQL"):
            transfer(deliver(rejected=1), sql_conn_id="rokt_default").execute({})


def test_the_readmes_questions_are_answered(rokt, sandbox, shop, warehouse, monkeypatch):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    (block,) = re.findall(r"<!-- outcomes -->\n```sql\n(.*?)```", readme, re.DOTALL)
    why, commonest = block.split(";\n\n")
    shop([{"order_id": row["source_message_id"], "total": 5, **row} for row in orders("a@example.com", "no", "nobody")])
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", os.environ["AIRFLOW_CONN_SHOP"])
    earlier, newest = (sent(sync="shop.send_conversions", mapping=MAPPING) for _ in range(2))
    transfer([earlier, newest]).execute({})
    with sqlite3.connect(json.loads(os.environ["AIRFLOW_CONN_SHOP"])["host"]) as database:
        assert sorted(database.execute(why).fetchall()) == [
            (f"order-{n}", 5, "rejected", "user_identities.email", ADDRESS, None) for n in (2, 3)
        ]
        [(day, *rest)] = database.execute(commonest).fetchall()
        # Both deliveries have both.
        assert (len(day), rest) == (10, ["user_identities.email", ADDRESS, 2])
        assert database.execute("SELECT COUNT(*) FROM rokt_rows").fetchone() == (4,)


def test_no_mapped_tasks_are_an_empty_list_where_airflow_gives_none(ledger, monkeypatch):
    with DAG("mapped", start_date=datetime(2026, 1, 1), schedule=None):
        query = {"sql": "SELECT 1", "sql_conn_id": "shop"}
        parts = RoktConversionOperator.partial(task_id="parts", **query).expand(parameters=[{"a": 1}])
        one = RoktConversionOperator(task_id="one", **query)
        task, other = transfer(parts.output), transfer(one.output, task_id="other")
    monkeypatch.setattr(type(parts.output), "resolve", lambda self, context, *args, **kwargs: None)
    assert task.render_template(task.delivery, {}) == []
    assert other.render_template(other.delivery, {}) is None
