"""Files without a name: room on the worker's disk that is given back however the process ends."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from io import BufferedRandom, FileIO
from typing import Any, BinaryIO, Final, cast

from airflow_provider_rokt.storage.failure import reading, writing

TEMPORARY: Final = "the temporary folder"
"""What errors call it, also where its address is not known."""

_BUFFER_BYTES: Final = 65_536
_COPIED_AT_ONCE: Final = 1_048_576


class _Anonymous(FileIO):
    """The file below the buffer, which is where a disk fails: also when what is written is flushed, or closed."""

    place: str

    def write(self, data: Any, /) -> int:
        with writing(self.place):
            return super().write(data)

    def readinto(self, buffer: Any, /) -> int:
        with reading(self.place):
            return super().readinto(buffer)


def anonymous_file(directory: str | None = None) -> BinaryIO:
    """A file without a name, gone when it is closed or its process ends.

    :param directory: where it is made; the system's temporary folder when None.
    :raises RoktStorageError: when it cannot be made; so do its own methods when the disk is full or fails.
    """
    place = TEMPORARY
    # The search for the system's folder fails as well where no disk takes a file.
    with writing(TEMPORARY):
        place = f"{TEMPORARY} {directory or tempfile.gettempdir()}"
    with writing(place), tempfile.TemporaryFile(dir=directory, buffering=0) as file:
        raw = _Anonymous(os.dup(file.fileno()), "r+b")
    raw.place = place
    return cast(BinaryIO, BufferedRandom(raw, _BUFFER_BYTES))


def anonymous_file_of(chunks: Iterable[bytes]) -> BinaryIO:
    """Such a file with all of these in it, at its beginning.

    :raises RoktStorageError: as :func:`anonymous_file`.
    """
    file = anonymous_file()
    try:
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def on_disk(file: BinaryIO, uri: str) -> BinaryIO:
    """The file where the system itself reads it at any place; what an object store opened is copied, and closed.

    :param file: at its beginning.
    :param uri: its address.
    :raises RoktStorageError: when it cannot be read, or not be copied.
    """
    if isinstance(getattr(file, "raw", None), FileIO):
        return file
    with file:
        return anonymous_file_of(_chunks(file, uri))


def _chunks(file: BinaryIO, uri: str) -> Iterator[bytes]:
    while True:
        with reading(uri):
            chunk = file.read(_COPIED_AT_ONCE)
        if not chunk:
            return
        yield chunk
