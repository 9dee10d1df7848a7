"""The two validators agree, and a fault says where and why without saying what was there."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.validation import Root, Validator
from airflow_provider_rokt.flow.row import FieldFault
from tests.events.documents import EXAMPLE, MEMBERSHIP, Document, conversions, memberships, with_value, without

VALIDATORS: dict[Root, Validator] = {"conversion": Validator("conversion"), "membership": Validator("membership")}
CONVERSION = VALIDATORS["conversion"]
VALID: st.SearchStrategy[tuple[Root, Document]] = st.one_of(
    conversions.map(lambda document: ("conversion", document)),
    memberships.map(lambda document: ("membership", document)),
)
SECRET = "s3cr3t"
# Values at the edges of types, lengths, dialects of regular expressions and formats.
JUNK = st.one_of(
    st.sampled_from([None, True, False, 0, -1, 1.0, 1.5, 1e300, 1735689600, 1735689600000, 1735689600000.0]),
    st.sampled_from([10**11 - 1, 10**11, 253402300799999, 253402300800000, 2**63, 2**64, -(2**63) - 1, 10**40]),
    st.sampled_from([float("nan"), float("inf"), "\ud800", "a\udfff", b"", datetime(2026, 1, 1, tzinfo=UTC)]),
    st.sampled_from(["", " ", "\n", "x" * 4096, "x" * 4097, "😀" * 4096, "x" * 100, "x" * 101, "USD", "usd", "USD\n"]),
    st.sampled_from(["a" * 64, "A" * 64, "a" * 64 + "\n", "19840229", "19840229\n", "١٩٨٤٠٢٢٩", "1.5", "1.5\n", "1٫5"]),
    st.sampled_from(["a@b", "a@b\n", "A@b", "a@b@c", "@b", "a@", "a b@c", "é@ü", "É@ü", "a@b\u2028", "a@\u00a0b"]),
    st.sampled_from(
        ["1.2.3.4", "01.2.3.4", "1.2.3.4\n", "1.2.3", "::1", "::1%eth0", "::ffff:1.2.3.4", "1::2::3", "::01.2.3.4"]
    ),
    st.sampled_from(
        [[], {}, [""], ["x" * 512], ["x" * 513], ["x"] * 1000, ["x"] * 1001, [None], [[]], {"": ""}, {"x": None}]
    ),
    st.text(max_size=20),
    st.text("0123456789abcdefABCDEF:.%/ -\n", max_size=45),
    st.uuids().map(lambda guid: f"{guid}\n"),
)
NAMES = st.sampled_from(
    ["", "x", "email", "other", "customer_id", "dob", "x" * 256, "x" * 257, "zipsha256", "zipsha256\n"]
)


def places(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value of a document, itself excepted."""
    members = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, value in members:
        yield (*path, step)
        yield from places(value, (*path, step))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Root, Document]:
    """A valid document with up to three things done to it, most of them wrong."""
    root, document = draw(VALID)
    for _ in range(draw(st.integers(1, 3))):
        if not (paths := list(places(document))):
            break
        path = draw(st.sampled_from(paths))
        match draw(st.sampled_from(["drop", "replace", "replace", "add"])):
            case "drop":
                document = without(document, path)
            case "replace":
                document = with_value(document, path, draw(JUNK))
            case _:
                while isinstance(path[-1], int):  # out of the lists, which may be nested by now
                    path = path[:-1]
                document = with_value(document, (*path[:-1], draw(NAMES)), draw(JUNK))
    return root, document


@settings(deadline=None)
@given(VALID)
def test_both_take_what_is_valid(case: tuple[Root, Document]) -> None:
    root, document = case
    assert VALIDATORS[root].accepts(document)
    assert VALIDATORS[root].explain(document) == []


@settings(deadline=None)
@given(mutated())
def test_both_agree_on_what_is_not(case: tuple[Root, Document]) -> None:
    root, document = case
    assert VALIDATORS[root].accepts(document) == (VALIDATORS[root].explain(document) == [])


@settings(deadline=None)
@given(st.lists(st.one_of(VALID, mutated()), max_size=5))
def test_many_at_once_are_judged_as_each_alone(cases: list[tuple[Root, Document]]) -> None:
    for root, validator in VALIDATORS.items():
        documents = [document for of, document in cases if of == root]
        assert validator.accepted(documents) == [validator.accepts(document) for document in documents]


@settings(deadline=None)
@given(st.ip_addresses().map(str) | st.text("0123456789abcdef:.%/ \n", max_size=45))
def test_both_agree_on_addresses(ip: str) -> None:
    document = with_value(EXAMPLE, ("ip",), ip)
    assert CONVERSION.accepts(document) == (CONVERSION.explain(document) == [])


@settings(deadline=None)
@given(JUNK)
def test_both_agree_on_what_is_no_batch_at_all(document: object) -> None:
    assert not CONVERSION.accepts(document)
    assert CONVERSION.explain(document)


@settings(deadline=None)
@given(mutated(), st.data())
def test_a_fault_never_shows_the_value(case: tuple[Root, Document], data: st.DataObject) -> None:
    root, document = case
    path = data.draw(st.sampled_from(list(places(document)) or [("ip",)]))
    secret = data.draw(st.sampled_from([SECRET, f"{SECRET} " * 1000, [SECRET * 200], {"x": SECRET}, [[SECRET]]]))
    faults = VALIDATORS[root].faults(with_value(document, path, secret))
    assert SECRET not in repr(faults)


DATA = ("events", 0, "data")
DETAILS = (*DATA, "custom_attributes")


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("foo",), 1, FieldFault("foo", "unknown field")),
        (("environment",), "test", FieldFault("environment", "not one of: production, development")),
        (("mpid",), "7", FieldFault("mpid", "not a whole number")),
        (("mpid",), 2**63, FieldFault("mpid", "more than 9223372036854775807")),
        (("mpid",), -(2**64), FieldFault("mpid", "less than -9223372036854775808")),
        (("ip",), "1.2.3", FieldFault("ip", "not an IPv4 or IPv6 address")),
        (("ip",), 5, FieldFault("ip", "not text")),
        (("device_info",), [], FieldFault("device_info", "not an object")),
        (("user_identities", "customerid"), "", FieldFault("user_identities.customerid", "empty")),
        (
            ("user_identities", "other"),
            "5",
            FieldFault("user_identities.other", "not a SHA-256 hash of 64 lower-case hexadecimal digits"),
        ),
        (
            ("user_attributes", "city"),
            None,
            FieldFault("user_attributes.city", "not one of: text, a number, true or false, a list"),
        ),
        (("user_attributes", "a.b"), ["x" * 513], FieldFault("user_attributes.a.b[]", "longer than 512 characters")),
        (("user_attributes", "tags"), ["x"] * 1001, FieldFault("user_attributes.tags", "more than 1000 entries")),
        (("user_attributes", ""), "x", FieldFault("user_attributes.", "name empty")),
        (
            ("user_attributes", "n" * 257),
            "x",
            FieldFault("user_attributes." + "n" * 257, "name longer than 256 characters"),
        ),
        (
            ("user_attributes",),
            dict.fromkeys(map(str, range(101)), 1),
            FieldFault("user_attributes", "more than 100 attributes"),
        ),
        (
            DETAILS,
            {"conversiontype": "purchase"} | dict.fromkeys(map(str, range(99)), 1),
            FieldFault("events[].data.custom_attributes", "more than 99 attributes"),
        ),
        (("events",), [], FieldFault("events", "empty")),
        ((*DATA, "event_name"), "sale", FieldFault("events[].data.event_name", "not conversion")),
        (
            (*DATA, "timestamp_unixtime_ms"),
            1735689600,
            FieldFault("events[].data.timestamp_unixtime_ms", "not a Unix timestamp in milliseconds"),
        ),
        (
            (*DETAILS, "note"),
            "x" * 4097,
            FieldFault("events[].data.custom_attributes.note", "longer than 4096 characters"),
        ),
        (
            ("consent_state",),
            {"gdpr": {"ads": {"consented": "yes", "timestamp_unixtime_ms": 10**12}}},
            FieldFault("consent_state.gdpr.ads.consented", "not true or false"),
        ),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_fault_names_the_field_and_the_rule(path: tuple[str | int, ...], value: object, fault: FieldFault) -> None:
    assert CONVERSION.faults(with_value(EXAMPLE, path, value)) == [fault]


def test_a_missing_field_is_named() -> None:
    document = without(without(EXAMPLE, (*DATA, "source_message_id")), (*DETAILS, "conversiontype"))
    assert set(CONVERSION.faults(document)) == {
        FieldFault("events[].data.source_message_id", "required, but missing"),
        FieldFault("events[].data.custom_attributes.conversiontype", "required, but missing"),
    }


def test_nobody_identified_is_one_fault_that_names_the_ways() -> None:
    (fault,) = CONVERSION.faults(without(EXAMPLE, ("user_identities",)))
    assert fault.path == "user_identities"
    for name in ("email", "other", "customerid", "other2", "ios_advertising_id", "android_advertising_id", "ios_idfv"):
        assert name in fault.reason


def test_all_faults_are_listed_each_once() -> None:
    document = with_value(EXAMPLE, ("user_identities", "email"), "nobody")
    document = with_value(document, ("user_attributes", "tags"), [1, 2, 3])
    document = with_value(document, ("device_info",), {"idfa": "x", "aaid": "y"})
    paths = [fault.path for fault in CONVERSION.faults(document)]
    assert sorted(paths) == ["device_info.aaid", "device_info.idfa", "user_attributes.tags[]", "user_identities.email"]


def test_a_status_is_add_or_drop() -> None:
    document = with_value(MEMBERSHIP, (*DETAILS, "status"), "remove")
    path = "events[].data.custom_attributes.status"
    assert VALIDATORS["membership"].faults(document) == [FieldFault(path, "not one of: add, drop")]


class Deaf(Validator):
    """One whose reference finds nothing: what a disagreement of the two libraries looks like."""

    def explain(self, document: object) -> list[FieldFault]:
        return []


def test_a_disagreement_is_a_fault() -> None:
    (fault,) = Deaf("conversion").faults(without(EXAMPLE, ("environment",)))
    assert fault.path == ""
    assert "report" in fault.reason
    assert Deaf("conversion").faults(EXAMPLE) == []


def test_a_name_that_is_no_text_is_refused() -> None:
    (fault,) = CONVERSION.faults(with_value(EXAMPLE, ("user_attributes", "a\ud800"), "x"))
    assert fault == FieldFault("user_attributes.a\ud800", "name not text")


@pytest.mark.parametrize("statement", ["pass", "Validator('conversion')"])
def test_nothing_is_compiled_before_the_first_batch(statement: str) -> None:
    code = (
        f"import sys; from airflow_provider_rokt.events.validation import Validator; {statement}; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"jsonschema", "jsonschema_rs"} & set(done.stdout.split())


@pytest.mark.parametrize("milliseconds", [99_999_999_999, 253_402_300_800_000])
def test_a_bound_that_has_a_better_name_is_told_by_it(milliseconds: int) -> None:
    found = Validator("conversion").explain({"events": [{"data": {"timestamp_unixtime_ms": milliseconds}}]})
    path = "events[].data.timestamp_unixtime_ms"
    assert [fault.reason for fault in found if fault.path == path] == ["not a Unix timestamp in milliseconds"]


@pytest.mark.parametrize(
    ("mpid", "reason"), [(2**63, f"more than {2**63 - 1}"), (-(2**63) - 1, f"less than {-(2**63)}")]
)
def test_a_bound_that_has_none_is_told_itself(mpid: int, reason: str) -> None:
    assert [fault.reason for fault in Validator("conversion").explain({"mpid": mpid}) if fault.path == "mpid"] == [
        reason
    ]
