"""The whole road: rows of a real SQL database, through the operator, over HTTP to a local Rokt and into a report."""

import hashlib
import json
import re
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_rokt.exceptions import (
    RoktAuthError,
    RoktEndpointError,
    RoktIncompleteError,
    RoktMappingError,
    RoktRejectedError,
    RoktSettingsError,
    RoktSourceError,
)
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.faults import Redirect, Refuse, Reset, Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.events.documents import EXAMPLE

CHINOOK = Path(__file__).parents[3] / "shared" / "data" / "chinook.sqlite"
GUIDE_COLUMNS = {
    "user_identities.email": "email",
    "user_identities.customerid": "customer",
    "user_identities.other2": "click",
    "ip": "ip",
    "device_info.http_header_user_agent": "agent",
    "user_attributes.firstname": "first",
    "user_attributes.lastname": "last",
    "user_attributes.zip": "zip",
    "user_attributes.city": "city",
    "user_attributes.state": "state",
    "events[].data.source_message_id": "message",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": "kind",
    "events[].data.custom_attributes.confirmationref": "confirmation",
    "events[].data.custom_attributes.amount": "amount",
    "events[].data.custom_attributes.currency": "currency",
}
GUIDE_ROW = {
    "email": "jane.smith@example.com",
    "customer": "cust_123456",
    "click": "rokt-click-id-from-url-param",
    "ip": "203.0.113.42",
    "agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)",
    "first": "Jane",
    "last": "Smith",
    "zip": "10001",
    "city": "New York",
    "state": "NY",
    "message": "order_789012",
    "at": 1735689600000,
    "kind": "purchase",
    "confirmation": "ORD-789012",
    "amount": "149.99",
    "currency": "USD",
}


def orders(count, users=None, **changes):
    """So many orders in the fields' own column names; each its own user unless ``users`` is given."""
    now = int(time.time() * 1000)
    return [
        {
            "email": f"person{number % (users or count)}@example.com",
            "source_message_id": f"order-{number}",
            "timestamp_unixtime_ms": now - 1000 * (count - number),
            "conversiontype": "purchase",
            "amount": "9.99",
        }
        | changes
        for number in range(count)
    ]


LEAST = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "source_message_id",
    "events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
}


def send(sql="SELECT * FROM orders", **options):
    return RoktConversionOperator(task_id="send", sql=sql, sql_conn_id="shop", **options).execute({})


def delivered(sandbox):
    return sorted(event["data"]["source_message_id"] for event in sandbox.store.events)


def without_ids(document):
    return {
        name: value for name, value in document.items() if name not in ("source_request_id", "integration_attributes")
    }


def causes(error_info, kind):
    assert isinstance(error_info.value, AirflowFailException)
    assert isinstance(error_info.value.__cause__, kind)
    return str(error_info.value)


def test_the_guides_example_leaves_as_the_guide_prints_it(sandbox, rokt, shop):
    shop([GUIDE_ROW])
    result = send(mapping=GUIDE_COLUMNS)
    (document,) = sandbox.store.documents
    assert without_ids(document) == EXAMPLE
    assert document["integration_attributes"] == {
        "1277": {"passbackconversiontrackingid": "rokt-click-id-from-url-param"}
    }
    assert result == result | {"rows_read": 1, "rows_accepted": 1, "batches": 1, "requests": 1}
    assert result["status_codes"] == {"202": 1}


def test_dirty_twins_of_the_example_are_normalised_to_it(sandbox, rokt, shop):
    dirty = {
        "email": "  Jane.Smith@Example.COM\n",
        "customer": " cust_123456",
        "ip": " 203.0.113.42 ",
        "at": 1735689600,
        "amount": 149.99,
        "currency": " usd",
        "zip": 10001,
        "first": " Jane ",
    }
    twins = [dirty, {"at": "2025-01-01T01:00:00+01:00"}, {"at": "2025-01-01 00:00:00"}]
    for twin in twins:
        sandbox.reset()
        shop([GUIDE_ROW | twin])
        send(mapping=GUIDE_COLUMNS)
        assert [without_ids(document) for document in sandbox.store.documents] == [EXAMPLE]


@pytest.mark.skipif(not CHINOOK.exists(), reason="the Chinook sample database is not beside this project")
def test_chinook_arrives_as_412_events_in_59_batches(sandbox, rokt, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(CHINOOK)}))
    result = send(
        """SELECT i.*, c.* FROM invoices i JOIN customers c ON c.CustomerId = i.CustomerId ORDER BY InvoiceId"""
        if _chinook_has("invoices")
        else """SELECT InvoiceId, InvoiceDate, Total, c.CustomerId, Email, FirstName, LastName, Phone, City, PostalCode
        FROM Invoice i JOIN Customer c ON c.CustomerId = i.CustomerId ORDER BY InvoiceId""",
        mapping={
            "user_identities.email": "Email",
            "user_identities.customerid": "CustomerId",
            "user_attributes.firstname": "FirstName",
            "user_attributes.lastname": "LastName",
            "user_attributes.city": "City",
            "user_attributes.zip": "PostalCode",
            "events[].data.source_message_id": "InvoiceId",
            "events[].data.timestamp_unixtime_ms": "InvoiceDate",
            "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
            "events[].data.custom_attributes.amount": "Total",
        },
    )
    assert (result["rows_accepted"], result["batches"]) == (412, 59)
    assert (len(sandbox.store.events), len(sandbox.store.batches)) == (412, 59)


def _chinook_has(table):
    with sqlite3.connect(f"file:{CHINOOK}?mode=ro", uri=True) as database:
        return bool(database.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchall())


def test_one_bad_row_costs_that_row_and_nothing_else(sandbox, rokt, shop):
    rows = orders(500)
    rows[123]["amount"] = "12,50"
    shop(rows)
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    assert "order-123" in causes(failed, RoktRejectedError)
    result = send(max_rejected=1, rokt_conn_id="rokt_default")
    assert result["rows_rejected"] == 1
    (rejection,) = result["rejections"]
    assert (rejection["row"], rejection["path"]) == ("order-123", "events[].data.custom_attributes.amount")
    assert "12,50" not in json.dumps(result)
    assert set(delivered(sandbox)) == {f"order-{number}" for number in range(500)} - {"order-123"}
    assert len(delivered(sandbox)) == 499


@pytest.mark.parametrize("locator", ["path", "position", "none"])
@pytest.mark.parametrize("users", [None, 40])
def test_refusals_of_the_server_end_in_exactly_the_right_rows(sandbox, rokt, shop, locator, users):
    bad = {"order-7", "order-150", "order-299"}
    shop(orders(300, users=users))
    sandbox.faults.add(Refuse(message_ids=bad, locator=locator))
    result = send(max_rejected=3)
    assert {rejection["row"] for rejection in result["rejections"]} == bad
    assert result["rows_accepted"] == 297
    assert set(delivered(sandbox)) == {f"order-{number}" for number in range(300)} - bad
    assert len(sandbox.store.message_ids) == len(sandbox.store.events), "an event was kept twice"


def test_everything_arrives_once_whatever_the_server_does(sandbox, rokt, shop):
    sandbox.faults.add(
        Status(status=503, times=2),
        Reset(times=1),
        Status(status=429, retry_after=0.1, times=1),
        Status(status=429, times=2),
        Reset(times=2, after=True),
        Status(status=500, times=1),
        Status(status=503, times=1, after=True),
    )
    shop(orders(2000))
    result = send()
    assert result["rows_accepted"] == 2000
    assert len(delivered(sandbox)) == len(set(delivered(sandbox))) == 2000
    codes = result["status_codes"]
    assert (codes["503"], codes["429"], codes["500"], codes["none"]) == (3, 3, 1, 3)
    assert sandbox.store.counts.conflicting_batches == 0


@pytest.mark.parametrize(("password", "status"), [("not-the-secret", "403")])
def test_wrong_credentials_stop_at_once_with_advice(sandbox, rokt, shop, password, status):
    rokt(password=password)
    shop(orders(3000))
    with pytest.raises(RoktTaskFailed) as failed:
        send(concurrency=1)
    advice = causes(failed, RoktAuthError)
    assert status in advice and "pod" in advice
    assert len(sandbox.store.requests) <= 2, "more was sent after the refusal"


def test_401_stops_at_once_with_advice(sandbox, rokt, shop):
    sandbox.faults.add(Status(status=401))
    shop(orders(10))
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    assert "login" in causes(failed, RoktAuthError)


def test_a_redirect_is_an_error(sandbox, rokt, shop):
    sandbox.faults.add(Redirect(location=f"{sandbox.url}/v2/bulkevents?elsewhere"))
    shop(orders(10))
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    assert "redirect" in causes(failed, RoktEndpointError)
    assert not sandbox.store.events


def test_an_empty_result_is_a_success_that_says_so(sandbox, rokt, shop, said):
    shop(orders(1))
    result = send("SELECT * FROM orders WHERE 1 = 0")
    assert (result["rows_read"], result["requests"], result["status_codes"]) == (0, 0, {})
    assert "no rows" in said()


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"mapping": LEAST | {"user_identities.email": "emial"}}, RoktMappingError, "'email'"),
        ({"sql": "SELECT email, email FROM orders"}, RoktSourceError, "email"),
        ({"sql": "SELECT 1; DROP TABLE orders"}, RoktSourceError, "statement"),
        ({"sql": "SELECT *, 1 AS amuont FROM orders"}, RoktMappingError, "amount"),
        ({"parameters": 5}, RoktSourceError, "parameters"),
        ({"resend_from": "20260101T000000Z-nothing"}, None, "ledger_path"),
    ],
)
def test_bad_input_is_met_before_anything_is_sent(sandbox, rokt, shop, options, kind, says):
    shop(orders(3))
    with pytest.raises(RoktTaskFailed) as failed:
        send(**({"sql": "SELECT * FROM orders"} | options))
    assert says in (causes(failed, kind) if kind else str(failed.value))
    assert not sandbox.store.requests


def test_a_connection_of_the_wrong_type_is_named(sandbox, rokt, shop, monkeypatch):
    shop(orders(3))
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "http", "host": "example.com"}))
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    assert "shop" in causes(failed, RoktSourceError)


def test_missing_credentials_are_listed_together(sandbox, rokt, shop):
    rokt(login=None, password="")
    shop(orders(3))
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    text = causes(failed, RoktSettingsError)
    assert "login" in text and "password" in text
    assert not sandbox.store.requests


def test_repeated_ids_are_skipped_and_counted(sandbox, rokt, shop):
    rows = orders(50)
    shop(rows + rows[:20])
    result = send(fetch_size=7)
    assert (result["rows_accepted"], result["rows_skipped"]) == (50, 20)
    assert len(delivered(sandbox)) == 50


def test_a_repeat_of_a_rejected_row_is_still_sent(sandbox, rokt, shop):
    rows = orders(2)
    rows[1] |= {"source_message_id": rows[0]["source_message_id"]}
    rows[0]["amount"] = "none at all"
    shop(rows)
    result = send(max_rejected=1)
    assert (result["rows_accepted"], result["rows_rejected"]) == (1, 1)


def test_resend_sends_only_what_was_not_delivered(sandbox, rokt, shop):
    rows = orders(300)
    for number in (5, 6):
        rows[number]["amount"] = "?"
    rows[7]["source_message_id"] = None
    shop(rows)
    first = send(max_rejected=0.5)
    assert first["rows_rejected"] == 3
    for number in (5, 6):
        rows[number]["amount"] = "5.00"
    rows[7]["source_message_id"] = "order-7"
    shop(rows)
    again = send(resend_from=first["delivery_id"])
    assert (again["rows_accepted"], again["rows_skipped"]) == (3, 297)
    assert len(delivered(sandbox)) == len(set(delivered(sandbox))) == 300


def test_a_server_that_stays_down_fails_the_rows_and_resend_delivers_them(sandbox, rokt, shop, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.2")
    sandbox.faults.add(Status(status=503))
    shop(orders(700))
    with pytest.raises(RoktIncompleteError) as failed:
        send()
    assert "700 of 700" in str(failed.value)
    (lost,) = ledger.deliveries(1)
    assert lost.report()["rows_failed"] == 700
    sandbox.faults.clear()
    assert send(resend_from=lost.delivery_id)["rows_accepted"] == 700
    assert len(delivered(sandbox)) == 700


def test_historical_takes_its_own_road_and_fresh_events_theirs(sandbox, rokt, shop, said):
    rows = orders(4)
    ages = [timedelta(hours=1), timedelta(hours=71), timedelta(hours=80), timedelta(days=60)]
    for row, age in zip(rows, ages, strict=True):
        row["timestamp_unixtime_ms"] = (datetime.now(UTC) - age).isoformat()
    shop(rows)
    result = send(historical=True)
    paths = {kept.document["events"][0]["data"]["source_message_id"]: kept.path for kept in sandbox.store.batches}
    assert paths == {
        "order-0": "/v2/bulkevents",
        "order-1": "/v2/bulkevents",
        "order-2": "/v2/bulkevents/historical",
        "order-3": "/v2/bulkevents/historical",
    }
    assert not sandbox.store.unprocessed
    assert "attributed" in said()
    assert result["rows_accepted"] == 4


def test_old_events_on_the_usual_road_are_sent_with_a_warning(sandbox, rokt, shop, said):
    shop(orders(3, timestamp_unixtime_ms=int((time.time() - 40 * 86400) * 1000)))
    assert send()["rows_accepted"] == 3
    text = said()
    assert "30 days" in text and "historical" in text


def test_each_delivery_says_once_that_development_may_not_be_used(sandbox, rokt, shop, caplog):
    shop(orders(250))
    send(environment="development", fetch_size=50)
    assert caplog.text.count("environment='development': Rokt's guide says always production") == 1
    send()
    assert caplog.text.count("always production") == 1


def test_each_delivery_says_once_that_consent_may_not_be_honoured(sandbox, rokt, ledger, caplog):
    RoktHook().send_conversions(orders(3, **{"consent_state.gdpr.ads.consented": "true"}))
    assert caplog.text.count("consent_state is mapped, and whether Rokt honours it is not published") == 1


def test_events_that_rokt_may_not_use_for_their_age_are_counted(sandbox, rokt, shop, caplog):
    sandbox.reset(Settings(age_limit=12))
    rows = orders(4)
    for row, age in zip(rows, (400, 366, 300, -0.5), strict=True):
        row["timestamp_unixtime_ms"] = int((time.time() - age * 86400) * 1000)
    shop(rows)
    assert send(historical=True)["rows_accepted"] == 4
    assert sandbox.store.counts.dropped_events == {"older than the age limit": 2, "in the future": 1}
    assert "2 events are older than 12 months" in caplog.text and "1 events are later than now" in caplog.text


def test_rows_that_rokt_takes_for_one_conversion_are_named_once(sandbox, rokt, shop, caplog):
    rows = orders(4, confirmationref="C-1")
    rows[2]["source_message_id"] = "jane@example.com"
    rows[3]["conversiontype"] = "signup"
    shop(rows)
    assert send()["rows_accepted"] == 4
    assert sandbox.store.counts.dropped_events == {"repeats a conversiontype and confirmationref": 2}
    told = "2 rows share conversiontype and confirmationref with an earlier row of another id (order-0 and order-1; "
    # Long enough to take several lines.
    text = " ".join(record.getMessage().strip() for record in caplog.records)
    assert text.count(told + f"order-0 and sha256:{hashlib.sha256(b'jane@example.com').hexdigest()[:16]})") == 1


def test_what_may_be_lost_is_told_of_a_delivery_that_fails_too(sandbox, rokt, shop, caplog):
    sandbox.faults.add(Status(401))
    shop(orders(3, confirmationref="C-1"))
    with pytest.raises(RoktTaskFailed):
        send()
    assert "2 rows share conversiontype and confirmationref" in caplog.text


def test_requests_begin_small_and_grow_with_the_pace(sandbox, rokt, shop):
    rokt(extra={"batches_per_second": 270})
    shop(orders(150))
    assert 20 <= send()["requests"] <= 80
    assert sandbox.rate.peak <= 150
    rokt()
    assert send()["requests"] == 2
    assert {len(json.loads(b"[" + kept.body + b"]")) for kept in sandbox.store.batches} == {1}


def test_nothing_private_is_written_anywhere(sandbox, rokt, shop, said, tmp_path):
    secret_mail, secret_name = "very.private@example.com", "Verypriv Ate"
    rows = orders(300, firstname=secret_name)
    for row in rows[:5]:
        row["email"] = secret_mail
    rows[0]["amount"] = "very-private-amount"
    rows[1]["email"] = secret_mail.replace("@", " at ")
    shop(rows)
    sandbox.faults.add(
        Refuse(message_ids={"order-3"}, locator="path"),
        Refuse(message_ids={"order-4"}, locator="none"),
        Status(status=500, times=1, body=json.dumps({"echo": secret_mail})),
        Reset(times=1),
    )
    result = send(max_rejected=10)
    assert result["rows_rejected"] == 4
    written = said() + json.dumps(result)
    assert "Delivery" in written
    written += "".join(path.read_text() for path in (tmp_path / "ledger").rglob("*.jsonl"))
    basic = requests.auth._basic_auth_str(sandbox.settings.key, sandbox.settings.secret).split()[1]
    for private in (secret_mail, "very.private", secret_name, "very-private-amount", sandbox.settings.secret, basic):
        assert private not in written


def test_the_hook_sends_rows_of_python(sandbox, rokt, ledger):
    rows = (row for row in orders(1000, users=100))
    result = RoktHook().send_conversions(rows, fetch_size=300)
    assert (result["rows_accepted"], result["rows_read"]) == (1000, 1000)
    assert len(delivered(sandbox)) == 1000


def test_the_hook_allows_sparse_rows_and_names_a_wrong_option(sandbox, rokt, ledger):
    rows = orders(2)
    del rows[0]["amount"]
    assert RoktHook().send_conversions(rows)["rows_accepted"] == 2
    with pytest.raises(RoktTaskFailed, match="did you mean 'max_rejected'"):
        RoktHook().send_conversions(rows, max_reject=1)


@pytest.mark.parametrize("mapping", [None, GUIDE_COLUMNS])
@pytest.mark.parametrize("rows", [[], iter([])])
def test_no_rows_of_python_are_a_success_that_says_so(sandbox, rokt, ledger, said, rows, mapping):
    result = RoktHook().send_conversions(rows, mapping)
    assert (result["rows_read"], result["rows_accepted"], result["requests"]) == (0, 0, 0)
    assert ledger.open(result["delivery_id"]).report()["complete"]
    assert "no rows" in said()
    assert RoktHook().preview_conversions(rows, mapping)["rows_read"] == 0
    assert not sandbox.store.requests


def test_rows_of_python_may_have_keys_beside_the_mapping_at_any_time(sandbox, rokt, ledger):
    rows = [GUIDE_ROW | {"message": f"order-{number}", f"new{number}": number} for number in range(9)]
    del rows[0]["city"], rows[7]["city"]
    mapping = GUIDE_COLUMNS | {"user_attributes.country": {"column": "country", "default": "US"}}
    result = RoktHook().send_conversions(iter(rows), mapping, fetch_size=2)
    assert result["rows_accepted"] == 9
    assert {document["user_attributes"]["country"] for document in sandbox.store.documents} == {"US"}
    with pytest.raises(RoktTaskFailed, match=r"no column 'cty' \(close: 'city'\)"):
        RoktHook().send_conversions(rows, GUIDE_COLUMNS | {"user_attributes.city": "cty"})


@pytest.mark.parametrize("rows", [None, 5, [None], "text", [{1: 2}]])
@pytest.mark.parametrize("mapping", [None, GUIDE_COLUMNS])
def test_rows_of_python_that_are_none_are_refused(sandbox, rokt, ledger, rows, mapping):
    with pytest.raises(RoktTaskFailed) as failed:
        RoktHook().send_conversions(rows, mapping)
    causes(failed, RoktSourceError)
    assert not sandbox.store.requests


def test_wrong_arguments_of_the_hook_are_listed_together(sandbox, rokt, ledger):
    with pytest.raises(RoktTaskFailed, match=r"concurrency.*fetch_size.*mapping"):
        RoktHook().send_conversions([], mapping=5, concurrency=0, fetch_size=0)


def test_a_value_that_is_no_text_costs_itself_and_is_told_nobody(sandbox, rokt, shop, said, tmp_path, ledger):
    shop(orders(600))
    with sqlite3.connect(tmp_path / "shop.sqlite") as database:
        broken = "CAST(CAST('jane.secret' AS BLOB) || x'ff' AS TEXT)"
        database.execute(f"UPDATE orders SET email = {broken} WHERE source_message_id = 'order-400'")
    # The row may still go without its address, or not at all; no other is touched, and the query does not stop.
    report = send(fetch_size=100, max_rejected=1)
    assert report["rows_accepted"] + report["rows_rejected"] == 600 and report["rows_accepted"] >= 599
    written = said() + str(report)
    written += "".join(path.read_text() for path in (tmp_path / "ledger").rglob("*.jsonl"))
    assert "Delivery" in written and "jane" not in written


def test_resend_takes_a_result(sandbox, rokt, shop):
    rows = orders(5)
    rows[2]["amount"] = "?"
    shop(rows)
    first = send(max_rejected=1)
    shop(orders(5))
    assert send(resend_from=first)["rows_accepted"] == 1
    assert delivered(sandbox) == [f"order-{number}" for number in range(5)]


def test_an_id_that_looks_like_a_place_is_none(sandbox, rokt, shop, ledger):
    rows = orders(3)
    rows[0] |= {"source_message_id": "row 3", "amount": "?"}
    shop(rows)
    result = send(max_rejected=1)
    assert result["rejections"][0]["row"].startswith("sha256:")
    assert send(resend_from=result, max_rejected=1)["rows_skipped"] == 2


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ({"do_xcom_push": False}, set()),
        ({"do_xcom_push": False, "multiple_outputs": True}, set()),
        ({}, {"return_value"}),
        ({"multiple_outputs": True}, {"return_value", "delivery_id", "rows_rejected", "rejections"}),
    ],
)
def test_a_failed_task_pushes_its_report_as_a_good_one_would(rokt, shop, arguments, keys):
    shop([row | {"amount": "?"} if n == 0 else row for n, row in enumerate(orders(2))])
    pushed = {}
    ti = SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))
    task = RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", sql_conn_id="shop", **arguments)
    with pytest.raises(RoktTaskFailed) as failed:
        task.execute({"ti": ti})
    assert keys <= set(pushed) and bool(keys) == bool(pushed)
    assert pushed.get("return_value", failed.value.__cause__.report) == failed.value.__cause__.report


def test_an_airflow_that_takes_no_report_does_not_hide_why_the_task_failed(rokt, shop):
    def refuse(**what):
        raise RuntimeError("the task is over")

    shop([row | {"amount": "?"} for row in orders(2)])
    task = RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", sql_conn_id="shop")
    with pytest.raises(RoktTaskFailed, match="2 of 2 rows were rejected"):
        task.execute({"ti": SimpleNamespace(xcom_push=refuse)})


def test_resend_does_not_trust_a_place_that_may_have_moved(sandbox, rokt, shop):
    rows = orders(4)
    rows[1]["source_message_id"] = None
    shop(rows)
    first = send(max_rejected=1)
    shop([*orders(1, source_message_id="order-new"), *orders(4)])
    with pytest.raises(RoktTaskFailed, match="place"):
        send(resend_from=first["delivery_id"])


def test_a_stop_before_the_beginning_is_not_lost(sandbox, rokt, shop):
    shop(orders(3000))
    operator = RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", sql_conn_id="shop")
    operator.on_kill()
    with pytest.raises(RoktIncompleteError):
        operator.execute({})
    assert not sandbox.store.requests


@pytest.mark.parametrize("fault", [Status(status=401), Status(status=404), Redirect(location="http://localhost/")])
def test_a_delivery_that_ends_early_accounts_for_every_row(sandbox, rokt, shop, ledger, fault):
    sandbox.faults.add(fault)
    shop(orders(3000))
    with pytest.raises(RoktTaskFailed) as failed:
        send(fetch_size=1000)
    (reader,) = ledger.deliveries(1)
    report = reader.report()
    assert report["complete"] is False
    assert report["rows_read"] > 0
    assert report["rows_read"] == sum(report[f"rows_{end}"] for end in ("accepted", "rejected", "failed", "skipped"))
    assert failed.value.__cause__.report["rows_failed"] == report["rows_failed"]


def test_a_source_that_breaks_midway_accounts_for_every_row(sandbox, rokt, ledger):
    def rows():
        yield from orders(250)
        raise ValueError("the source broke")

    with pytest.raises(ValueError, match="the source broke"):
        RoktHook().send_conversions(rows(), fetch_size=100)
    report = ledger.deliveries(1)[0].report()
    assert (report["rows_read"], report["rows_accepted"] + report["rows_failed"]) == (200, 200)


@pytest.mark.parametrize("status", [402, 407, 418])
def test_a_status_that_is_no_verdict_rejects_no_row(sandbox, rokt, shop, status):
    sandbox.faults.add(Status(status=status))
    shop(orders(200))
    with pytest.raises(RoktTaskFailed) as failed:
        send(max_rejected=1.0)
    assert str(status) in causes(failed, RoktEndpointError)


def test_a_reason_keeps_no_word_of_the_row(sandbox, rokt, shop):
    body = json.dumps({"errors": [{"code": "BAD_REQUEST", "message": "user Jane Secret in Zanzibar is bad"}]})
    # Both together, then the first alone: that the second is taken shows that the row is to blame.
    sandbox.faults.add(Status(status=400, body=body, times=2))
    shop([row | {"firstname": "Jane", "lastname": "Secret", "city": "Zanzibar"} for row in orders(2)])
    result = send(max_rejected=1)
    reason = result["rejections"][0]["reason"]
    assert re.fullmatch(r"Rokt: a message that may hold values: see Rokt's own log \(kind [0-9a-f]{6}\)", reason)


def test_an_answer_that_cannot_be_read_fails_rows_instead_of_rejecting_them(sandbox, rokt, shop):
    sandbox.faults.add(Status(status=202, body='{"errors": [{"message": "cut of'))
    shop(orders(3))
    with pytest.raises(RoktIncompleteError, match="cannot be read"):
        send()
