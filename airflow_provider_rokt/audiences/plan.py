"""What a run will do to an audience, decided person by person before anything is sent.

The rows' members and what is remembered of the list arrive as one sorted stream, so that everything known of a
person stands together. The decisions go to a temporary file in the same order: it is counted for the guards and the
preview, read to send, and read again to remember.
"""

import heapq
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import BinaryIO, Final, NamedTuple, Self

from airflow_provider_rokt.audiences.decisions import PlanCounts, Tally, contradicts, decide
from airflow_provider_rokt.audiences.members import member_key
from airflow_provider_rokt.audiences.spool import ADDRESS, NUMBER, PERSON, SIGN, UNWANTED, WANTED, anonymous_file
from airflow_provider_rokt.rows import RowFault, RowRef, faults_of

Reject = Callable[[Sequence[RowFault]], None]

_ROWS: Final = WANTED + UNWANTED
_person_of: Final = itemgetter(PERSON)
# A person both in and out: so many rows are reported at a time.
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


class AudiencePlan:
    """The decisions of one run, sorted by person; close it to give the disk back.

    It is read from one file, so one iteration must be over before the next begins.
    """

    def __init__(self, file: BinaryIO, counts: PlanCounts) -> None:
        self._file = file
        self.counts = counts

    def changes(self) -> Iterator[Change]:
        """What is to be sent. The order depends on the persons only, not on the order of the query's result."""
        for line in self._lines():
            sign = line[SIGN : SIGN + 1]
            if sign in _ROWS:
                yield Change(line[PERSON].decode(), line[ADDRESS].decode(), sign == WANTED, int(line[NUMBER], 16))

    def decisions(self) -> Iterator[tuple[bytes, bytes]]:
        """Every person decided on, as 64 hex digits, and the decision's sign.

        ``+`` include, ``-`` exclude, ``=`` stays a member, ``?`` left as unknown as it was.
        """
        for line in self._lines():
            yield line[PERSON], line[SIGN : SIGN + 1]

    def close(self) -> None:
        """Gives the disk back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lines(self) -> Iterator[bytes]:
        self._file.seek(0)
        return iter(self._file)


def plan_changes(
    rows: Iterable[bytes],
    reject: Reject,
    *,
    remembered: Sequence[Iterable[bytes]] | None = None,
    path: str = "user_identities.email",
    directory: str | None = None,
) -> AudiencePlan:
    """Decides every person.

    :param rows: the sorted lines of the rows (:meth:`MemberSpool.sorted_lines`).
    :param reject: takes the rows whose person is both in and out, some at a time; that person is left as it was.
    :param remembered: the sorted lines of the memory (:meth:`MirrorState.remembered`): the rows are the whole
        audience, and who is missing in them leaves. None without a memory: every row is sent.
    :param path: the field that a fault names.
    :param directory: where the temporary file is made; the system's temporary folder when None.
    :raises RoktAudienceError: when the memory turns out to be damaged.
    """
    planner = _Planner(anonymous_file(directory), reject, path, remembered is not None)
    try:
        for _, lines in groupby(heapq.merge(rows, *(remembered or ())), _person_of):
            planner.settle(lines)
        return planner.plan()
    except BaseException:
        planner.close()
        raise


class _Planner:
    """Writes one line per person and tallies."""

    def __init__(self, file: BinaryIO, reject: Reject, path: str, is_mirror: bool) -> None:
        self._file = file
        self._reject = reject
        self._path = path
        self._is_mirror = is_mirror
        self._tallies: defaultdict[bytes, Tally] = defaultdict(Tally)
        self._faults: list[RowFault] = []

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
            self._report(member_key(first[PERSON].decode()), [int(first[NUMBER], 16), *others])

    def plan(self) -> AudiencePlan:
        """The finished plan."""
        self._flush()
        counts = PlanCounts()
        for signs, tally in self._tallies.items():
            counts.count(signs, decide(signs, self._is_mirror), tally)
        return AudiencePlan(self._file, counts)

    def close(self) -> None:
        """Gives the disk back when no plan came of it."""
        self._file.close()

    def _decide(self, first: bytes, signs: bytes, lines: int) -> None:
        tally = self._tallies[signs]
        tally.persons += 1
        tally.lines += lines
        change = decide(signs, self._is_mirror)
        if change == signs:
            self._file.write(first)
        elif change:
            self._file.write(first[:SIGN] + change + first[SIGN + 1 :])

    def _report(self, key: str, numbers: Iterable[int]) -> None:
        refs = [RowRef(number, key) for number in numbers]
        self._faults += faults_of(refs, self._path, "other rows say the opposite of the same person: both in and out")
        if len(self._faults) >= _FAULTS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        if self._faults:
            self._reject(self._faults)
            self._faults = []
