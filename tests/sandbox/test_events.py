"""The Events API: credentials, limits and partial acceptance, asked over HTTP."""

import base64
import html
import json

import pytest
import requests

from airflow_provider_rokt.sandbox import Settings

PATHS = ["/v2/events", "/v2/bulkevents", "/v2/bulkevents/historical"]
GUIDE_EXAMPLE = """{
"environment": "production",
"ip": "203.0.113.42",
"device_info": {
"http_header_user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"
},
"user_identities": {
"email": "jane.smith@example.com",
"customerid": "cust_123456",
"other2": "rokt-click-id-from-url-param"
},
"user_attributes": {
"firstname": "Jane",
"lastname": "Smith",
"zip": "10001",
"city": "New York",
"state": "NY"
},
"events": [
{
"event_type": "custom_event",
"data": {
"event_name": "conversion",
"custom_event_type": "transaction",
"source_message_id": "order_789012",
"timestamp_unixtime_ms": 1735689600000,
"custom_attributes": {
"conversiontype": "purchase",
"confirmationref": "ORD-789012",
"amount": "149.99",
"currency": "USD"
}
}
}
]
}"""


def test_the_guides_example_is_accepted_and_kept(sandbox, post):
    answer = post(GUIDE_EXAMPLE.encode(), "/v2/events")
    assert (answer.status_code, answer.content) == (202, b"")
    (kept,) = sandbox.store.batches
    assert (kept.path, kept.body) == ("/v2/events", GUIDE_EXAMPLE.encode())
    assert sandbox.store.documents == [json.loads(GUIDE_EXAMPLE)]


def test_a_clean_bulk_request_is_answered_202_with_no_body(sandbox, post, batch):
    batches = [batch("m1"), batch("m2", "m3")]
    answer = post(batches)
    assert (answer.status_code, answer.content) == (202, b"")
    assert sandbox.store.documents == batches
    assert [event["data"]["source_message_id"] for event in sandbox.store.events] == ["m1", "m2", "m3"]
    assert (sandbox.store.counts.batches, sandbox.store.counts.events) == (2, 3)


@pytest.mark.parametrize("path", PATHS)
def test_without_credentials_it_is_401_and_empty(sandbox, post, path):
    answer = post([], path, auth=None)
    assert (answer.status_code, answer.content) == (401, b"")


def _basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "authorization",
    [
        _basic("sandbox-key:wrong"),
        _basic("wrong:sandbox-secret"),
        _basic("sandbox-key"),
        _basic("sandbox-key:sandbox-secret "),
        "Basic not-base64!",
        _basic("sandbox-key:sandbox-secret") + "!",
        "Bearer " + base64.b64encode(b"sandbox-key:sandbox-secret").decode(),
        "sandbox-key",
    ],
)
def test_with_wrong_credentials_it_is_403_and_empty(sandbox, post, batch, path, authorization):
    headers = {"Authorization": authorization, "Content-Type": "application/json"}
    answer = post([batch("m1")], path, auth=None, headers=headers)
    assert (answer.status_code, answer.content) == (403, b"")
    assert not sandbox.store.batches


def test_credentials_are_looked_at_before_the_body(post):
    assert post(b"{", auth=("sandbox-key", "wrong")).status_code == 403
    assert post(b"{").status_code == 400


def test_credentials_follow_the_settings(sandbox, post, batch):
    sandbox.reset(Settings(key="k", secret="s:with:colons"))
    assert post([batch("m1")], auth=("k", "s:with:colons")).status_code == 202
    assert post([batch("m1")], auth=("sandbox-key", "sandbox-secret")).status_code == 403


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"", b"{", b"[}", b'[{"events": NaN}]', b"[1,]", b'"\xff"', b"[" * 100_000])
def test_malformed_json_is_400(sandbox, post, messages, path, body):
    answer = post(body, path)
    assert answer.status_code == 400
    assert len(messages(answer)) == 1
    assert not sandbox.store.batches


def test_one_batch_is_for_events_and_an_array_for_bulk(sandbox, post, batch):
    assert post([batch("m1")], "/v2/events").status_code == 400
    assert post(batch("m1"), "/v2/bulkevents").status_code == 400
    assert not sandbox.store.batches


def test_a_request_without_batches_is_400(post):
    assert post([]).status_code == 400


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "text/plain"}])
def test_a_body_not_declared_as_json_is_415(post, batch, headers):
    assert post([batch("m1")], headers=headers).status_code == 415


def test_a_charset_may_be_declared(post, batch):
    assert post([batch("m1")], headers={"Content-Type": "application/json; charset=utf-8"}).status_code == 202


def test_compression_is_415(post, batch):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert post([batch("m1")], headers=headers).status_code == 415


def _padded(batch, size):
    """A batch of exactly this many bytes."""
    made = batch("m1", user_attributes={"note": ""})
    made["user_attributes"]["note"] = "x" * (size - len(json.dumps(made, separators=(",", ":"))))
    return made


def test_a_request_may_have_256000_bytes_and_no_more(sandbox, post, batch):
    half = _padded(batch, 127_998)
    body = json.dumps([half, half], separators=(",", ":")).encode()
    fits = body + b" " * (256_000 - len(body))
    assert post(fits).status_code == 202
    answer = post(fits + b" ")
    assert (answer.status_code, answer.content) == (413, b"")
    assert sandbox.store.counts.batches == 2


def test_a_chunked_request_is_measured_too(sandbox, batch):
    chunks = iter([b" " * 200_000, b" " * 60_000])
    headers = {"Content-Type": "application/json"}
    auth = (sandbox.settings.key, sandbox.settings.secret)
    answer = requests.post(f"{sandbox.url}/v2/bulkevents", data=chunks, headers=headers, auth=auth)
    assert answer.status_code == 413


def test_a_batch_may_have_128000_bytes_and_no_more(sandbox, post, batch, messages):
    answer = post([_padded(batch, 128_000), _padded(batch, 127_990)])
    assert answer.status_code == 202
    assert not answer.content
    answer = post([batch("m2"), _padded(batch, 128_001)])
    assert answer.status_code == 202
    assert "Path &#39;[1]&#39;" in messages(answer)[0]
    assert sandbox.store.counts.batches == 3


def test_a_request_may_have_100_batches_and_no_more(sandbox, post, batch):
    assert post([batch(f"m{number}") for number in range(100)]).status_code == 202
    answer = post([{"user_identities": {"customerid": "c"}}] * 101)
    assert answer.status_code == 400
    assert sandbox.store.counts.batches == 100


def test_a_request_may_have_100_events_and_no_more(sandbox, post, batch):
    ids = [f"m{number}" for number in range(101)]
    assert post([batch(*ids[:60]), batch(*ids[60:100])]).status_code == 202
    assert post([batch(*ids[:60]), batch(*ids[60:])]).status_code == 400
    assert post(batch(*ids), "/v2/events").status_code == 400
    assert sandbox.store.counts.events == 100


def test_a_mixed_request_takes_the_good_batches_and_lists_each_bad_one(sandbox, post, batch, messages):
    no_guid = {"device_info": {"ios_advertising_id": "not-a-guid"}}
    batches = [batch("m0"), batch("m1", **no_guid), batch("m2"), batch("m3", **no_guid)]
    answer = post(batches)
    assert answer.status_code == 202
    first, second = messages(answer)
    assert "Path &#39;[1].device_info.ios_advertising_id&#39;" in first
    assert "Path &#39;[3].device_info.ios_advertising_id&#39;" in second
    assert sandbox.store.documents == [batches[0], batches[2]]
    assert sandbox.store.counts.refused_batches == 2


def test_a_request_of_bad_batches_only_is_400_with_one_error_each(sandbox, post, batch, messages):
    bad = batch("m1", device_info={"ios_advertising_id": "not-a-guid"})
    answer = post([bad, bad])
    assert answer.status_code == 400
    assert len(messages(answer)) == 2
    assert not sandbox.store.batches


@pytest.mark.parametrize("path", PATHS)
def test_a_single_bad_batch_is_400(post, batch, messages, path):
    bad = batch("m1", device_info={"ios_advertising_id": "not-a-guid"})
    answer = post(bad if path == "/v2/events" else [bad], path)
    assert answer.status_code == 400
    assert len(messages(answer)) == 1


def test_messages_are_html_escaped(post, batch, messages):
    (message,) = messages(post([batch("m1", device_info={"ios_idfv": "<a>&'b\""})]))
    assert "&quot;&lt;a&gt;&amp;&#39;b&quot;&quot;" in message
    assert "Error converting value \"<a>&'b\"\" to type 'System.Guid'." in html.unescape(message)


def test_other_methods_and_addresses_are_not_there(sandbox):
    assert requests.get(f"{sandbox.url}/v2/bulkevents").status_code == 405
    assert requests.post(f"{sandbox.url}/v2/bulkevents/", json=[]).status_code == 404
    assert requests.post(f"{sandbox.url}/v1/events", json=[]).status_code == 404
    assert [(each.path, each.status) for each in sandbox.store.requests] == [
        ("/v2/bulkevents", 405),
        ("/v2/bulkevents/", 404),
        ("/v1/events", 404),
    ]
