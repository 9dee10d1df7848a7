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
        """The ``source_message_id`` of each event of a checked batch."""
        return [(event.get("data") or {}).get("source_message_id") for event in self.events]


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
