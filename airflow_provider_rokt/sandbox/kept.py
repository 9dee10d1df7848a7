"""What is remembered of a request: that it was handled, the batches it brought, the audience it changed."""

from typing import Any, NamedTuple

import msgspec


class Handled(NamedTuple):
    """One request that was handled.

    :param status: what it was answered, ``None`` where the connection was reset.
    :param size: bytes of its body.
    :param at: its arrival on the monotonic clock, in seconds.
    """

    path: str
    status: int | None
    size: int
    at: float


class PostedBatch(NamedTuple):
    """One batch of an events request, not checked yet: nothing about its shape is sure.

    :param body: its JSON, exactly as posted.
    :param document: the same, read.
    """

    path: str
    body: bytes
    document: Any

    @property
    def events(self) -> list[Any]:
        """Its events."""
        events = self.document.get("events") if isinstance(self.document, dict) else None
        return events if isinstance(events, list) else []

    @property
    def message_ids(self) -> list[Any]:
        """The ``source_message_id`` of each event, ``None`` where there is none to read."""
        data = [event.get("data") if isinstance(event, dict) else None for event in self.events]
        return [each.get("source_message_id") if isinstance(each, dict) else None for each in data]

    @property
    def request_id(self) -> Any:
        """Its ``source_request_id``, ``None`` where there is none to read."""
        return self.document.get("source_request_id") if isinstance(self.document, dict) else None


class Kept(NamedTuple):
    """A batch that was kept; read only when looked at, since a tree takes five times the room of its text.

    :param reason: why it was not processed; empty for an accepted batch.
    """

    path: str
    body: bytes
    reason: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The batch, read."""
        document: dict[str, Any] = msgspec.json.decode(self.body)
        return document


class Dropped(NamedTuple):
    """An event that was answered as taken and is not stored.

    :param message_id: its ``source_message_id``, or ``None``.
    :param of: what it repeats: the message id of an event that is held, or a ``source_request_id``; else ``None``.
    """

    path: str
    message_id: str | int | None
    reason: str
    of: str | int | None = None


class Fate(NamedTuple):
    """What became of a ``source_message_id``.

    :param held: whether an event of this id is stored.
    :param reason: why none is.
    :param of: what the event was dropped as a repeat of: a message id that is held, or a ``source_request_id``.
    """

    held: bool
    reason: str = ""
    of: str | int | None = None


class Import(NamedTuple):
    """One audience import that was accepted.

    :param members: how many it named.
    """

    path: str
    action: str
    audience: str
    field: str
    members: int
    body: bytes
