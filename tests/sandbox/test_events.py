"""The sandbox's Events API holds to Rokt's contract, asked over HTTP."""

import requests


def test_clean_batches_are_accepted_and_kept(sandbox):
    batch = {"user_identities": {"customerid": "c1"}, "events": [{"event_type": "custom_event"}]}
    answer = requests.post(f"{sandbox.url}/v2/bulkevents", json=[batch], auth=("sandbox-key", "sandbox-secret"))

    assert (answer.status_code, answer.content) == (202, b"")
    assert sandbox.store.documents == [batch]
