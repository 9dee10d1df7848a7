"""Members sorted by person in constant memory: a list that is spilled to the disk whenever it is full.

Lines are the one form a member has between reading and sending; their order is what makes duplicates, contradictions
and the difference to yesterday's list plain neighbours in one merged stream.
"""

import heapq
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Final, Self, cast

from airflow_provider_rokt.audiences.members import Member

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
LINES_PER_WRITE: Final = 5_000
# Each run is an open file and a buffer; well under the usual limit of 1,024 open files.
RUNS: Final = 200
BUFFER_BYTES: Final = 65_536


class MemberSpool:
    """Collects members in any order and gives their lines back sorted.

    The files are anonymous: they have no name another process could open and vanish with this one, however it
    ends. Addresses are in them only where addresses are sent (``hash_emails=False``).

    :param memory_lines: how many members are held in memory before they are spilled.
    :param directory: where the files are made; the system's temporary folder when None.
    """

    def __init__(self, *, memory_lines: int = MEMORY_LINES, directory: str | None = None) -> None:
        self._limit = memory_lines
        self._directory = directory
        # Text until it is spilled: encoding many at once is four times as fast as encoding each line, and code points
        # sort as their UTF-8 does.
        self._lines: list[str] = []
        self._chars = 0
        self._runs: list[BinaryIO] = []

    def add(self, member: Member, number: int, wanted: bool = True) -> None:
        """Takes one row.

        :param number: the row's place in the query's result, from 1.
        :param wanted: whether the row says that the person belongs in the audience.
        """
        sign = "+" if wanted else "-"
        line = f"{member.person}{sign}{number:012x}{member.address}\n"
        self._lines.append(line)
        self._chars += len(line)
        if len(self._lines) >= self._limit or self._chars >= MEMORY_CHARS:
            self._spill()

    def sorted_lines(self) -> Iterator[bytes]:
        """Every line in order; the spool stays as it is and can be read again."""
        self._spill()
        return self._merged()

    def close(self) -> None:
        """Gives the disk back."""
        while self._runs:
            self._runs.pop().close()
        self._lines.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _spill(self) -> None:
        if self._lines:
            self._lines.sort()
            run = anonymous_file(self._directory)
            for start in range(0, len(self._lines), LINES_PER_WRITE):
                run.write("".join(self._lines[start : start + LINES_PER_WRITE]).encode())
            self._lines.clear()
            self._chars = 0
            self._runs.append(run)
        if len(self._runs) > RUNS:
            self._merge_runs()

    def _merge_runs(self) -> None:
        run = anonymous_file(self._directory)
        run.writelines(self._merged())
        self.close()
        self._runs.append(run)

    def _merged(self) -> Iterator[bytes]:
        return heapq.merge(*map(_from_start, self._runs))


def anonymous_file(directory: str | None) -> BinaryIO:
    """A file without a name, gone when it is closed or its process ends."""
    return cast(BinaryIO, tempfile.TemporaryFile(dir=directory, buffering=BUFFER_BYTES))


def _from_start(run: BinaryIO) -> Iterator[bytes]:
    run.seek(0)
    return iter(run)
