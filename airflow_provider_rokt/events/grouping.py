"""Brings a user's events together: Rokt limits batches per second, and a batch may hold many events of one user."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from airflow_provider_rokt.events.batch import ENVELOPE_BYTES, EventBatch, serialise
from airflow_provider_rokt.events.destinations import DEVICE_IDENTITIES
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef
from airflow_provider_rokt.limits import ATTRIBUTES, BATCH_BYTES, EVENTS_PER_REQUEST

_ATTRIBUTES: Final = b',"user_attributes":'
_TOO_LARGE: Final = FieldFault("events[]", f"larger than {BATCH_BYTES} bytes as a batch of its own")


class Grouped(NamedTuple):
    """What became of a window's events.

    :param batches: in the order in which their first events came; each is made when it is asked for, since their bodies
        are large.
    :param faults: the events that no batch can hold.
    """

    batches: Iterable[EventBatch]
    faults: list[RowFault]


class Grouping:
    """Makes batches of valid single-event batches as they come; a user's events stay in order.

    A user's successive events share a batch when everything around them is identical, except that their user
    attributes may complete each other. Attributes describe the user: all of them end in one profile, whichever event
    brought them. Device, address, consent and click id describe the moment of the event: lent to another event they
    would be wrong.

    :param group_by_user: ``False`` gives each event a batch of its own.
    """

    def __init__(self, *, group_by_user: bool = True) -> None:
        self._group_by_user = group_by_user
        self._grouped: list[_OpenBatch] = []
        self._newest: dict[bytes, _OpenBatch] = {}
        self._faults: list[RowFault] = []

    def add(self, single: "SingleEvent") -> None:
        """Takes a batch of exactly one event."""
        # Only the newest batch of a user grows: an event must not overtake one that came with other circumstances.
        if (batch := self._newest.get(single.user)) and batch.take(single):
            return
        if single.size > BATCH_BYTES and not (single := single.unescaped()).size <= BATCH_BYTES:
            self._faults.append(RowFault(single.row, (_TOO_LARGE,)))
            return
        begun = _OpenBatch(single)
        self._grouped.append(begun)
        if self._group_by_user and single.is_escaped:
            self._newest[single.user] = begun

    def close(self) -> Grouped:
        """Everything taken."""
        return Grouped(self._batches(), self._faults)

    def _batches(self) -> Iterator[EventBatch]:
        self._newest.clear()
        self._grouped.reverse()
        while self._grouped:
            yield self._grouped.pop().close()


def group(rows: Iterable[tuple[RowRef, dict[str, Any]]], *, group_by_user: bool = True) -> Grouped:
    """Groups what is at hand already, see :class:`Grouping`."""
    grouping = Grouping(group_by_user=group_by_user)
    for row, document in rows:
        grouping.add(SingleEvent(row, document, coverage_of(document)))
    batches, faults = grouping.close()
    return Grouped(list(batches), faults)


def coverage_of(document: dict[str, Any]) -> int:
    """The covered paths that a batch of one event carries, as bits."""
    held = {
        f"{section}.{name}" if isinstance(members, dict) else section
        for section, members in document.items()
        for name in (members if isinstance(members, dict) else (None,))
    }
    return sum(bit for path, bit in COVERED.items() if path in held)


class SingleEvent:
    """A valid batch of exactly one event, as the mapping made it.

    It is kept as bytes at once: a window of dicts would be walked through by the garbage collector again and again, and
    is larger than a processor's cache.

    :param document: left as it is.
    :param coverage: the covered paths that it carries, as bits.
    :ivar attributes: the section of user attributes as further members of the batch's object; empty for none.
    :ivar size: what it measures as a batch of its own, in bytes.
    :ivar is_escaped: whether it is ASCII only.
    """

    __slots__ = ("attributes", "coverage", "document", "event", "is_escaped", "row", "shared", "size", "user")

    def __init__(self, row: RowRef, document: dict[str, Any], coverage: int, *, escaped: bool = True) -> None:
        sections = document.copy()
        (event,) = sections.pop("events")
        attributes = sections.pop("user_attributes", {})
        sections.pop("source_request_id", None)  # the batch derives its own
        self.row = row
        self.coverage = coverage
        self.is_escaped = escaped
        self.user = _user(sections)
        self.shared = serialise(sections, escaped=escaped)
        self.attributes = _section(attributes, escaped=escaped)
        self.event = serialise(event, escaped=escaped)
        self.size = ENVELOPE_BYTES + len(self.shared) + len(self.attributes) + len(self.event)
        # A large one may still fit as UTF-8, where what is not ASCII takes half the room.
        self.document = document if self.size > BATCH_BYTES else None

    @property
    def content(self) -> int:
        """The same for the same content, within this process."""
        return hash((self.shared, self.attributes, self.event))

    def unescaped(self) -> "SingleEvent":
        """The same in UTF-8."""
        if self.document is None:
            return self
        return SingleEvent(self.row, self.document, self.coverage, escaped=False)


def _user(sections: dict[str, Any]) -> bytes:
    """The same for the same identities; a device's count where the user has none."""
    if identities := sections.get("user_identities"):
        return serialise(identities)
    device = sections.get("device_info", {})
    return serialise({name: device[name] for name in DEVICE_IDENTITIES if name in device})


class _OpenBatch:
    """A batch that may still grow.

    :ivar size: what its body will measure, in bytes.
    """

    __slots__ = ("attributes", "coverage", "events", "rows", "shared", "size")

    def __init__(self, single: SingleEvent) -> None:
        self.shared = single.shared
        self.attributes = single.attributes
        self.coverage = single.coverage
        self.events = [single.event]
        self.rows = [single.row]
        self.size = single.size

    def take(self, single: SingleEvent) -> bool:
        """Adds an event of the same user, unless what is around it differs or a limit would be broken."""
        if single.shared != self.shared or len(self.events) >= EVENTS_PER_REQUEST:
            return False
        attributes = _united(self.attributes, single.attributes)
        if attributes is None:
            return False
        grown = len(attributes) - len(self.attributes) + len(b",") + len(single.event)
        if self.size + grown > BATCH_BYTES:
            return False
        self.attributes = attributes
        self.coverage |= single.coverage
        self.size += grown
        self.events.append(single.event)
        self.rows.append(single.row)
        return True

    def close(self) -> EventBatch:
        return EventBatch.of(self.shared, self.events, self.rows, self.attributes, self.coverage)


def _section(attributes: dict[str, Any], *, escaped: bool = True) -> bytes:
    return _ATTRIBUTES + serialise(attributes, escaped=escaped) if attributes else b""


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
