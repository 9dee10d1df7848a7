"""The check of a mapping against a query's columns and first rows: what it sees, and that it shows no value."""

import json
import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions
from airflow_provider_rokt.sources import DictSource
from airflow_provider_rokt.trials.check import check_delivery

NOW = int(time.time() * 1000)
EMAIL, KEY = "user_identities.email", "events[].data.source_message_id"
TIME, TYPE = "events[].data.timestamp_unixtime_ms", "events[].data.custom_attributes.conversiontype"
REFERENCE, AMOUNT = "events[].data.custom_attributes.confirmationref", "events[].data.custom_attributes.amount"
MAPPING = {EMAIL: "email", KEY: "id", TIME: "at", TYPE: {"literal": "purchase"}, REFERENCE: "reference"}
LETTERS = "ЖШЩЪЫЭЮЯжшщъыэюя"


def order(number, **changes):
    row = {"email": f"person{number}@example.com", "id": f"order-{number}", "at": NOW - number}
    return row | {"reference": f"c-{number}"} | changes


def check(rows, mapping=MAPPING, *, most=10_000, **options):
    return check_delivery(DictSource(rows), ConversionOptions(mapping=mapping, **options), rows=most)


def kinds(result):
    return {warning["kind"]: warning["rows"] for warning in result["warnings"]}


def test_what_fits_is_well():
    result = check([order(n) for n in range(5)])
    assert result["ok"]
    assert (result["rows_read"], result["rows_sendable"], result["whole_query"]) == (5, 5, True)
    assert (result["problems"], result["unmapped"], result["warnings"]) == ([], [], [])
    assert result["coverage"] == {EMAIL: 1.0}


def test_everything_wrong_with_a_mapping_is_told_with_what_is_close():
    result = check([order(1, ip="203.0.113.9", note="x")], {"user_identities.emial": "email", EMAIL: "e_mail"})
    assert not result["ok"]
    unknown, column, required = result["problems"]
    assert "user_identities.emial is no field of Rokt's (close: user_identities.email" in unknown
    assert "no column 'e_mail' (close: 'email')" in column
    assert KEY in required
    assert {one["column"]: one["field"] for one in result["unmapped"]} == {
        **dict.fromkeys(("id", "at", "reference", "note")),
        "ip": "ip",
    }


def test_invalid_values_are_counted_by_field_and_reason():
    rows = [order(1, phone="none"), order(2, phone="no +"), order(3, at="soon"), order(4, phone="")]
    result = check(rows, MAPPING | {"user_attributes.mobile": "phone"})
    fields = {one["path"]: one for one in result["fields"]}
    assert fields["user_attributes.mobile"] == {
        "path": "user_attributes.mobile",
        "column": "phone",
        "costs": "the field",
        "values": 2,
        "invalid": 2,
        "share": 1.0,
        "reasons": [
            {"reason": "not a phone number for region US", "values": 1},
            {"reason": "not a phone number", "values": 1},
        ],
    }
    assert (fields[TIME]["invalid"], fields[TIME]["values"], fields[TIME]["costs"]) == (1, 4, "the row")
    assert fields[TYPE]["column"] is None
    assert result["failed_by"] == "1 of 4 rows would be rejected, and max_rejected is 0"


def test_an_identity_that_costs_its_row_is_one_invalid_value():
    (email, *_) = [one for one in check([order(1, email="nobody"), order(2)])["fields"] if one["path"] == EMAIL]
    assert (email["invalid"], email["share"]) == (1, 0.5)


@pytest.mark.parametrize(
    ("email", "options", "costs"),
    [
        ("email", {}, "the row, if no identity is left"),
        ("email", {"on_invalid": "drop"}, "the row, if no identity is left"),
        ({"column": "email", "on_invalid": "drop"}, {}, "the row, if no identity is left"),
        ("email", {"on_invalid": "reject"}, "the row"),
        ({"column": "email", "on_invalid": "reject"}, {"on_invalid": "drop"}, "the row"),
    ],
)
def test_an_identity_is_told_to_cost_the_row_whatever_is_asked_for(email, options, costs):
    result = check([order(1, email="nobody"), order(2)], MAPPING | {EMAIL: email}, max_rejected=1, **options)
    (field,) = [one for one in result["fields"] if one["path"] == EMAIL]
    assert (field["costs"], field["invalid"], result["rows_sendable"]) == (costs, 1, 1)


def test_it_is_judged_by_what_the_task_allows():
    rows = [order(n, phone="none") for n in range(99)] + [order(99, at="soon", phone="none")]
    mapping = MAPPING | {"user_attributes.mobile": "phone"}
    result = check(rows, mapping, max_rejected=0.01)
    assert result["failed_by"] is None
    assert result["stopped_by"].startswith("100 % of user_attributes.mobile cannot be sent")
    assert check(rows, mapping, max_rejected=1, max_dropped=1.0)["ok"]
    assert (
        "expected at least 101 rows"
        in check(rows, mapping, max_rejected=1, max_dropped=1.0, min_rows=101)["stopped_by"]
    )
    assert check(rows, mapping, most=50, max_dropped=1.0, min_rows=101)["ok"], "the first rows tell nothing of how many"


def test_columns_that_look_wrong_are_warned_of():
    local = datetime(2026, 1, 2, 3, 4)
    rows = [
        order(1, email='"jane@example.com"', at="2026-01-02 03:04:05", amount=439.99999809265137),
        order(2, at=local, amount=19.99, reference="null"),
        order(3, at="2026-01-02T03:04:05Z", amount="0.30000000000000004"),
        order(4, at="2026-01-02", amount=12),
    ]
    result = check(rows, MAPPING | {AMOUNT: "amount"})
    found = [warning for warning in result["warnings"] if warning["column"]]
    assert kinds({"warnings": found}) == {"json quotes": 1, "json null": 1, "no time zone": 2, "float noise": 2}
    assert {warning["column"] for warning in found} == {"email", "reference", "at", "amount"}


def test_ids_and_references_that_are_not_unique_are_counted():
    rows = [
        order(1),
        order(1),
        order(1, reference="c-9"),
        order(2),
        order(3, reference="c-2"),
        order(4, reference="c-2"),
    ]
    result = check(rows)
    assert kinds(result) == {"id with other content": 1, "id repeated": 1, "shared reference": 2}
    assert (result["rows_rejected"], result["skipped"]) == (1, {"same id twice": 1})
    (shared,) = [warning for warning in result["warnings"] if warning["kind"] == "shared reference"]
    assert "another id (row 4 and row 5; row 4 and row 6): " in shared["text"]


def test_what_rokt_may_not_use_is_told_before_it_is_sent():
    rows = [order(1, at=NOW - 400 * 86_400_000), order(2, at=NOW + 3_600_000), order(3)]
    mapping = MAPPING | {"consent_state.ccpa.data_sale_opt_out.consented": {"literal": False}}
    result = check(rows, mapping, environment="development")
    assert result["ok"]
    ages = {"older than 30 days": 1, "older than 12 months": 1, "in the future": 1}
    assert kinds(result) == {"environment": 0, "consent": 0, **ages}


@pytest.mark.parametrize(("count", "told"), [(150, {}), (151, {"crowded user": 151})])
def test_a_user_of_more_events_than_rokt_expects_is_told(count, told):
    rows = [order(n, email="p@example.com") for n in range(count)]
    result = check([*rows, order(999)])
    assert (result["batches"]["most_events_of_a_user"], kinds(result)) == (count, told)


def test_a_recommended_field_is_missed():
    assert kinds(check([order(1)], {path: MAPPING[path] for path in (EMAIL, KEY, TIME, TYPE)})) == {"recommended": 0}


@pytest.mark.parametrize("fetch_size", [7, 50])
@pytest.mark.parametrize("identities", [{EMAIL: "email"}, {EMAIL: "email", "user_identities.customerid": "customer"}])
def test_the_batches_it_tells_are_those_a_delivery_makes_in_either_order(sandbox, rokt, ledger, fetch_size, identities):
    rows = [order(n, email=f"p{n * 7 % 20}@example.com", customer=str(n % 10)) for n in range(200)]
    rows[5]["at"] = "soon"
    mapping = {path: source for path, source in MAPPING.items() if path != EMAIL} | identities
    told = check(rows, mapping, fetch_size=fetch_size)["batches"]
    options = {"fetch_size": fetch_size, "max_rejected": 1}
    assert RoktHook().send_conversions(rows, mapping, **options)["batches"] == told["now"]
    ordered = sorted(rows, key=lambda row: row[told["order_by"]])
    assert RoktHook().send_conversions(ordered, mapping, **options)["batches"] == told["ordered"]
    assert RoktHook().send_conversions(rows, mapping, **options, group_by_user="result")["batches"] == told["result"]
    assert told["result"] <= told["ordered"] < told["now"]
    assert told["most_events_of_a_user"] == 10


def test_grouped_over_the_result_it_tells_the_same_for_every_order():
    rows = [order(n, email=f"p{n * 7 % 20}@example.com") for n in range(60)]
    told = check(rows, MAPPING, fetch_size=7, group_by_user="result")["batches"]
    assert (told["now"], told["ordered"], told["result"]) == (20, 20, 20)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                name: st.one_of(
                    st.text(LETTERS, min_size=1),
                    st.text(LETTERS, min_size=1).map(lambda text: f'"{text}"'),
                    st.text(LETTERS, min_size=1).map(lambda text: f"{text}@{text}.com"),
                    st.integers(10**15, 10**16),
                )
                for name in ("email", "id", "at", "reference", "amount", "phone", "ip", "name")
            }
        ),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_it_shows_no_value_of_a_row(rows, drop):
    mapping = MAPPING | {AMOUNT: "amount", "user_attributes.mobile": "phone", "ip": "ip", "user_attributes.own": "name"}
    chosen = {"on_invalid": "drop"} if drop else {}
    for options in (
        ConversionOptions(mapping=mapping, **chosen),
        ConversionOptions(mapping=mapping | {TIME: {"literal": NOW}, AMOUNT: {"literal": 1}}, **chosen),
        AudienceOptions(audience="vip", mapping={EMAIL: "email"}),
        AudienceOptions(audience="vip", via="events", mapping={EMAIL: "email", "user_attributes.own": "name"}),
    ):
        said = json.dumps(check_delivery(DictSource(rows), options), ensure_ascii=False)
        assert not set(said) & set(LETTERS)
        assert not [value for row in rows for value in row.values() if str(value) in said]


@pytest.mark.parametrize("via", ["import", "events"])
def test_an_audiences_rows_are_judged_on_its_road(via):
    rows = [{"email": "jane@example.com", "age": "old"}, {"email": "nobody", "age": 3}]
    mapping = {EMAIL: "email", "user_attributes.age": "age"}
    result = check_delivery(DictSource(rows), AudienceOptions(audience="vip", via=via, mapping=mapping))
    assert (result["operation"], result["rows_rejected"], result["ok"]) == ("audience", 1, False)
    paths = [one["path"] for one in result["fields"]]
    assert paths == ([EMAIL] if via == "import" else [EMAIL, "user_attributes.age"])
    assert result["coverage"] == {EMAIL: 0.5}


def test_an_audience_that_cannot_be_kept_is_told():
    mirror = AudienceOptions(audience="vip", mode="mirror", via="events", mapping={"user_identities.customerid": "id"})
    assert "mode='mirror' cannot use" in check_delivery(DictSource([{"id": "1"}]), mirror)["problems"][0]
    empty = check_delivery(DictSource([], columns={"email": False}), AudienceOptions(audience="vip"))
    assert "returned no rows" in empty["stopped_by"]


def test_how_many_rows_has_to_be_a_number_of_rows():
    with pytest.raises(RoktSettingsError, match="1 or more"):
        check([order(1)], most=0)
