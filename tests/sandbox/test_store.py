"""What is accepted: each batch once, by its source_request_id; events again, but counted."""

import pytest

from airflow_provider_rokt.sandbox import Settings

KEEP = pytest.mark.parametrize("keep", ["everything", "counts"])


@KEEP
def test_a_request_id_is_taken_once(sandbox, post, batch, keep):
    sandbox.reset(Settings(keep=keep))
    first, second = batch("m1", source_request_id="r1"), batch("m2", source_request_id="r2")
    assert post([first, second]).status_code == 202
    again = post([first, batch("m3", source_request_id="r3")])
    assert (again.status_code, again.content) == (202, b"")
    assert post(second, "/v2/events").status_code == 202
    counts = sandbox.store.counts
    assert (counts.batches, counts.events, counts.repeated_batches, counts.conflicting_batches) == (3, 3, 2, 0)
    assert counts.repeated_messages == 0
    kept = [document["source_request_id"] for document in sandbox.store.documents]
    assert kept == (["r1", "r2", "r3"] if keep == "everything" else [])


def test_a_request_id_repeated_within_a_request_is_taken_once(sandbox, post, batch):
    post([batch("m1", source_request_id="r1")] * 2)
    assert (sandbox.store.counts.batches, sandbox.store.counts.repeated_batches) == (1, 1)


@KEEP
def test_one_request_id_for_two_contents_is_told_apart(sandbox, post, batch, keep):
    sandbox.reset(Settings(keep=keep))
    post([batch("m1", source_request_id="r1"), batch("m2", source_request_id="r1")])
    counts = sandbox.store.counts
    assert (counts.batches, counts.repeated_batches, counts.conflicting_batches) == (1, 1, 1)


def test_without_a_request_id_nothing_is_dropped(sandbox, post, batch):
    post([batch("m1"), batch("m1"), batch("m1", source_request_id=""), batch("m1", source_request_id=None)])
    assert (sandbox.store.counts.batches, sandbox.store.counts.repeated_batches) == (4, 0)


def test_a_refused_batch_leaves_its_request_id_free(sandbox, post, batch):
    post([batch("m1", source_request_id="r1", ip={})])
    post([batch("m1", source_request_id="r1")])
    assert (sandbox.store.counts.batches, sandbox.store.counts.repeated_batches) == (1, 0)


@KEEP
def test_a_repeated_message_id_is_accepted_and_counted(sandbox, post, batch, keep):
    sandbox.reset(Settings(keep=keep))
    post([batch("m1", "m2"), batch("m2"), batch("m3")])
    post([batch("m2", source_request_id="r1")])
    counts = sandbox.store.counts
    assert (counts.batches, counts.events, counts.repeated_messages) == (4, 5, 2)
    assert len(sandbox.store.message_ids) == 3
    if keep == "everything":
        assert sandbox.store.message_ids == {"m1", "m2", "m3"}


def test_an_event_without_message_id_counts_as_no_repetition(sandbox, post, batch):
    unnamed = {"event_type": "custom_event"}
    post([batch(events=[unnamed, unnamed]), batch("m1", events=[{"event_type": "x", "data": None}])])
    assert (sandbox.store.counts.events, sandbox.store.counts.repeated_messages) == (3, 0)


def test_requests_are_counted_by_status_and_remembered(sandbox, post, batch):
    body = b'[{"events":[]}]'
    post(body)
    post([batch("m1")], auth=None)
    post([], auth=("a", "b"))
    assert sandbox.store.counts.requests == {"202": 1, "401": 1, "403": 1}
    first, *_ = sandbox.store.requests
    assert (first.path, first.status, first.size) == ("/v2/bulkevents", 202, len(body))
    assert [each.at for each in sandbox.store.requests] == sorted(each.at for each in sandbox.store.requests)


def test_counts_alone_hold_no_content(sandbox, post, batch):
    sandbox.reset(Settings(keep="counts"))
    post([batch("m1", source_request_id="r1")])
    post([batch("m2")], "/v2/bulkevents/historical")
    body = {"action": "include", "emails": ["jane@example.com"]}
    post(body, "/api/1.0/import/suppression", auth=None, headers=_import_headers(sandbox))
    store = sandbox.store
    assert not (store.batches or store.unprocessed or store.requests or store.imports)
    assert all(isinstance(message_id, int) for message_id in store.message_ids)
    assert (store.counts.batches, store.counts.imports, store.counts.requests) == (2, 1, {"202": 2, "201": 1})


def _import_headers(sandbox):
    return {"Authorization": sandbox.settings.audience_key, "Content-Type": "application/json"}
