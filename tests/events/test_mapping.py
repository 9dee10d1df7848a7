"""Mappings compiled and applied: what a row becomes, and what is said about those that do not fit."""

import json
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.batch import serialise
from airflow_provider_rokt.events.destinations import CONVERSION, IDENTITY_PATHS, MEMBERSHIP
from airflow_provider_rokt.events.documents import MappedRow, MappingPlan
from airflow_provider_rokt.events.fields import COVERED, FIELDS
from airflow_provider_rokt.events.mapping import compile_mapping, least_columns, mapped_columns
from airflow_provider_rokt.events.rules import CHECKS, Rules
from airflow_provider_rokt.events.validation import Validator
from airflow_provider_rokt.exceptions import RoktMappingError
from airflow_provider_rokt.flow.checks import problems_of
from airflow_provider_rokt.flow.row import FieldFault, RowRef
from tests.events.documents import EXAMPLE
from tests.events.driver_values import driver_values

RULES = Rules(now=1767225600)
DATA = "events[].data."
ATTRIBUTES = f"{DATA}custom_attributes."
# The least a conversion needs.
LEAST = {
    "user_identities.email": "email",
    f"{DATA}source_message_id": "id",
    f"{DATA}timestamp_unixtime_ms": "time",
    f"{ATTRIBUTES}conversiontype": "type",
}
LEAST_ROW = {"email": "jane@example.com", "id": "order_1", "time": 1735689600000, "type": "purchase"}
DIGEST = sha256(b"jane@example.com").hexdigest()

GUIDE_MAPPING = {
    "ip": "ip",
    "device_info.http_header_user_agent": "user_agent",
    "user_identities.email": "email",
    "user_identities.customerid": "customer",
    "user_identities.other2": "click",
    "user_attributes.state": "state",
    "user_attributes.firstname": "first",
    "user_attributes.lastname": "last",
    "user_attributes.zip": "zip",
    "user_attributes.city": "city",
    f"{DATA}source_message_id": "order",
    f"{DATA}timestamp_unixtime_ms": "happened",
    f"{ATTRIBUTES}conversiontype": {"literal": "purchase"},
    f"{ATTRIBUTES}confirmationref": "ref",
    f"{ATTRIBUTES}amount": "amount",
    f"{ATTRIBUTES}currency": {"column": "currency", "default": "usd"},
}
GUIDE_ROW = {
    "ip": "203.0.113.42",
    "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)",
    "email": " Jane.Smith@Example.com ",
    "customer": "cust_123456",
    "click": "rokt-click-id-from-url-param",
    "state": "NY",
    "first": "Jane",
    "last": "Smith ",
    "zip": 10001,
    "city": "New York",
    "order": "order_789012",
    "happened": "2025-01-01 00:00:00",
    "ref": "ORD-789012",
    "amount": Decimal("149.99"),
    "currency": None,
}


def apply(mapping: Any, row: dict[str, object], profile: Any = CONVERSION, **options: Any) -> MappedRow:
    plan = compile_mapping(mapping, tuple(row), RULES, profile, **options)
    return next(plan.apply([tuple(row.values())], 7))[0]


def mapped(extra: dict[str, object], row: dict[str, object], **options: Any) -> MappedRow:
    """A row of the least mapping and some more."""
    return apply({**LEAST, **extra}, {**LEAST_ROW, **row}, **options)


def problems(mapping: Any, columns: list[str], **options: Any) -> str:
    with pytest.raises(RoktMappingError) as caught:
        compile_mapping(mapping, columns, RULES, **options)
    return str(caught.value)


def test_the_guides_example_becomes_the_document_the_guide_prints() -> None:
    row = apply(GUIDE_MAPPING, GUIDE_ROW)
    assert row.faults == []
    assert row.row == RowRef(7, "order_789012")
    click_id = row.document.pop("integration_attributes")
    assert click_id == {"1277": {"passbackconversiontrackingid": "rokt-click-id-from-url-param"}}
    # As text, so that the order of the keys counts too.
    assert json.dumps(row.document) == json.dumps(EXAMPLE)


def test_integration_attributes_stand_before_the_events() -> None:
    keys = list(apply(GUIDE_MAPPING, GUIDE_ROW).document)
    assert keys[-3:] == ["user_attributes", "integration_attributes", "events"]


def test_what_a_row_lacks_is_absent() -> None:
    row = apply(
        GUIDE_MAPPING,
        {**dict.fromkeys(GUIDE_ROW), "click": " ", "email": "jane@example.com", "order": "1", "happened": 1735689600},
    )
    assert row.document == {
        "environment": "production",
        "user_identities": {"email": "jane@example.com"},
        "events": [
            {
                "event_type": "custom_event",
                "data": {
                    "event_name": "conversion",
                    "custom_event_type": "transaction",
                    "source_message_id": "1",
                    "timestamp_unixtime_ms": 1735689600000,
                    "custom_attributes": {"conversiontype": "purchase", "currency": "USD"},
                },
            }
        ],
    }
    assert row.faults == []


# For each field a plan that reads it from the first column, and all else from the others.
PLANS = [
    compile_mapping(
        {**LEAST, f"{name.rpartition('.')[0]}.consented": {"literal": True}, name: "it"}
        if name.startswith("consent_state.")
        else {**LEAST, name: "it"},
        ["it", *LEAST_ROW],
        RULES,
    )
    for name in (field.path.replace("<any>", "own").replace("<purpose>", "ads") for field in FIELDS)
]
VALIDATOR = Validator("conversion")

# A value for each field, and what it becomes.
VALUES = {
    "ip": ("2001:DB8::1", "2001:db8::1"),
    "device_info.ios_advertising_id": ("6F9619FF-8B86-D011-B42D-00CF4FC964FF", "6f9619ff-8b86-d011-b42d-00cf4fc964ff"),
    "device_info.android_advertising_id": ("6f9619ff-8b86-d011-b42d-00cf4fc964ff",) * 2,
    "device_info.ios_idfv": ("6f9619ff-8b86-d011-b42d-00cf4fc964ff",) * 2,
    "user_identities.email": ("Jane@Example.com", "jane@example.com"),
    "user_identities.other": ("Jane@Example.com", DIGEST),
    "user_attributes.firstnamesha256": (" John", sha256(b"john").hexdigest()),
    "user_attributes.lastnamesha256": ("SMITH ", sha256(b"smith").hexdigest()),
    "user_attributes.mobile": ("+1 555-123-4567", "5551234567"),
    "user_attributes.mobilesha256": ("(555) 123-4567", sha256(b"5551234567").hexdigest()),
    "user_attributes.age": ("42", 42),
    "user_attributes.dob": ("1990-05-07", "19900507"),
    "user_attributes.value": (Decimal("12.50"), "12.50"),
    "user_attributes.predictedltv": (100, 100),
    "user_attributes.billingzipsha256": (10001, sha256(b"10001").hexdigest()),
    "user_attributes.<any>": (["a", 1], ["a", "1"]),
    "events[].data.timestamp_unixtime_ms": ("2025-01-01", 1735689600000),
    "events[].data.custom_attributes.amount": (Decimal("1E+2"), "100"),
    "events[].data.custom_attributes.currency": ("eur", "EUR"),
    "events[].data.custom_attributes.<any>": (True, True),
}
for field in FIELDS:
    if field.path.endswith("consented"):
        VALUES[field.path] = ("t", True)
    elif field.path.endswith("timestamp_unixtime_ms"):
        VALUES[field.path] = (1735689600, 1735689600000)


def place(document: Any, path: str) -> Any:
    """The value at a path as the guide writes it."""
    for prefix in ("user_attributes.", ATTRIBUTES):
        if path.startswith(prefix):
            head, key = prefix[:-1].split("."), path.removeprefix(prefix)
            break
    else:
        *head, key = path.split(".")
    for name in head:
        document = document[name.removesuffix("[]")]
        if name.endswith("[]"):
            document = document[0]
    return document[key]


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_automatic_mapping_reaches_every_field(field: Any) -> None:
    raw, expected = VALUES.get(field.path, (" some text ", "some text"))
    path = field.path.replace("<any>", "my.own").replace("<purpose>", "ads")
    column = path if field.is_open else field.column.upper()
    others = {name.rpartition(".")[2]: LEAST_ROW[short] for name, short in LEAST.items() if name != field.path}
    if path.startswith("consent_state.") and not path.endswith("consented"):
        others[f"{path.rpartition('.')[0]}.consented"] = True
    row = apply(None, {**others, column: raw})
    assert row.faults == []
    assert place(row.document, path) == expected


class TestIdentities:
    def test_a_hash_mapped_to_email_goes_to_other(self) -> None:
        row = mapped({}, {"email": DIGEST.upper()})
        assert row.document["user_identities"] == {"other": DIGEST}
        assert row.faults == []

    def test_a_hash_mapped_to_other_goes_before_one_mapped_to_email(self) -> None:
        explicit = sha256(b"else").hexdigest()
        row = mapped({"user_identities.other": "hash"}, {"email": DIGEST, "hash": explicit})
        assert row.document["user_identities"] == {"other": explicit}

    def test_an_address_and_a_hash_are_both_sent(self) -> None:
        row = mapped({"user_identities.other": "email"}, {})
        assert row.document["user_identities"] == {"email": "jane@example.com", "other": DIGEST}

    def test_a_click_id_is_sent_twice(self) -> None:
        row = mapped({"user_identities.other2": "click"}, {"click": " c1 "})
        assert row.document["user_identities"]["other2"] == "c1"
        assert row.document["integration_attributes"] == {"1277": {"passbackconversiontrackingid": "c1"}}

    @pytest.mark.parametrize("path", IDENTITY_PATHS)
    def test_any_identity_is_enough(self, path: str) -> None:
        raw, expected = VALUES.get(path, ("some text", "some text"))
        row = mapped({path: "it"}, {"email": None, "it": raw} if path != "user_identities.email" else {"it": raw})
        assert row.faults == []
        assert place(row.document, path) == expected

    @pytest.mark.parametrize("nothing", [None, " ", float("nan")])
    def test_none_is_a_fault_that_names_what_is_accepted(self, nothing: object) -> None:
        row = mapped({"device_info.http_header_user_agent": "ua"}, {"email": nothing, "ua": "Mozilla"})
        (fault,) = row.faults
        assert fault.path == "user_identities"
        assert all(path in fault.reason for path in IDENTITY_PATHS)

    def test_the_all_zero_advertising_id_is_none(self) -> None:
        extra = {"device_info.ios_advertising_id": "idfa"}
        row = mapped(extra, {"email": None, "idfa": "00000000-0000-0000-0000-000000000000"})
        assert [fault.path for fault in row.faults] == ["user_identities"]

    @pytest.mark.parametrize("path", ["user_identities.email", "device_info.ios_idfv"])
    def test_a_faulty_one_is_not_called_missing_too(self, path: str) -> None:
        row = mapped({path: "it"}, {"email": None, "it": "nonsense"})
        assert [fault.path for fault in row.faults] == [path]


class TestFaults:
    def test_all_faults_of_a_row_are_listed(self) -> None:
        optional = {"ip": "ip", "user_attributes.dob": "dob"}
        amount = {f"{ATTRIBUTES}amount": "amount"}
        row = mapped(
            amount | optional,
            {"email": "jane", "time": 0, "type": " ", "ip": "x", "amount": "$5", "dob": "x", "id": None},
        )
        assert sorted(fault.path for fault in row.faults) == sorted([*amount, *LEAST])
        assert sorted(fault.path for fault in row.dropped) == sorted(optional)

    @pytest.mark.parametrize("path", sorted(CONVERSION.required))
    def test_a_missing_required_value_is_a_fault(self, path: str) -> None:
        row = mapped({}, {LEAST[path]: "  "})
        assert row.faults == [FieldFault(path, "required, but the row has none")]

    @settings(deadline=None)
    @given(secret=st.text(alphabet="ΩЖ★§λ", min_size=1), data=st.data())
    def test_no_fault_says_what_the_row_holds(self, secret: str, data: st.DataObject) -> None:
        everything = {
            field.path.replace("<any>", "own").replace("<purpose>", "ads"): field.path.replace(".", "_")
            for field in FIELDS
        }
        kinds = st.sampled_from([secret, f"{secret} @", secret.encode(), [secret], {secret: secret}, None])
        row = apply(everything, {column: data.draw(kinds) for column in everything.values()})
        assert row.faults
        assert all(fault.reason.isascii() and fault.path.isascii() for fault in row.faults)


@settings(deadline=None)
@given(value=driver_values() | st.emails())
def test_what_the_mapping_passes_the_schema_takes(value: object) -> None:
    for plan in PLANS:
        row = next(plan.apply([(value, *LEAST_ROW.values())], 1))[0]
        if not row.faults:
            assert VALIDATOR.faults(row.document) == []


@settings(deadline=None)
@given(values=st.lists(driver_values() | st.emails(), min_size=1, max_size=5))
def test_rows_read_together_become_what_each_becomes_alone(values: list[object]) -> None:
    times = [1735689600000 - number if number % 3 else None for number in range(len(values))]
    rows = [(value, *{**LEAST_ROW, "time": time}.values()) for value, time in zip(values, times, strict=True)]
    for plan in PLANS:
        alone = [next(plan.apply([row], number))[0] for number, row in enumerate(rows, 8)]
        assert repr(next(plan.apply(rows, 8))) == repr(alone)


def test_more_rows_than_are_read_together_keep_their_order_and_number() -> None:
    rows = [(*{**LEAST_ROW, "id": f"order_{number}"}.values(),) for number in range(1, 1001)]
    plan = compile_mapping(LEAST, tuple(LEAST_ROW), RULES)
    assert [row.row for block in plan.apply(rows, 1) for row in block] == [
        RowRef(n, f"order_{n}") for n in range(1, 1001)
    ]
    assert list(plan.apply([], 1)) == []


class TestKey:
    @pytest.mark.parametrize(
        ("raw", "key"),
        [
            (" order_1 ", "order_1"),
            (17, "17"),
            (17.0, "17"),
            (Decimal("17"), "17"),
            (None, "row 7"),
            ("", "row 7"),
            (["x"], "row 7"),
            ("jane@example.com", f"sha256:{DIGEST[:16]}"),
            ("jane＠example.com", "sha256:" + sha256("jane＠example.com".encode()).hexdigest()[:16]),
            ("jane﹫example.com", "sha256:" + sha256("jane﹫example.com".encode()).hexdigest()[:16]),
            ("order%201_jane%40example.com", "sha256:" + sha256(b"order%201_jane%40example.com").hexdigest()[:16]),
            ("+453 3331 9991", "sha256:" + sha256(b"+453 3331 9991").hexdigest()[:16]),
            (4111111111111111, "sha256:" + sha256(b"4111111111111111").hexdigest()[:16]),
            ("123-45-6789", "sha256:" + sha256(b"123-45-6789").hexdigest()[:16]),
            ("100004512", "100004512"),
            ("gid://shopify/Order/450789469", "gid://shopify/Order/450789469"),
            ("x" * 128, "x" * 128),
            ("x" * 129, f"sha256:{sha256(b'x' * 129).hexdigest()[:16]}"),
            # A control character is never part of an id.
            ("a\nb", "row 7"),
            ("a\x00b", "row 7"),
        ],
    )
    def test_a_row_is_named_by_its_id_if_that_may_be_told(self, raw: object, key: str) -> None:
        assert mapped({}, {"id": raw}).row == RowRef(7, key)

    @pytest.mark.parametrize("key", ["jane@example.com", "+453 3331 9991", "4111111111111111", "x" * 129])
    def test_an_id_is_sent_as_it_is_whatever_its_row_is_called(self, key: str) -> None:
        row = mapped({}, {"id": key})
        assert row.document["events"][0]["data"]["source_message_id"] == key != row.row.key


class TestConsent:
    ADS = "consent_state.gdpr.ads."
    SALE = "consent_state.ccpa.data_sale_opt_out."

    def test_a_record_has_the_events_time_unless_it_has_its_own(self) -> None:
        row = mapped(
            {
                f"{self.ADS}consented": "yes",
                f"{self.ADS}document": "document",
                f"{self.SALE}consented": "no",
                f"{self.SALE}timestamp_unixtime_ms": "asked",
                "consent_state.gdpr.mail.consented": "yes",
            },
            {"yes": 1, "no": "f", "document": "v1", "asked": "2024-01-01"},
        )
        assert row.faults == []
        assert row.document["consent_state"] == {
            "gdpr": {
                "ads": {"consented": True, "document": "v1", "timestamp_unixtime_ms": 1735689600000},
                "mail": {"consented": True, "timestamp_unixtime_ms": 1735689600000},
            },
            "ccpa": {"data_sale_opt_out": {"consented": False, "timestamp_unixtime_ms": 1704067200000}},
        }
        assert list(row.document)[-2:] == ["consent_state", "events"]

    def test_no_answer_is_no_record(self) -> None:
        extra = {f"{self.ADS}consented": "yes", f"{self.ADS}document": "document"}
        row = mapped(extra, {"yes": None, "document": "v1"})
        assert row.faults == []
        assert "consent_state" not in row.document

    def test_an_audience_without_times_takes_now(self) -> None:
        mapping = {"user_identities.email": "email", f"{self.ADS}consented": "yes"}
        row = apply(mapping, {"email": "jane@example.com", "yes": True}, MEMBERSHIP)
        assert row.document["consent_state"]["gdpr"]["ads"]["timestamp_unixtime_ms"] == 1767225600000

    def test_what_a_record_says_besides_may_be_left_out_but_not_its_time(self) -> None:
        rules = replace(RULES, on_invalid="drop")
        for key, lost in (("document", []), ("timestamp_unixtime_ms", [f"{self.ADS}timestamp_unixtime_ms"])):
            mapping = LEAST | {f"{self.ADS}consented": {"literal": True}, f"{self.ADS}{key}": "odd"}
            plan = compile_mapping(mapping, (*LEAST_ROW, "odd"), rules)
            row = next(plan.apply([(*LEAST_ROW.values(), b"\xff\x01")], 1))[0]
            assert [fault.path for fault in row.faults] == lost

    def test_a_record_needs_its_answer_mapped(self) -> None:
        said = problems({**LEAST, f"{self.ADS}document": "id"}, [*LEAST_ROW])
        assert f"map {self.ADS}consented too" in said


class TestMembership:
    def test_an_identity_is_all_it_needs(self) -> None:
        row = apply({"user_identities.email": "email"}, {"email": "Jane@example.com"}, MEMBERSHIP)
        assert row == MappedRow(
            RowRef(7, "row 7"),
            {
                "environment": "production",
                "user_identities": {"email": "jane@example.com"},
                "events": [
                    {
                        "event_type": "custom_event",
                        "data": {"event_name": "audiencemembershipupdate", "custom_event_type": "other"},
                    }
                ],
            },
            [],
            (),
            COVERED["user_identities.email"],
        )

    def test_id_and_time_may_be_mapped(self) -> None:
        row = apply(None, {"email": "j@x.de", "source_message_id": 5, "TIMESTAMP_UNIXTIME_MS": 1735689600}, MEMBERSHIP)
        data = row.document["events"][0]["data"]
        assert (data["source_message_id"], data["timestamp_unixtime_ms"]) == ("5", 1735689600000)
        assert row.row.key == "5"

    def test_conversion_attributes_may_not(self) -> None:
        assert "for conversions" in problems(None, ["email", "conversiontype"], profile=MEMBERSHIP)


class TestSources:
    @pytest.mark.parametrize("nothing", [None, "", "  ", float("nan")])
    def test_a_default_stands_in_for_nothing(self, nothing: object) -> None:
        source = {"column": "type", "default": " signup "}
        assert mapped({f"{ATTRIBUTES}conversiontype": source}, {"type": nothing}).faults == []
        row = mapped({f"{ATTRIBUTES}conversiontype": source}, {"type": nothing})
        assert place(row.document, f"{ATTRIBUTES}conversiontype") == "signup"

    def test_a_default_does_not_hide_a_fault(self) -> None:
        row = mapped({"ip": {"column": "ip", "default": "203.0.113.1"}}, {"ip": "nonsense"})
        assert [fault.path for fault in row.dropped] == ["ip"]
        assert "ip" not in row.document

    def test_a_literal_and_a_default_are_normalised_like_any_value(self) -> None:
        extra = {
            f"{ATTRIBUTES}currency": {"literal": " usd"},
            "user_attributes.mobilesha256": {"column": "id", "default": "(555) 123-4567"},
        }
        row = mapped(extra, {"id": None})
        assert place(row.document, f"{ATTRIBUTES}currency") == "USD"
        assert row.document["user_attributes"] == {"mobilesha256": sha256(b"5551234567").hexdigest()}

    def test_zero_and_false_are_values(self) -> None:
        extra = {f"{ATTRIBUTES}amount": {"column": "amount", "default": 5}, "user_attributes.vip": {"literal": False}}
        row = mapped(extra, {"amount": 0})
        assert place(row.document, f"{ATTRIBUTES}amount") == "0"
        assert row.document["user_attributes"] == {"vip": False}

    @pytest.mark.parametrize(
        "source",
        [None, 5, [], {}, {"col": "id"}, {"column": 5}, {"column": "id", "literal": 1}, {"literal": 1, "default": 2}],
    )
    def test_anything_else_is_no_source(self, source: object) -> None:
        assert "ip: its source has to be a column's name" in problems({**LEAST, "ip": source}, [*LEAST_ROW])

    def test_a_constant_that_does_not_fit_is_an_error_that_does_not_quote_it(self) -> None:
        extra = {
            "ip": {"literal": "Ж1"},
            "user_attributes.age": {"column": "id", "default": "Ж2"},
            "user_attributes.city": {"literal": " "},
        }
        said = problems({**LEAST, **extra}, [*LEAST_ROW])
        assert "ip: the literal does not fit" in said
        assert "user_attributes.age: the default does not fit" in said
        assert "user_attributes.city: the literal is empty" in said
        assert "Ж" not in said

    def test_a_column_named_so_in_another_case_is_found(self) -> None:
        plan = compile_mapping(LEAST, [name.upper() for name in LEAST_ROW], RULES)
        assert plan.columns == ("EMAIL", "ID", "TIME", "TYPE")

    def test_an_exact_name_goes_before_one_in_another_case(self) -> None:
        row = mapped({"user_attributes.city": "City"}, {"CITY": "a", "City": "b", "city": "c"})
        assert row.document["user_attributes"] == {"city": "b"}

    def test_two_columns_in_other_cases_are_ambiguous(self) -> None:
        said = problems({**LEAST, "ip": "Ip"}, [*LEAST_ROW, "IP", "ip"])
        assert "ip: column 'Ip' could be any of 'IP', 'ip'" in said

    def test_a_missing_column_is_told_the_close_ones(self) -> None:
        said = problems({**LEAST, "ip": "id_addres"}, [*LEAST_ROW, "IP_ADDRESS"])
        assert "ip: the query returns no column 'id_addres' (close: 'IP_ADDRESS')" in said

    def test_a_column_with_a_default_has_to_be_there(self) -> None:
        assert "no column 'ip'" in problems({**LEAST, "ip": {"column": "ip", "default": "203.0.113.1"}}, [*LEAST_ROW])

    def test_the_columns_a_mapping_names(self) -> None:
        mapping = {
            "a": "x",
            "b": {"column": "y", "default": None},
            "c": {"literal": "z"},
            "d": {"column": "x", "default": 1},
            "e": {"column": "w"},
            "f": 5,
            "g": {"column": "y", "default": 2},
        }
        assert list(mapped_columns(mapping).items()) == [("x", False), ("y", True), ("w", False)]

    @pytest.mark.parametrize("profile", [CONVERSION, MEMBERSHIP])
    def test_the_least_columns_map_themselves_and_not_one_less(self, profile: Any) -> None:
        columns = least_columns(profile)
        assert compile_mapping(None, columns, RULES, profile).columns == columns
        for name in columns:
            with pytest.raises(RoktMappingError):
                compile_mapping(None, [column for column in columns if column != name], RULES, profile)

    def test_only_the_columns_read_are_named_in_their_order(self) -> None:
        plan = compile_mapping({**LEAST, "ip": "id"}, ["unused", "type", "time", "id", "email"], RULES)
        assert plan.columns == ("type", "time", "id", "email")


class TestProblems:
    def test_all_are_reported_together(self) -> None:
        mapping = {
            "user_identities.emial": "email",
            "environment": {"literal": "production"},
            "ip": "nope",
            "user_attributes.x": 5,
        }
        said = problems(mapping, ["email"])
        assert said.count("\n- ") == 6
        for path in [*mapping, *CONVERSION.required, "no identity is mapped"]:
            assert path in said

    @pytest.mark.parametrize(
        ("mapping", "columns"),
        [
            ({**LEAST, "ip": "{long}"}, [*LEAST_ROW]),
            ({**LEAST, "ip": "nosuch"}, [*LEAST_ROW, *("{long}" + str(number) for number in range(300))]),
            ({**LEAST, "{long}": "id"}, [*LEAST_ROW]),
            ({**LEAST, "user_attributes.{long}": "id"}, [*LEAST_ROW]),
            ({**LEAST, "user_attributes. {long}": "id"}, [*LEAST_ROW]),
            ({**LEAST, "user_attributes.{long}sha256": "id"}, [*LEAST_ROW]),
            ({**LEAST, "consent_state.gdpr.{long}.document": "id"}, [*LEAST_ROW]),
            ({**LEAST, "consent_state.gdpr.{long}.consented": {"literal": "perhaps"}}, [*LEAST_ROW]),
            ({**LEAST, "consent_state.gdpr.{long}.consented": {"literal": None}}, [*LEAST_ROW]),
            ({**LEAST, "consent_state.gdpr.{long}.consented": 5}, [*LEAST_ROW]),
            ({**LEAST, "consent_state.gdpr.{long}.consented": {"column": "id", "on_invalid": "x"}}, [*LEAST_ROW]),
            (None, ["{long}", "user_attributes.{long}", "consent_state.gdpr.{long}.consented"]),
            (None, ["consent_state.gdpr.{long}.consented", "Consent_state.gdpr.{long}.consented"]),
        ],
    )
    @pytest.mark.parametrize("profile", [CONVERSION, MEMBERSHIP])
    def test_no_name_is_repeated_whatever_its_length(self, mapping: Any, columns: list[str], profile: Any) -> None:
        written = json.loads(json.dumps([mapping, columns]).replace("{long}", "x" * 20_000))
        said = problems(*written, profile=profile)
        assert "x" * 20 in said
        assert len(said) < 6000 and max(map(len, said.split())) < 200

    def test_all_problems_of_automatic_mapping_too(self) -> None:
        said = problems(None, ["EMAIL", "email", "e_mail", "environment", "order_id"])
        assert "columns 'EMAIL' and 'email' both mean user_identities.email" in said
        assert "column 'e_mail' is not named after a field of Rokt's (close: email)" in said
        assert "environment is a fixed value" in said
        assert "column 'order_id' is not named" in said
        assert all(path in said for path in CONVERSION.required)

    @pytest.mark.parametrize(
        ("path", "why"),
        [
            ("environment", "it is the argument of that name"),
            ("events[].event_type", "it is custom_event"),
            ("events[].data.event_name", "it is what the operator sends"),
            ("events[].data.custom_event_type", "it is what the operator sends"),
        ],
    )
    def test_what_is_fixed_is_told_with_the_reason(self, path: str, why: str) -> None:
        assert why in problems(LEAST | {path: "x"}, ["email", "id", "time", "type", "x"])

    def test_names_that_might_be_meant_are_listed(self) -> None:
        columns = ["email", "id", "time", "type", "Size", "SIZE"]
        said = problems(LEAST | {"user_attributes.size": "size"}, columns)
        assert "column 'size' could be any of 'Size', 'SIZE': write it exactly" in said
        said = problems(LEAST | {"user_attributes.size": "sizes"}, ["email", "id", "time", "type", "size1", "size2"])
        assert "no column 'sizes' (close: 'size2', 'size1')" in said
        said = problems(LEAST | {"user_attributes.size": "SIZES"}, ["email", "id", "time", "type", "size1", "size2"])
        assert "no column 'SIZES' (close: 'size2', 'size1')" in said
        said = problems(LEAST | {"user_identities.customer_id": "id"}, ["email", "id", "time", "type"])
        assert "(close: user_identities.customerid, " in said

    def test_the_rules_are_checked_together(self) -> None:
        given = {"environment": "prod", "timestamp_unit": "seconds", "phone_region": "UK"}
        found = problems_of(CHECKS, given)
        assert [problem.split()[0] for problem in found] == list(given)
        for expected in ("'production'", "'auto', 's', 'ms', 'us', 'ns'", "GB"):
            assert expected in str(found)


@pytest.mark.parametrize(("name", "twin"), [("citysha256", b"berlin"), ("nicksha256", b"berlin")])
def test_an_attribute_of_the_users_own_named_sha256_is_hashed(name: str, twin: bytes) -> None:
    row = mapped({f"user_attributes.{name}": "it"}, {"it": " Berlin"})
    assert row.document["user_attributes"] == {name: sha256(twin).hexdigest()}


@pytest.mark.parametrize("section", ["user_attributes.", ATTRIBUTES])
@pytest.mark.parametrize(
    ("name", "raw", "clean"),
    [
        ("emailsha256", " Jane@Example.com ", "jane@example.com"),
        ("EmailSHA256", "Jane@Example.com", "jane@example.com"),
        ("email_sha256", "jane@example.com", "jane@example.com"),
        ("email_sha_256", "jane@example.com", "jane@example.com"),
        ("mobile_sha256", "+1 555-123-4567", "5551234567"),
        ("nicknameSha256", "JJ", "jj"),
        *(
            (name, "Jane@Example.com ", "jane@example.com")
            for name in (
                *("hashed_email", "sha256_email", "email_hash", "email_hashed", "email_sha256_hash"),
                *("emailsha256hash", "sha256email", "hashedemail", "Hashed-Email", "emailHash", "SHA256Email"),
                *("email_address_sha256", "customer_email_hash", "EMAIL_SHA_256_HEX", "email.sha256", "hash_email"),
            )
        ),
        *(
            (name, "+1 (202) 555-0123", "2025550123")
            for name in ("phonesha256", "phone_sha256", "hashed_phone", "billingPhoneHash", "telephone_sha256")
        ),
        ("first_name_sha256", " Jane", "jane"),
        ("HashedLastName", "Smith ", "smith"),
        ("date_of_birth_sha256", "1990-05-07", "19900507"),
        ("nickname_hash", "JJ", "jj"),
        ("sha256", "Jane", "jane"),
    ],
)
def test_whatever_is_named_hashed_is_sent_hashed_in_either_place(section: str, name: str, raw: str, clean: str) -> None:
    digest = sha256(clean.encode()).hexdigest()
    for value in (raw, digest, digest.upper()):
        row = mapped({section + name: "it"}, {"it": value})
        assert row.faults == []
        assert place(row.document, section + name) == digest
    assert VALIDATOR.faults(row.document) == []


@pytest.mark.parametrize(
    "name", ["is_hashed", "email_unhashed", "not_hashed_email", "hashtag", "hash_type", "git_sha", "cash", "natasha_1"]
)
def test_a_name_that_only_sounds_so_is_sent_as_it_is(name: str) -> None:
    assert mapped({f"user_attributes.{name}": "it"}, {"it": "Jane"}).document["user_attributes"] == {name: "Jane"}


@pytest.mark.parametrize("digits", [32, 40, 56, 64, 96, 128])
@pytest.mark.parametrize("name", ["cart_hash", "email_md5", "sha1_email", "email_sha512"])
def test_a_hash_by_another_function_passes_where_its_name_allows(name: str, digits: int) -> None:
    for path in (f"user_attributes.{name}", f"{ATTRIBUTES}{name}"):
        row = mapped({path: "it"}, {"it": " " + "Ab" * (digits // 2)})
        assert place(row.document, path) == "ab" * (digits // 2)
        assert row.faults == []


@pytest.mark.parametrize("name", ["email_md5", "md5_email", "sha1_email", "email_sha-512"])
def test_what_its_name_says_is_hashed_otherwise_is_not_sent_in_clear(name: str) -> None:
    row = mapped({f"{ATTRIBUTES}{name}": "it"}, {"it": "jane@example.com"})
    assert [fault.path for fault in row.dropped] == [f"{ATTRIBUTES}{name}"]
    assert "hash it in the query" in row.dropped[0].reason


def test_a_name_that_says_hashed_holds_nothing_else() -> None:
    row = mapped({f"{ATTRIBUTES}emailsha256": "it"}, {"it": "no address"})
    assert [fault.path for fault in row.dropped] == [f"{ATTRIBUTES}emailsha256"]


@pytest.mark.parametrize(
    "path",
    [
        "device_info.http_header_user_agent",
        "device_info.android_uuid",
        "user_identities.customerid",
        "user_identities.other2",
        f"{DATA}source_message_id",
    ],
)
def test_what_no_source_limits_is_sent_whole(path: str) -> None:
    long = "Mozilla/5.0 " + "x" * 5000
    mapping = {**LEAST, path: "it"}
    row = apply(mapping, {**LEAST_ROW, "it": long})
    assert row.faults == VALIDATOR.faults(row.document) == []
    assert place(row.document, path) == long


@pytest.mark.parametrize("path", ["user_attributes.own", f"{ATTRIBUTES}own", f"{ATTRIBUTES}confirmationref"])
def test_an_attributes_value_has_the_guides_limit(path: str) -> None:
    row = mapped({path: "it"}, {"it": "x" * 4097})
    assert [fault.path for fault in VALIDATOR.faults(row.document)] == [path]


def test_columns_in_capitals_are_the_fields_they_are_named_after() -> None:
    upper = [name.rpartition(".")[2].upper() for name in LEAST]
    assert compile_mapping(None, upper, RULES).columns == tuple(upper)
    assert compile_mapping({**LEAST, "user_attributes.city": "City"}, [*LEAST_ROW, "CITY"], RULES).columns[-1] == "CITY"


def test_the_twin_of_a_field_keeps_its_rule() -> None:
    row = mapped({"user_attributes.dobsha256": "it"}, {"it": "1990-05-07"})
    assert row.document["user_attributes"] == {"dobsha256": sha256(b"19900507").hexdigest()}


def test_the_rules_reach_every_row() -> None:
    rules = Rules(now=1767225600, environment="development", timestamp_unit="s", phone_region="GB")
    mapping = {**LEAST, "user_attributes.mobile": "mobile"}
    row = {**LEAST_ROW, "time": 1735689600, "mobile": "07911 123456"}
    plan = compile_mapping(mapping, tuple(row), rules)
    document = next(plan.apply([tuple(row.values())], 1))[0].document
    assert document["environment"] == "development"
    assert document["user_attributes"] == {"mobile": "7911123456"}
    late = next(plan.apply([tuple({**row, "time": 1735689600000}.values())], 1))[0]
    assert [fault.path for fault in late.faults] == [f"{DATA}timestamp_unixtime_ms"]


@settings(deadline=None)
@given(data=st.data())
def test_the_order_of_columns_and_mapping_changes_no_byte(data: st.DataObject) -> None:
    names = ("own_b", "own_a", "tiersha256", "own_d", "own_c", "news", "ads")
    paths = ("user_attributes.{}", "user_attributes.{}", "user_attributes.{}", f"{ATTRIBUTES}{{}}", f"{ATTRIBUTES}{{}}")
    consents = ("consent_state.gdpr.{}.consented",) * 2
    own = {path.format(name): name for path, name in zip((*paths, *consents), names, strict=True)}
    everything = {**GUIDE_MAPPING, **own}
    row = {**GUIDE_ROW, **dict.fromkeys(names, "yes")}
    written = serialise(apply(everything, row).document)
    mapping = dict(data.draw(st.permutations(list(everything.items()))))
    columns = dict(data.draw(st.permutations(list(row.items()))))
    assert serialise(apply(mapping, columns).document) == written


@pytest.fixture
def plan() -> MappingPlan:
    return compile_mapping(LEAST, tuple(LEAST_ROW), RULES)


def test_rows_share_nothing(plan: MappingPlan) -> None:
    first = next(plan.apply([tuple(LEAST_ROW.values())], 1))[0]
    first.document["events"][0]["data"]["custom_attributes"]["later"] = 1
    first.document["user_identities"]["later"] = 1
    second = next(plan.apply([tuple(LEAST_ROW.values())], 2))[0]
    assert "later" not in json.dumps(second.document)
