"""The preview of conversions: what a delivery would send, for the first rows, without any of their values."""

import json
import time
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.events.destinations import FIXED
from airflow_provider_rokt.events.fields import FIELDS, TEXT
from airflow_provider_rokt.exceptions import RoktMappingError, RoktSettingsError
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.trials.preview import masked, preview_conversions

NOW = int(time.time() * 1000)
# Letters that no name, mask or reason is written in.
LETTERS = "ЖШЩЪЫЭЮЯжшщъыэюя"
PLACES = {"<any>": "own", "<purpose>": "ads"}


def _path(field):
    path = field.path
    for open_name, name in PLACES.items():
        path = path.replace(open_name, name)
    return path


PATHS = [_path(field) for field in FIELDS]
KEY = "events[].data.source_message_id"
TEXTS = st.text(LETTERS, min_size=1)
VALUES = st.one_of(
    TEXTS,
    TEXTS.map(lambda text: f"{text}@{text}.рф"),
    st.lists(TEXTS),
    st.integers(10**12, 10**13),
    st.decimals(10**6, 10**7, places=2),
)


class Rows:
    """A source of dicts that counts what was taken from it."""

    def __init__(self, rows, window=1):
        self.taken = 0
        self._rows = rows
        self._window = window

    def read(self, consume):
        window = []
        for row in self._rows:
            self.taken += 1
            window.append(list(row.values()))
            if len(window) == self._window:
                consume(tuple(row), window)
                window = []
        if window:
            consume(tuple(row), window)


def order(number, **changes):
    return {
        "email": f"person{number}@example.com",
        "source_message_id": f"order-{number}",
        "timestamp_unixtime_ms": NOW,
        "conversiontype": "purchase",
    } | changes


def preview(rows, mapping=None, source=None, **options):
    kept = {name: options.pop(name) for name in ("rows_shown", "show_values", "selects") if name in options}
    return preview_conversions(source or Rows(rows), ConversionOptions(mapping=mapping, **options), **kept)


def shown_of(row, **options):
    row = row | {KEY: "order-1"}
    return preview([row], {path: path for path in row}, **options)


# Ids are text with a rule of their own.
TEXT_PATHS = [_path(field) for field in FIELDS if field.kind.label == TEXT.label]


@given(st.fixed_dictionaries({path: VALUES for path in PATHS if path != KEY}))
def test_no_value_is_shown_of_a_row_that_is_wrong(row):
    result = shown_of(row)
    assert result["rows_rejected"] == 1
    shown = json.dumps(result, ensure_ascii=False)
    assert not set(shown) & set(LETTERS)
    numbers = [str(value) for value in row.values() if not isinstance(value, str | list)]
    assert not [number for number in numbers if number in shown]


@given(st.fixed_dictionaries({path: TEXTS for path in TEXT_PATHS if path != KEY}))
def test_no_value_is_shown_of_a_row_that_is_right(row):
    row |= {"events[].data.timestamp_unixtime_ms": NOW, "consent_state.gdpr.ads.consented": True}
    row |= {"consent_state.ccpa.data_sale_opt_out.consented": False}
    result = shown_of(row)
    assert result["rows_rejected"] == 0
    assert not set(json.dumps(result, ensure_ascii=False)) & set(LETTERS)
    assert set(json.dumps(shown_of(row, show_values=True), ensure_ascii=False)) & set(LETTERS)


def test_every_kind_of_value_is_masked_until_asked():
    values = {
        "ip": "203.0.113.42",
        "device_info.http_header_user_agent": "Mozilla",
        "device_info.ios_advertising_id": "123e4567-e89b-12d3-a456-426614174000",
        "user_identities.email": "jane.smith@example.com",
        "user_identities.other2": "click",
        "user_attributes.firstnamesha256": "Jane",
        "user_attributes.age": 41,
        "user_attributes.dob": "1984-02-03",
        "user_attributes.mobile": "+12125550123",
        "user_attributes.value": 12.5,
        "user_attributes.vip": True,
        "events[].data.custom_attributes.conversiontype": "purchase",
        "events[].data.custom_attributes.amount": 149.99,
        "events[].data.custom_attributes.currency": "USD",
        "events[].data.timestamp_unixtime_ms": NOW,
        "consent_state.gdpr.ads.consented": True,
        "consent_state.gdpr.ads.document": "version",
        KEY: "order_789012",
    }
    mapping = {path: path for path in values}
    (plain,) = preview([values], mapping, show_values=True)["rows"]
    (hidden,) = preview([values], mapping)["rows"]
    assert (plain["key"], plain["number"]) == ("order_789012", 1)
    assert plain["endpoint"] == hidden["endpoint"] == "v2/bulkevents"
    assert plain["document"]["user_identities"] == {"email": "jane.smith@example.com", "other2": "click"}
    leaves = dict(_leaves(plain["document"]))
    masks = dict(_leaves(hidden["document"]))
    assert leaves.keys() == masks.keys()
    assert {path for path in leaves if masks[path] == leaves[path]} == FIXED.keys()
    assert masks["user_attributes.age"] == masks["events[].data.timestamp_unixtime_ms"] == "*** (number)"
    assert masks["consent_state.gdpr.ads.consented"] == "*** (true or false)"
    assert masks["events[].data.custom_attributes.amount"] == "***"


@pytest.mark.parametrize(
    ("value", "mask"),
    [
        ("jane.smith@example.com", "j***@e***.com"),
        ("jane.smith@mail.example.co.uk", "j***@m***.uk"),
        ("jo@x.org", "***@***.org"),
        ("jane@example.smith", "j***@e***.***"),
        ("7jane@example.com", "***@e***.com"),
        ("жанна@example.com", "***"),
        ("5551234567", "*** (10 digits)"),
        ("02134", "***"),
        ("149.99", "***"),
        ("a" * 64, "sha256…"),
        ("123e4567-e89b-12d3-a456-426614174000", "*** (GUID)"),
        ("Female", "***"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "*** (31 characters)"),
    ],
)
def test_a_mask_keeps_the_shape_and_no_more(value, mask):
    assert masked(value) == mask


@given(st.text("qxzjkvw@.-+ 0", min_size=1, max_size=80))
def test_a_mask_shows_of_a_part_its_first_letter_at_most(value):
    shown = masked(value)
    for part in ("qx", "zj", "kv", "jk", "vw"):
        assert part not in shown


def test_what_the_author_wrote_is_shown_and_a_rows_value_is_not():
    mapping = {
        "user_identities.email": "email",
        "user_identities.customerid": {"literal": "shop-7"},
        "user_attributes.sizes": {"literal": ["small", "large"]},
        "events[].data.source_message_id": "source_message_id",
        "events[].data.timestamp_unixtime_ms": {"literal": NOW},
        "events[].data.custom_attributes.conversiontype": {"column": "conversiontype", "default": "purchase"},
    }
    (row,) = preview([order(1)], mapping)["rows"]
    document = row["document"]
    assert document["user_identities"] == {"email": "p***@e***.com", "customerid": "shop-7"}
    assert document["user_attributes"]["sizes"] == ["small", "large"]
    data = document["events"][0]["data"]
    assert data["timestamp_unixtime_ms"] == NOW
    assert data["custom_attributes"]["conversiontype"] == "***", "a default is no row's, but which rows took it is"


def _leaves(value, path=""):
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member, f"{path}[]")
    else:
        yield path, value


def test_a_mask_keeps_how_many_there_are():
    assert masked({"user_attributes": {"sizes": ["S", "M"]}}) == {"user_attributes": {"sizes": ["***", "***"]}}


def test_only_the_place_of_a_fixed_value_makes_it_one():
    attributes = {"environment": "secret", "event_type": "secret"}
    assert set(masked({"user_attributes": attributes})["user_attributes"].values()) == {"***"}


@pytest.mark.parametrize("window", [1, 2, 5, 7])
def test_only_the_first_rows_are_taken_from_the_source(window):
    source = Rows(map(order, count(1)), window)
    result = preview(None, source=source, rows_shown=5)
    assert [row["key"] for row in result["rows"]] == [f"order-{number}" for number in range(1, 6)]
    assert source.taken < 5 + window


def test_what_rokt_may_not_use_is_told_of_the_rows_shown():
    rows = [order(1, confirmationref="C"), order(2, confirmationref="C", timestamp_unixtime_ms=NOW + 7_200_000)]
    result = preview(rows, rows_shown=2, environment="development")
    kinds = [warning["kind"] for warning in result["warnings"]]
    assert kinds == ["environment", "in the future", "shared reference"]
    assert "(order-1 and order-2): " in result["warnings"][-1]["text"]


def test_each_row_is_sent_rejected_or_skipped():
    rows = [order(1), order(2, email="nobody", conversiontype=None), order(1), order(4)]
    result = preview(rows, rows_shown=10)
    assert {name: number for name, number in result.items() if name != "rows"} == {
        "rows_read": 4,
        "rows_rejected": 1,
        "rows_skipped": 1,
        "rejected_by_reason": [
            {"path": "user_identities.email", "reason": "not an e-mail address", "rows": 1},
            {
                "path": "events[].data.custom_attributes.conversiontype",
                "reason": "required, but the row has none",
                "rows": 1,
            },
        ],
        "dropped_by_reason": [],
        "dropped": {},
        "skipped": {"same id twice": 1},
        "warnings": [],
        "stopped_by": None,
        "failed_by": "1 of 4 rows would be rejected, and max_rejected is 0",
    }
    sent, rejected, skipped, other = result["rows"]
    assert "document" in sent
    assert "document" in other
    assert rejected["key"] == "order-2"
    assert rejected["faults"] == [
        {"path": "user_identities.email", "reason": "not an e-mail address"},
        {
            "path": "events[].data.custom_attributes.conversiontype",
            "reason": "required, but the row has none",
        },
    ]
    assert (skipped["number"], skipped["key"]) == (3, "row 3")
    assert skipped["skipped"] == "same id twice"


def test_rows_of_one_user_are_shown_one_by_one():
    rows = [order(number, email="jane@example.com") for number in range(3)]
    assert [len(row["document"]["events"]) for row in preview(rows)["rows"]] == [1, 1, 1]


def test_an_event_larger_than_a_batch_is_told_as_it_would_be():
    mapping = {name: name for name in ("user_identities.email", KEY, "events[].data.timestamp_unixtime_ms")}
    mapping["events[].data.custom_attributes.conversiontype"] = {"literal": "purchase"}
    row = {"user_identities.email": "a@b.com", KEY: "m" * 128_000, "events[].data.timestamp_unixtime_ms": NOW}
    (shown,) = preview([row], mapping)["rows"]
    assert shown["faults"] == [{"path": "events[]", "reason": "larger than 128000 bytes as a batch of its own"}]


def test_a_value_that_makes_its_row_too_large_is_told_as_left_out():
    path = "device_info.http_header_user_agent"
    result = preview([{**order(1), "http_header_user_agent": "x" * 500_000}])
    (shown,) = result["rows"]
    assert shown["dropped"] == [{"path": path, "reason": "so long that its row would be larger than 128000 bytes"}]
    assert (result["rows_rejected"], result["dropped"]) == (0, {path: 1})
    assert "device_info" not in shown["document"]


def test_rows_that_are_not_selected_are_skipped():
    result = preview(map(order, range(3)), selects=lambda row: row.key == "order-1")
    assert ["document" in row for row in result["rows"]] == [False, True, False]


@given(st.lists(st.sampled_from([{}, {"timestamp_unixtime_ms": "never"}, {"conversiontype": "x" * 5000}]), min_size=1))
def test_rows_read_together_are_judged_apart(changes):
    # The mapping finds one kind of fault, the schema the other.
    rows = [order(number, **change) for number, change in enumerate(changes)]
    shown = preview(rows, source=Rows(rows, window=len(rows)), rows_shown=len(rows))["rows"]
    paths = [[fault["path"].rpartition(".")[2] for fault in row.get("faults", [])] for row in shown]
    assert paths == [list(change) for change in changes]


def test_what_is_wrong_with_a_row_that_is_not_selected_is_not_told():
    rows = [order(0, timestamp_unixtime_ms="never"), order(1), order(2, conversiontype="x" * 5000)]
    result = preview(rows, selects=lambda row: row.key == "order-1")
    assert (result["rows_rejected"], result["rows_skipped"]) == (0, 2)


def test_an_old_event_names_the_endpoint_it_would_go_to():
    rows = [order(1, timestamp_unixtime_ms=NOW - 5 * 86_400_000), order(2)]
    endpoints = [row["endpoint"] for row in preview(rows, historical=True)["rows"]]
    assert endpoints == ["v2/bulkevents/historical", "v2/bulkevents"]


def test_a_mapping_is_refused_before_any_row():
    with pytest.raises(RoktMappingError, match="conversiontype"):
        preview([{"email": "a@b.com"}])


def test_without_rows_there_is_nothing_to_show():
    result = preview([])
    assert (result["rows_read"], result["rows_rejected"], result["rows_skipped"], result["rows"]) == (0, 0, 0, [])
    assert (result["stopped_by"], result["failed_by"]) == (None, None)


@pytest.mark.parametrize("rows_shown", [0, -1, True, 2.5, "5"])
def test_how_many_rows_has_to_be_a_number_of_rows(rows_shown):
    with pytest.raises(RoktSettingsError, match="1 or more"):
        preview([order(1)], rows_shown=rows_shown)
