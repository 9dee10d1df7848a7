"""What a sandbox took in: every accepted batch once, what is stored of it, the members of lists, and counts.

*Accepted* is what was answered as taken; *held* is what is stored of it, under the sandbox's readings.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Any

from airflow_provider_rokt.sandbox.behaviour import Settings
from airflow_provider_rokt.sandbox.counts import Counts
from airflow_provider_rokt.sandbox.holdings import HISTORICAL, REFUSED, REPEATED_REQUEST, UNLISTED, Holdings, Id
from airflow_provider_rokt.sandbox.kept import Dropped, Fate, Handled, Import, Kept, PostedBatch
from airflow_provider_rokt.sandbox.lists import Lists, Name
from airflow_provider_rokt.sandbox.member_events import MemberEvents, Person


class Store:
    """Everything one sandbox holds.

    Written by the server's thread, read by any; what it hands out is a copy or never changes.

    :param settings: whether bodies are kept (otherwise only counts, audiences and 64-bit hashes of ids), and how it is
        read what is stored.
    """

    def __init__(self, settings: Settings) -> None:
        self._everything = settings.keep == "everything"
        self._lock = threading.Lock()
        self._request_ids: dict[Id, int] = {}
        self._received_only: set[Id] = set()
        self._handled: list[Handled] = []
        self._batches: list[Kept] = []
        self._unprocessed: list[Kept] = []
        self._dropped: list[Dropped] = []
        self._imports: list[Import] = []
        self._lists = Lists(joined=settings.join_hash_and_address == "yes", named=self._everything)
        self._member_events = MemberEvents(documented=settings.membership == "documented", name=self._id)
        self._usual, self._historical = (Holdings(settings, self._id, self._member_events) for _ in range(2))
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
                if self._is_repeated(batch):
                    self._drop(self._road(batch.path).miss(batch, REPEATED_REQUEST, batch.request_id))
                else:
                    self._keep(batch)

    def receive(self, batches: Iterable[PostedBatch]) -> None:
        """Remembers the ``source_request_id`` of batches that were received and not accepted."""
        with self._lock:
            for batch in batches:
                if batch.request_id not in (None, ""):
                    key = self._id(batch.request_id)
                    if key not in self._request_ids:
                        self._request_ids[key] = hash(batch.body)
                        self._received_only.add(key)

    def refuse(self, batches: Sequence[PostedBatch], *, unlisted: int = 0) -> None:
        """Counts refused batches.

        :param unlisted: how many of the last an answer of 202 does not name.
        """
        with self._lock:
            self.counts.refused_batches += len(batches)
            told = len(batches) - unlisted
            for batch in batches[:told]:
                self._road(batch.path).miss(batch, REFUSED)
            for batch in batches[told:]:
                self._drop(self._road(batch.path).miss(batch, UNLISTED))

    def leave(self, batch: PostedBatch, reason: str) -> None:
        """Sets a batch aside that was answered 202 but is not processed."""
        with self._lock:
            self.counts.unprocessed_batches += 1
            self._drop(self._road(batch.path).miss(batch, reason))
            if self._everything:
                self._unprocessed.append(Kept(batch.path, batch.body, reason))

    def change_audience(self, change: Import, members: Sequence[Name], dropped: int = 0) -> None:
        """Adds members to a list or removes them.

        :param dropped: how many more the import named.
        """
        with self._lock:
            (self._lists.add if change.action == "include" else self._lists.remove)(change.audience, members)
            self.counts.imports += 1
            self.counts.dropped_members += dropped
            if self._everything:
                self._imports.append(change)

    def drop_members(self, count: int) -> None:
        """Counts members of an import that was answered as any, and changed nothing."""
        with self._lock:
            self.counts.dropped_members += count

    def fate(self, message_id: object, path: str = "") -> Fate:
        """What became of an event, by its ``source_message_id``.

        :param path: where it was sent, as ``/historical`` holds events of its own.
        """
        with self._lock:
            return self._road(path).fate(message_id)

    @property
    def held(self) -> set[Id]:
        """The message ids of all events that are stored, on either road (hashes where only counts are kept)."""
        with self._lock:
            return self._usual.held | self._historical.held

    @property
    def dropped(self) -> Sequence[Dropped]:
        """Every event that was answered as taken and is not stored."""
        return tuple(self._dropped)

    @property
    def members(self) -> dict[str, frozenset[str]]:
        """Each imported list's members, under the name they were added by: an address or a digest."""
        with self._lock:
            return self._lists.names

    @property
    def memberships(self) -> dict[str, frozenset[Person]]:
        """By audience, who is in it by membership events, each as the identities of the add."""
        with self._lock:
            return self._member_events.members

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
        """Each imported list's members, as SHA-256 digests of their addresses."""
        with self._lock:
            return self._lists.persons

    @property
    def message_ids(self) -> set[Id]:
        """Every distinct ``source_message_id`` that was accepted (its hash where only counts are kept)."""
        with self._lock:
            return self._usual.message_ids | self._historical.message_ids

    def _is_repeated(self, batch: PostedBatch) -> bool:
        if batch.request_id in (None, ""):
            return False
        key, content = self._id(batch.request_id), hash(batch.body)
        if key not in self._request_ids:
            self._request_ids[key] = content
            return False
        self.counts.repeated_batches += 1
        self.counts.conflicting_batches += self._request_ids[key] != content
        self.counts.swallowed_batches += key in self._received_only
        return True

    def _keep(self, batch: PostedBatch) -> None:
        self.counts.batches += 1
        self.counts.events += len(batch.events)
        self._count_repeats(batch)
        self._drop(self._road(batch.path).take(batch))
        if self._everything:
            self._batches.append(Kept(batch.path, batch.body))

    def _count_repeats(self, batch: PostedBatch) -> None:
        here: set[Id] = set()
        for message_id in batch.message_ids:
            if message_id not in (None, ""):
                key = self._id(message_id)
                seen = key in here or key in self._usual.message_ids or key in self._historical.message_ids
                self.counts.repeated_messages += seen
                here.add(key)

    def _drop(self, dropped: Iterable[Dropped]) -> None:
        for each in dropped:
            self.counts.dropped_events[each.reason] += 1
            if self._everything:
                self._dropped.append(each)

    def _road(self, path: str) -> Holdings:
        return self._historical if path == HISTORICAL else self._usual

    def _id(self, value: object) -> Id:
        return str(value) if self._everything else hash(str(value))
