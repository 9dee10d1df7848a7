"""Members sorted by person in constant memory.

Lines are the one form a member has between reading and sending; their order is what makes duplicates, contradictions
and the difference to yesterday's list plain neighbours in one merged stream.
"""

from typing import Final

from airflow_provider_rokt.audiences.members import Member
from airflow_provider_rokt.sorting.line_sorter import LineSorter

# A line is 64 hex digits of the person, a sign, 12 hex digits of the row's number (0: no row) and the address if it
# is to be sent as it is. Hex and not raw bytes, so that a line break ends a line and C code finds it.
PERSON: Final = slice(0, 64)
SIGN: Final = 64
NUMBER: Final = slice(65, 77)
ADDRESS: Final = slice(77, -1)

# Signs in the order they sort: what the rows want first, then what is remembered of the person.
WANTED: Final = b"+"
UNWANTED: Final = b"-"
MEMBER: Final = b"="
UNKNOWN: Final = b"?"

# About 130 bytes each: 26 MB.
MEMORY_LINES: Final = 200_000
# Reached first by the lines of the Events API, which carry whole events.
MEMORY_CHARS: Final = 16_000_000


class MemberSpool(LineSorter[str]):
    """Collects members in any order and gives their lines back sorted.

    Addresses are in its files only where addresses are sent (``hash_emails=False``).

    :param memory_lines: how many members are held in memory before they are spilled.
    :param directory: where the files are made; the system's temporary folder when None.
    """

    def __init__(self, *, memory_lines: int = MEMORY_LINES, directory: str | None = None) -> None:
        super().__init__(most_lines=memory_lines, most_chars=MEMORY_CHARS, directory=directory)

    def add(self, member: Member, number: int, wanted: bool = True) -> None:
        """Takes one row.

        :param number: the row's place in the query's result, from 1.
        :param wanted: whether the row says that the person belongs in the audience.
        """
        self.add_line(f"{member.person}{'+' if wanted else '-'}{number:012x}{member.address}\n")
