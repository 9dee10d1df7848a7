"""What one road holds of the events that were taken: each once, in time and understood, as the readings have it.

``/v2/bulkevents/historical`` forwards nothing to where conversions are counted, so it is a road of its own: its events
and the usual ones are no repeats of each other.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from airflow_provider_rokt.sandbox.behaviour import Readings
from airflow_provider_rokt.sandbox.kept import Dropped, Fate, PostedBatch
from airflow_provider_rokt.sandbox.member_events import MemberEvents

HISTORICAL: Final = "/v2/bulkevents/historical"

# Reasons of whole batches, and of single events.
REPEATED_REQUEST: Final = "repeats a source_request_id"
REFUSED: Final = "refused"
UNLISTED: Final = "refused and not listed"
REPEATED_MESSAGE: Final = "repeats a source_message_id"
REPEATED_CONVERSION: Final = "repeats a conversiontype and confirmationref"
TOO_OLD: Final = "older than the age limit"
IN_THE_FUTURE: Final = "in the future"
NEVER_TAKEN: Final = "never taken"

_MONTH: Final = 365.2425 / 12 * 24 * 3600

Id = str | int
_NEVER: Final = Fate(False, NEVER_TAKEN)
_Loss = tuple[str, Id | None]


class Holdings:
    """Takes events and tells what became of each.

    :param name: makes of a value what may be kept of it.
    :param member_events: of both roads, as audiences change on either.
    """

    def __init__(self, readings: Readings, name: Callable[[object], Id], member_events: MemberEvents) -> None:
        self._readings = readings
        self._name = name
        self._member_events = member_events
        self._conversions: dict[Id, Id | None] = {}
        self._missing: dict[Id, Fate] = {}
        self.message_ids: set[Id] = set()

    def take(self, batch: PostedBatch) -> list[Dropped]:
        """Stores the events of a checked batch; tells those it does not store."""
        dropped = []
        for event, message_id in zip(batch.events, batch.message_ids, strict=True):
            key = self._key(message_id)
            reason, of = self._loss(batch.document, event, key)
            if reason:
                self._miss(key, reason, of)
                dropped.append(Dropped(batch.path, key, reason, of))
            elif key is not None:
                self._missing.pop(key, None)
            if key is not None:
                self.message_ids.add(key)
        return dropped

    def miss(self, batch: PostedBatch, reason: str, of: object = None) -> list[Dropped]:
        """Remembers why a batch, checked or not, is not stored; tells its events."""
        source, keys = self._key(of), [self._key(message_id) for message_id in batch.message_ids]
        for key in keys:
            self._miss(key, reason, source)
        return [Dropped(batch.path, key, reason, source) for key in keys]

    def fate(self, message_id: object) -> Fate:
        """What became of a message id."""
        key = self._key(message_id)
        if self._is_held(key):
            return Fate(held=True)
        return _NEVER if key is None else self._missing.get(key, _NEVER)

    @property
    def held(self) -> set[Id]:
        """The message ids of all stored events."""
        return self.message_ids - self._missing.keys()

    def _loss(self, document: dict[str, Any], event: dict[str, Any], key: Id | None) -> _Loss:
        """Why an event is not stored, and what it repeats."""
        data = event.get("data") or {}
        if reason := self._untimely(data.get("timestamp_unixtime_ms")):
            return reason, None
        if self._readings.message_id == "drop" and self._is_held(key):
            return REPEATED_MESSAGE, key
        conversion = self._conversion(data.get("custom_attributes") or {})
        if conversion is not None:
            if conversion in self._conversions:
                return REPEATED_CONVERSION, self._conversions[conversion]
            self._conversions[conversion] = key
        return self._member_events.take(document, event), None

    def _untimely(self, moment: Any) -> str:
        months = self._readings.age_limit
        if months == "none" or moment is None:
            return ""
        age = time.time() - int(moment) / 1000
        if age < 0:
            return IN_THE_FUTURE
        return TOO_OLD if age > months * _MONTH else ""

    def _conversion(self, attributes: dict[str, Any]) -> Id | None:
        """What a second event of one conversion is known by, where that is looked for."""
        reference = attributes.get("confirmationref")
        if self._readings.confirmationref == "keep" or reference in (None, ""):
            return None
        return self._name(f"{attributes.get('conversiontype')}\0{reference}")

    def _miss(self, key: Id | None, reason: str, of: Id | None) -> None:
        if key is not None and not self._is_held(key):
            self._missing[key] = Fate(False, reason, of)

    def _is_held(self, key: Id | None) -> bool:
        return key in self.message_ids and key not in self._missing

    def _key(self, value: object) -> Id | None:
        return None if value in (None, "") else self._name(value)
