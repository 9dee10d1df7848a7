"""Membership events: one row, or one person who left, as a batch of Rokt's Events API."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from airflow_provider_rokt.audiences.naming import flag_name
from airflow_provider_rokt.events.batch import serialise
from airflow_provider_rokt.events.block import Document
from airflow_provider_rokt.events.destinations import DEVICE_IDENTITIES, MEMBERSHIP

# Of the digest of an event's id: enough beside an id of the user's own, and enough alone.
_BESIDE: Final = 16
_ALONE: Final = 32


@dataclass(frozen=True, slots=True)
class Membership:
    """What all membership events of a run share.

    :param environment: of every batch.
    :param flag: name of the user attribute that is true for a member, with ``{audience}`` in it; empty for none.
    :param hash_emails: send an e-mail address as its SHA-256, as ``user_identities.other``.
    :param now: milliseconds since 1970; the time of events that have none.
    :param token: different for every run. An id derived from person and audience alone would be the same when
        somebody joins, leaves and joins again, and Rokt would drop the second joining as a repeat.
    """

    environment: str
    flag: str
    hash_emails: bool
    now: int
    token: str

    def complete(self, document: Document, person: str, audience: str, is_member: bool) -> Document:
        """Makes a mapped row's batch a membership update; changes and returns it."""
        data = document["events"][0]["data"]
        status = "add" if is_member else "drop"
        own, digest = data.get("source_message_id"), self._digest(person, audience, status)
        # Prefixed so that it never is a conversion's id, even where both come from one column. With the digest also
        # beside the row's own id, which is the same in every run and may be so in several audiences.
        data["source_message_id"] = f"aud_{own}_{digest[:_BESIDE]}" if own else f"aud_{digest[:_ALONE]}"
        data.setdefault("timestamp_unixtime_ms", self.now)
        data["custom_attributes"] = {"audience_name": audience, "status": status}
        if self.flag:
            document.setdefault("user_attributes", {})[flag_name(self.flag, audience)] = is_member
        return document

    def departed(self, person: str, audience: str) -> Document:
        """The batch that removes somebody whom no row names any more.

        :param person: the SHA-256 of the address, all that is remembered.
        """
        fixed = {"event_name": MEMBERSHIP.event_name, "custom_event_type": MEMBERSHIP.custom_event_type}
        document: Document = {
            "environment": self.environment,
            "user_identities": {"other": person},
            "events": [{"event_type": "custom_event", "data": fixed}],
        }
        return self.complete(document, person, audience, is_member=False)

    def settle_address(self, document: Document) -> None:
        """Replaces the address by its hash where hashes are to be sent."""
        identities = document.get("user_identities", {})
        if self.hash_emails and "email" in identities:
            identities["other"] = sha256(identities.pop("email").encode()).hexdigest()

    def _digest(self, *parts: str) -> str:
        return sha256("\0".join((self.token, *parts)).encode()).hexdigest()


def person_of(document: Document) -> str:
    """Who a batch is about, as 64 hex digits.

    The SHA-256 of the e-mail address where there is one, so that an address and its hash are one person and a
    mirror can later remove them; otherwise a digest of all identities.
    """
    identities: Mapping[str, Any] = document.get("user_identities", {})
    if "email" in identities:
        return sha256(identities["email"].encode()).hexdigest()
    if "other" in identities:
        return str(identities["other"])
    devices = {name: value for name, value in document.get("device_info", {}).items() if name in DEVICE_IDENTITIES}
    return sha256(serialise({**identities, **devices})).hexdigest()
