"""What Rokt reports of a batch, what it does not, and where it says the fault is."""

import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.sandbox.contract import Locator, breach_of

LOCATED = re.compile(r"(?P<reason>.*) Path '(?P<path>.*)', line (?P<line>\d+), position (?P<position>\d+)\.")


def _located(message):
    found = LOCATED.fullmatch(html.unescape(message))
    assert found, message
    return found["reason"], found["path"], int(found["line"]), int(found["position"])


def _refused_second(post, messages, good, bad):
    """The one error of a request whose second batch is bad; and where that batch stands in the posted text."""
    body = b"[" + b",".join(json.dumps(each, separators=(",", ":")).encode() for each in (good, bad, good)) + b"]"
    answer = post(body)
    assert answer.status_code == 202
    (message,) = messages(answer)
    text = json.dumps(bad, separators=(",", ":"))
    start = body.decode().index(text)
    return message, body.decode(), range(start + 1, start + len(text) + 1)


BY_INDEX = {
    "device_info.ios_advertising_id": ("not-a-guid", "Error converting value \"not-a-guid\" to type 'System.Guid'."),
    "device_info.android_advertising_id": ("", "Error converting value \"\" to type 'System.Guid'."),
    "device_info.ios_idfv": ("0" * 32, f"Error converting value \"{'0' * 32}\" to type 'System.Guid'."),
    "device_info.http_header_user_agent": ({}, "Error reading string. Unexpected token: StartObject."),
    "device_info": ("x", "Error reading object. Unexpected token: String."),
    "environment": ("test", "Error converting value \"test\" to type 'environment'."),
    "ip": (["203.0.113.42"], "Error reading string. Unexpected token: StartArray."),
    "source_request_id": ({}, "Error reading string. Unexpected token: StartObject."),
    "user_identities": ([], "Error reading object. Unexpected token: StartArray."),
    "user_identities.email": ({"a": 1}, "Error reading string. Unexpected token: StartObject."),
    "user_attributes": (7, "Error reading object. Unexpected token: Integer."),
    "user_attributes.city": ({}, "Error reading string. Unexpected token: StartObject."),
    "integration_attributes": (1.5, "Error reading object. Unexpected token: Float."),
    "integration_attributes.1277": ("click", "Error reading object. Unexpected token: String."),
    "integration_attributes.1277.passbackconversiontrackingid": (
        ["click"],
        "Error reading string. Unexpected token: StartArray.",
    ),
    "consent_state": (True, "Error reading object. Unexpected token: Boolean."),
    "consent_state.gdpr": ("yes", "Error reading object. Unexpected token: String."),
    "consent_state.gdpr.marketing.consented": ("yes", "Error reading boolean. Unexpected token: String."),
    "consent_state.ccpa.data_sale_opt_out.timestamp_unixtime_ms": (
        "soon",
        "Could not convert string to integer: soon.",
    ),
    "context": ("plan", "Error reading object. Unexpected token: String."),
    "events": ({}, "Error reading array. Unexpected token: StartObject."),
}


def _nested(path, value):
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


@pytest.mark.parametrize("path", BY_INDEX)
def test_a_batchs_fields_are_reported_by_its_index(post, batch, messages, path):
    value, reason = BY_INDEX[path]
    message, _, span = _refused_second(post, messages, batch("m1"), {**batch("m2"), **_nested(path, value)})
    said, where, line, position = _located(message)
    assert (said, where, line) == (reason, f"[1].{path}", 1)
    assert position in span


BY_POSITION = {
    "event_type": ({}, "Error reading string. Unexpected token: StartObject."),
    "data": ("x", "Error reading object. Unexpected token: String."),
    "data.event_name": ([], "Error reading string. Unexpected token: StartArray."),
    "data.source_message_id": ({}, "Error reading string. Unexpected token: StartObject."),
    "data.custom_event_type": ("purchase", "Error converting value \"purchase\" to type 'custom_event_type'."),
    "data.timestamp_unixtime_ms": ("yesterday", "Could not convert string to integer: yesterday."),
    "data.session_start_unixtime_ms": (2**63, f"JSON integer {2**63} is too large or small for an Int64."),
    "data.custom_attributes": ([], "Error reading object. Unexpected token: StartArray."),
    "data.custom_attributes.currency": ({"code": "USD"}, "Error reading string. Unexpected token: StartObject."),
    "data.custom_attributes.amount": ([1], "Error reading string. Unexpected token: StartArray."),
}


@pytest.mark.parametrize("path", BY_POSITION)
def test_an_events_fields_are_reported_by_position_only(post, batch, messages, path):
    value, reason = BY_POSITION[path]
    bad = batch("m2", "m3")
    *above, name = path.split(".")
    target = bad["events"][1]
    for step in above:
        target = target[step]
    target[name] = value
    message, text, span = _refused_second(post, messages, batch("m1"), bad)
    said, where, line, position = _located(message)
    assert (said, where, line) == (reason, path, 1)
    assert position in span
    # It is where the value has been read: its last character, or the bracket that opens it.
    written = json.dumps(value, separators=(",", ":"))
    start = text.index(f'"{name}":{written}') + len(f'"{name}":')
    assert position == start + (1 if written[0] in "{[" else len(written))


@pytest.mark.parametrize("value", [1.5, True])
def test_a_fraction_or_a_boolean_is_no_time(post, batch, messages, value):
    bad = batch("m1")
    bad["events"][0]["data"]["timestamp_unixtime_ms"] = value
    (message,) = messages(post([bad]))
    assert _located(message)[1] == "data.timestamp_unixtime_ms"


@pytest.mark.parametrize("event_type", [None, "", ...])
def test_a_missing_event_type_is_reported_with_no_locator(post, batch, messages, event_type):
    bad = batch("m2")
    bad["events"][0]["event_type"] = event_type
    if event_type is ...:
        del bad["events"][0]["event_type"]
    answer = post([batch("m1"), bad])
    assert answer.status_code == 202
    assert messages(answer) == ["Required event field &quot;event_type&quot; is missing or empty."]


@pytest.mark.parametrize("bad", [1, "batch", None, []])
def test_a_batch_is_an_object(post, batch, messages, bad):
    (message,) = messages(post([batch("m1"), bad]))
    assert _located(message)[1] == "[1]"


def test_an_event_is_an_object(post, batch, messages):
    (message,) = messages(post([batch("m1"), batch("m2", events=["event"])]))
    assert _located(message)[0] == "Error reading object. Unexpected token: String."


def test_a_batch_posted_alone_has_no_index(post, batch, messages):
    answer = post(batch("m1", device_info={"ios_idfv": "x"}), "/v2/events")
    assert _located(messages(answer)[0])[1] == "device_info.ios_idfv"


def test_a_name_that_would_break_the_path_is_quoted(post, batch, messages):
    (message,) = messages(post([batch("m1"), batch("m2", user_attributes={"a name.": {}})]))
    assert _located(message)[1] == "[1].user_attributes['a name.']"


def test_lines_are_counted_where_there_are_any(post, batch, messages):
    body = json.dumps([batch("m1"), batch("m2", ip={})], indent=2)
    (message,) = messages(post(body.encode()))
    _, _, line, position = _located(message)
    written = body.splitlines()[line - 1]
    assert written[:position].strip() == '"ip": {'


def test_characters_are_counted_not_bytes(post, batch, messages):
    body = json.dumps([batch("m1", user_attributes={"city": "Zürich 🏔"}), batch("m2", ip={})], ensure_ascii=False)
    (message,) = messages(post(body.encode()))
    position = _located(message)[3]
    assert body[:position].endswith('"ip": {')


def test_an_equal_batch_before_it_does_not_mislead(post, batch, messages):
    inner = {"ip": []}
    first = batch("m1", user_attributes={"note": json.dumps(inner)})
    body = json.dumps([first, inner, inner, batch("m2")], separators=(",", ":"))
    answer = post(body.encode())
    positions = [_located(message)[3] for message in messages(answer)]
    start = body.index(',{"ip":[]}') + 1
    assert positions == [start + 7, start + 7 + len('{"ip":[]},')]


LAX = {
    "no identity": {"user_identities": {}},
    "no section but events": {"user_identities": None, "environment": None},
    "an unknown identity": {"user_identities": {"nickname": "x"}},
    "scalars for strings": {"user_identities": {"customerid": 7, "email": None, "other": True}},
    "scalars and lists as attributes": {"user_attributes": {"age": 42, "tags": ["a", "b"], "x": None, "y": 1.5}},
    "too long a value": {"user_attributes": {"city": "x" * 5000}},
    "more than 100 attributes": {"user_attributes": {f"a{n}": "x" for n in range(101)}},
    "an address that is none": {"ip": "nowhere"},
    "unknown sections": {"application_info": {"a": {}}, "schema_version": 2, "mpid": 5, "hello": []},
    "a GUID": {"device_info": {"ios_advertising_id": "3F2504E0-4f89-11d3-9a0c-0305e82c3301", "ios_idfv": None}},
    "any text as android_uuid": {"device_info": {"android_uuid": "x"}},
    "a click id": {"integration_attributes": {"1277": {"passbackconversiontrackingid": "c"}}},
    "consent": {"consent_state": {"gdpr": {"marketing": {"consented": True, "timestamp_unixtime_ms": 1}}}},
    "a data plan": {"context": {"data_plan": {"plan_id": "p"}}},
    "no events": {"events": None},
}


@pytest.mark.parametrize("case", LAX)
def test_business_rules_are_not_reported(sandbox, post, batch, case):
    answer = post([batch("m1", **LAX[case])])
    assert (answer.status_code, answer.content) == (202, b"")
    assert sandbox.store.counts.batches == 1


@pytest.mark.parametrize(
    "data",
    [
        {"custom_attributes": {"conversiontype": None}},
        {"custom_attributes": {"amount": 99.99, "currency": 7, "gift": True}},
        {"timestamp_unixtime_ms": "1735689600000"},
        {"timestamp_unixtime_ms": 1735689600},
        {"event_name": "anything", "custom_event_type": "other"},
        {},
        None,
    ],
)
def test_business_rules_of_an_event_are_not_reported(sandbox, post, batch, data):
    answer = post([batch(events=[{"event_type": "whatever", "data": data}])])
    assert (answer.status_code, answer.content) == (202, b"")


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["events", "data", "event_type", "device_info", "ios_idfv", "environment", "consent_state"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_judged_and_located(document):
    """No batch breaks the judge, and what it finds it can point at."""
    text = json.dumps(document)
    breach = breach_of(document)
    if breach and breach.locator is not Locator.NONE:
        message = breach.message(text, 0, f"[{text}]", 1)
        assert 1 <= int(message.rpartition(" ")[2].rstrip(".")) <= len(text) + 1
