"""What a run will do to an audience, decided person by person before anything is sent.

The rows' members and what is remembered of the list arrive as one sorted stream, so that everything known of a
person stands together. The decisions go to a temporary file in the same order: it is counted for the guards and the
preview, read to send, and read again to remember. Rows that contradict each other go to a file of their own, since
there may be as many as the query has.
"""

import heapq
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby, islice
from operator import itemgetter
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, Self

from airflow_provider_rokt.audiences.decisions import Alike, PlanCounts, contradicts, decide
from airflow_provider_rokt.audiences.spool import ADDRESS, NUMBER, PERSON, SIGN, UNWANTED, WANTED
from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef
from airflow_provider_rokt.storage.temporary import anonymous_file

CONTRADICTION: Final = FieldFault("", "other rows say the opposite of the same person: both in and out")

_ROWS: Final = WANTED + UNWANTED
_person_of: Final = itemgetter(PERSON)
# Rows whose person is both in and out are reported so many at a time.
_FAULTS_AT_ONCE: Final = 1_000


class MemberKind(StrEnum):
    """The import API's key that a member travels under; a request carries exactly one of them."""

    EMAILS = "emails"
    SHA256S = "sha256s"


class Change(NamedTuple):
    """One member to include or to exclude.

    :param person: the SHA-256 of the normalised address, 64 hex digits.
    :param address: the address where it is to be sent as it is; empty where the hash is sent.
    :param number: the row that says so, from 1; 0 for a person who left, whom no row names any more.
    """

    person: str
    address: str
    include: bool
    number: int

    @property
    def kind(self) -> MemberKind:
        """Whether the address or its hash is sent."""
        return MemberKind.EMAILS if self.address else MemberKind.SHA256S

    def mark(self, audience: str) -> bytes:
        """What is remembered of it once it is accepted. Its content is no part of that: a change can be made again."""
        return mark(f"{'+' if self.include else '-'}{self.person} {audience}", 0)


class AudiencePlan:
    """The decisions of one run, sorted by person; close it to give the disk back.

    Each file is read from its start, so one iteration over it must be over before the next begins.

    :param file: a line for each person decided on.
    :param contradicting: a line for each row whose person is both in and out.
    """

    def __init__(self, file: BinaryIO, contradicting: BinaryIO, counts: PlanCounts) -> None:
        self._file = file
        self._contradicting = contradicting
        self.counts = counts

    def changes(self) -> Iterator[Change]:
        """What is to be sent. The order depends on the persons only, not on the order of the query's result."""
        for line in _from_start(self._file):
            sign = line[SIGN : SIGN + 1]
            if sign in _ROWS:
                yield Change(line[PERSON].decode(), line[ADDRESS].decode(), sign == WANTED, int(line[NUMBER], 16))

    def decisions(self) -> Iterator[tuple[bytes, bytes]]:
        """Every person decided on, as 64 hex digits, and the decision's sign.

        ``+`` include, ``-`` exclude, ``=`` stays a member, ``?`` left as unknown as it was.
        """
        for line in _from_start(self._file):
            yield line[PERSON], line[SIGN : SIGN + 1]

    def persons(self) -> Iterator[bytes]:
        """Whom it adds and whom it removes, a person and a sign each; the same whatever row names the person."""
        return (person + sign for person, sign in self.decisions() if sign in _ROWS)

    def contradictions(self) -> Iterator[list[RowFault]]:
        """The rows whose person is both in and out, at most 1,000 at a time; that person is left as it was."""
        lines = _from_start(self._contradicting)
        while some := list(islice(lines, _FAULTS_AT_ONCE)):
            rows = [RowRef.of_member(int(line[NUMBER], 16), line[PERSON].decode()) for line in some]
            yield [RowFault(row, (CONTRADICTION,)) for row in rows]

    def close(self) -> None:
        """Gives the disk back."""
        self._file.close()
        self._contradicting.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def plan_changes(
    rows: Iterable[bytes], *, remembered: Sequence[Iterable[bytes]] | None = None, directory: str | None = None
) -> AudiencePlan:
    """Decides every person.

    :param rows: the sorted lines of the rows (:meth:`MemberSpool.sorted_lines`).
    :param remembered: the sorted lines of the memory (:meth:`MirrorState.remembered`): the rows are the whole
        audience, and who is missing in them leaves. None without a memory: every row is sent.
    :param directory: where the temporary files are made; the system's temporary folder when None.
    :raises RoktAudienceError: when the memory turns out to be damaged.
    """
    planner = _Planner(anonymous_file(directory), anonymous_file(directory), remembered is not None)
    try:
        for _, lines in groupby(heapq.merge(rows, *(remembered or ())), _person_of):
            planner.settle(lines)
        return planner.plan()
    except BaseException:
        planner.close()
        raise


class _Planner:
    """Writes one line per person, and one per contradicting row, and alike."""

    def __init__(self, file: BinaryIO, contradicting: BinaryIO, is_mirror: bool) -> None:
        self._file = file
        self._contradicting = contradicting
        self._is_mirror = is_mirror
        self._alike: defaultdict[bytes, Alike] = defaultdict(Alike)

    def settle(self, lines: Iterator[bytes]) -> None:
        """Settles one person.

        :param lines: everything known of the person, the rows first.
        """
        first = next(lines)
        signs = first[SIGN : SIGN + 1]
        # Numbers and not lines: a person whom a million rows name must not fill the memory.
        others: array[int] | None = None
        count = 1
        for line in lines:
            count += 1
            sign = line[SIGN : SIGN + 1]
            if sign not in signs:
                signs += sign
            if sign in _ROWS:
                others = array("Q") if others is None else others
                others.append(int(line[NUMBER], 16))
        self._decide(first, signs, count)
        if others and contradicts(signs):
            self._report(first, others)

    def plan(self) -> AudiencePlan:
        """The finished plan."""
        counts = PlanCounts()
        for signs, alike in self._alike.items():
            counts.count(signs, decide(signs, self._is_mirror), alike)
        return AudiencePlan(self._file, self._contradicting, counts)

    def close(self) -> None:
        """Gives the disk back when no plan came of it."""
        self._file.close()
        self._contradicting.close()

    def _decide(self, first: bytes, signs: bytes, lines: int) -> None:
        alike = self._alike[signs]
        alike.persons += 1
        alike.lines += lines
        change = decide(signs, self._is_mirror)
        if change == signs:
            self._file.write(first)
        elif change:
            self._file.write(first[:SIGN] + change + first[SIGN + 1 :])

    def _report(self, first: bytes, others: "array[int]") -> None:
        named = first[: NUMBER.start]
        self._contradicting.write(first[: NUMBER.stop] + b"\n")
        self._contradicting.writelines(b"%b%012x\n" % (named, number) for number in others)


def _from_start(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    return iter(file)
