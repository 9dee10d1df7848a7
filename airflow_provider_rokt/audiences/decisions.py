"""What to do with a person, from the signs of the lines that name them, and the counting of it."""

from collections import Counter
from dataclasses import dataclass
from functools import cache

from airflow_provider_rokt.audiences.spool import MEMBER, UNKNOWN, UNWANTED, WANTED
from airflow_provider_rokt.flow.row import Skip


@cache
def decide(signs: bytes, is_mirror: bool) -> bytes:
    """What to do with a person; empty: nothing, and nothing to remember either.

    Without a memory nothing is known of anyone, so that every wish is sent. A contradiction changes nothing.
    """
    unknown = UNKNOWN in signs or not is_mirror
    member = MEMBER in signs
    if contradicts(signs):
        return UNKNOWN if unknown else MEMBER if member else b""
    if WANTED in signs:
        return MEMBER if member and not unknown else WANTED
    return UNWANTED if member or unknown else b""


def contradicts(signs: bytes) -> bool:
    """Whether some rows want the person in and others out."""
    return WANTED in signs and UNWANTED in signs


@dataclass(slots=True)
class Alike:
    """Persons of whom the same is known, and the lines that say so."""

    persons: int = 0
    lines: int = 0


@dataclass(slots=True)
class PlanCounts:
    """What a run would do. All are persons but ``duplicates``, ``contradicting`` and ``skipped``, which are rows.

    :param before: remembered of the audience, those whose last change is unconfirmed included; 0 without a memory.
    :param members: of these, those who were members when a run was last confirmed.
    :param added: to include.
    :param removed: to exclude.
    :param leaving: of the removed, those among ``members``. Removing the others only repeats a removal, or takes back
        an addition, that nobody confirmed.
    :param unchanged: members already, and they stay.
    :param departed: of the removed, those whom no row names: they are excluded without having been read.
    :param duplicates: rows naming a person another row names already.
    :param contradicting: rows rejected because their person is both in and out.
    :param skipped: rows that send nothing on purpose: the duplicates and those that change nothing.
    """

    before: int = 0
    members: int = 0
    added: int = 0
    removed: int = 0
    leaving: int = 0
    unchanged: int = 0
    departed: int = 0
    duplicates: int = 0
    contradicting: int = 0
    skipped: int = 0

    @property
    def skips(self) -> Counter[Skip]:
        """The rows that send nothing, by reason."""
        return Counter({Skip.REPEATED: self.duplicates, Skip.UNCHANGED: self.skipped - self.duplicates})

    def count(self, signs: bytes, change: bytes, alike: Alike) -> None:
        """Adds the persons of whom the same is known.

        :param signs: what is known.
        :param change: what was decided.
        """
        remembered = (MEMBER in signs) + (UNKNOWN in signs)
        rows = alike.lines - remembered * alike.persons
        members = alike.persons if MEMBER in signs else 0
        self.before += alike.persons if remembered else 0
        self.members += members
        if change == WANTED:
            self.added += alike.persons
        elif change == UNWANTED:
            self.removed += alike.persons
            self.leaving += members
            self.departed += 0 if rows else alike.persons
        elif change == MEMBER:
            self.unchanged += alike.persons
        if contradicts(signs):
            self.contradicting += rows
        elif rows:
            self.duplicates += rows - alike.persons
            self.skipped += rows - alike.persons * (change in (WANTED, UNWANTED))
