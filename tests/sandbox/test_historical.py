"""``/v2/bulkevents/historical`` answers 202 to what it does not process; the sandbox tells which and why."""

import time

import pytest
import requests

HISTORICAL = "/v2/bulkevents/historical"
HOUR = 3_600_000


def _aged(batch, *hours):
    made = batch(*(f"m{number}" for number in range(len(hours))))
    for event, age in zip(made["events"], hours, strict=True):
        event["data"]["timestamp_unixtime_ms"] = int(time.time() * 1000) - int(age * HOUR)
    return made


def test_what_is_older_than_72_hours_is_processed(sandbox, post, batch):
    assert post([_aged(batch, 72.01, 9000)], HISTORICAL).status_code == 202
    assert sandbox.store.counts.batches == 1
    assert not sandbox.store.unprocessed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda made: made.pop("events"), "no events"),
        (lambda made: made["events"].clear(), "no events"),
        (
            lambda made: made["events"][1]["data"].pop("timestamp_unixtime_ms"),
            "an event without timestamp_unixtime_ms",
        ),
        (lambda made: made["events"][1].pop("data"), "an event without timestamp_unixtime_ms"),
    ],
)
def test_a_batch_without_events_or_times_is_answered_202_and_not_processed(sandbox, post, batch, change, reason):
    incomplete = _aged(batch, 100, 100)
    change(incomplete)
    answer = post([_aged(batch, 100), incomplete], HISTORICAL)
    assert (answer.status_code, answer.content) == (202, b"")
    assert [(each.document, each.reason) for each in sandbox.store.unprocessed] == [(incomplete, reason)]
    assert (sandbox.store.counts.batches, sandbox.store.counts.unprocessed_batches) == (1, 1)


def test_a_batch_with_one_event_younger_than_72_hours_is_not_processed(sandbox, post, batch):
    assert post([_aged(batch, 100, 71.99)], HISTORICAL).status_code == 202
    assert [each.reason for each in sandbox.store.unprocessed] == ["an event younger than 72 hours"]
    assert sandbox.store.counts.batches == 0


def test_an_unprocessed_batch_may_be_sent_again_elsewhere(sandbox, post, batch):
    young = {**_aged(batch, 1), "source_request_id": "r1"}
    post([young], HISTORICAL)
    post([young])
    assert sandbox.store.documents == [young]
    assert sandbox.store.counts.repeated_batches == 0


def test_other_paths_ask_for_no_age(sandbox, post, batch):
    post([_aged(batch, 1), batch(), {"user_identities": {"customerid": "c1"}}])
    assert sandbox.store.counts.batches == 3


def test_bad_batches_are_refused_as_elsewhere(post, batch, messages):
    answer = post([_aged(batch, 100), _aged(batch, 100) | {"ip": {}}], HISTORICAL)
    assert answer.status_code == 202
    assert "Path &#39;[1].ip&#39;" in messages(answer)[0]


def test_it_can_be_asked_over_http(sandbox, post, batch):
    young = _aged(batch, 1)
    post([young], HISTORICAL)
    assert requests.get(f"{sandbox.url}/sandbox/unprocessed").json() == {
        "total": 1,
        "next": None,
        "batches": [{"path": HISTORICAL, "reason": "an event younger than 72 hours", "batch": young}],
    }
