"""The lists of the audience import: who is in each, and under which name."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

# A person, and where a hash and an address are not known to be one, whether it is named by address.
_Key = str | tuple[str, bool]


class Name(NamedTuple):
    """How an import named a member.

    :param text: the address or the digest, in lower case.
    :param person: the digest of the address, which is Rokt's own way to hash: trimmed and in lower case.
    """

    text: str
    person: str

    @classmethod
    def of_address(cls, address: str) -> "Name":
        """That of somebody named by address."""
        text = address.strip().lower()
        return cls(text, hashlib.sha256(text.encode()).hexdigest())

    @classmethod
    def of_digest(cls, digest: str) -> "Name":
        """That of somebody named by digest."""
        return cls(digest.lower(), digest.lower())


class Lists:
    """Adds members and removes them.

    :param joined: whether an address and its digest are one member.
    :param named: whether addresses are kept; otherwise only their digests are.
    """

    def __init__(self, *, joined: bool, named: bool) -> None:
        self._joined = joined
        self._named = named
        self._lists: dict[str, dict[_Key, str]] = {}

    def add(self, name: str, members: Iterable[Name]) -> None:
        """Adds members to a list, which need not exist; who is in it already keeps the name he has."""
        of_list = self._lists.setdefault(name, {})
        for member in members:
            of_list.setdefault(self._key(member), member.text if self._named else member.person)

    def remove(self, name: str, members: Iterable[Name]) -> None:
        """Removes members from a list, as far as they are in it under that name."""
        of_list = self._lists.setdefault(name, {})
        for member in members:
            of_list.pop(self._key(member), None)

    @property
    def persons(self) -> dict[str, frozenset[str]]:
        """By list, its members as digests of their addresses."""
        return {
            name: frozenset(key if isinstance(key, str) else key[0] for key in of_list)
            for name, of_list in self._lists.items()
        }

    @property
    def names(self) -> dict[str, frozenset[str]]:
        """By list, its members under the name they were added by: an address or a digest."""
        return {name: frozenset(of_list.values()) for name, of_list in self._lists.items()}

    def _key(self, member: Name) -> _Key:
        return member.person if self._joined else (member.person, member.text != member.person)
