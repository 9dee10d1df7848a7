"""A file of sorted records of one size, in which one is found by two short reads, however many there are.

    {"format": "rokt-sorted", "version": 1, "size": ..., "bits": ..., ...}\n     one line of JSON
    "size" bytes per record, ascending
    2 ** "bits" + 1 unsigned numbers of 64 bits, little-endian                 records before each bucket, and all

A bucket is the records with the same first bits. The index stands last so that the file is written in one pass, as
object stores want it. Nothing of a large file is in memory, nor mapped into it: mapped pages count as the process's.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from struct import Struct
from types import TracebackType
from typing import Annotated, Any, BinaryIO, Final, NoReturn, Self

import msgspec

from airflow_provider_rokt.exceptions import RoktFileDamagedError
from airflow_provider_rokt.sorting.bucket_index import MOST_BITS, BucketIndex, Buckets, buckets_for
from airflow_provider_rokt.sorting.record_sorter import SortedRun
from airflow_provider_rokt.storage.failure import reading, storage_error
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.temporary import TEMPORARY, anonymous_file_of, on_disk

FORMAT: Final = "rokt-sorted"
VERSION: Final = 1

# Longer than any header; what has no line break by then is not one.
_HEADER_BYTES: Final = 1_048_576
# A file this small is held, which makes a lookup twice as fast.
_WHOLE_BYTES: Final = 65_536
# A bucket has more only where records do not begin with even bits; it is halved by reads of one record until then.
_SEARCHED_AT_ONCE: Final = 1_024
_BOUNDS: Final = Struct("<QQ")
_TOTAL: Final = Struct("<Q")


class _Header(msgspec.Struct):
    """What the file says of itself."""

    size: Annotated[int, msgspec.Meta(ge=1)]
    bits: Annotated[int, msgspec.Meta(ge=0, le=MOST_BITS)]


class SortedRecords:
    """Sorted records, looked up by their beginning; holds an open file, and no records but those of a small one.

    :param file: open on a file of this machine's, at its beginning; it is closed with this.
    :param uri: the address to name in errors.
    :ivar header: the file's first line.
    :ivar size: the bytes of a record.
    :raises RoktFileDamagedError: when it is no such file, or not whole.
    :raises RoktStorageError: when it cannot be read, also later.
    """

    header: dict[str, Any]
    size: int

    def __init__(self, file: BinaryIO, uri: str) -> None:
        self._file = file
        self._uri = uri
        with reading(uri):
            line = file.readline(_HEADER_BYTES)
            length = os.fstat(file.fileno()).st_size
        self.header = self._parsed(line)
        try:
            header = msgspec.convert(self.header, _Header)
        except msgspec.ValidationError:
            self._refuse("its first line is damaged")
        self.size = header.size
        self._start = len(line)
        self._whole = b""
        self._buckets = Buckets(header.bits)
        self._index = length - self._buckets.index_bytes
        if self._index < self._start:
            self._refuse("it was cut short")
        self._whole = self._read(length, 0) if length <= _WHOLE_BYTES else b""
        self._count: int = _TOTAL.unpack(self._read(_TOTAL.size, length - _TOTAL.size))[0]
        if self._start + self._count * self.size != self._index:
            self._refuse("it was cut short or changed")

    def __len__(self) -> int:
        return self._count

    def place(self, key: bytes) -> int | None:
        """The place of the first record that begins with the key, from 0; None where none does."""
        found = self._found(key)
        return found[0] if found else None

    def find(self, key: bytes) -> bytes | None:
        """The first record that begins with the key; None where none does."""
        found = self._found(key)
        return found[1] if found else None

    def runs(self) -> list[SortedRun]:
        """The records, to be merged."""
        return [SortedRun(self._file, self._start, self._count, self._uri)]

    def close(self) -> None:
        """Gives the file back."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _found(self, key: bytes) -> tuple[int, bytes] | None:
        size, (start, end) = self.size, self._bounds(key)
        if end - start > _SEARCHED_AT_ONCE:
            start, end = self._narrowed(key, start, end)
        if start == end or len(key) > size:
            return None
        among = self._records(start, end)
        at = among.find(key)
        # The end of one record and the beginning of the next may look like the key together.
        while at >= 0 and at % size:
            at = among.find(key, at + 1)
        return None if at < 0 else (start + at // size, among[at : at + size])

    def _bounds(self, key: bytes) -> tuple[int, int]:
        """Between which places it must be."""
        first, last = self._buckets.of(key)
        start, end = _BOUNDS.unpack(self._read(_BOUNDS.size, self._index + first * _TOTAL.size))
        if last != first:
            end = _BOUNDS.unpack(self._read(_BOUNDS.size, self._index + last * _TOTAL.size))[1]
        if not start <= end <= self._count:
            self._refuse("its index is damaged")
        return start, end

    def _narrowed(self, key: bytes, start: int, end: int) -> tuple[int, int]:
        stop = end
        while end - start > _SEARCHED_AT_ONCE:
            middle = (start + end) // 2
            if self._records(middle, middle + 1) < key:
                start = middle + 1
            else:
                end = middle
        return start, min(end + 1, stop)

    def _records(self, start: int, end: int) -> bytes:
        return self._read((end - start) * self.size, self._start + start * self.size)

    def _read(self, length: int, offset: int) -> bytes:
        if self._whole:
            return self._whole[offset : offset + length]
        # A with statement here would take as long as the rest of a lookup.
        try:
            data = os.pread(self._file.fileno(), length, offset)
        except OSError as error:
            raise storage_error(self._uri, error, "read") from None
        if len(data) != length:
            self._refuse("it was cut short")
        return data

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            header = json.loads(line)
        except ValueError:
            header = None
        if not isinstance(header, dict) or header.get("format") != FORMAT or not line.endswith(b"\n"):
            self._refuse("it is not a file of sorted records of this provider")
        if header.get("version") != VERSION:
            raise RoktFileDamagedError(
                f"{self._uri} was written by another release of airflow-provider-rokt: its format has version "
                f"{header.get('version')!r}, this release reads {VERSION}. Run the newer of the two releases everywhere"
            )
        return header

    def _refuse(self, why: str) -> NoReturn:
        raise RoktFileDamagedError(f"{self._uri} is damaged: {why}. Restore it, or delete it")


def write_sorted(
    folder: Folder,
    name: str,
    header: Mapping[str, Any],
    size: int,
    slices: Iterable[list[bytes]],
    at_most: int,
) -> None:
    """Writes a file of sorted records, durably and whole or not at all.

    :param header: what else the first line says, at most a megabyte.
    :param size: the bytes of a record.
    :param slices: the records, ascending.
    :param at_most: how many there may be; if there are more, each is found more slowly.
    :raises RoktStorageError: when the folder, or the temporary one that the index needs, cannot be written.
    """
    folder.write(name, _content(header, size, slices, at_most))


def open_sorted(folder: Folder, name: str) -> SortedRecords:
    """Opens a file of sorted records; one on an object store is copied to the worker's disk first.

    :raises FileNotFoundError: where there is none.
    :raises RoktFileDamagedError: when it is damaged, or another release wrote it.
    :raises RoktStorageError: when it cannot be read, or not be copied.
    """
    uri = f"{folder.uri}/{name}"
    with reading(uri):
        try:
            file: BinaryIO | None = folder.read(name)
        except FileNotFoundError:
            file = None
    if file is None:
        raise FileNotFoundError(uri)
    return _opened(on_disk(file, uri), uri)


def sorted_here(size: int, slices: Iterable[list[bytes]], at_most: int) -> SortedRecords:
    """Sorted records in an anonymous file, which goes with the process; the parameters are :func:`write_sorted`'s.

    :raises RoktStorageError: when the temporary folder is full.
    """
    return _opened(anonymous_file_of(_content({}, size, slices, at_most)), TEMPORARY)


def _opened(file: BinaryIO, uri: str) -> SortedRecords:
    try:
        return SortedRecords(file, uri)
    except BaseException:
        file.close()
        raise


def _content(header: Mapping[str, Any], size: int, slices: Iterable[list[bytes]], at_most: int) -> Iterator[bytes]:
    buckets = buckets_for(size, at_most)
    ours = {"format": FORMAT, "version": VERSION, "size": size, "bits": buckets.bits}
    line = (json.dumps(ours | dict(header) | ours) + "\n").encode("ascii")
    if len(line) > _HEADER_BYTES:
        raise ValueError(f"a header of {len(line)} bytes could not be read again")
    yield line
    index = BucketIndex(buckets)
    for records in filter(None, slices):
        data = b"".join(records)
        if len(data) != len(records) * size:
            raise ValueError(f"a record is not of {size} bytes")
        index.add(records)
        yield data
    yield from index.content()
