"""A user's events as one batch of Rokt's Events API, serialised once."""

import codecs
import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from airflow_provider_rokt.flow.mark import MARK_BYTES
from airflow_provider_rokt.flow.row import RowRef

# Sorted names: the same content is the same bytes, in whatever order a query names its columns.
serialise_utf8: Final = msgspec.json.Encoder(order="deterministic").encode


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """A run of characters that are not ASCII, as JSON escapes them."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    run = error.object[error.start : error.end]
    return json.dumps(run)[1:-1], error.end


# msgspec has no escaping of what is not ASCII, and json takes five times as long for the whole of it.
_ESCAPING: Final = "airflow_provider_rokt.json"
codecs.register_error(_ESCAPING, _escaped)


def serialise(value: dict[str, Any]) -> bytes:
    """Compact JSON of ASCII bytes only.

    Rokt locates a fault by its position in the posted text, and whether it counts bytes, characters or UTF-16
    units is not published: in ASCII all three are the same.
    """
    text = serialise_utf8(value)
    if text.isascii():
        return text
    return text.decode().encode("ascii", _ESCAPING)


_ID: Final = b'{"source_request_id":"'
_ID_BYTES: Final = 16
# Where the content begins, behind the id's hex digits, a quote and a comma.
_CONTENT: Final = len(_ID) + 2 * _ID_BYTES + 2


class EventBatch(NamedTuple):
    """Implements :class:`~airflow_provider_rokt.flow.request.Batch`.

    :param body: its JSON, with a ``source_request_id`` derived from a salt and everything else in it.
    :param rows: the row each event came from, in the events' order.
    :param coverage: the covered paths that it carries, as bits.
    :param marks: what is remembered of each row once it is accepted, end to end; empty where nothing is.
    :param repeats: whether an earlier try may have sent some of it under the same id.
    """

    body: bytes
    rows: tuple[RowRef, ...]
    coverage: int = 0
    marks: bytes = b""
    repeats: bool = False

    @classmethod
    def of(
        cls,
        user: bytes,
        events: Sequence[bytes],
        rows: Sequence[RowRef],
        more: bytes = b"",
        coverage: int = 0,
        salt: bytes = b"",
        marks: bytes = b"",
        repeats: bool = False,
    ) -> "EventBatch":
        """Joins what is serialised already.

        :param user: the JSON object of every section but the events; not empty, since it names the environment.
        :param events: the JSON object of each event.
        :param rows: one for each event, in the same order.
        :param more: further members of the user's object, a comma before each.
        :param salt: up to 64 bytes. The same batch under the same salt is the same request at Rokt, however often and
            by whichever try of a task it is sent; Rokt drops it when it comes again, for 30 days or more (mParticle).
        :param marks: one for each row, or none.
        """
        content = b'%b%b,"events":[%b]}' % (user[1:-1], more, b",".join(events))
        digest = blake2b(content, digest_size=_ID_BYTES, key=salt).hexdigest()
        body = b'%b%b",%b' % (_ID, digest.encode("ascii"), content)
        # A third of the time of the constructor.
        return tuple.__new__(cls, (body, tuple(rows), coverage, marks, repeats))

    @property
    def events(self) -> int:
        """How many events it carries."""
        return len(self.rows)

    def split(self) -> Sequence["EventBatch"]:
        """One batch for each event, with everything known of the user; just itself when it has a single one."""
        if len(self.rows) == 1:
            return (self,)
        sections = msgspec.json.decode(self.body, type=dict[str, msgspec.Raw])
        events = msgspec.json.decode(sections.pop("events"), type=list[msgspec.Raw])
        # Salted by the whole's id: the parts of another one are other requests.
        salt = bytes(sections.pop("source_request_id")).strip(b'"')
        user = msgspec.json.encode(sections)
        marks = [self.marks[place * MARK_BYTES : (place + 1) * MARK_BYTES] for place in range(len(events))]
        return [
            self.of(user, [bytes(event)], [row], coverage=self.coverage, salt=salt, marks=mark, repeats=self.repeats)
            for event, row, mark in zip(events, self.rows, marks, strict=True)
        ]

    def renewed(self) -> "EventBatch":
        """The same under another id, which follows from its own."""
        # Nobody has published whether Rokt notes an id when a batch arrives, or when it is taken: one that was
        # refused might be dropped as a repeat without a word.
        before = self.body[len(_ID) : _CONTENT - 2]
        digest = blake2b(before, digest_size=_ID_BYTES).hexdigest()
        body = b'%b%b",%b' % (_ID, digest.encode("ascii"), self.body[_CONTENT:])
        return self._replace(body=body, repeats=False)


# What surrounds the user's sections and the events in a body.
ENVELOPE_BYTES: Final = len(EventBatch.of(b"{}", (), ()).body) - len(b"{}")
