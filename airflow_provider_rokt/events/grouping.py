"""Brings a user's events together: Rokt limits batches per second, and a batch may hold many events of one user."""

from collections.abc import Iterator
from typing import Any, Final, Literal, Self
from zlib import crc32

import msgspec

from airflow_provider_rokt.events.batch import ENVELOPE_BYTES, EventBatch, serialise, serialise_utf8
from airflow_provider_rokt.events.destinations import DEVICE_IDENTITIES
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.flow.mark import ID_BYTES
from airflow_provider_rokt.flow.mark import mark as mark_of
from airflow_provider_rokt.flow.row import FieldFault, RowRef
from airflow_provider_rokt.limits import ATTRIBUTES, BATCH_BYTES, EVENTS_PER_REQUEST

_PRODUCTION: Final = "production"
_ATTRIBUTES: Final = b',"user_attributes":'
TOO_LARGE: Final = FieldFault("events[]", f"larger than {BATCH_BYTES} bytes as a batch of its own")

GroupByUser = bool | Literal["result"]
"""Not at all, within each read window, or over the whole result."""


def grouping_problem(value: object) -> str | None:
    """What is wrong with a value of ``group_by_user``, as a check of :mod:`~airflow_provider_rokt.flow.checks`."""
    fits = isinstance(value, bool) or (isinstance(value, str) and value == "result")
    return None if fits else "must be True, False or 'result'"


class Grouping:
    """Makes batches of valid single-event batches as they come; a user's events stay in order.

    A user's successive events share a batch when everything around them is identical, except that their user
    attributes may complete each other. Attributes describe the user: all of them end in one profile, whichever event
    brought them. Device, address, consent and click id describe the moment of the event: lent to another event they
    would be wrong.

    :param group_by_user: ``False`` gives each event a batch of its own.
    :param salt: of the batches' ids.
    """

    def __init__(self, *, group_by_user: bool = True, salt: bytes = b"") -> None:
        self._group_by_user = group_by_user
        self._salt = salt
        self._grouped: list[OpenBatch] = []
        self._newest: dict[str, OpenBatch] = {}

    def add(self, single: "OpenBatch") -> None:
        """Takes a batch of exactly one event, which fits."""
        # Only the newest batch of a user grows: an event must not overtake one that came with other circumstances.
        if (batch := self._newest.get(single.user)) and batch.take(single):
            return
        self._grouped.append(single)
        if self._group_by_user:
            self._newest[single.user] = single

    def part(self, accepted: "OpenBatch") -> None:
        """Leaves out what an earlier try sent: as then, no batch has events before and behind it, so ids stay."""
        self._newest.pop(accepted.user, None)

    def close(self) -> Iterator[EventBatch]:
        """Everything taken; each batch is made when it is asked for, since their bodies are large."""
        self._newest.clear()
        self._grouped.reverse()
        while self._grouped:
            yield self._grouped.pop().close(self._salt)


def open_batch(row: RowRef, document: dict[str, Any], coverage: int, mark: bytes | None = None) -> "OpenBatch | None":
    """A batch of one event, in UTF-8 where it only fits so; None where no batch can hold it.

    :param document: as :class:`OpenBatch` takes it, as the others.
    """
    single = OpenBatch(row, document, coverage, mark)
    if single.size > BATCH_BYTES:
        single = OpenBatch(row, document, coverage, mark, escaped=False)
    return single if single.size <= BATCH_BYTES else None


def excess_of(document: dict[str, Any]) -> int:
    """By how many bytes a batch of one event is too large even in UTF-8."""
    return OpenBatch(RowRef.at(0), document, 0, b"", escaped=False).size - BATCH_BYTES


def coverage_of(document: dict[str, Any]) -> int:
    """The covered paths that a batch of one event carries, as bits."""
    held = {
        f"{section}.{name}" if isinstance(members, dict) else section
        for section, members in document.items()
        for name in (members if isinstance(members, dict) else (None,))
    }
    return sum(bit for path, bit in COVERED.items() if path in held)


class OpenBatch:
    """A batch of one event, as the mapping made it, that may still grow.

    It is kept as bytes at once: a window of dicts would be walked through by the garbage collector again and again, and
    is larger than a processor's cache.

    :param document: a valid batch of exactly one event; left as it is.
    :param coverage: the covered paths that it carries, as bits.
    :param mark: what is remembered of it once it is accepted; None for that of its id and its content.
    :param escaped: make it of ASCII only; in UTF-8 what is not ASCII takes half the room. Only the first grows.
    :ivar user: the same for the same identities.
    :ivar shared: what all its events have around them, but the attributes.
    :ivar attributes: the section of user attributes as further members of the batch's object; empty for none.
    :ivar marks: what is remembered of its rows once it is accepted.
    :ivar repeats: whether an earlier try may have sent some of it under the same id.
    :ivar size: what its body will measure, in bytes.
    """

    __slots__ = ("attributes", "coverage", "escaped", "events", "marks", "repeats", "rows", "shared", "size", "user")

    def __init__(
        self,
        row: RowRef,
        document: dict[str, Any],
        coverage: int,
        mark: bytes | None = None,
        *,
        escaped: bool = True,
    ) -> None:
        encode = serialise if escaped else serialise_utf8
        sections = document.copy()
        (event,) = sections.pop("events")
        attributes = sections.pop("user_attributes", None)
        sections.pop("source_request_id", None)  # the batch derives its own
        self.coverage = coverage
        self.repeats = False
        self.escaped = escaped
        self.user = _user(sections)
        self.shared = encode(sections)
        self.attributes = _ATTRIBUTES + encode(attributes) if attributes else b""
        self.events = [encode(event)]
        self.rows = [row]
        self.marks = self._mark(remembered_id_of(document) or row.key) if mark is None else mark
        self.size = ENVELOPE_BYTES + len(self.shared) + len(self.attributes) + len(self.events[0])

    @classmethod
    def of_parts(
        cls,
        row: RowRef,
        shared: bytes,
        attributes: bytes,
        event: bytes,
        coverage: int,
        mark: bytes,
        *,
        escaped: bool,
        repeats: bool,
    ) -> Self:
        """One that was taken apart; without its user, whom ``shared`` tells as well."""
        single = cls.__new__(cls)
        single.coverage, single.repeats, single.escaped = coverage, repeats, escaped
        single.user, single.shared, single.attributes = "", shared, attributes
        single.events, single.rows, single.marks = [event], [row], mark
        single.size = ENVELOPE_BYTES + len(shared) + len(attributes) + len(event)
        return single

    def _mark(self, id_: str) -> bytes:
        return mark_of(id_, crc32(self.events[0], crc32(self.attributes, crc32(self.shared))))

    @property
    def content(self) -> bytes:
        """Of a single event: the same for the same content."""
        return self.marks[ID_BYTES:]

    def take(self, single: "OpenBatch") -> bool:
        """Adds an event of the same user, unless what is around it differs or a limit would be broken."""
        if single.shared != self.shared or len(self.events) >= EVENTS_PER_REQUEST:
            return False
        if not (self.escaped and single.escaped):
            return False
        attributes = _united(self.attributes, single.attributes)
        if attributes is None:
            return False
        grown = len(attributes) - len(self.attributes) + len(b",") + len(single.events[0])
        if self.size + grown > BATCH_BYTES:
            return False
        self.attributes = attributes
        self.coverage |= single.coverage
        self.repeats |= single.repeats
        self.size += grown
        self.events += single.events
        self.rows += single.rows
        self.marks += single.marks
        return True

    def close(self, salt: bytes = b"") -> EventBatch:
        """What is sent.

        :param salt: of its id.
        """
        return EventBatch.of(
            self.shared, self.events, self.rows, self.attributes, self.coverage, salt, self.marks, self.repeats
        )


def id_of(document: dict[str, Any]) -> str | None:
    """The id of a batch's single event; None where it has none that can be sent."""
    id_: str | None = document["events"][0].get("data", {}).get("source_message_id")
    return id_


def remembered_id_of(document: dict[str, Any]) -> str | None:
    """By which a batch's single event is remembered: what one environment took, another one did not."""
    id_ = id_of(document)
    return None if id_ is None else remembered_id(id_, document.get("environment", _PRODUCTION))


def remembered_id(id_: str, environment: str) -> str:
    """By which an event is remembered that has this id in an environment."""
    return id_ if environment == _PRODUCTION else f"{environment}\0{id_}"


def _user(sections: dict[str, Any]) -> str:
    """The same for the same identities; a device's count where the user has none.

    Which of them it is does not matter: a batch takes no event with other identities than its own.
    """
    if identities := sections.get("user_identities"):
        return "\n".join(sorted(identities.values()))
    device = sections.get("device_info", {})
    return "\n".join(sorted(device[name] for name in DEVICE_IDENTITIES if name in device))


def _section(attributes: dict[str, Any]) -> bytes:
    return _ATTRIBUTES + serialise(attributes) if attributes else b""


def _united(ours: bytes, theirs: bytes) -> bytes | None:
    """Two sections as one; None when that would have too many names or two values for one."""
    if ours == theirs or not theirs:
        return ours
    if not ours:
        return theirs
    known, more = (msgspec.json.decode(section[len(_ATTRIBUTES) :]) for section in (ours, theirs))
    if not _compatible(known, more):
        return None
    if more.keys() <= known.keys():
        return ours
    union = {**known, **more}
    return _section(union) if len(union) <= ATTRIBUTES else None


def _compatible(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """Whether no name has two values; ``1``, ``1.0`` and ``True`` are three values in JSON."""
    for name, value in theirs.items():
        other = ours.get(name, value)
        if other is not value and (type(other) is not type(value) or other != value):
            return False
    return True
