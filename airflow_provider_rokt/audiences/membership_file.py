"""A file of sorted persons: 32 bytes each and nothing else of them, between a header and a checksum.

    {"format": "rokt-membership", "version": 1, "generation": ..., ...}\n     one line of JSON
    32 bytes per person, ascending                                           the SHA-256 of the normalised address
    32 bytes                                                                 the SHA-256 of everything before

No address is in it. The checksum stands last so that the file is written in one pass, as object stores want it.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from hashlib import sha256
from itertools import islice
from typing import Any, BinaryIO, Final

from airflow_provider_rokt.exceptions import RoktAudienceError
from airflow_provider_rokt.storage.failure import reading
from airflow_provider_rokt.storage.folder import Folder

FORMAT: Final = "rokt-membership"
VERSION: Final = 1
# What it costs to forget a memory.
STARTED_OVER: Final = "the next run then includes everyone, and cannot exclude those who have left since"

_RECORD: Final = 32
_RECORDS_AT_ONCE: Final = 4_096
# Longer than any header; what has no line break by then is not one.
_HEADER_BYTES: Final = 65_536


class MembershipFile:
    """One file of persons.

    :param name: its name in the folder.
    :param start_over: the command that forgets what it is part of.
    """

    def __init__(
        self, folder: Folder, name: str, *, start_over: str = "airflow rokt syncs forget --audience NAME"
    ) -> None:
        self._folder = folder
        self._name = name
        self._start_over = start_over

    def write(self, header: Mapping[str, object], persons: Iterator[bytes]) -> None:
        """Writes it whole.

        :param persons: 64 hex digits each, ascending.
        """
        self._folder.write(self._name, _content(header, persons))

    def header(self) -> dict[str, Any] | None:
        """The header; None where there is no file.

        :raises RoktAudienceError: when it is not a membership file of this version.
        :raises RoktStorageError: when it cannot be read.
        """
        with self._reading():
            try:
                with self._folder.read(self._name) as file:
                    line = file.readline(_HEADER_BYTES)
            except FileNotFoundError:
                return None
        return self._parsed(line)

    def count(self) -> int:
        """How many persons it holds, by its size.

        :raises RoktStorageError: when it cannot be read.
        """
        with self._reading(), self._folder.read(self._name) as file:
            header = len(file.readline(_HEADER_BYTES))
            return (file.seek(0, os.SEEK_END) - header) // _RECORD - 1

    def persons(self) -> Iterator[bytes]:
        """The persons, 64 hex digits each, ascending.

        The checksum can only be compared after the last one: use nothing of them before they are all read.

        :raises RoktAudienceError: when the file is damaged.
        """
        with self._reading():
            file = self._folder.read(self._name)
            first = file.readline(_HEADER_BYTES)
        with file:
            self._parsed(first)
            checksum = sha256(first)
            held = b""
            while chunk := self._more(file):
                held += chunk
                # The last 32 bytes so far may be the checksum.
                end = max(len(held) // _RECORD - 1, 0) * _RECORD
                checksum.update(held[:end])
                digits = held[:end].hex().encode()
                yield from [digits[start : start + 2 * _RECORD] for start in range(0, len(digits), 2 * _RECORD)]
                held = held[end:]
        if held != checksum.digest():
            raise self.unusable("its checksum does not match: it was cut short or changed")

    def _more(self, file: BinaryIO) -> bytes:
        with self._reading():
            return file.read(_RECORD * _RECORDS_AT_ONCE)

    def _reading(self) -> AbstractContextManager[None]:
        return reading(f"{self._folder.uri}/{self._name}")

    def unusable(self, why: str, remedy: str = "Restore it", *, joined: str = "or") -> RoktAudienceError:
        """The error for a memory that cannot be trusted.

        :param remedy: what to do unless one starts over, or before that.
        :param joined: ``or``, or ``and``.
        """
        return RoktAudienceError(
            f"The remembered membership {self._folder.uri}/{self._name} cannot be used: {why}. Nothing was sent. "
            f"{remedy}, {joined} start over ({self._start_over}): {STARTED_OVER}."
        )

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            header = json.loads(line)
        except ValueError:
            header = None
        if not isinstance(header, dict) or header.get("format") != FORMAT or not line.endswith(b"\n"):
            raise self.unusable("it is not a membership file of this provider")
        if header.get("version") != VERSION:
            raise self.unusable(f"its format has version {header.get('version')!r}, this provider reads {VERSION}")
        return header


def _content(header: Mapping[str, object], persons: Iterator[bytes]) -> Iterator[bytes]:
    checksum = sha256()
    chunk = (json.dumps({"format": FORMAT, "version": VERSION, **header}) + "\n").encode("ascii")
    while chunk:
        checksum.update(chunk)
        yield chunk
        chunk = bytes.fromhex(b"".join(islice(persons, _RECORDS_AT_ONCE)).decode())
    yield checksum.digest()
