"""Keys of rows by the million in next to no memory: eight bytes each on the disk, sorted, found by one short read."""

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from airflow_provider_rokt.audiences.spool import anonymous_file

# So many are held until they are sorted and written: 4 MB while they are.
_RUN: Final = 100_000
_BYTES: Final = 8
_BITS: Final = 8 * _BYTES
# Runs are merged in slices, by the first bits: of five million keys 20,000 at once.
_SLICE_BITS: Final = 8
# A key is looked for among those with the same first bits: of five million 80.
_BUCKET_BITS: Final = 16
_MASK: Final = (1 << _BITS) - 1
_BUCKETS_OF_SLICE: Final = 1 << (_BUCKET_BITS - _SLICE_BITS)


class KeySet:
    """A set of texts that remembers which of them were asked for: first all are added, then it is asked.

    It keeps their hashes, which Python makes of 64 bits: among five million keys one in 4,000,000,000,000 that are
    asked for is taken for another. The files have no name and go with the process.
    """

    def __init__(self) -> None:
        self._held: list[int] = []
        self._runs = _Runs()
        self._is_sorted = False
        self._file = anonymous_file(None)
        self._starts = array("Q", [0])
        self._asked_for = bytearray()
        self._unasked = 0

    def add(self, key: str) -> None:
        """Adds a key; none can be added once it was asked for one."""
        self._held.append(hash(key) & _MASK)
        if len(self._held) >= _RUN:
            self._spill()

    def __len__(self) -> int:
        self._sort()
        return self._starts[-1]

    def ask(self, key: str) -> bool:
        """Whether the key is in it; it is remembered that it was asked for."""
        if not self._is_sorted:
            self._sort()
        place = self._place(hash(key) & _MASK)
        if place is None:
            return False
        byte, bit = place >> 3, 1 << (place & 7)
        if not self._asked_for[byte] & bit:
            self._asked_for[byte] |= bit
            self._unasked -= 1
        return True

    @property
    def unasked(self) -> int:
        """How many of the keys were never asked for."""
        self._sort()
        return self._unasked

    def _spill(self) -> None:
        self._runs.spill(self._held)
        self._held.clear()

    def _sort(self) -> None:
        if not self._is_sorted:
            self._is_sorted = True
            self._spill()
            for number, part in enumerate(self._runs.sorted_slices()):
                self._append(number, part)
            self._file.flush()
            self._runs.close()
            self._unasked = self._starts[-1]
            self._asked_for = bytearray(self._unasked // 8 + 1)

    def _append(self, number: int, part: "array[int]") -> None:
        """Writes the hashes of one slice, and where each of its buckets ends."""
        self._file.write(part.tobytes())
        first, begin = number * _BUCKETS_OF_SLICE, self._starts[-1]
        for bucket in range(first + 1, first + 1 + _BUCKETS_OF_SLICE):
            self._starts.append(begin + bisect_left(part, bucket << (_BITS - _BUCKET_BITS)))

    def _place(self, value: int) -> int | None:
        bucket = value >> (_BITS - _BUCKET_BITS)
        start, end = self._starts[bucket], self._starts[bucket + 1]
        if start == end:
            return None
        among = array("Q", os.pread(self._file.fileno(), (end - start) * _BYTES, start * _BYTES))
        place = bisect_left(among, value)
        return start + place if place < len(among) and among[place] == value else None


class _Runs:
    """Hashes in any order, sorted in a file without ever being in memory together."""

    def __init__(self) -> None:
        self._file = anonymous_file(None)
        # Of each run where its slices begin and end, as places in the file.
        self._slices: list[list[int]] = []

    def spill(self, values: list[int]) -> None:
        """Takes some."""
        begin, run = self._file.seek(0, os.SEEK_END) // _BYTES, array("Q", sorted(values))
        run.tofile(self._file)
        bounds = (number << (_BITS - _SLICE_BITS) for number in range((1 << _SLICE_BITS) + 1))
        self._slices.append([begin + bisect_left(run, bound) for bound in bounds])

    def sorted_slices(self) -> "Iterator[array[int]]":
        """All of them without repeats, in as many parts as there are slices."""
        for number in range(1 << _SLICE_BITS):
            values: set[int] = set()
            for slices in self._slices:
                self._file.seek(slices[number] * _BYTES)
                values.update(array("Q", self._file.read((slices[number + 1] - slices[number]) * _BYTES)))
            yield array("Q", sorted(values))

    def close(self) -> None:
        """Gives the disk back."""
        self._file.close()
