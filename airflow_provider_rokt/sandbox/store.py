"""What a sandbox took in: every accepted batch once, every audience's members, and counts of all the rest."""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_rokt.sandbox.kept import Handled, Import, Kept, PostedBatch


@dataclass
class Counts:
    """What is counted whether or not bodies are kept.

    :ivar requests: requests by status; ``"reset"`` for those whose connection was reset.
    :ivar batches: accepted, each once.
    :ivar repeated_batches: taken with a ``source_request_id`` seen before, and dropped.
    :ivar conflicting_batches: those of them that were not the same text: data lost at Rokt.
    :ivar repeated_messages: events kept whose ``source_message_id`` was seen before.
    """

    requests: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    events: int = 0
    refused_batches: int = 0
    unprocessed_batches: int = 0
    repeated_batches: int = 0
    conflicting_batches: int = 0
    repeated_messages: int = 0
    imports: int = 0


class Store:
    """Everything one sandbox holds.

    Written by the server's thread, read by any; what it hands out is a copy or never changes.

    :param everything: whether bodies are kept; otherwise only counts, audiences and 64-bit hashes of ids.
    """

    def __init__(self, *, everything: bool = True) -> None:
        self._everything = everything
        self._lock = threading.Lock()
        self._request_ids: dict[str | int, int] = {}
        self._message_ids: set[str | int] = set()
        self._handled: list[Handled] = []
        self._batches: list[Kept] = []
        self._unprocessed: list[Kept] = []
        self._imports: list[Import] = []
        self._audiences: dict[str, set[str]] = {}
        self.counts = Counts()

    def handled(self, request: Handled) -> None:
        """Counts a request by what it was answered."""
        with self._lock:
            self.counts.requests["reset" if request.status is None else str(request.status)] += 1
            if self._everything:
                self._handled.append(request)

    def accept(self, batches: Iterable[PostedBatch]) -> None:
        """Keeps batches, each ``source_request_id`` once."""
        with self._lock:
            for batch in batches:
                if not self._is_repeated(batch):
                    self._keep(batch)

    def refuse(self, count: int) -> None:
        """Counts refused batches."""
        with self._lock:
            self.counts.refused_batches += count

    def leave(self, batch: PostedBatch, reason: str) -> None:
        """Sets a batch aside that was answered 202 but is not processed."""
        with self._lock:
            self.counts.unprocessed_batches += 1
            if self._everything:
                self._unprocessed.append(Kept(batch.path, batch.body, reason))

    def change_audience(self, change: Import, members: Iterable[str]) -> None:
        """Adds members to an audience or removes them."""
        with self._lock:
            audience = self._audiences.setdefault(change.audience, set())
            if change.action == "include":
                audience.update(members)
            else:
                audience.difference_update(members)
            self.counts.imports += 1
            if self._everything:
                self._imports.append(change)

    @property
    def requests(self) -> Sequence[Handled]:
        """Every request, in the order they were answered."""
        return tuple(self._handled)

    @property
    def batches(self) -> Sequence[Kept]:
        """Every accepted batch, once, in the order they came."""
        return tuple(self._batches)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """Every accepted batch, read."""
        return [batch.document for batch in self.batches]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of every accepted batch."""
        return [event for document in self.documents for event in document.get("events") or []]

    @property
    def unprocessed(self) -> Sequence[Kept]:
        """The batches answered 202 that ``/historical`` does not process, with the reason."""
        return tuple(self._unprocessed)

    @property
    def imports(self) -> Sequence[Import]:
        """Every accepted audience import."""
        return tuple(self._imports)

    @property
    def audiences(self) -> dict[str, frozenset[str]]:
        """Each audience's members, as SHA-256 digests of their addresses."""
        with self._lock:
            return {name: frozenset(members) for name, members in self._audiences.items()}

    @property
    def message_ids(self) -> set[str | int]:
        """Every distinct ``source_message_id`` (its hash where only counts are kept)."""
        with self._lock:
            return set(self._message_ids)

    def _is_repeated(self, batch: PostedBatch) -> bool:
        request_id = batch.document.get("source_request_id")
        if request_id in (None, ""):
            return False
        key, content = self._id(request_id), hash(batch.body)
        if key not in self._request_ids:
            self._request_ids[key] = content
            return False
        self.counts.repeated_batches += 1
        self.counts.conflicting_batches += self._request_ids[key] != content
        return True

    def _keep(self, batch: PostedBatch) -> None:
        self.counts.batches += 1
        self.counts.events += len(batch.events)
        for message_id in batch.message_ids:
            if message_id in (None, ""):
                continue
            key = self._id(message_id)
            self.counts.repeated_messages += key in self._message_ids
            self._message_ids.add(key)
        if self._everything:
            self._batches.append(Kept(batch.path, batch.body))

    def _id(self, value: object) -> str | int:
        return str(value) if self._everything else hash(str(value))
