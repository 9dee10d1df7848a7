"""A row's name, its fault and its outcome: what may be said about a row without saying anything of what it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

# The number of what is sent without a row, such as the removal of somebody who is no longer in the query.
NO_ROW: Final = 0

_PLACE: Final = "row "
_MEMBER: Final = "member "
# The first 64 of a person's 256 bits: enough to tell billions apart.
MEMBER_DIGITS: Final = 16


class Outcome(StrEnum):
    """Where a row ends; every row a query returns ends in exactly one of these."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    SKIPPED = "skipped"


class Skip(StrEnum):
    """Why a row is left out on purpose, as reports say it."""

    REPEATED = "same id twice"
    NOT_NAMED = "not named by resend_from"
    UNCHANGED = "unchanged"
    SENT = "sent before"
    CHANGED = "changed since it was sent"


class RowRef(NamedTuple):
    """Names one row of the source.

    :param number: its place in the query's result, from 1; :data:`NO_ROW` for what has none.
    :param key: the user's ``source_message_id`` for an event, or its digest where it tells who somebody is; a digest
        for an audience member; ``"row N"`` where neither could be read.
    """

    number: int
    key: str

    @classmethod
    def at(cls, number: int) -> "RowRef":
        """A row that only its place names."""
        return cls(number, f"{_PLACE}{number}")

    @classmethod
    def of_member(cls, number: int, person: str) -> "RowRef":
        """A row that names a person.

        :param person: the SHA-256 of the address, or at least its first 16 hex digits.
        """
        return cls(number, f"{_MEMBER}{person[:MEMBER_DIGITS]}")

    @property
    def label(self) -> str:
        """Its key and, where that is not all, its place."""
        place = self.at(self.number).key
        return self.key if self.number == NO_ROW or self.key == place else f"{self.key} ({place})"


def names_place(key: str) -> bool:
    """Whether a row is known by its place alone."""
    return key.startswith(_PLACE)


def names_member(key: str) -> bool:
    """Whether the key is that of an audience's member."""
    return key.startswith(_MEMBER)


class FieldFault(NamedTuple):
    """One thing wrong with one field.

    :param path: the field as the guide's "Map to" column writes it, or ``""`` for the whole row.
    :param reason: the rule that is broken, never the value that broke it.
    """

    path: str
    reason: str

    @property
    def label(self) -> str:
        """The field and the rule in words."""
        return f"{self.path or 'whole row'}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RowFault:
    """One row that cannot be delivered, with everything that is wrong with it.

    :param status: the HTTP status that decided it; None where it was never sent, or no answer came.
    """

    row: RowRef
    faults: Sequence[FieldFault]
    status: int | None = None
