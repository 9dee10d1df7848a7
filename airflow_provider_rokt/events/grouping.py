"""Brings a user's events together: Rokt limits batches per second, and a batch may hold many events of one user."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import msgspec

from airflow_provider_rokt.events.batch import ENVELOPE_BYTES, EventBatch, serialise, serialise_utf8
from airflow_provider_rokt.events.destinations import DEVICE_IDENTITIES
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef
from airflow_provider_rokt.limits import ATTRIBUTES, BATCH_BYTES, EVENTS_PER_REQUEST

_ATTRIBUTES: Final = b',"user_attributes":'
TOO_LARGE: Final = FieldFault("events[]", f"larger than {BATCH_BYTES} bytes as a batch of its own")


class Grouped(NamedTuple):
    """What became of some events.

    :param batches: in the order in which their first events came.
    :param faults: the events that no batch can hold.
    """

    batches: list[EventBatch]
    faults: list[RowFault]


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

    def close(self) -> Iterator[EventBatch]:
        """Everything taken; each batch is made when it is asked for, since their bodies are large."""
        self._newest.clear()
        self._grouped.reverse()
        while self._grouped:
            yield self._grouped.pop().close(self._salt)


def group(rows: Iterable[tuple[RowRef, dict[str, Any]]], *, group_by_user: bool = True, salt: bytes = b"") -> Grouped:
    """Groups what is at hand already, see :class:`Grouping`."""
    grouping, faults = Grouping(group_by_user=group_by_user, salt=salt), []
    for row, document in rows:
        if single := open_batch(row, document, coverage_of(document)):
            grouping.add(single)
        else:
            faults.append(RowFault(row, (TOO_LARGE,)))
    return Grouped(list(grouping.close()), faults)


def open_batch(row: RowRef, document: dict[str, Any], coverage: int) -> "OpenBatch | None":
    """A batch of one event, in UTF-8 where it only fits so; None where no batch can hold it.

    :param document: as :class:`OpenBatch` takes it.
    """
    single = OpenBatch(row, document, coverage)
    if single.size > BATCH_BYTES:
        single = OpenBatch(row, document, coverage, escaped=False)
    return single if single.size <= BATCH_BYTES else None


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
    :param escaped: make it of ASCII only; in UTF-8 what is not ASCII takes half the room. Only the first grows.
    :ivar user: the same for the same identities.
    :ivar shared: what all its events have around them, but the attributes.
    :ivar attributes: the section of user attributes as further members of the batch's object; empty for none.
    :ivar size: what its body will measure, in bytes.
    """

    __slots__ = ("attributes", "coverage", "escaped", "events", "rows", "shared", "size", "user")

    def __init__(self, row: RowRef, document: dict[str, Any], coverage: int, *, escaped: bool = True) -> None:
        encode = serialise if escaped else serialise_utf8
        sections = document.copy()
        (event,) = sections.pop("events")
        attributes = sections.pop("user_attributes", None)
        sections.pop("source_request_id", None)  # the batch derives its own
        self.coverage = coverage
        self.escaped = escaped
        self.user = _user(sections)
        self.shared = encode(sections)
        self.attributes = _ATTRIBUTES + encode(attributes) if attributes else b""
        self.events = [encode(event)]
        self.rows = [row]
        self.size = ENVELOPE_BYTES + len(self.shared) + len(self.attributes) + len(self.events[0])

    @property
    def content(self) -> int:
        """The same for the same content, within this process."""
        return hash((self.shared, self.attributes, self.events[0]))

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
        self.size += grown
        self.events += single.events
        self.rows += single.rows
        return True

    def close(self, salt: bytes = b"") -> EventBatch:
        """What is sent.

        :param salt: of its id.
        """
        return EventBatch.of(self.shared, self.events, self.rows, self.attributes, self.coverage, salt)


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
