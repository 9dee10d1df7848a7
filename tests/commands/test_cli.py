"""``airflow rokt`` and ``python -m airflow_provider_rokt``: real commands, some of them in processes of their own."""

import json
import re
from contextlib import suppress

import pytest
import requests
import yaml

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.bounded import child
from tests.commands.commands import COMMAND, NOW, order, process

PREVIEW = ("preview", "--sql-conn-id", "shop", "--sql", "SELECT * FROM orders")


def people(numbers):
    return [{"email": f"person{number}@example.com"} for number in numbers]


# --- in a process of its own


def test_preview_is_a_command(shop):
    shop([order(1), order(2, email="nobody")])
    done = process(*PREVIEW)
    assert done.returncode == 1
    assert '"email": "p***@e***.com"' in done.stdout
    assert "user_identities.email: not an e-mail address" in done.stdout
    assert "person1" not in done.stdout + done.stderr
    assert "nobody" not in done.stdout + done.stderr


def test_deliveries_are_commands(deliver):
    delivery = deliver(accepted=2, rejected=1)["delivery_id"]
    listed = process("deliveries", "list", "--output", "json")
    assert listed.returncode == 0
    assert [entry["delivery_id"] for entry in json.loads(listed.stdout)] == [delivery]
    shown = process("deliveries", "show", delivery)
    assert shown.returncode == 0
    assert "order-1 (row 1): user_identities.email: is no e-mail address" in shown.stdout


def test_sandbox_is_a_command():
    arguments = ["sandbox", "--port", "0", "--key", "mine", "--fault", '{"kind":"status","status":503,"times":1}']
    with child([*COMMAND, *arguments]) as sandbox:
        url = next(line.split()[3] for line in sandbox.stdout if line.startswith("Rokt sandbox at "))
        assert [requests.post(f"{url}/v2/events", json={}).status_code for _ in range(2)] == [503, 401]


# --- preview


def test_preview_shows_what_a_delivery_sends(rokt_cli, shop, sandbox, rokt):
    rows = [order(number, amount="9.99", vip=1) for number in range(3)]
    shop(rows)
    mapping = {
        "user_identities.email": "email",
        "user_attributes.vip": "vip",
        "events[].data.source_message_id": "source_message_id",
        "events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms",
        "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
        "events[].data.custom_attributes.amount": "amount",
    }
    status, out, _ = rokt_cli(*PREVIEW, "--mapping", json.dumps(mapping), "--show-values")
    assert status == 0
    blocks = out.split("\n\n")
    assert blocks.pop().strip() == "3 rows read: 3 would be sent, 0 rejected, 0 skipped. Nothing was sent."
    assert [block.splitlines()[0] for block in blocks] == [f"order-{n} (row {n + 1})" for n in range(3)]
    shown = [json.loads(block.partition("\n")[2]) for block in blocks]
    assert sandbox.store.counts.requests == {}
    RoktHook().send_conversions(rows, mapping, group_by_user=False)
    sent = sandbox.store.documents
    for document in sent:
        del document["source_request_id"]
    assert sent == shown


def test_preview_reads_only_the_rows_it_shows_and_says_nothing_of_stopping(rokt_cli, shop, caplog):
    shop([order(1)])
    endless = f"""
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
        SELECT 'a@example.com' AS email, 'order-' || i AS source_message_id, {NOW} AS timestamp_unixtime_ms,
               'purchase' AS conversiontype
        FROM n"""
    status, out, err = rokt_cli("preview", "--sql-conn-id", "shop", "--sql", endless, "--rows", "3", "--verbose")
    assert status == 0
    assert "3 rows read: 3 would be sent" in out
    noise = (out + err + caplog.text).lower()
    assert "error" not in noise
    assert "traceback" not in noise


def test_preview_shows_five_rows_unless_told(rokt_cli, shop):
    shop([order(number) for number in range(9)])
    assert "5 rows read: 5 would be sent" in rokt_cli(*PREVIEW)[1]


def test_preview_lists_every_fault_of_a_row(rokt_cli, shop):
    shop([order(1, email="nobody", timestamp_unixtime_ms="soon"), order(2, source_message_id=None), order(3), order(3)])
    status, out, _ = rokt_cli(*PREVIEW)
    assert status == 1
    first, second, third, fourth, totals = out.strip().split("\n\n")
    assert first.splitlines()[0] == "order-1 (row 1)"
    assert "  user_identities.email: not an e-mail address" in first
    assert "  events[].data.timestamp_unixtime_ms: not a date or time" in first
    assert second == "row 2\n  events[].data.source_message_id: required, but the row has none"
    assert third.startswith("order-3 (row 3)\n  {")
    assert fourth == "row 4\n  skipped: same id twice"
    assert totals.splitlines() == [
        "Rejected: 1 x user_identities.email: not an e-mail address",
        "Rejected: 1 x events[].data.timestamp_unixtime_ms: not a date or time: use ISO 8601",
        "Rejected: 1 x events[].data.source_message_id: required, but the row has none",
        "Skipped: 1 x same id twice",
        "The task would fail once the rest is sent: 2 of 4 rows would be rejected, and max_rejected is 0.",
        "4 rows read: 1 would be sent, 2 rejected, 1 skipped. Nothing was sent.",
    ]
    assert "nobody" not in out
    assert "soon" not in out


def test_preview_of_no_rows_checks_the_mapping(rokt_cli, shop):
    shop([order(1)])
    query = ("preview", "--sql-conn-id", "shop", "--sql", "SELECT * FROM orders WHERE 0")
    assert rokt_cli(*query)[:2] == (0, "0 rows read: 0 would be sent, 0 rejected, 0 skipped. Nothing was sent.\n")
    status, _, err = rokt_cli(*query, "--mapping", '{"user_identities.email": "mail"}')
    assert status == 2
    assert "mail" in err


def test_preview_takes_files_and_parameters(rokt_cli, shop, tmp_path):
    shop([order(1), order(2)])
    (tmp_path / "orders.sql").write_text(
        "SELECT email, source_message_id AS id FROM orders WHERE source_message_id = ?;"
    )
    mapping = {
        "user_identities.email": "email",
        "events[].data.source_message_id": "id",
        "events[].data.timestamp_unixtime_ms": {"literal": "2026-01-02T03:04:05Z"},
        "events[].data.custom_attributes.conversiontype": {"literal": "signup"},
    }
    (tmp_path / "mapping.json").write_text(json.dumps(mapping))
    files = ("--sql-file", str(tmp_path / "orders.sql"), "--mapping", f"@{tmp_path / 'mapping.json'}")
    status, out, _ = rokt_cli("preview", "--sql-conn-id", "shop", *files, "--parameters", '["order-2"]')
    assert status == 0
    assert "order-2 (row 1)" in out
    assert "1 rows read" in out
    assert '"conversiontype": "signup"' in out
    assert "person2" not in out


def test_preview_reads_values_as_told(rokt_cli, shop):
    shop([order(1, timestamp_unixtime_ms=NOW // 1000, mobile="020 7946 0018")])
    told = ("--timestamp-unit", "s", "--phone-region", "GB", "--environment", "development", "--show-values")
    out = rokt_cli(*PREVIEW, *told)[1]
    document = json.loads(out.partition("\n")[2].split("\n\n")[0])
    assert document["environment"] == "development"
    assert document["user_attributes"]["mobile"] == "2079460018"
    assert document["events"][0]["data"]["timestamp_unixtime_ms"] == NOW // 1000 * 1000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sql", "SELECT 1", "--sql-file", "orders.sql"], "give either --sql or --sql-file"),
        ([], "give either --sql or --sql-file"),
        (["--sql-file", "/no/such.sql"], "--sql-file cannot be used: '/no/such.sql' cannot be read (No such file"),
        (["--sql", "SELECT 1", "--mapping", "@/no/such.json"], "--mapping cannot be used: '/no/such.json'"),
        (["--sql", "SELECT 1", "--mapping", "{secret"], "--mapping cannot be used: it has to be JSON"),
        (["--sql", "SELECT 1", "--mapping", "[]"], "mapping must be a dict"),
        (["--sql", "SELECT 1; SELECT 2"], "2 statements"),
        (["--sql", "SELECT 1 AS emial"], "column 'emial' is not named after a field of Rokt's (close: email"),
        (["--sql", "SELECT missing"], "OperationalError: no such column: missing"),
        (["--sql", "SELECT 1", "--sql-conn-id", "none"], "The conn_id `none` isn't defined"),
        (["--sql", "SELECT 1", "--on-invalid", "ignore"], "on_invalid must be one of 'drop', 'reject'"),
        (["--sql", "SELECT 1", "--max-dropped", "2"], "max_dropped must be a fraction"),
        (["--sql", "SELECT 1", "--environment", "prod"], "environment must be one of 'production', 'development'"),
        (["--sql", "SELECT 1", "--mode", "mirror", "--no-hash-emails"], "--no-hash-emails is for audiences: add --aud"),
        (["--sql", "SELECT 1", "--audience", "vip", "--rows", "3"], "--rows is for conversions"),
        (["--sql", "SELECT 1", "--audience", "vip", "--show-values"], "--show-values is for conversions"),
    ],
)
def test_what_is_wrong_is_told_without_a_traceback(rokt_cli, shop, arguments, told):
    shop([order(1)])
    status, out, err = rokt_cli("preview", "--sql-conn-id", "shop", *arguments)
    assert (status, out) == (2, "")
    assert told in err
    assert "Traceback" not in err
    assert "secret" not in err


def test_verbose_shows_where_an_error_comes_from(rokt_cli, shop):
    shop([order(1)])
    status, _, err = rokt_cli("preview", "--sql-conn-id", "none", "--sql", "SELECT 1", "--verbose")
    assert status == 2
    assert "Traceback" in err


def test_a_connection_in_airflows_database_is_found(rokt_cli, airflow_db, shop, tmp_path):
    from airflow.models import Connection
    from airflow.utils.session import create_session

    shop([order(1)])
    with create_session() as session:
        session.add(Connection(conn_id="stored_shop", conn_type="sqlite", host=str(tmp_path / "shop.sqlite")))
    status, out, err = rokt_cli("preview", "--sql-conn-id", "stored_shop", "--sql", "SELECT * FROM orders")
    assert (status, err) == (0, "")
    assert "1 rows read" in out


def test_preview_tells_what_a_run_would_stop_for(rokt_cli, shop):
    shop([order(number, mobile="none") for number in range(120)])
    status, out, _ = rokt_cli(*PREVIEW, "--rows", "120")
    assert status == 1
    assert "The run would be stopped: 100 % of user_attributes.mobile cannot be sent" in out
    assert out.count("  left out: user_attributes.mobile: not a phone number") == 120
    assert "Left out: 120 x user_attributes.mobile: not a phone number for region US" in out
    assert rokt_cli(*PREVIEW, "--rows", "120", "--max-dropped", "1")[0] == 0
    assert rokt_cli(*PREVIEW, "--on-invalid", "reject")[0] == 1
    assert rokt_cli(*PREVIEW, "--on-invalid", "reject", "--max-rejected", "5")[0] == 0
    status, out, _ = rokt_cli(*PREVIEW, "--rows", "200", "--max-dropped", "1", "--min-rows", "121")
    assert status == 1
    assert "expected at least 121 rows" in out
    assert rokt_cli(*PREVIEW, "--min-rows", "121")[0] == 0, "five rows tell nothing of how many there are"


def test_preview_as_json_is_complete(rokt_cli, shop):
    mapping = {"user_attributes.firstname": "name", "user_attributes.mobile": "mobile"}
    mapping |= {"user_identities.email": "email", "events[].data.source_message_id": "source_message_id"}
    mapping |= {"events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms"}
    mapping |= {"events[].data.custom_attributes.conversiontype": {"literal": "purchase"}}
    shop([order(n, mobile="none", name='"Jane"') for n in (1, 2, 1)])
    status, out, err = rokt_cli(*PREVIEW, "--mapping", json.dumps(mapping), "--output", "json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert (result["rows_read"], result["rows_rejected"], result["rows_skipped"]) == (3, 0, 1)
    assert [sorted(row) for row in result["rows"]] == [
        ["document", "dropped", "endpoint", "key", "number"],
        ["document", "dropped", "endpoint", "key", "number"],
        ["key", "number", "skipped"],
    ]
    assert result["rows"][0]["dropped"][0]["path"] == "user_attributes.mobile"
    assert result["dropped"] == {"user_attributes.mobile": 2}
    assert result["skipped"] == {"same id twice": 1}
    assert [(warning["kind"], warning["column"], warning["rows"]) for warning in result["warnings"]] == [
        ("json quotes", "name", 3)
    ]
    assert "Jane" not in out


# --- preview of an audience

AUDIENCE = (*PREVIEW, "--audience", "vip")


def counts(out):
    """The lines of counts, by name."""
    return {name: int(number.replace(",", "")) for name, number in re.findall(r"^  ([a-z ]+?) +([\d,]+)$", out, re.M)}


def test_preview_counts_what_an_audience_run_would_do(rokt_cli, sandbox, rokt, shop):
    shop([*people(range(8)), *people(range(2))])
    status, out, err = rokt_cli(*AUDIENCE)
    assert (status, err) == (0, "")
    assert counts(out) == {
        "rows read": 10,
        "rows rejected": 0,
        "rows skipped": 2,
        "members added": 8,
        "members removed": 0,
        "members unchanged": 0,
    }
    assert "fewer than 1,000" in out
    assert out.splitlines()[0] == "Audience 'vip', mode=include, via=import:"
    assert out.splitlines()[-1] == "Nothing was sent."
    assert sandbox.store.requests == ()


def test_preview_tells_which_guard_would_stop_a_mirror(rokt_cli, sandbox, rokt, shop):
    RoktHook().send_audience(people(range(10)), "vip", mode="mirror")
    sent = len(sandbox.store.requests)
    shop(people(range(6, 12)))
    status, out, _ = rokt_cli(*AUDIENCE, "--mode", "mirror")
    assert status == 1
    assert (counts(out)["members added"], counts(out)["members removed"]) == (2, 6)
    assert "The run would be stopped: " in out
    assert "max_removed" in out
    status, out, _ = rokt_cli(*AUDIENCE, "--mode", "mirror", "--max-removed", "0.9")
    assert (status, out.splitlines()[-1]) == (0, "Nothing was sent.")
    assert len(sandbox.store.requests) == sent


def test_preview_of_an_audience_is_judged_as_the_operator_judges(rokt_cli, sandbox, rokt, shop):
    shop([*people(range(9)), {"email": "nobody"}])
    for mode in ("include", "mirror"):
        for allowed in ("0.1", "1"):
            status, out, _ = rokt_cli(*AUDIENCE, "--mode", mode, "--max-rejected", allowed)
            assert (status, out.splitlines()[-1]) == (0, "Nothing was sent.")
            assert counts(out)["rows rejected"] == 1
    status, out, _ = rokt_cli(*AUDIENCE)
    assert (status, out.splitlines()[-2:]) == (
        1,
        [
            "The task would fail once the rest is sent: 1 of 10 rows would be rejected, and max_rejected is 0.",
            "Nothing was sent.",
        ],
    )
    status, out, _ = rokt_cli(*AUDIENCE, "--mode", "mirror", "--max-rejected", "0.05")
    assert status == 1
    assert "The run would be stopped: 1 of 10 rows name nobody" in out
    assert "nobody" not in out.replace("name nobody", "")


def test_preview_of_an_audience_names_the_rows_it_refuses(rokt_cli, sandbox, rokt, shop):
    both = [{"email": f"both{n}@example.com", "status": word} for n in range(2) for word in ("in", "out")]
    bad = [{"email": f"bad{n}", "status": "in"} for n in range(30)]
    shop([{"email": "", "status": "perhaps"}, *both, *bad])
    result = json.loads(rokt_cli(*AUDIENCE, "--output", "json")[1])
    assert (result["rows_read"], result["rows_rejected"], len(result["rejected_rows"])) == (35, 35, 20)
    first = result["rejected_rows"][0]
    assert (first["number"], first["key"], [fault["path"] for fault in first["faults"]]) == (
        1,
        "row 1",
        ["user_identities.email", "events[].data.custom_attributes.status"],
    )
    assert [(entry["path"].rpartition(".")[2], entry["rows"]) for entry in result["rejected_by_reason"]] == [
        ("email", 30),
        ("", 4),
        ("email", 1),
        ("status", 1),
    ]
    out = rokt_cli(*AUDIENCE)[1]
    assert "The first of 35 rejected rows:\n  row 1: user_identities.email: has no value; " in out
    assert "bad" not in out


def test_preview_of_an_empty_audience_asks_for_allow_empty(rokt_cli, sandbox, rokt, shop):
    shop(people([1]))
    empty = ("preview", "--sql-conn-id", "shop", "--sql", "SELECT * FROM orders WHERE 0", "--audience", "vip")
    status, out, _ = rokt_cli(*empty)
    assert status == 1
    assert "returned no rows" in out
    assert rokt_cli(*empty, "--allow-empty")[0] == 0


def test_preview_of_an_audience_takes_its_road(rokt_cli, sandbox, rokt, shop, monkeypatch):
    shop(people([1]))
    rokt("v3")
    monkeypatch.setenv("AIRFLOW_CONN_EVENTS", json.dumps(sandbox.connection("v1")))
    chosen = ("--via", "events", "--rokt-conn-id", "events", "--no-hash-emails", "--mode", "exclude")
    status, out, _ = rokt_cli(*AUDIENCE, *chosen)
    assert (status, out.splitlines()[0]) == (0, "Audience 'vip', mode=exclude, via=events:")
    status, _, err = rokt_cli(*AUDIENCE, "--via", "road")
    assert status == 2
    assert "via must be one of 'import', 'events'" in err


# --- deliveries


def test_list_tells_of_each_delivery_newest_first(rokt_cli, begin, finish, ledger):
    finish(begin("20260101T000000Z-a"), accepted=3, rejected=2, failed=1)
    finish(begin("20260102T000000Z-b"), accepted=1, complete=False)
    ledger.begin("audience", {"dag_id": "crm", "task_id": "vip", "map_index": 3}, {}, "20260103T000000Z-c")
    named = {"dag_id": "crm", "task_id": "vip", "map_index": 0, "partition": "north"}
    ledger.begin("audience", named, {}, "20260104T000000Z-d")
    entries = json.loads(rokt_cli("deliveries", "list", "-o", "json")[1])
    assert [entry.pop("delivery_id")[-1] for entry in entries] == ["d", "c", "b", "a"]
    assert [entry.pop("state") for entry in entries] == ["running", "running", "incomplete", "failed"]
    assert [entry.pop("started")[:2] for entry in entries] == ["20"] * 4
    unknown = dict.fromkeys(("read", "accepted", "rejected", "failed", "skipped"))
    nothing_else = {"rejected": 0, "failed": 0, "skipped": 0}
    assert entries == [
        {"operation": "audience", "task": "crm.vip #0 (north)", **unknown},
        {"operation": "audience", "task": "crm.vip #3", **unknown},
        {"operation": "conversions", "task": "orders", "read": 1, "accepted": 1, **nothing_else},
        {"operation": "conversions", "task": "orders"}
        | {"read": 6, "accepted": 3, "rejected": 2, "failed": 1, "skipped": 0},
    ]


@pytest.mark.parametrize(("allowed", "state"), [(0, "failed"), (1, "complete")])
def test_whether_the_task_failed_is_told_by_all_that_name_its_delivery(rokt_cli, rokt, ledger, allowed, state):
    with suppress(RoktTaskFailed):
        RoktHook().send_conversions([order(1), order(2, email="nobody")], sync="shop", max_rejected=allowed)
    (entry,) = json.loads(rokt_cli("deliveries", "list", "-o", "json")[1])
    (sync,) = json.loads(rokt_cli("syncs", "list", "-o", "json")[1])
    (last,) = json.loads(rokt_cli("syncs", "show", "shop", "-o", "json")[1])["last_deliveries"]
    shown = json.loads(rokt_cli("deliveries", "show", entry["delivery_id"], "-o", "json")[1])
    assert [one["state"] for one in (entry, sync, last, shown)] == [state] * 4
    finished = rokt_cli("deliveries", "show", entry["delivery_id"])[1].partition("Finished ")[2].splitlines()[0]
    assert ("1 of 2 rows" in finished) == (state == "failed")


@pytest.mark.parametrize("output", ["table", "plain", "yaml"])
def test_list_has_airflows_other_outputs(rokt_cli, deliver, begin, output):
    delivery = deliver(accepted=3)["delivery_id"]
    begin("9-running")
    status, out, _ = rokt_cli("deliveries", "list", "--output", output)
    assert status == 0
    if output == "yaml":
        assert [entry["accepted"] for entry in yaml.safe_load(out)] == [None, 3]
    else:
        assert delivery in out
        assert "None" not in out


def test_list_is_limited(rokt_cli, begin):
    for number in range(5):
        begin(f"delivery-{number}")
    entries = json.loads(rokt_cli("deliveries", "list", "--limit", "2", "-o", "json")[1])
    assert [entry["delivery_id"] for entry in entries] == ["delivery-4", "delivery-3"]


def test_list_of_nothing_says_where_it_looked(rokt_cli, ledger):
    assert rokt_cli("deliveries", "list")[:2] == (0, f"No deliveries under {ledger.uri}\n")
    assert json.loads(rokt_cli("deliveries", "list", "-o", "json")[1]) == []


def test_one_damaged_report_does_not_hide_the_others(rokt_cli, deliver, tmp_path):
    damaged, whole = deliver(accepted=1)["delivery_id"], deliver(accepted=1)["delivery_id"]
    (tmp_path / "ledger" / damaged[:8] / damaged / "report.jsonl").write_bytes(b"{")
    entries = json.loads(rokt_cli("deliveries", "list", "-o", "json")[1])
    assert {entry["delivery_id"]: entry["state"] for entry in entries} == {damaged: "damaged", whole: "complete"}


def test_show_tells_what_became_of_a_delivery(rokt_cli, ledger, finish):
    sender = {"dag_id": "orders", "task_id": "send", "run_id": "daily", "map_index": -1, "try_number": 2}
    writer = ledger.begin("conversions", {"connection": "rokt_eu", **sender}, {"environment": "production"})
    finish(writer, accepted=150, rejected=2, failed=1)
    status, out, err = rokt_cli("deliveries", "show", writer.delivery_id)
    assert (status, err) == (0, "")
    head, report, batches, rows = out.strip().split("\n\n")
    assert head.splitlines()[0] == f"Delivery {writer.delivery_id}"
    details = {line[:13].strip(): line[14:] for line in head.splitlines()[1:]}
    assert details.pop("started").startswith("20")
    assert details == {
        "operation": "conversions",
        "task": "orders.send",
        "run": "daily",
        "try": "2",
        "connection": "rokt_eu",
        "options": '{"environment": "production"}',
        "ledger": writer.uri,
    }
    assert report.splitlines()[0].endswith(", failed: not enough of its rows arrived")
    assert counts(report) == {
        "rows read": 153,
        "rows accepted": 150,
        "rows rejected": 2,
        "rows failed": 1,
        "rows skipped": 0,
        "rows unconfirmed": 0,
        "rows resumed": 0,
        "batches": 153,
        "requests": 2,
    }
    assert "answers by status 202: 2" in report
    assert [line.split(maxsplit=5) for line in batches.splitlines()[1:]] == [
        ["accepted", "202", "150", "with", "150", "rows"],
        ["rejected", "400", "2", "with", "2", "rows  user_identities.email: is no e-mail address"],
        ["failed", "no", "answer", "1", "with", "1 rows  not sent: Rokt did not answer"],
    ]
    assert rows.splitlines()[1:] == [
        "  rejected  order-1 (row 1): user_identities.email: is no e-mail address",
        "  rejected  order-2 (row 2): user_identities.email: is no e-mail address",
        "  failed    order-1 (row 1): whole row: not sent: Rokt did not answer",
    ]


def test_show_takes_a_uri_and_a_limit_of_rows(rokt_cli, begin, finish):
    writer = begin()
    finish(writer, rejected=30)
    out = rokt_cli("deliveries", "show", writer.uri, "--rows", "4")[1]
    assert out.count("rejected  order-") == 4


def test_show_tells_of_a_delivery_that_is_not_over(rokt_cli, begin):
    writer = begin()
    status, out, _ = rokt_cli("deliveries", "show", writer.delivery_id)
    assert status == 0
    assert "It is running, or its task was killed" in out
    assert out.count("  none") == 2


def test_show_says_when_the_source_was_not_read_to_its_end(rokt_cli, begin, finish):
    writer = begin()
    finish(writer, accepted=1, complete=False)
    assert "incomplete: its rows were not read to the end" in rokt_cli("deliveries", "show", writer.delivery_id)[1]


def test_show_cannot_be_made_to_steer_the_terminal(rokt_cli, begin, finish):
    writer = begin()
    refused = VerdictRecord(Outcome.REJECTED, 400, 1, "\x1b[31mred\nnew line", "")
    writer.request(RequestRecord(1, BULK.path, 202, 1, 100, 1.0, 1, 1, (refused,)))
    writer.rows(Outcome.REJECTED, [RowFault(RowRef(1, "\x1b[2J"), (FieldFault("", "\x1b[31m"),))])
    finish(writer)
    out = rokt_cli("deliveries", "show", writer.delivery_id)[1]
    assert "\x1b" not in out
    assert "\ufffd[31mred\ufffdnew line" in out


def test_show_counts_an_audiences_members(rokt_cli, sandbox, rokt, shop, ledger):
    delivery = RoktHook().send_audience(people(range(3)), "vip")["delivery_id"]
    out = rokt_cli("deliveries", "show", delivery)[1]
    assert counts(out)["members added"] == 3


@pytest.fixture
def partial_delivery(sandbox, rokt, ledger):
    """Three accepted conversions, of which one lost its phone number and its address, and a repeated one."""
    rows = [order(1, mobile="07", ip="nowhere"), order(2, mobile="2025550123"), order(3), order(3)]
    mapping = {
        "user_identities.email": "email",
        "user_attributes.mobile": "mobile",
        "ip": "ip",
        "events[].data.source_message_id": "source_message_id",
        "events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms",
        "events[].data.custom_attributes.conversiontype": "conversiontype",
    }
    return RoktHook().send_conversions(rows, mapping)


def test_show_tells_what_was_skipped_and_left_out_and_what_the_rest_carries(rokt_cli, partial_delivery):
    out = rokt_cli("deliveries", "show", partial_delivery["delivery_id"])[1]
    _, report, _, _ = out.strip().split("\n\n")
    assert report.splitlines()[-10:] == [
        "  answers by status 202: 1",
        "Skipped, by reason:",
        "  1  same id twice",
        "Values left out, by field:",
        "  1  ip",
        "  1  user_attributes.mobile",
        "Coverage, of the accepted rows:",
        "  100.00%  user_identities.email",
        "   33.33%  user_attributes.mobile",
        "    0.00%  ip",
    ]


def test_show_says_nothing_of_what_a_report_does_not_tell(rokt_cli, deliver, tmp_path):
    delivery = deliver(accepted=1)["delivery_id"]
    path = tmp_path / "ledger" / delivery[:8] / delivery / "report.jsonl"
    report = json.loads(path.read_text())
    path.write_text(
        json.dumps({name: report[name] for name in report if name not in ("skipped", "dropped", "coverage")})
    )
    status, out, _ = rokt_cli("deliveries", "show", delivery)
    assert status == 0
    assert not re.search("by reason|left out|Coverage", out)


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_show_as_data_is_complete(rokt_cli, partial_delivery, output, read):
    status, out, err = rokt_cli("deliveries", "show", partial_delivery["delivery_id"], "--output", output)
    shown = read(out)
    assert (status, err) == (0, "")
    report = shown.pop("report")
    assert report.pop("complete") is True
    assert report.pop("finished_at").startswith("20")
    assert [report.pop(name) for name in ("failure", "failed_without_row", "rejected_without_row")] == [None, 0, 0]
    assert report == partial_delivery
    assert report["skipped"] == {"same id twice": 1}
    assert shown.pop("started").startswith("20")
    assert shown.pop("options")["max_dropped"] == 0.2
    assert shown.pop("sender")["connection"] == "rokt_default"
    assert shown == {
        "delivery_id": report["delivery_id"],
        "operation": "conversions",
        "ledger": report["ledger"],
        "state": "complete",
        "damage": [],
        "batches": [{"outcome": "accepted", "status": 202, "path": "", "reason": "", "batches": 3, "rows": 3}],
        "rows": [],
    }


def test_show_as_data_names_the_rows_that_were_not_delivered(rokt_cli, begin, finish):
    writer = begin()
    shown = json.loads(rokt_cli("deliveries", "show", writer.delivery_id, "-o", "json")[1])
    assert (shown["state"], shown["report"], shown["batches"], shown["rows"]) == ("running", None, [], [])
    finish(writer, accepted=4, rejected=30)
    shown = json.loads(rokt_cli("deliveries", "show", writer.delivery_id, "-o", "json", "--rows", "2")[1])
    fault = {"path": "user_identities.email", "reason": "is no e-mail address"}
    assert shown["rows"] == [
        {"outcome": "rejected", "number": number, "key": f"order-{number}", "faults": [fault]} for number in (1, 2)
    ]
    assert [one["batches"] for one in shown["batches"]] == [30, 4]


@pytest.mark.parametrize("delivery", ["20260101T000000Z-none", "../etc"])
def test_show_of_no_delivery_is_told(rokt_cli, ledger, delivery):
    status, _, err = rokt_cli("deliveries", "show", delivery)
    assert status == 2
    assert delivery.rpartition("/")[2] in err
    assert "Traceback" not in err


# --- sandbox


def test_a_sandbox_that_cannot_start_ends_with_a_status(rokt_cli, sandbox):
    port = sandbox.url.rpartition(":")[2]
    status, _, err = rokt_cli("sandbox", "--port", port)
    assert status == 1
    assert "The sandbox cannot start" in err
