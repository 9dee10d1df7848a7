"""What the schema takes and what it refuses, at the edges of every rule."""

import json
from typing import Any

import jsonschema
import pytest

from airflow_provider_rokt.events.validation import Root, Validator, schema_text
from airflow_provider_rokt.limits import ATTRIBUTES, AUDIENCE_NAME_CHARS, EVENTS_PER_REQUEST
from tests.events.documents import EXAMPLE, MEMBERSHIP, Document, with_value, without

Path = tuple[str | int, ...]

DATA: Path = ("events", 0, "data")
DETAILS: Path = (*DATA, "custom_attributes")
HASH = "0123456789abcdef" * 4
GUID = "8A37C1B2-9f4e-4C6d-8b1a-0123456789ab"
GOOD: list[tuple[Path, object]] = [
    (("environment",), "development"),
    (("ip",), "::1"),
    (("ip",), "2001:db8::8a2e:370:7334"),
    (("ip",), "::ffff:192.0.2.1"),
    (("mpid",), -(2**63)),
    (("source_request_id",), "0" * 32),
    (("deleted_user_attributes",), ["city"]),
    (("user_identities", "email"), "jörg@exämple.com"),
    (("user_identities", "other"), HASH),
    (("device_info", "ios_advertising_id"), GUID),
    (("device_info", "android_uuid"), "not a guid"),
    (("user_attributes", "dob"), "19840229"),
    (("user_attributes", "firstnamesha256"), HASH),
    (("user_attributes", "tags"), ["x" * 512] * 1000),
    (("user_attributes", "age"), 42),
    (("user_attributes", "member"), True),
    (("user_attributes", "n" * 256), "v" * 4096),
    (("user_attributes", "title"), "😀" * 4096),
    (("user_attributes",), {}),
    (("integration_attributes",), {"1277": {"passbackconversiontrackingid": "click"}}),
    (("consent_state",), {"gdpr": {"ads": {"consented": False, "timestamp_unixtime_ms": 1735689600000}}}),
    (("consent_state",), {"ccpa": {"data_sale_opt_out": {"consented": True, "timestamp_unixtime_ms": 10**11}}}),
    ((*DATA, "timestamp_unixtime_ms"), 10**11),
    ((*DETAILS, "amount"), "0"),
    ((*DETAILS, "amount"), "-12.50"),
    ((*DETAILS, "rank"), 1.5),
    ((*DETAILS, "n" * 256), "v" * 4096),
]
BAD: list[tuple[Path, object, str]] = [
    (("environment",), "staging", "environment"),
    (("ip",), "203.0.113.256", "ip"),
    (("ip",), "203.0.113.42\n", "ip"),
    (("ip",), "fe80::1%eth0", "ip"),
    (("ip",), "::1/128", "ip"),
    (("mpid",), 2**63, "mpid"),
    (("ipp",), "203.0.113.42", "ipp"),
    (("user_identities", "email"), "Jane@example.com", "user_identities.email"),
    (("user_identities", "email"), " jane@example.com", "user_identities.email"),
    (("user_identities", "email"), "jane@example.com\n", "user_identities.email"),
    (("user_identities", "email"), "jane.example.com", "user_identities.email"),
    (("user_identities", "email"), None, "user_identities.email"),
    (("user_identities", "customerid"), "", "user_identities.customerid"),
    (("user_identities", "customer_id"), "7", "user_identities.customer_id"),
    (("user_identities", "other"), HASH.upper(), "user_identities.other"),
    (("user_identities", "other"), HASH[1:], "user_identities.other"),
    (("user_identities", "other"), HASH + "\n", "user_identities.other"),
    (("device_info", "ios_advertising_id"), GUID.replace("-", ""), "device_info.ios_advertising_id"),
    (("device_info", "idfa"), GUID, "device_info.idfa"),
    (("user_attributes", "dob"), "1984-02-29", "user_attributes.dob"),
    (("user_attributes", "dob"), "١٩٨٤٠٢٢٩", "user_attributes.dob"),
    (("user_attributes", "zipsha256"), "10001", "user_attributes.zipsha256"),
    (("user_attributes", "tags"), ["x" * 513], "user_attributes.tags[]"),
    (("user_attributes", "tags"), ["x"] * 1001, "user_attributes.tags"),
    (("user_attributes", "tags"), [1], "user_attributes.tags[]"),
    (("user_attributes", "city"), None, "user_attributes.city"),
    (("user_attributes", "city"), {}, "user_attributes.city"),
    (("user_attributes", "city"), "v" * 4097, "user_attributes.city"),
    (("user_attributes", "n" * 257), "v", "user_attributes." + "n" * 257),
    (("user_attributes", ""), "v", "user_attributes."),
    (("user_attributes", "ltv"), float("nan"), "user_attributes.ltv"),
    (("user_attributes", "city"), "half \ud83d", "user_attributes.city"),
    (("user_attributes", "tags"), ["half \ud83d"], "user_attributes.tags[]"),
    (("user_identities", "customerid"), "half \ud83d", "user_identities.customerid"),
    (("device_info", "http_header_user_agent"), "half \ud83d", "device_info.http_header_user_agent"),
    (("deleted_user_attributes",), ["half \ud83d"], "deleted_user_attributes[]"),
    (("deleted_user_attributes",), [""], "deleted_user_attributes[]"),
    (("integration_attributes",), {"1277": {"id": 5}}, "integration_attributes.1277.id"),
    (("consent_state",), {"gdpr": {"ads": {"consented": True}}}, "consent_state.gdpr.ads.timestamp_unixtime_ms"),
    (("consent_state",), {"ccpa": {"sale": {}}}, "consent_state.ccpa.sale"),
    (("events",), [], "events"),
    (("events", 0, "event_type"), "custom", "events[].event_type"),
    ((*DATA, "event_name"), "conversions", "events[].data.event_name"),
    ((*DATA, "custom_event_type"), "other", "events[].data.custom_event_type"),
    ((*DATA, "source_message_id"), "", "events[].data.source_message_id"),
    ((*DATA, "source_message_id"), 7, "events[].data.source_message_id"),
    ((*DATA, "timestamp_unixtime_ms"), 1735689600, "events[].data.timestamp_unixtime_ms"),
    ((*DATA, "timestamp_unixtime_ms"), 1735689600000000, "events[].data.timestamp_unixtime_ms"),
    ((*DATA, "timestamp_unixtime_ms"), "1735689600000", "events[].data.timestamp_unixtime_ms"),
    ((*DATA, "timestamp"), 1735689600000, "events[].data.timestamp"),
    ((*DETAILS, "conversiontype"), "", "events[].data.custom_attributes.conversiontype"),
    ((*DETAILS, "amount"), 149.99, "events[].data.custom_attributes.amount"),
    ((*DETAILS, "amount"), "1,000.00", "events[].data.custom_attributes.amount"),
    ((*DETAILS, "amount"), "1e3", "events[].data.custom_attributes.amount"),
    ((*DETAILS, "amount"), ".5", "events[].data.custom_attributes.amount"),
    ((*DETAILS, "currency"), "usd", "events[].data.custom_attributes.currency"),
    ((*DETAILS, "items"), ["a"], "events[].data.custom_attributes.items"),
    ((*DETAILS, "note"), "half \ud83d", "events[].data.custom_attributes.note"),
    ((*DETAILS, "note"), "v" * 4097, "events[].data.custom_attributes.note"),
]
REQUIRED: list[tuple[Path, str]] = [
    (("environment",), "environment"),
    (("events",), "events"),
    (("events", 0, "event_type"), "events[].event_type"),
    (DATA, "events[].data"),
    ((*DATA, "event_name"), "events[].data.event_name"),
    ((*DATA, "custom_event_type"), "events[].data.custom_event_type"),
    ((*DATA, "source_message_id"), "events[].data.source_message_id"),
    ((*DATA, "timestamp_unixtime_ms"), "events[].data.timestamp_unixtime_ms"),
    (DETAILS, "events[].data.custom_attributes"),
    ((*DETAILS, "conversiontype"), "events[].data.custom_attributes.conversiontype"),
]


def faulty_paths(document: Document, root: Root = "conversion") -> list[str]:
    return [fault.path for fault in Validator(root).faults(document)]


def label(value: object) -> str:
    return ascii(value)[:40]


def test_it_is_a_schema_of_its_draft() -> None:
    schema = json.loads(schema_text())
    assert schema["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    jsonschema.Draft202012Validator.check_schema(schema)


def test_the_guides_complete_example_is_valid() -> None:
    assert faulty_paths(EXAMPLE) == []


@pytest.mark.parametrize(("path", "value"), GOOD, ids=label)
def test_what_rokt_takes_is_valid(path: Path, value: object) -> None:
    assert faulty_paths(with_value(EXAMPLE, path, value)) == []


@pytest.mark.parametrize(("path", "value", "fault"), BAD, ids=label)
def test_what_rokt_refuses_is_a_fault_of_that_field_alone(path: Path, value: object, fault: str) -> None:
    assert faulty_paths(with_value(EXAMPLE, path, value)) == [fault]


@pytest.mark.parametrize(("path", "fault"), REQUIRED, ids=label)
def test_what_is_required_must_be_there(path: Path, fault: str) -> None:
    assert faulty_paths(without(EXAMPLE, path)) == [fault]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("user_identities",), {"email": "jane@example.com"}),
        (("user_identities",), {"other": HASH}),
        (("user_identities",), {"customerid": "7"}),
        (("user_identities",), {"other2": "click"}),
        (("device_info",), {"ios_advertising_id": GUID}),
        (("device_info",), {"android_advertising_id": GUID}),
        (("device_info",), {"ios_idfv": GUID}),
        (("device_info",), {"android_uuid": "a"}),
    ],
)
def test_any_one_identity_is_enough(path: Path, value: object) -> None:
    assert faulty_paths(with_value(without(EXAMPLE, ("user_identities",)), path, value)) == []


@pytest.mark.parametrize(
    "nobody", [without(EXAMPLE, ("user_identities",)), with_value(EXAMPLE, ("user_identities",), {})]
)
def test_somebody_must_be_identified(nobody: Document) -> None:
    assert faulty_paths(nobody) == ["user_identities"]


# Rokt adds one of its own to an event's.
@pytest.mark.parametrize(("section", "most"), [(("user_attributes",), ATTRIBUTES), (DETAILS, ATTRIBUTES - 1)])
def test_attributes_are_counted(section: Path, most: int) -> None:
    full: dict[str, Any] = {"conversiontype": "purchase"} | {f"a{number}": number for number in range(most - 1)}
    assert faulty_paths(with_value(EXAMPLE, section, full)) == []
    path = ".".join(map(str, section)).replace(".0", "[]")
    assert faulty_paths(with_value(EXAMPLE, section, full | {"one": "more"})) == [path]


def test_events_are_counted() -> None:
    events = EXAMPLE["events"] * EVENTS_PER_REQUEST
    assert faulty_paths({**EXAMPLE, "events": events}) == []
    assert faulty_paths({**EXAMPLE, "events": [*events, *EXAMPLE["events"]]}) == ["events"]


def test_every_event_is_checked() -> None:
    bad = without(EXAMPLE, (*DATA, "source_message_id"))
    assert faulty_paths({**EXAMPLE, "events": [*EXAMPLE["events"], *bad["events"]]}) == [
        "events[].data.source_message_id"
    ]


def test_a_membership_update_is_valid() -> None:
    assert faulty_paths(MEMBERSHIP, "membership") == []
    longest = with_value(MEMBERSHIP, (*DETAILS, "audience_name"), "é" * AUDIENCE_NAME_CHARS)
    assert faulty_paths(longest, "membership") == []


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ((*DATA, "event_name"), "conversion", "events[].data.event_name"),
        ((*DATA, "custom_event_type"), "transaction", "events[].data.custom_event_type"),
        ((*DETAILS, "audience_name"), "", "events[].data.custom_attributes.audience_name"),
        ((*DETAILS, "audience_name"), "x" * 101, "events[].data.custom_attributes.audience_name"),
        ((*DETAILS, "status"), "remove", "events[].data.custom_attributes.status"),
        ((*DETAILS, "audience"), "x", "events[].data.custom_attributes.audience"),
        (("user_identities", "email"), "Jane@example.com", "user_identities.email"),
    ],
    ids=label,
)
def test_a_malformed_membership_update_is_refused(path: Path, value: object, fault: str) -> None:
    assert faulty_paths(with_value(MEMBERSHIP, path, value), "membership") == [fault]


@pytest.mark.parametrize("name", ["audience_name", "status"])
def test_a_membership_update_names_audience_and_status(name: str) -> None:
    assert faulty_paths(without(MEMBERSHIP, (*DETAILS, name)), "membership") == [
        f"events[].data.custom_attributes.{name}"
    ]


def test_the_roots_do_not_take_each_others_events() -> None:
    assert "events[].data.event_name" in faulty_paths(MEMBERSHIP)
    assert "events[].data.event_name" in faulty_paths(EXAMPLE, "membership")
