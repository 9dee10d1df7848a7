"""Requests to send, and a model of Rokt to send them to: what it publishes of bulk events, without HTTP."""

import html
import json
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from requests.structures import CaseInsensitiveDict

from airflow_provider_rokt.api.client import Answer
from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.events.batch import EventBatch, serialise
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.network.outages import NoAnswerError

# What the mapping of these requests names.
PATHS = frozenset({"device_info.ios_idfv", "events[].data.custom_attributes.conversiontype"})


def batch_of(*keys: str, first: int = 1) -> EventBatch:
    """One user's batch with an event for each key (``source_message_id``); rows are numbered from ``first``."""
    user = serialise({"environment": "production", "user_identities": {"customerid": f"user-{keys[0]}"}})
    events = [
        {"event_type": "custom_event", "data": {"source_message_id": key, "custom_attributes": {"conversiontype": "t"}}}
        for key in keys
    ]
    rows = [RowRef(first + index, key) for index, key in enumerate(keys)]
    return EventBatch.of(user, [serialise(event) for event in events], rows)


def request_of(*users: Sequence[str], first: int = 1) -> Request:
    """A bulk request with a batch for each user, given as the keys of that user's events."""
    batches = []
    for keys in users:
        batches.append(batch_of(*keys, first=first))
        first += len(keys)
    return Request(BULK, tuple(batches), paths=PATHS)


def requests_of(rows: int, per_request: int) -> list[Request]:
    """Requests of single-event batches, keys ``"row-1"`` to ``"row-N"``."""
    keys = [f"row-{number}" for number in range(1, rows + 1)]
    return [
        request_of(*[[key] for key in keys[start : start + per_request]], first=start + 1)
        for start in range(0, rows, per_request)
    ]


def answer_of(status: int, *messages: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer that lists these messages, HTML-escaped as Rokt does."""
    errors = [{"code": "BAD_REQUEST", "message": html.escape(message)} for message in messages]
    body = json.dumps({"errors": errors}).encode() if errors else b""
    return Answer(status, CaseInsensitiveDict(headers or {}), body, 1.0)


class ModelRokt:
    """Posts as RoktClient does, and answers as Rokt's documents say it answers bulk events.

    It takes the batches that are right and names the others in an answer of 202, or of 400 where none was right. A
    batch whose ``source_request_id`` it knows is taken and not kept again.

    :param refused: key of an event -> how the error tells the batch: ``"path"``, ``"position"`` or ``"none"``.
    :param troubles: by number of the post, from 0: a status to answer, ``"reset"`` (nothing is taken) or
        ``"reset after"`` (all is taken, but no answer comes).
    :param remembers_refused: knows the ids of batches that it refused, or that it was sent as it failed, too.
    :param listed: how many errors an answer lists at most.
    :ivar kept: how often an event was kept, repeated batches and events aside.
    :ivar repeated: how many batches it knew.
    """

    def __init__(
        self,
        refused: Mapping[str, str] | None = None,
        troubles: Mapping[int, int | str] | None = None,
        *,
        remembers_refused: bool = False,
        listed: int | None = None,
    ) -> None:
        self._refused = refused or {}
        self._troubles = troubles or {}
        self._remembers_refused = remembers_refused
        self._listed = listed
        self._lock = threading.Lock()
        self._request_ids: set[str] = set()
        self.posts = 0
        self.batches = self.repeated = self.refusals = 0
        self.kept: Counter[str] = Counter()

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        with self._lock:
            trouble = self._troubles.get(self.posts)
            self.posts += 1
            if trouble == "reset":
                raise NoAnswerError("ConnectionError")
            if isinstance(trouble, int):
                if trouble == 503 and self._remembers_refused:
                    self._request_ids |= {batch["source_request_id"] for batch in json.loads(body)}
                return answer_of(trouble)
            answer = self._answer(body)
            if trouble == "reset after":
                raise NoAnswerError("ConnectionError")
            return answer

    def _answer(self, body: bytes) -> Answer:
        batches = json.loads(body)
        messages = []
        for index, batch in enumerate(batches):
            keys = [event["data"]["source_message_id"] for event in batch["events"]]
            styles = [self._refused[key] for key in keys if key in self._refused]
            request_id = batch["source_request_id"]
            if request_id in self._request_ids:
                self.repeated += 1
                continue
            if styles:
                self.refusals += 1
                messages.append(self._message(styles[0], index, body.decode(), request_id))
            else:
                self.kept.update(key for key in keys if key not in self.kept)
            if not styles or self._remembers_refused:
                self._request_ids.add(request_id)
        self.batches += len(batches)
        return answer_of(400 if len(messages) == len(batches) else 202, *messages[: self._listed])

    @staticmethod
    def _message(style: str, index: int, text: str, request_id: str) -> str:
        start = text.index(request_id)
        user, kind = (place_of(text, member, start) for member in ("customerid", "conversiontype"))
        return {
            "path": f"Error converting value \"x\" to type 'System.Guid'. Path '[{index}].user_identities.customerid'"
            f", line 1, position {user}.",
            "position": "Error reading string. Unexpected token: StartObject. Path "
            f"'data.custom_attributes.conversiontype', line 1, position {kind}.",
            "none": 'Required event field "event_type" is missing or empty.',
        }[style]


def place_of(text: str, member: str, start: int = 0) -> int:
    """The 1-based offset of the last character of the text that the next member of this name has."""
    value = text.index(f'"{member}":"', start) + len(member) + 4
    return text.index('"', value) + 1


def keys_of(faults: Iterable[object]) -> list[str]:
    """The keys of some RowFaults."""
    return [fault.row.key for fault in faults]  # type: ignore[attr-defined]
