"""Records of one size by the hundred million, sorted and merged in flat memory.

A record begins with the digest of what it tells of, so records spread evenly, and a stretch of keys is about as long
in one sorted file as in another of the same length. That makes merging fast; it is right for any records.
"""

import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from struct import Struct
from typing import BinaryIO, Final, Protocol

from airflow_provider_rokt.exceptions import RoktFileDamagedError
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.temporary import TEMPORARY, anonymous_file

KEY_BYTES: Final = 8
"""Records that begin with the same bytes, this many, come in one slice."""

RUN_RECORDS: Final = 100_000
"""So many are sorted at once: 8 MB while they are."""
SLICE_RECORDS: Final = 50_000
# What a cursor holds of its run. Many cursors hold little each, but never less than is worth a read.
_MOST_BYTES: Final = 262_144
_LEAST_BYTES: Final = 4_096
_LEAST_RECORDS: Final = 32
_WINDOWS_HELD: Final = 4
_UNPACKED_AT_ONCE: Final = 1_000

Unite = Callable[[list[bytes]], list[bytes]]
"""Takes the sorted records of one slice, with all that there are of each key; gives what is kept of them, sorted."""


@dataclass(frozen=True, slots=True)
class SortedRun:
    """Sorted records in a stretch of a file.

    :ivar start: the byte where they begin.
    :ivar count: how many they are.
    :ivar uri: the file's address, for errors.
    """

    file: BinaryIO
    start: int
    count: int
    uri: str


class SortedSource(Protocol):
    """What can be merged: a :class:`RecordSorter`, or a file of ``SortedRecords``."""

    @property
    def size(self) -> int:
        """The bytes of a record."""

    def runs(self) -> list[SortedRun]:
        """Its records."""


class RecordSorter:
    """Collects records of one size in any order, in flat memory: sorted runs of them lie in an anonymous file.

    Equal ones are all kept. It can be merged as often as one likes, and added to in between.

    :param size: the bytes of a record.
    :param run_records: how many are held in memory before they are sorted and written.
    """

    def __init__(self, size: int, *, run_records: int = RUN_RECORDS) -> None:
        self.size = size
        self._run_bytes = run_records * size
        self._held = bytearray()
        self._file: BinaryIO | None = None
        self._counts: list[int] = []

    def add(self, records: bytes) -> None:
        """Takes records.

        :param records: one or many, end to end.
        :raises ValueError: when the bytes do not divide into records.
        :raises RoktStorageError: when the temporary folder is full.
        """
        if len(records) % self.size:
            raise ValueError(f"{len(records)} bytes are no records of {self.size} bytes")
        self._held += records
        if len(self._held) >= self._run_bytes:
            self._spill()

    def __len__(self) -> int:
        return sum(self._counts) + len(self._held) // self.size

    def runs(self) -> list[SortedRun]:
        """All that were added, as sorted runs.

        :raises RoktStorageError: when the temporary folder is full.
        """
        self._spill()
        if self._file is None:
            return []
        self._file.flush()
        runs, start = [], 0
        for count in self._counts:
            runs.append(SortedRun(self._file, start, count, TEMPORARY))
            start += count * self.size
        return runs

    def close(self) -> None:
        """Gives the disk back."""
        self._held.clear()
        self._counts.clear()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _spill(self) -> None:
        for start in range(0, len(self._held), self._run_bytes):
            records = _records(bytes(self._held[start : start + self._run_bytes]), self.size)
            records.sort()
            self._file = self._file or anonymous_file()
            self._file.write(b"".join(records))
            self._counts.append(len(records))
        self._held.clear()


def merged(
    sources: Sequence[SortedSource], unite: Unite, *, slice_records: int = SLICE_RECORDS
) -> Iterator[list[bytes]]:
    """The records of all sources in slices, ascending.

    A slice has all records of a key: only where one alone has more than ``slice_records`` is it larger.

    :param sources: of records of one size; they stay as they are.
    :param unite: what is kept of a slice.
    :param slice_records: about how many a slice has; a file, and each run of a sorter, adds 32 at least.
    :raises RoktStorageError: when a source cannot be read.
    """
    sizes = {source.size for source in sources}
    if len(sizes) > 1:
        raise ValueError(f"records of {sizes} bytes cannot be merged")
    runs = [run for source in sources for run in source.runs() if run.count]
    total = sum(run.count for run in runs)
    for size in sizes:
        cursors = [_Cursor(run, size, slice_records * run.count // total) for run in runs]
        for data in _slices(cursors):
            records = _records(data, size)
            # Python's sort finds the runs in them and merges those.
            records.sort()
            if kept := unite(records):
                yield kept


def _slices(cursors: "list[_Cursor]") -> Iterator[bytes]:
    """The records of each slice, those of a cursor in order and end to end."""
    windows = 1
    while cursors:
        ends = [end for cursor in cursors if (end := cursor.look(windows)) is not None]
        below = min(ends, default=None)
        if data := b"".join([cursor.take(below) for cursor in cursors]):
            yield data
            windows = 1
        else:
            # Every window is full of one key: it comes whole.
            windows *= 2
        cursors = [cursor for cursor in cursors if not cursor.is_done]


class _Cursor:
    """Reads a run in order, and looks ahead in it as far as a slice may reach.

    :param size: the bytes of a record.
    :param share: the run's share of a slice, so that all look ahead about as far, whatever the lengths of their runs.
    """

    def __init__(self, run: SortedRun, size: int, share: int) -> None:
        self._run = run
        self._size = size
        self._window = max(min(max(share, _LEAST_RECORDS), _MOST_BYTES // size), 1)
        self._block = min(max(_WINDOWS_HELD * self._window * size, _LEAST_BYTES), _MOST_BYTES)
        self._next = run.start
        self._end = run.start + run.count * size
        self._held = b""
        self._at = 0
        self._ahead = 0

    @property
    def is_done(self) -> bool:
        """Whether all was taken."""
        return self._next == self._end and self._at == len(self._held)

    def look(self, windows: int) -> bytes | None:
        """Looks at the next records.

        :returns: the beginning of the last one looked at; None where the run ends with it.
        """
        wanted = windows * self._window * self._size
        if len(self._held) - self._at < wanted and self._next < self._end:
            self._read(wanted)
        self._ahead = min(wanted, len(self._held) - self._at) // self._size
        if self._next == self._end and self._at + self._ahead * self._size == len(self._held):
            return None
        return self._key(self._ahead - 1)

    def take(self, below: bytes | None) -> bytes:
        """Those of the records looked at that begin below; all of them for None."""
        count = self._ahead
        if below is not None:
            count = bisect_left(range(self._ahead), below, key=self._key)
        start, self._at = self._at, self._at + count * self._size
        return self._held[start : self._at]

    def _key(self, number: int) -> bytes:
        start = self._at + number * self._size
        return self._held[start : start + min(self._size, KEY_BYTES)]

    def _read(self, wanted: int) -> None:
        held = self._held[self._at :]
        length = max(wanted - len(held), (self._block - len(held)) // self._size * self._size)
        length = min(length, self._end - self._next)
        with reading(self._run.uri):
            data = os.pread(self._run.file.fileno(), length, self._next)
        if len(data) != length:
            raise RoktFileDamagedError(f"{self._run.uri} is damaged: it was cut short while it was read. Restore it")
        self._next += length
        self._held, self._at = held + data, 0


def _records(data: bytes, size: int) -> list[bytes]:
    one, many = _structs(size)
    whole = len(data) - len(data) % many.size
    records = list(chain.from_iterable(many.iter_unpack(data[:whole])))
    records.extend(chain.from_iterable(one.iter_unpack(data[whole:])))
    return records


@lru_cache(maxsize=8)
def _structs(size: int) -> tuple[Struct, Struct]:
    """What takes one record out of bytes, and many at once, which takes a third of the time."""
    return Struct(f"{size}s"), Struct(f"{size}s" * _UNPACKED_AT_ONCE)
