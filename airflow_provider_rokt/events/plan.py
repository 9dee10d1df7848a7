"""A mapping compiled: the few steps that make each row a batch of one event."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

from airflow_provider_rokt.events.destinations import DEVICE_IDENTITIES, IDENTITY_PATHS
from airflow_provider_rokt.events.values import BadValue, Json, Normaliser, text
from airflow_provider_rokt.rows import FieldFault, RowRef

Document: TypeAlias = dict[str, Any]

# mParticle's number for Rokt, and the attribute its web SDK puts a click id under; Segment sends it there too.
_ROKT_MODULE: Final = "1277"
_CLICK_ID: Final = "passbackconversiontrackingid"
_NO_IDENTITY: Final = f"the row has no identity: one of {', '.join(IDENTITY_PATHS)} is needed"
_REQUIRED: Final = "required, but the row has none"
# Keys are logged and kept; longer ones are named by their digest.
_KEY_CHARS: Final = 128
# An address may have come through a web form or a Japanese keyboard.
_ADDRESS_SIGN: Final = re.compile("[@＠﹫]|%40").search


class Step(NamedTuple):
    """Fills one key.

    :param place: of the source column in a row; None when the value is the same in every row.
    :param fallback: the normalised value where the column has none; None for none.
    :param required: whether it is a fault when there is neither.
    """

    path: str
    key: str
    place: int | None
    normalise: Normaliser
    fallback: Json | None
    required: bool


class Consent(NamedTuple):
    """Fills one consent record: ``consent_state.<regulation>.<purpose>``."""

    regulation: str
    purpose: str
    steps: tuple[Step, ...]


class MappedRow(NamedTuple):
    """What a row became.

    :param document: a complete batch of one event, of use only when there are no faults.
    :param faults: everything that is wrong with the row's values.
    """

    row: RowRef
    document: Document
    faults: list[FieldFault]


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """How each row of a query becomes a batch of one event.

    :param columns: the source columns it reads.
    :param environment: of every batch.
    :param event: the event data's fixed values.
    :param root: steps for the batch's own keys.
    :param sections: steps for each of its objects, in the order of the guide's example.
    :param consents: its consent records.
    :param data: steps for the event's data.
    :param attributes: steps for the event's custom attributes.
    :param now: milliseconds since 1970; the time of a consent where neither it nor the event has one.
    """

    columns: tuple[str, ...]
    environment: str
    event: Mapping[str, str]
    root: tuple[Step, ...]
    sections: tuple[tuple[str, tuple[Step, ...]], ...]
    consents: tuple[Consent, ...]
    data: tuple[Step, ...]
    attributes: tuple[Step, ...]
    now: int

    def apply(self, row: Sequence[object], number: int) -> MappedRow:
        """Makes a row a batch, or says everything that keeps it from being one.

        :param number: the row's place in the result, from 1.
        """
        faults: list[FieldFault] = []
        document: Document = {"environment": self.environment}
        if self.root:
            document.update(_filled(self.root, row, faults))
        for section, steps in self.sections:
            if values := _filled(steps, row, faults):
                document[section] = values
        _settle_identities(document, faults)
        data: Document = {**self.event, **_filled(self.data, row, faults)}
        if self.consents and (state := self._consent_state(row, data, faults)):
            document["consent_state"] = state
        if values := _filled(self.attributes, row, faults):
            data["custom_attributes"] = values
        document["events"] = [{"event_type": "custom_event", "data": data}]
        return MappedRow(RowRef(number, _key(data, number)), document, faults)

    def _consent_state(self, row: Sequence[object], data: Document, faults: list[FieldFault]) -> Document:
        state: Document = {}
        for regulation, purpose, steps in self.consents:
            record = _filled(steps, row, faults)
            # Without a yes or no the rest of a record says nothing.
            if "consented" in record:
                record.setdefault("timestamp_unixtime_ms", data.get("timestamp_unixtime_ms", self.now))
                state.setdefault(regulation, {})[purpose] = record
        return state


def _filled(steps: Iterable[Step], row: Sequence[object], faults: list[FieldFault]) -> Document:
    values: Document = {}
    for path, key, place, normalise, fallback, required in steps:
        raw = None if place is None else row[place]
        if normalise is text and type(raw) is str and raw.isascii():
            # Most columns are text that is sent as it is: the call for each would be a third of the mapping's time.
            value: Json | None = raw.strip() or None
        else:
            try:
                value = None if raw is None else normalise(raw)
            except BadValue as bad:
                faults.append(FieldFault(path, bad.reason))
                continue
        if value is None:
            value = fallback
        if value is not None:
            values[key] = value
        elif required:
            faults.append(FieldFault(path, _REQUIRED))
    return values


def _settle_identities(document: Document, faults: list[FieldFault]) -> None:
    identities = document.get("user_identities")
    if identities is None:
        if DEVICE_IDENTITIES.isdisjoint(document.get("device_info", ())) and not _identity_at_fault(faults):
            faults.append(FieldFault("user_identities", _NO_IDENTITY))
        return
    address = identities.get("email")
    if address is not None and "@" not in address:
        # A hashed address; one mapped to `other` on purpose goes before it.
        identities.setdefault("other", identities.pop("email"))
    if "other2" in identities:
        document["integration_attributes"] = {_ROKT_MODULE: {_CLICK_ID: identities["other2"]}}


def _identity_at_fault(faults: Iterable[FieldFault]) -> bool:
    return any(fault.path in IDENTITY_PATHS for fault in faults)


def _key(data: Document, number: int) -> str:
    key: str | None = data.get("source_message_id")
    if key is None:
        return f"row {number}"
    # Some use the customer's address as the event's id, but a key is logged.
    if _ADDRESS_SIGN(key) or len(key) > _KEY_CHARS or not key.isprintable():
        return f"sha256:{sha256(key.encode()).hexdigest()[:16]}"
    return key
