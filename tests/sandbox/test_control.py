"""The sandbox's own addresses tell what it holds, and forget it."""

from dataclasses import replace

import pytest
import requests

from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.faults import Status


def test_health(sandbox):
    assert requests.get(f"{sandbox.url}/health").json() == {"status": "ok"}
    assert requests.get(f"{sandbox.url}/sandbox/health").json() == {"status": "ok"}


def test_the_summary(sandbox, post, batch):
    post([batch("m1", "m2", source_request_id="r1"), batch("m2"), batch("m3", ip={})])
    post([batch("m1", "m2", source_request_id="r1")])
    post([batch("m4")], "/v2/bulkevents/historical", auth=None)
    headers = {"Authorization": sandbox.settings.audience_key, "Content-Type": "application/json"}
    post(
        {"action": "include", "list": "VIP", "email": "a@b.cd"},
        "/api/1.0/import/suppression",
        headers=headers,
        auth=None,
    )
    summary = requests.get(f"{sandbox.url}/sandbox/summary").json()
    assert summary.pop("peak_batches_per_second") >= 3
    assert summary == {
        "requests": {"202": 2, "401": 1, "201": 1},
        "batches": 2,
        "events": 3,
        "refused_batches": 1,
        "unprocessed_batches": 0,
        "repeated_batches": 1,
        "conflicting_batches": 0,
        "swallowed_batches": 0,
        "repeated_messages": 1,
        "dropped_events": {"repeats a source_message_id": 1, "repeats a source_request_id": 2},
        "imports": 1,
        "dropped_members": 0,
        "unique_message_ids": 2,
        "held_message_ids": 2,
        "audiences": {"VIP": 1},
        "memberships": {},
        "readings": Settings().readings,
    }


def test_batches_are_paged(sandbox, post, batch):
    batches = [batch(f"m{number}") for number in range(5)]
    post(batches)
    url = f"{sandbox.url}/sandbox/events"
    read, after = [], 0
    while after is not None:
        page = requests.get(url, params={"after": after, "limit": 2}).json()
        assert page["total"] == 5
        assert len(page["batches"]) <= 2
        read += page["batches"]
        after = page["next"]
    assert read == [{"path": "/v2/bulkevents", "reason": "", "batch": each} for each in batches]
    assert requests.get(url).json()["next"] is None
    assert requests.get(url, params={"after": 99}).json()["batches"] == []


@pytest.mark.parametrize("params", [{"after": "x"}, {"limit": "many"}])
def test_a_page_that_is_no_number_is_400(sandbox, params):
    assert requests.get(f"{sandbox.url}/sandbox/events", params=params).status_code == 400


def test_a_negative_page_is_the_first(sandbox, post, batch):
    post([batch("m1"), batch("m2")])
    page = requests.get(f"{sandbox.url}/sandbox/events", params={"after": -1, "limit": -5}).json()
    assert [each["batch"]["events"][0]["data"]["source_message_id"] for each in page["batches"]] == ["m1"]


def test_audiences(sandbox, post):
    headers = {"Authorization": sandbox.settings.audience_key, "Content-Type": "application/json"}
    digests = ["b" * 64, "a" * 64]
    body = {"action": "include", "sha256s": digests}
    post(body, "/api/1.0/import/suppression", headers=headers, auth=None)
    assert requests.get(f"{sandbox.url}/sandbox/audiences").json() == {"AdvertiserDatabase": sorted(digests)}


def test_it_forgets_when_told_to(sandbox, post, batch):
    post([batch("m1", source_request_id="r1")])
    sandbox.faults.add(Status(503))
    assert requests.delete(f"{sandbox.url}/sandbox").status_code == 204
    assert sandbox.store.counts.batches == 0
    assert sandbox.rate.peak == 0
    assert post([batch("m1", source_request_id="r1")]).status_code == 202
    assert sandbox.store.counts.batches == 1


@pytest.mark.parametrize("method", ["DELETE", "PUT"])
def test_it_forgets_and_changes_the_settings_that_are_named(sandbox, post, batch, method):
    post([batch("m1")])
    url, before = f"{sandbox.url}/sandbox", sandbox.settings
    changed = {"index_base": 1, "errors_listed": 10, "batches_per_second": 5}
    assert requests.request(method, url, json=changed).status_code == 204
    assert sandbox.settings == replace(before, **changed)
    assert sandbox.store.counts.batches == 0
    assert requests.delete(url).status_code == 204
    assert sandbox.settings.index_base == 1
    assert requests.get(f"{sandbox.url}/sandbox/summary").json()["readings"]["errors_listed"] == 10


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"index_base": 2}',
        b'{"index_base": "1"}',
        b'{"request_id_remembered": "reciept"}',
        b'{"errors_listed": 0}',
        b'{"age_limit": "all"}',
        b'{"index_bass": 1}',
    ],
)
def test_a_misspelt_setting_is_400_and_forgets_nothing(sandbox, post, batch, body):
    post([batch("m1")])
    answer = requests.put(f"{sandbox.url}/sandbox", data=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.store.counts.batches == 1


def test_what_was_dropped_is_paged(sandbox, post, batch):
    post([batch("m1"), batch("m1"), batch("m1")])
    page = requests.get(f"{sandbox.url}/sandbox/dropped", params={"limit": 1}).json()
    assert (page["total"], page["next"]) == (2, 1)
    assert page["events"] == [
        {"path": "/v2/bulkevents", "message_id": "m1", "reason": "repeats a source_message_id", "of": "m1"}
    ]


def test_members_are_told_under_the_names_they_were_added_by(sandbox, post):
    headers = {"Authorization": sandbox.settings.audience_key, "Content-Type": "application/json"}
    for member in ({"email": "Jane@example.com"}, {"sha256": "A" * 64}):
        body = {"action": "include", "list": "VIP", **member}
        post(body, "/api/1.0/import/suppression", headers=headers, auth=None)
    assert requests.get(f"{sandbox.url}/sandbox/members").json() == {"VIP": ["a" * 64, "jane@example.com"]}


def test_the_page_shows_the_readings(sandbox):
    sandbox.reset(Settings(membership="any", errors_listed=10))
    page = requests.get(sandbox.url).text
    assert "<tr><th scope=row>Membership</th><td>any</td></tr>" in page
    assert "<tr><th scope=row>Errors listed</th><td>10</td></tr>" in page


def test_what_it_is_asked_itself_is_not_counted(sandbox):
    requests.get(f"{sandbox.url}/sandbox/summary")
    assert sandbox.store.counts.requests == {}


def test_the_page_shows_counts_and_escapes_names(sandbox, post, batch):
    post([batch("m1")])
    headers = {"Authorization": sandbox.settings.audience_key, "Content-Type": "application/json"}
    body = {"action": "include", "list": "<script>alert(1)</script>", "email": "jane@example.com"}
    post(body, "/api/1.0/import/suppression", headers=headers, auth=None)
    sandbox.faults.add(Status(503, path="/nowhere", body="<img>"))
    answer = requests.get(sandbox.url)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;: 1" in answer.text
    assert "&lt;img&gt;" in answer.text
    assert "<script>" not in answer.text
    assert "<img>" not in answer.text
    assert "jane" not in answer.text
