"""Which rows of a sync Rokt took: looked up in sorted files, and in what the deliveries since have left.

An entry is a row's mark and the day on which it was accepted. Trails are folded into sorted files as they come to an
end, and a sorted file is folded into the next older one before that is four times as large. So there are few files,
whatever the age of a sync, and an entry is written anew a few times in its life.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from secrets import token_hex
from typing import Final, NamedTuple, Self

from airflow_provider_rokt.exceptions import RoktSyncBusyError
from airflow_provider_rokt.flow.mark import ID_BYTES, MARK_BYTES, UNKNOWN_CONTENT
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.sorting.record_sorter import RecordSorter, Unite, merged
from airflow_provider_rokt.sorting.sorted_records import SortedRecords, open_sorted, sorted_here, write_sorted
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.lease import Lease
from airflow_provider_rokt.syncs.trails import Trail, TrailName

log = logging.getLogger(__name__)

DAY_BYTES: Final = 2
ENTRY_BYTES: Final = MARK_BYTES + DAY_BYTES
_CONTENT: Final = slice(ID_BYTES, MARK_BYTES)
_DAY: Final = slice(MARK_BYTES, ENTRY_BYTES)

# More trails than that make every run slower than folding them does.
_TRAILS: Final = 8
_ENTRIES: Final = 100_000
# How much larger an older file is that stays as it is.
_TIMES: Final = 4
_FOLDING: Final = "folding"
_NAME: Final = re.compile(r"m(\d{8})-(\d{5})-(\d+)-[0-9a-f]{8}")


class FoldName(NamedTuple):
    """What a sorted file's name says of it.

    :param number: of the newest memory that it holds.
    :param day: the latest in it, in days since 1970.
    :param entries: how many it holds.
    :param text: the name.
    """

    number: int
    day: int
    entries: int
    text: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The name as it was; None where it is none."""
        if not (found := _NAME.fullmatch(text)):
            return None
        number, day, entries = map(int, found.groups())
        return cls(number, day, entries, text)


class Memory:
    """What is remembered, open for looking up; close it.

    :param files: the newest first.
    :param since: the first day that still counts, in days since 1970.
    """

    def __init__(self, files: Sequence[SortedRecords], since: int = 0) -> None:
        self._files = files
        self._since = since.to_bytes(DAY_BYTES, "big")

    def __len__(self) -> int:
        return sum(map(len, self._files))

    def find(self, mark: bytes) -> Skip | None:
        """Whether the row was taken, with this content or with another."""
        id_ = mark[:ID_BYTES]
        for file in self._files:
            entry = file.find(id_)
            if entry and entry[_DAY] >= self._since:
                content = entry[_CONTENT]
                return Skip.SENT if content in (mark[_CONTENT], UNKNOWN_CONTENT) else Skip.CHANGED
        return None

    def close(self) -> None:
        """Gives files and disk back."""
        for file in self._files:
            file.close()


def folds(names: Iterable[str]) -> list[FoldName]:
    """The sorted files among some names, the newest first."""
    return sorted(filter(None, map(FoldName.read, names)), reverse=True)


def remembered_of(trails: Sequence[Trail]) -> Memory:
    """What some trails hold, whatever their age."""
    return Memory([_sorted(trails)] if trails else [])


def open_memory(folder: Folder, found: Sequence[FoldName], trails: Sequence[Trail], since: int) -> Memory:
    """All of a memory.

    :param folder: of the sync.
    :param trails: those that are not folded.
    :raises FileNotFoundError: where some of it was folded meanwhile.
    """
    # What is too old counts no more: told first, it would be taken for what Rokt was sent since.
    fresh = [trail for trail in trails if trail.name.day >= since]
    with ExitStack() as opened:
        files = [_sorted(fresh)] if fresh else []
        for file in files:
            opened.callback(file.close)
        for name in found:
            files.append(open_sorted(folder, name.text))
            opened.callback(files[-1].close)
        opened.pop_all()
    return Memory(files, since)


def fold(folder: Folder, found: Sequence[FoldName], trails: Sequence[Trail], run: str, since: int) -> bool:
    """Folds trails that are over, where there are enough of them; tells whether it did.

    :param run: names who does it; of several at once one goes on.
    :param since: entries of an earlier day are forgotten.
    """
    if len(trails) < _TRAILS and sum(trail.rows() for trail in trails) < _ENTRIES:
        return False
    lease = Lease(folder, run, what="memory", busy=RoktSyncBusyError, name=_FOLDING)
    with ExitStack() as stack:
        try:
            lease.take()
        except RoktSyncBusyError:
            return False
        stack.callback(lease.release)
        if not _are_there(folder, found, trails):
            return False
        sorter = stack.enter_context(_collected(trails))
        older = _to_fold(found, len(sorter))
        try:
            files = [stack.enter_context(open_sorted(folder, name.text)) for name in older]
        except FileNotFoundError:  # by another try of this very part, which the lease does not keep out
            return False
        at_most = len(sorter) + sum(map(len, files))
        over = [*older, *(name for name in found if name.day < since and name not in older)]
        slices = _kept(merged([sorter, *files], _fresh(since)), lease)
        write_sorted(folder, _folded_name(over, trails, at_most), {}, ENTRY_BYTES, slices, at_most)
        for name in over:
            folder.remove(name.text)
        for trail in trails:
            trail.delete()
    log.info("Folded the marks of %d deliveries and %d files into one of %d entries", len(trails), len(older), at_most)
    return True


def _are_there(folder: Folder, found: Iterable[FoldName], trails: Iterable[Trail]) -> bool:
    """Whether nobody has folded any of them since they were listed."""
    names = {*folder.names()}
    return all(name.text in names for name in found) and all(str(trail.name) in names for trail in trails)


def _folded_name(over: Sequence[FoldName], trails: Sequence[Trail], entries: int) -> str:
    """Its number is that of the newest memory that goes, be it forgotten: a memory's number never falls."""
    names: list[FoldName | TrailName] = [*over, *(trail.name for trail in trails)]
    number, day = max(name.number for name in names), max(name.day for name in names)
    return f"m{number:08}-{day:05}-{entries}-{token_hex(4)}"


def _kept(slices: Iterable[list[bytes]], lease: Lease) -> Iterator[list[bytes]]:
    """Entries; the lease is kept for as long as they are read."""
    for entries in slices:
        lease.keep()
        yield entries


def _fresh(since: int) -> Unite:
    """Keeps what still counts. What does not goes first, or its content would pass for that of what was sent since."""
    first = since.to_bytes(DAY_BYTES, "big")
    return lambda entries: unite([entry for entry in entries if entry[_DAY] >= first])


def unite(entries: list[bytes]) -> list[bytes]:
    """One entry a row: with the content that Rokt took, which is the first, and the day when it was last accepted."""
    kept: list[bytes] = []
    before = b""
    for entry in entries:
        if entry[:ID_BYTES] == before[:ID_BYTES]:
            first, last = sorted((before, entry), key=lambda one: one[_DAY])
            entry = first[:MARK_BYTES] + last[_DAY]
            kept[-1] = entry
        else:
            kept.append(entry)
        before = entry
    return kept


def _sorted(trails: Sequence[Trail]) -> SortedRecords:
    with _collected(trails) as sorter:
        return sorted_here(ENTRY_BYTES, merged([sorter], unite), len(sorter))


@contextmanager
def _collected(trails: Iterable[Trail]) -> Iterator[RecordSorter]:
    """The entries of some trails."""
    with closing(RecordSorter(ENTRY_BYTES)) as sorter:
        for trail in trails:
            day = trail.name.day.to_bytes(DAY_BYTES, "big")
            for marks in trail.marks():
                places = range(0, len(marks), MARK_BYTES)
                sorter.add(b"".join([marks[place : place + MARK_BYTES] + day for place in places]))
        yield sorter


def _to_fold(found: Iterable[FoldName], entries: int) -> list[FoldName]:
    """The files to fold with so many new entries: from the newest on, up to one that is much larger."""
    chosen = []
    for name in found:
        if name.entries >= _TIMES * max(entries, 1):
            break
        chosen.append(name)
        entries += name.entries
    return chosen
