"""Membership events: are they what Rokt would recognise, and who is in which audience by them?

Rokt has published neither their form nor an answer to them. The form that is judged here is the one another sender has
in production; a fault is counted and answered with nothing, as Rokt would.
"""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

NAME: Final = "audiencemembershipupdate"
TYPE: Final = "other"
FLAG: Final = "segment_"
MISSED: Final = "membership: the drop lacks identities that the add carried"

_STATUSES: Final = {"add": True, "drop": False}
_DEVICES: Final = ("ios_advertising_id", "android_advertising_id", "ios_idfv", "android_uuid")


class Identity(NamedTuple):
    """One of a person's identities.

    :param value: its text, or a hash of it where only counts are kept.
    """

    kind: str
    value: str | int


Person = frozenset[Identity]


class Circle:
    """The members of one audience, each with the identities of the add."""

    def __init__(self) -> None:
        self._members: dict[Person, Person] = {}
        self._known: dict[Identity, set[Person]] = {}

    def add(self, person: Person, aliases: Person) -> None:
        """Adds somebody; by an alias he is recognised too, though he does not carry it."""
        self._members[person] = person | aliases
        for identity in self._members[person]:
            self._known.setdefault(identity, set()).add(person)

    def drop(self, person: Person, aliases: Person, *, strictly: bool) -> bool:
        """Removes somebody, and whoever shares an identity with him.

        :param strictly: a drop has to carry every identity of an add.
        :returns: False where it does not, so that he is still in.
        """
        found = {member for identity in person | aliases for member in self._known.get(identity, ())}
        if strictly and found and not any(member <= person for member in found):
            return False
        for member in found:
            for identity in self._members.pop(member):
                self._known[identity].discard(member)
        return True

    @property
    def members(self) -> frozenset[Person]:
        """Everybody in it."""
        return frozenset(self._members)


class MemberEvents:
    """Takes membership events.

    :param documented: whether they are judged; otherwise anything goes.
    :param name: makes of a value what may be kept of it.
    """

    def __init__(self, *, documented: bool, name: Callable[[object], str | int]) -> None:
        self._documented = documented
        self._name = name
        self._circles: dict[str, Circle] = {}

    def take(self, document: dict[str, Any], event: dict[str, Any]) -> str:
        """Takes an event that the contract let through, whatever it is.

        :returns: why it changes nothing, or ``""``.
        """
        data = event.get("data") or {}
        attributes = data.get("custom_attributes") or {}
        if data.get("event_name") != NAME and not any(name.startswith("audience") for name in attributes):
            return ""
        if self._documented and (problem := next(_problems(document, data, attributes), None)):
            return f"membership: {problem}"
        return self._change(document, str(attributes.get("audience_name")), attributes.get("status"))

    @property
    def members(self) -> dict[str, frozenset[Person]]:
        """By audience, who is in it."""
        return {audience: circle.members for audience, circle in self._circles.items()}

    def _change(self, document: dict[str, Any], audience: str, status: Any) -> str:
        if status not in _STATUSES:
            return ""
        circle = self._circles.setdefault(audience, Circle())
        person, aliases = self._person(_identities(document)), self._person(_aliases(document))
        if _STATUSES[status]:
            circle.add(person, aliases)
            return ""
        return "" if circle.drop(person, aliases, strictly=self._documented) else MISSED

    def _person(self, identities: Iterator[tuple[str, str]]) -> Person:
        return frozenset(Identity(kind, self._name(value)) for kind, value in identities)


def _problems(document: dict[str, Any], data: dict[str, Any], attributes: dict[str, Any]) -> Iterator[str]:
    audience, status = attributes.get("audience_name"), attributes.get("status")
    if data.get("event_name") != NAME:
        yield f"event_name is not {NAME}"
    if data.get("custom_event_type") != TYPE:
        yield f"custom_event_type is not {TYPE}"
    if not audience:
        yield "audience_name is missing"
    if status not in _STATUSES:
        yield "status is neither add nor drop"
    else:
        flag = (document.get("user_attributes") or {}).get(f"{FLAG}{audience}")
        if str(flag).lower() != str(_STATUSES[status]).lower():
            yield f"the flag {FLAG}<audience_name> is missing or says otherwise"
    if not any(_identities(document)):
        yield "nobody is named"


def _identities(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    devices = document.get("device_info") or {}
    named = {**(document.get("user_identities") or {}), **{name: devices.get(name) for name in _DEVICES}}
    return ((name, str(value)) for name, value in named.items() if value not in (None, ""))


def _aliases(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The hash of an address: whoever is dropped by it alone is known to be meant, and missed."""
    address = (document.get("user_identities") or {}).get("email")
    if address:
        yield "other", hashlib.sha256(str(address).encode()).hexdigest()
