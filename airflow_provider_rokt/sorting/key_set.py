"""Keys of rows by the million in next to no memory: eight bytes each on the disk, sorted, found by two short reads."""

from struct import Struct
from typing import Final

from airflow_provider_rokt.sorting.record_sorter import RecordSorter, merged
from airflow_provider_rokt.sorting.sorted_records import SortedRecords, sorted_here

# So many are held until they are handed on, so that one key added a million times takes no room.
_RUN: Final = 20_000
_HASH: Final = Struct("q")


class KeySet:
    """A set of texts that remembers which of them were asked for: first all are added, then it is asked.

    It keeps their hashes, which Python makes of 64 bits: among five million keys one in 4,000,000,000,000 that are
    asked for is taken for another. The files have no name and go with the process.
    """

    def __init__(self) -> None:
        self._held: set[bytes] = set()
        self._sorter = RecordSorter(_HASH.size)
        self._sorted: SortedRecords | None = None
        self._asked_for = bytearray()
        self._unasked = 0

    def add(self, key: str) -> None:
        """Adds a key; none can be added once it was asked for one.

        :raises RoktStorageError: when the temporary folder is full, as all that is asked of it does then.
        """
        self._held.add(_HASH.pack(hash(key)))
        if len(self._held) >= _RUN:
            self._spill()

    def __len__(self) -> int:
        return len(self._records())

    def ask(self, key: str) -> bool:
        """Whether the key is in it; it is remembered that it was asked for."""
        place = (self._sorted or self._records()).place(_HASH.pack(hash(key)))
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
        self._records()
        return self._unasked

    def _spill(self) -> None:
        self._sorter.add(b"".join(self._held))
        self._held.clear()

    def _records(self) -> SortedRecords:
        if self._sorted is None:
            self._spill()
            self._sorted = sorted_here(_HASH.size, merged([self._sorter], _distinct), len(self._sorter))
            self._sorter.close()
            self._unasked = len(self._sorted)
            self._asked_for = bytearray(self._unasked // 8 + 1)
        return self._sorted


def _distinct(records: list[bytes]) -> list[bytes]:
    return list(dict.fromkeys(records))
