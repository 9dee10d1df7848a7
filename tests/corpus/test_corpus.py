"""What leaves for Rokt, of tables in the shape of real shops: every value right, every wrong one at its own cost."""

import json
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from airflow_provider_rokt.events.validation import schema_text
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.corpus.corpus import SHOPS, Shop, audience, row_names, shop

CHINOOK = Path(__file__).parents[3] / "shared" / "data" / "chinook.sqlite"


@dataclass(frozen=True)
class Delivered:
    """What became of a shop's rows.

    :ivar batches: those that arrived, by the id of their first event.
    :ivar rejected: the faults of each rejected row, by its place.
    :ivar dropped: what was left out of each row, likewise.
    """

    shop: Shop
    report: dict[str, Any]
    batches: dict[str, dict[str, Any]]
    rejected: dict[int, dict[str, str]]
    dropped: dict[int, dict[str, str]]


@pytest.fixture(scope="module")
def deliver(_sandbox, tmp_path_factory) -> Callable[[str], Delivered]:
    """Sends a shop once, over HTTP, for all tests that ask for it."""
    done: dict[str, Delivered] = {}

    def delivered(name: str) -> Delivered:
        if name not in done:
            with pytest.MonkeyPatch.context() as patch:
                done[name] = _deliver(shop(name), _sandbox, tmp_path_factory.mktemp(name), patch)
        return done[name]

    return delivered


def _deliver(table: Shop, sandbox: Any, folder: Path, patch: pytest.MonkeyPatch) -> Delivered:
    sandbox.reset()
    _connect(sandbox, folder, patch)
    options = table.options | {"max_rejected": 1.0, "concurrency": 1}
    if table.road == "sqlite":
        _write(folder / "shop.sqlite", table.rows, patch)
        given = {"sql": "SELECT * FROM orders ORDER BY rowid", "sql_conn_id": "shop", "mapping": table.mapping}
        report = RoktConversionOperator(task_id="send", **given, **options).execute({})
    else:
        report = RoktHook().send_conversions(table.rows, table.mapping, **options)
    reader = Ledger(folder / "ledger").open(report["delivery_id"])
    documents = sandbox.store.documents
    for document in documents:
        assert document.pop("source_request_id")
    return Delivered(
        table,
        report,
        {document["events"][0]["data"]["source_message_id"]: document for document in documents},
        {record.number: dict(record.faults) for record in reader.rows([Outcome.REJECTED])},
        {record.number: dict(record.faults) for record in reader.dropped()},
    )


def _connect(sandbox: Any, folder: Path, patch: pytest.MonkeyPatch) -> None:
    connection = sandbox.connection("v1")
    extra = connection["extra"] | {"batches_per_second": 100_000}
    patch.setenv("AIRFLOW_CONN_ROKT_DEFAULT", json.dumps(connection | {"extra": extra}))
    patch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(folder / "ledger"))


def _write(path: Path, rows: list[dict[str, Any]], patch: pytest.MonkeyPatch) -> None:
    patch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE orders ({', '.join(rows[0])})")
        marks = ", ".join("?" * len(rows[0]))
        database.executemany(f"INSERT INTO orders VALUES ({marks})", [tuple(row.values()) for row in rows])


@pytest.mark.parametrize(
    ("name", "row"), [pytest.param(name, row, id=f"{name}: {row}") for name in SHOPS for row in row_names(name)]
)
def test_each_row_ends_as_the_guide_has_it(deliver, name, row):
    delivered = deliver(name)
    expected = delivered.shop.expected[row]
    number = list(delivered.shop.expected).index(row) + 1
    _require_faults(delivered.rejected.get(number, {}), expected.rejected)
    _require_faults(delivered.dropped.get(number, {}), expected.dropped)
    if expected.batch is not None:
        sent = delivered.batches.get(expected.batch["events"][0]["data"]["source_message_id"])
        # As text, since to Python 1 is True and 1.0.
        assert _text(sent) == _text(expected.batch)
        _reference().validate(sent)
        _require_guide(sent)


@pytest.mark.parametrize("name", SHOPS)
def test_each_report_adds_up(deliver, name):
    delivered = deliver(name)
    report, expected = delivered.report, delivered.shop.expected.values()
    assert {key: report[key] for key in delivered.shop.report} == delivered.shop.report
    ends = (report[f"rows_{end}"] for end in ("accepted", "rejected", "failed", "skipped"))
    assert report["rows_read"] == sum(ends) == len(delivered.shop.rows)
    assert len(delivered.batches) == report["batches"] == sum(row.batch is not None for row in expected)
    assert report["rows_rejected"] == len(delivered.rejected) == sum(bool(row.rejected) for row in expected)
    assert report["rows_skipped"] == sum(bool(row.skipped) for row in expected)


def _require_faults(found: dict[str, str], expected: dict[str, str]) -> None:
    assert found.keys() == expected.keys(), found
    for path, word in expected.items():
        assert word in found[path]


def _text(document: object) -> str:
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)


@cache
def _reference() -> Draft202012Validator:
    schema = json.loads(schema_text()) | {"$ref": "#/$defs/conversion"}
    return Draft202012Validator(schema, format_checker=FormatChecker(["ipv4", "ipv6"]))


def _require_guide(document: dict[str, Any]) -> None:
    """By the guide's own sentences, without the schema."""
    assert len(json.dumps(document)) < 256_000
    assert document["environment"] == "production"
    assert document.get("user_identities") or "ios_advertising_id" in document["device_info"]
    identities, attributes = document.get("user_identities", {}), document.get("user_attributes", {})
    assert identities.keys() <= {"email", "other", "customerid", "other2"}
    assert all(isinstance(identity, str) and identity == identity.strip() != "" for identity in identities.values())
    address = identities.get("email", "")
    assert address == address.lower()
    hashes = [identities.get("other"), *(attributes[name] for name in attributes if name.endswith("sha256"))]
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in hashes if digest is not None)
    assert len(attributes) <= 100
    assert re.fullmatch("[0-9]{4,14}", attributes.get("mobile", "5551234567"))
    assert re.fullmatch("[0-9]{8}", attributes.get("dob", "19900704"))
    assert not attributes.keys() & {"http_header_user_agent", "ios_advertising_id", "android_advertising_id"}
    assert ip_address(document.get("ip", "203.0.113.42"))
    for event in document["events"]:
        data = event["data"]
        names = event["event_type"], data["event_name"], data["custom_event_type"]
        assert names == ("custom_event", "conversion", "transaction")
        assert isinstance(data["source_message_id"], str) and data["source_message_id"]
        assert re.fullmatch("[0-9]{13}", str(data["timestamp_unixtime_ms"]))
        details = data["custom_attributes"]
        assert details["conversiontype"]
        assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", details.get("amount", "99.99"))
        assert re.fullmatch("[A-Z]{3}", details.get("currency", "USD"))
        assert all(len(str(value)) <= 4096 for value in (*attributes.values(), *details.values()))


@pytest.mark.parametrize("via", ["import", "events"])
def test_an_audience_reads_its_rows_alike_on_both_roads(sandbox, rokt, ledger, via):
    rows, said = audience()
    report = RoktHook().send_audience([{"email": row} for row in rows.values()], "vip", via=via, max_rejected=1.0)
    people = {sha256(address.encode()).hexdigest() for address in said["members"].values()}
    if via == "import":
        assert sandbox.store.audiences == {"vip": people}
    else:
        assert {document["user_identities"]["other"] for document in sandbox.store.documents} == people
    assert list(said["members"]) + list(said["rejected"]) == list(rows)
    rejected = {record.number: record.faults for record in ledger.open(report["delivery_id"]).rows([Outcome.REJECTED])}
    assert [list(rows)[number - 1] for number in sorted(rejected)] == list(said["rejected"])
    for number, word in zip(sorted(rejected), said["rejected"].values(), strict=True):
        ((path, reason),) = rejected[number]
        assert path in ("user_identities.email", "user_identities")
        assert word in reason
    assert (report["rows_accepted"], report["rows_rejected"], report["rows_skipped"]) == (9, 12, 1)


def test_a_membership_event_in_full(sandbox, rokt, ledger):
    RoktHook().send_audience([{"email": "Ann@Example.com"}], "vip", via="events")
    (document,) = sandbox.store.documents
    (event,) = document.pop("events")
    data = event.pop("data")
    assert document.pop("source_request_id") and data.pop("source_message_id")
    assert re.fullmatch("[0-9]{13}", str(data.pop("timestamp_unixtime_ms")))
    assert _text(document | event | data) == _text(audience()[1]["event"])


_LEAST = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "signup"},
}
_ANN = {"email": "ann@example.com", "id": 1, "at": 1735689600}


def test_a_long_user_agent_is_nobodys_loss(sandbox, rokt, ledger):
    """The guide limits attributes' values; whether an agent beyond that is sent, cut or left out, its event goes."""
    agent = "Mozilla/5.0 " + "x" * 5000
    mapping = _LEAST | {"device_info.http_header_user_agent": "agent"}
    assert RoktHook().send_conversions([_ANN | {"agent": agent}], mapping)["rows_accepted"] == 1
    (document,) = sandbox.store.documents
    assert agent.startswith(document.get("device_info", {}).get("http_header_user_agent", ""))


@pytest.mark.parametrize("column", ["rclid", "rtid", "roktclickid", "rokt_click_id", "passbackconversiontrackingid"])
@pytest.mark.parametrize("section", ["user_identities", "user_attributes", "events[].data.custom_attributes"])
def test_other_names_of_the_click_id_lead_to_the_guides(column, section):
    with pytest.raises(RoktTaskFailed, match=r"write user_identities\.other2"):
        RoktHook().preview_conversions([_ANN | {column: "click-1"}], _LEAST | {f"{section}.{column}": column})


# --- a database that nobody here wrote


@pytest.fixture
def chinook(rokt, ledger, monkeypatch):
    if not CHINOOK.exists():
        pytest.skip(f"needs the Chinook sample database as {CHINOOK.name} in shared/data, beside this project's folder")
    monkeypatch.setenv("AIRFLOW_CONN_CHINOOK", json.dumps({"conn_type": "sqlite", "host": str(CHINOOK)}))

    def send(mapping=None, **options):
        task = RoktConversionOperator(
            task_id="send",
            sql="SELECT * FROM Invoice JOIN Customer USING (CustomerId) ORDER BY InvoiceId",
            sql_conn_id="chinook",
            mapping={
                "user_identities.email": "Email",
                "user_identities.customerid": "CustomerId",
                "user_attributes.mobile": "Phone",
                "events[].data.source_message_id": "InvoiceId",
                "events[].data.timestamp_unixtime_ms": "InvoiceDate",
                "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
                "events[].data.custom_attributes.amount": "Total",
                "events[].data.custom_attributes.currency": {"literal": "USD"},
                **(mapping or {}),
            },
            **options,
        )
        return task.execute({})

    return send


def test_chinook_goes_but_for_its_danish_phone(chinook, sandbox):
    report = chinook()
    assert (report["rows_accepted"], report["batches"]) == (412, 59)
    assert report["dropped"] == {"user_attributes.mobile": 7}
    for document in sandbox.store.documents:
        del document["source_request_id"]
        _require_guide(document)


def test_chinooks_danish_phone_can_cost_its_rows(chinook):
    report = chinook(on_invalid="reject", max_rejected=7)
    assert (report["rows_accepted"], report["rows_rejected"], report["dropped"]) == (405, 7, {})


def test_chinooks_phones_are_no_addresses(chinook, sandbox):
    with pytest.raises(RoktTaskFailed, match=r"(?s)user_identities\.email.*Is it the right column"):
        chinook({"user_identities.email": "Phone"})
    assert not sandbox.store.requests
