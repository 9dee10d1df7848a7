"""Where in a file of sorted records those with the same first bits begin, so that one is found by two short reads."""

from bisect import bisect_left
from collections.abc import Iterator
from struct import Struct
from typing import Final

from airflow_provider_rokt.storage.temporary import anonymous_file

MOST_BITS: Final = 32

_RECORDS_IN_BUCKET: Final = 64
_ENTRY: Final = Struct("<Q")
_CHUNK_BYTES: Final = 262_144


class Buckets:
    """Records by their first bits.

    :param bits: how many decide.
    """

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.count = 1 << bits
        self._bytes = (bits + 7) // 8
        self._shift = 8 * self._bytes - bits

    @property
    def index_bytes(self) -> int:
        """The length of the index: where each bucket begins, and where the last one ends."""
        return (self.count + 1) * _ENTRY.size

    def of(self, key: bytes) -> tuple[int, int]:
        """The first and the last bucket that may hold what begins with the key; one where the key is long enough."""
        if len(key) >= self._bytes:
            bucket = int.from_bytes(key[: self._bytes], "big") >> self._shift
            return bucket, bucket
        return self.of(key.ljust(self._bytes, b"\0"))[0], self.of(key.ljust(self._bytes, b"\xff"))[0]

    def beginning(self, bucket: int) -> bytes:
        """What sorts before all records of a bucket and after those of the bucket before."""
        return (bucket << self._shift).to_bytes(self._bytes, "big")


def buckets_for(size: int, at_most: int) -> Buckets:
    """Buckets that hold 32 to 64 records each.

    :param size: the bytes of a record.
    :param at_most: how many there may be.
    """
    return Buckets(min((at_most // _RECORDS_IN_BUCKET).bit_length(), 8 * size, MOST_BITS))


class BucketIndex:
    """The index of records that pass, ascending; it lies in an anonymous file until all have passed."""

    def __init__(self, buckets: Buckets) -> None:
        self._buckets = buckets
        self._file = anonymous_file()
        self._records = 0
        self._next = 0

    def add(self, records: list[bytes]) -> None:
        """Counts records.

        :param records: at least one.
        """
        place = 0
        for bucket in range(self._next, self._buckets.of(records[-1])[0] + 1):
            place = bisect_left(records, self._buckets.beginning(bucket), place)
            self._begin(self._records + place)
        self._records += len(records)

    def content(self) -> Iterator[bytes]:
        """The finished index: for each bucket the number of records before it, and then of all; gives the disk back."""
        while self._next <= self._buckets.count:
            self._begin(self._records)
        with self._file as file:
            file.seek(0)
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def _begin(self, place: int) -> None:
        self._file.write(_ENTRY.pack(place))
        self._next += 1
