"""What the sandbox's tests share: a sender that knows its credentials, and batches in the guide's shape."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from airflow_provider_rokt.sandbox import Sandbox

Post = Callable[..., requests.Response]


def text(document: Any) -> bytes:
    """Compact ASCII JSON, as senders are advised to post it."""
    return json.dumps(document, separators=(",", ":")).encode()


@pytest.fixture(scope="session")
def _session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def post(sandbox: Sandbox, _session: requests.Session) -> Post:
    """``post(document, path="/v2/bulkevents", **options)``; bytes are posted as they are."""

    def send(body: Any, path: str = "/v2/bulkevents", **options: Any) -> requests.Response:
        options.setdefault("auth", (sandbox.settings.key, sandbox.settings.secret))
        options.setdefault("headers", {"Content-Type": "application/json"})
        content = body if isinstance(body, bytes) else text(body)
        return _session.post(sandbox.url + path, data=content, allow_redirects=False, **options)

    return send


@pytest.fixture
def batch() -> Callable[..., dict[str, Any]]:
    """``batch("m1", "m2", **sections)``: one batch with an event for each message id."""

    def make(*message_ids: str, **sections: Any) -> dict[str, Any]:
        events = [
            {
                "event_type": "custom_event",
                "data": {
                    "event_name": "conversion",
                    "custom_event_type": "transaction",
                    "source_message_id": message_id,
                    "timestamp_unixtime_ms": 1735689600000,
                    "custom_attributes": {"conversiontype": "purchase", "amount": "149.99", "currency": "USD"},
                },
            }
            for message_id in message_ids
        ]
        return {"environment": "production", "user_identities": {"customerid": "c1"}, "events": events, **sections}

    return make


@pytest.fixture
def messages() -> Callable[[requests.Response], list[str]]:
    """The messages of an answer's errors."""

    def read(answer: requests.Response) -> list[str]:
        assert all(error["code"] == "BAD_REQUEST" for error in answer.json()["errors"])
        return [error["message"] for error in answer.json()["errors"]]

    return read
