"""A model of Rokt's bulk events, written from what Rokt publishes and seen of the posted bytes alone.

It takes batches that are right, knows a repeated ``source_request_id`` and ``source_message_id`` again, and names the
batches that are wrong. An event is wrong where its row says so, in ``custom_attributes.trouble``.
"""

import html
import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

_DECODER: Final = json.JSONDecoder()

# How an error leads to its batch: by its place in the array, by characters, or not at all.
TROUBLES: Final = ("path", "position", "none")


@dataclass(frozen=True)
class Posted:
    """One batch of a posted body.

    :param start: of its text in the body.
    :param rows: the rows of its events, as ``custom_attributes.row`` numbers them.
    :param event: the one that is wrong, or the first.
    :param position: where a reader of the body stands when it has read what is wrong there, counted from 1.
    """

    content: dict[str, Any]
    start: int
    end: int
    rows: tuple[int, ...]
    event: int
    position: int

    @property
    def name(self) -> str:
        """What Rokt knows it by."""
        return str(self.content["source_request_id"])

    @property
    def trouble(self) -> str | None:
        """How it is wrong."""
        trouble = _trouble(self.content["events"][self.event])
        return trouble if trouble in TROUBLES else None


@dataclass(frozen=True)
class Reply:
    """An answer, and what it says.

    :param accepts: rows that it lets pass for accepted.
    :param blames: rows that it refuses for good, each alone in its batch.
    """

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    accepts: frozenset[int] = frozenset()
    blames: frozenset[int] = frozenset()

    @property
    def is_final(self) -> bool:
        """Whether the same request would not fare better later."""
        return not (self.status in (408, 425, 429) or (self.status >= 500 and self.status not in (501, 505)))


def posted(body: bytes) -> list[Posted]:
    """The batches of a body, with their places in it."""
    text = body.decode()
    batches, place = [], 1
    while text[place - 1] != "]":
        content, end = _DECODER.raw_decode(text, place)
        events = content["events"]
        wrong = next((number for number, event in enumerate(events) if _trouble(event) in TROUBLES), 0)
        value = f'"trouble":"{_trouble(events[wrong])}"'
        position = text.index(value, place) + len(value)
        rows = tuple(int(event["data"]["custom_attributes"]["row"]) for event in events)
        batches.append(Posted(content, place, end, rows, wrong, position))
        place = end + 1
    return batches


def _trouble(event: dict[str, Any]) -> str:
    return str(event["data"]["custom_attributes"]["trouble"])


def rows_of(batches: list[Posted]) -> frozenset[int]:
    """The rows of some batches."""
    return frozenset(row for batch in batches for row in batch.rows)


def message(trouble: str, index: int, event: int, position: int, value: str) -> str:
    """An error of Rokt's, which quotes what it complains of."""
    path = "data.custom_attributes.trouble"
    text = {
        "path": f"Error converting value \"{value}\" to type 'System.Guid'. Path '[{index}].events[{event}].{path}', "
        f"line 1, position {position}.",
        "position": f"Error reading string. Unexpected token: StartObject. Path '{path}', line 1, position {position}.",
        "none": 'Required event field "event_type" is missing or empty.',
    }[trouble]
    return html.escape(text)


def complaint(trouble: str, index: int, batch: Posted, value: str = "") -> str:
    """An error about a batch.

    :param value: what it quotes; one of the batch's own where none is given.
    """
    return message(trouble, index, batch.event, batch.position, value or marker_in(batch))


def errors_of(messages: list[str]) -> bytes:
    """A list of errors as Rokt writes it."""
    return json.dumps({"errors": [{"code": "BAD_REQUEST", "message": text} for text in messages]}).encode()


@dataclass(frozen=True)
class Reading:
    """What nobody has published, and is so in some of the worlds.

    :param notes_at_arrival: whether the id of a batch that is refused counts as seen.
    :param most_errors: errors that an answer lists; 0 for all.
    """

    notes_at_arrival: bool = False
    most_errors: int = 0

    @classmethod
    def of(cls, rng: Random) -> "Reading":
        """Draws one."""
        return cls(rng.random() < 0.25, rng.choice((0, 0, 0, 5, 10)))


class RoktModel:
    """What Rokt holds.

    :ivar held: how often each row's event was taken in, repeats left out.
    :ivar taken: how often each row's event came and was right.
    :ivar burnt: ids of batches that were refused, and are taken for repeats all the same.
    :ivar arrivals: when how many batches came.
    """

    def __init__(self, rng: Random, reading: Reading) -> None:
        self._rng, self._reading = rng, reading
        self._requests: set[str] = set()
        self._messages: set[str] = set()
        self.held: Counter[int] = Counter()
        self.taken: Counter[int] = Counter()
        self.burnt: set[str] = set()
        self.arrivals: list[tuple[float, int]] = []

    def take(self, body: bytes) -> Reply:
        """Takes a request in and answers."""
        batches = posted(body)
        new = [batch.name not in self._requests for batch in batches]
        wrong = [(index, batch) for index, batch in enumerate(batches) if batch.trouble and new[index]]
        for batch in batches:
            if not batch.trouble:
                self.taken.update(batch.rows)
                self._hold(batch)
            elif self._reading.notes_at_arrival:
                self._requests.add(batch.name)
                self.burnt.add(batch.name)
        if not wrong:
            return Reply(202, accepts=rows_of(batches))
        listed = wrong[: self._reading.most_errors or None]
        messages = [complaint(str(batch.trouble), index, batch) for index, batch in listed]
        named = [batch for _, batch in listed if batch.trouble != "none" or len(batches) == 1]
        blames = rows_of([batch for batch in named if len(batch.rows) == 1])
        if len(wrong) == len(batches):
            return Reply(400, errors_of(messages), blames=blames)
        accepted = [batch for batch in batches if batch not in [batch for _, batch in wrong]]
        accepts = rows_of(accepted) if len(named) == len(wrong) else frozenset()
        return Reply(202, errors_of(messages), accepts=accepts, blames=blames)

    def _hold(self, batch: Posted) -> None:
        if batch.name in self._requests:
            return
        self._requests.add(batch.name)
        for event, row in zip(batch.content["events"], batch.rows, strict=True):
            if event["data"]["source_message_id"] not in self._messages:
                self._messages.add(event["data"]["source_message_id"])
                self.held[row] += 1


def marker_in(batch: Posted) -> str:
    """A value of the batch that nobody but Rokt may see."""
    return str(next(iter(batch.content.get("user_identities", {"": "nobody"}).values())))
