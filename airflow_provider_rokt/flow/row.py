"""A row's name and its fault: what may be said about a row without saying anything of what it holds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """Where a row ends; every row a query returns ends in exactly one of these."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAILED = "failed"
    SKIPPED = "skipped"


class RowRef(NamedTuple):
    """Names one row of the source.

    :param number: its place in the query's result, from 1; 0 for what is sent without a row, such as the removal of
        somebody who is no longer in the query.
    :param key: the user's ``source_message_id`` for an event, a digest for an audience member, and
        ``"row N"`` where neither could be read.
    """

    number: int
    key: str


class FieldFault(NamedTuple):
    """One thing wrong with one field.

    :param path: the field as the guide's "Map to" column writes it, or ``""`` for the whole row.
    :param reason: the rule that is broken, never the value that broke it.
    """

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class RowFault:
    """One row that cannot be delivered, with everything that is wrong with it."""

    row: RowRef
    faults: Sequence[FieldFault]


def faults_of(rows: Iterable[RowRef], path: str, reason: str) -> list[RowFault]:
    """The same fault for each of several rows, as when Rokt refuses a batch they share."""
    shared = (FieldFault(path, reason),)
    return [RowFault(row, shared) for row in rows]
