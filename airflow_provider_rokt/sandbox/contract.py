"""What Rokt checks of a batch before it answers, and how it says what is wrong.

Rokt is laxer than this provider's schema: it reports values its JSON reader cannot convert and a missing event type,
and nothing of its business rules (no identity, no conversiontype, a value too long), which are dropped or cut later
out of sight. The sandbox reports no more than that, so that a sender learns not to rely on it.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from airflow_provider_rokt.sandbox.positions import Path, consumed, dotted, line_and_position

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GUID_FIELDS = frozenset(
    {"ios_advertising_id", "android_advertising_id", "ios_idfv", "fire_advertising_id", "roku_advertising_id"}
)
_ENVIRONMENTS = frozenset({"production", "development", "unknown"})
_EVENT_TYPES = frozenset(
    {"navigation", "location", "search", "transaction", "user_content", "user_preference", "social", "other", "media"}
)
_INT64 = 2**63
_TOKENS = {dict: "StartObject", list: "StartArray", str: "String", bool: "Boolean", int: "Integer", float: "Float"}


class Locator(StrEnum):
    """How an error tells the batch it is about.

    ``PATH``: by its index, ``Path '[3].device_info...'``. ``POSITION``: by a path without the index and the position
    in the posted text. ``NONE``: not at all.
    """

    PATH = "path"
    POSITION = "position"
    NONE = "none"


class Breach(NamedTuple):
    """One thing Rokt refuses a batch for.

    :param path: where in the batch it is.
    """

    reason: str
    path: Path = ()
    locator: Locator = Locator.PATH

    def message(self, batch: str, index: int | None, text: str, start: int) -> str:
        """The sentence Rokt answers with.

        :param batch: the batch's own text.
        :param index: its place in the posted array; ``None`` where it was posted alone.
        :param text: all that was posted.
        :param start: the character at which the batch starts in it.
        """
        if self.locator == Locator.NONE:
            return self.reason
        path = self.path
        if self.locator == Locator.POSITION:
            path = path[2:] if path[0] == "events" else path
        elif index is not None:
            path = (index, *path)
        line, position = line_and_position(text, start + consumed(batch, self.path))
        return f"{self.reason} Path '{dotted(path)}', line {line}, position {position}."


def breach_of(batch: Any) -> Breach | None:
    """The first thing Rokt refuses this batch for; what cannot be converted comes before what is missing."""
    return next(_breaches(batch), None)


def _breaches(batch: Any) -> Iterator[Breach]:
    if not isinstance(batch, dict):
        yield Breach(_unexpected("object", batch))
        return
    for name in ("source_request_id", "ip", "mp_deviceid"):
        yield from _string(batch.get(name), (name,))
    yield from _one_of(batch.get("environment"), _ENVIRONMENTS, ("environment",))
    yield from _device(batch.get("device_info"))
    yield from _strings(batch.get("user_identities"), ("user_identities",))
    yield from _attributes(batch.get("user_attributes"))
    yield from _integrations(batch.get("integration_attributes"))
    yield from _consent(batch.get("consent_state"))
    yield from _object(batch.get("context"), ("context",))
    yield from _events(batch.get("events"))


def _device(device: Any) -> Iterator[Breach]:
    path = ("device_info",)
    yield from _strings(device, path)
    for name in _GUID_FIELDS & device.keys() if isinstance(device, dict) else ():
        value = device[name]
        if value is not None and not _GUID.fullmatch(str(value)):
            yield Breach(f"Error converting value \"{value}\" to type 'System.Guid'.", (*path, name))


def _attributes(attributes: Any) -> Iterator[Breach]:
    path = ("user_attributes",)
    yield from _object(attributes, path)
    for name, value in _items(attributes):
        if isinstance(value, list):
            for index, entry in enumerate(value):
                yield from _string(entry, (*path, name, index))
        else:
            yield from _string(value, (*path, name))


def _integrations(integrations: Any) -> Iterator[Breach]:
    path = ("integration_attributes",)
    yield from _object(integrations, path)
    for name, values in _items(integrations):
        yield from _strings(values, (*path, name))


def _consent(consent: Any) -> Iterator[Breach]:
    yield from _object(consent, ("consent_state",))
    for regulation, purposes in _items(consent):
        yield from _object(purposes, ("consent_state", regulation))
        for purpose, record in _items(purposes):
            path = ("consent_state", regulation, purpose)
            yield from _object(record, path)
            for name, value in _items(record):
                yield from _consent_field(name, value, (*path, name))


def _consent_field(name: str, value: Any, path: Path) -> Iterator[Breach]:
    if name == "timestamp_unixtime_ms":
        yield from _integer(value, path)
    elif name == "consented" and not isinstance(value, bool | None):
        yield Breach(_unexpected("boolean", value), path)


def _events(events: Any) -> Iterator[Breach]:
    if events is None:
        return
    if not isinstance(events, list):
        yield Breach(_unexpected("array", events), ("events",))
        return
    for index, event in enumerate(events):
        yield from _event(event, ("events", index))
    for event in events:
        if not event.get("event_type"):
            yield Breach('Required event field "event_type" is missing or empty.', (), Locator.NONE)


def _event(event: Any, path: Path) -> Iterator[Breach]:
    """Events are read by a converter of their own, whose paths start at the event: they lack the batch's index."""
    by = Locator.POSITION
    if not isinstance(event, dict):
        yield Breach(_unexpected("object", event), path, by)
        return
    yield from _string(event.get("event_type"), (*path, "event_type"), by)
    path = (*path, "data")
    data = event.get("data")
    yield from _object(data, path, by)
    if not isinstance(data, dict):
        return
    for name in ("event_name", "source_message_id", "session_uuid"):
        yield from _string(data.get(name), (*path, name), by)
    for name in ("timestamp_unixtime_ms", "session_start_unixtime_ms"):
        yield from _integer(data.get(name), (*path, name), by)
    yield from _one_of(data.get("custom_event_type"), _EVENT_TYPES, (*path, "custom_event_type"), by)
    yield from _strings(data.get("custom_attributes"), (*path, "custom_attributes"), by)


def _items(value: Any) -> list[tuple[str, Any]]:
    return list(value.items()) if isinstance(value, dict) else []


def _object(value: Any, path: Path, by: Locator = Locator.PATH) -> Iterator[Breach]:
    if value is not None and not isinstance(value, dict):
        yield Breach(_unexpected("object", value), path, by)


def _strings(value: Any, path: Path, by: Locator = Locator.PATH) -> Iterator[Breach]:
    """An object of scalars: null, booleans and numbers are read as strings."""
    yield from _object(value, path, by)
    for name, member in _items(value):
        if isinstance(member, dict | list):
            yield Breach(_unexpected("string", member), (*path, name), by)


def _string(value: Any, path: Path, by: Locator = Locator.PATH) -> Iterator[Breach]:
    if isinstance(value, dict | list):
        yield Breach(_unexpected("string", value), path, by)


def _integer(value: Any, path: Path, by: Locator = Locator.PATH) -> Iterator[Breach]:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,19}", value):
        value = int(value)
    if value is None:
        return
    if isinstance(value, bool | float | dict | list):
        yield Breach(_unexpected("integer", value), path, by)
    elif isinstance(value, str):
        yield Breach(f"Could not convert string to integer: {value}.", path, by)
    elif not -_INT64 <= value < _INT64:
        yield Breach(f"JSON integer {value} is too large or small for an Int64.", path, by)


def _one_of(value: Any, names: frozenset[str], path: Path, by: Locator = Locator.PATH) -> Iterator[Breach]:
    yield from _string(value, path, by)
    if isinstance(value, str | int | float) and value not in names:
        yield Breach(f"Error converting value \"{value}\" to type '{path[-1]}'.", path, by)


def _unexpected(kind: str, value: Any) -> str:
    return f"Error reading {kind}. Unexpected token: {_TOKENS.get(type(value), 'Null')}."
