"""A file of sorted persons: 32 bytes each and nothing else of them, between a header and a checksum.

    {"format": "rokt-membership", "version": 1, "generation": ..., ...}\n     one line of JSON
    32 bytes per person, ascending                                           the SHA-256 of the normalised address
    32 bytes                                                                 the SHA-256 of everything before

No address is in it. The checksum stands last so that the file is written in one pass, as object stores want it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import sha256
from io import UnsupportedOperation
from itertools import islice
from os import fsync
from typing import IO, Any, Final, Protocol, Self

from airflow_provider_rokt.exceptions import RoktAudienceError

FORMAT: Final = "rokt-membership"
VERSION: Final = 1

_RECORD: Final = 32
_RECORDS_AT_ONCE: Final = 4_096
# Longer than any header; what has no line break by then is not one.
_HEADER_BYTES: Final = 65_536


class StoragePath(Protocol):
    """What is used of ``pathlib.Path`` and of Airflow's ``ObjectStoragePath``."""

    @property
    def name(self) -> str: ...
    def __truediv__(self, name: str, /) -> Self: ...
    def open(self, mode: str) -> IO[Any]: ...
    def replace(self, target: Any, /) -> Any: ...
    def unlink(self, missing_ok: bool = ...) -> None: ...
    def mkdir(self, *, parents: bool = ..., exist_ok: bool = ...) -> None: ...
    def iterdir(self) -> Iterable[Self]: ...


def write_atomically(folder: StoragePath, name: str, chunks: Iterable[bytes], token: str) -> None:
    """Writes a file that is either whole or not there.

    A file left half-written by a killed worker, or uploaded half by a store that closes on an exception, has
    only its temporary name. Renaming replaces at once on a disk; on an object store it is a copy, as atomic.

    :param token: makes the temporary name this writer's own.
    """
    path = folder / f"{name}.{token}.tmp"
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        # A store without file descriptors has made the object durable when close returns.
        with suppress(AttributeError, UnsupportedOperation, TypeError):
            fsync(file.fileno())
    path.replace(folder / name)


def membership_chunks(header: Mapping[str, object], persons: Iterator[bytes]) -> Iterator[bytes]:
    """The content of a membership file.

    :param persons: 64 hex digits each, ascending.
    """
    checksum = sha256()
    first = json.dumps({"format": FORMAT, "version": VERSION, **header}) + "\n"
    chunk = first.encode("ascii")
    while chunk:
        checksum.update(chunk)
        yield chunk
        chunk = bytes.fromhex(b"".join(islice(persons, _RECORDS_AT_ONCE)).decode())
    yield checksum.digest()


def read_header(path: StoragePath) -> dict[str, Any] | None:
    """The header; None where there is no file.

    :raises RoktAudienceError: when the file is not a membership file of this version.
    """
    try:
        with path.open("rb") as file:
            return _parse_header(path, file.readline(_HEADER_BYTES))
    except FileNotFoundError:
        return None


def read_persons(path: StoragePath) -> Iterator[str]:
    """The persons, 64 hex digits each, ascending.

    The checksum can only be compared after the last one: use nothing of them before they are all read.

    :raises RoktAudienceError: when the file is damaged.
    """
    with path.open("rb") as file:
        first = file.readline(_HEADER_BYTES)
        _parse_header(path, first)
        checksum = sha256(first)
        held = b""
        while chunk := file.read(_RECORD * _RECORDS_AT_ONCE):
            held += chunk
            # The last 32 bytes so far may be the checksum.
            end = max(len(held) // _RECORD - 1, 0) * _RECORD
            checksum.update(held[:end])
            text = held[:end].hex()
            yield from (text[start : start + 2 * _RECORD] for start in range(0, len(text), 2 * _RECORD))
            held = held[end:]
    if held != checksum.digest():
        raise damaged(path, "its checksum does not match: it was cut short or changed")


def damaged(path: StoragePath, why: str) -> RoktAudienceError:
    """The error for a file that cannot be trusted."""
    return RoktAudienceError(
        f"The remembered membership {path} cannot be used: {why}. Nothing was sent. Restore the file, or start over by "
        "deleting its folder: the next run then includes everyone and cannot exclude those who have left since."
    )


def _parse_header(path: StoragePath, line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except ValueError:
        header = None
    if not isinstance(header, dict) or header.get("format") != FORMAT or not line.endswith(b"\n"):
        raise damaged(path, "it is not a membership file of this provider")
    if header.get("version") != VERSION:
        raise damaged(path, f"it has format version {header.get('version')!r}, this provider reads version {VERSION}")
    return header
