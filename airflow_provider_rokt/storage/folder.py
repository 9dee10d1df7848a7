"""A folder that keeps a ledger's lines, or what is remembered of an audience, wherever it is."""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from secrets import token_hex
from typing import BinaryIO, Final, Protocol

ABANDONED_SECONDS: Final = 3_600.0
"""What nobody has written on for this long is unfinished for good, also where clocks differ a little."""

_UNFINISHED: Final = ".partial"


def part_name(number: int) -> str:
    """The name of a ledger's nth part, from 0; names sort as the parts were written."""
    return f"part-{number:05}.jsonl"


class LineWriter(Protocol):
    """Takes lines, newline included, in order; each call may raise ``RoktStorageError``."""

    def write(self, lines: Iterable[bytes]) -> None:
        """Adds lines."""

    def flush(self) -> None:
        """Makes what was added readable for others."""

    def close(self) -> None:
        """The last call; the lines are durable afterwards."""


class Folder(Protocol):
    """One folder of a file system or object store.

    What writes raises ``RoktStorageError``, whatever a disk or a store failed with; what reads raises what they raise.
    """

    @property
    def uri(self) -> str:
        """Its address."""

    @property
    def appends(self) -> bool:
        """Whether others can read a line as soon as it was written, so that a kill loses none."""

    def folder(self, name: str) -> "Folder":
        """The folder of that name in this one; it need not exist."""

    def names(self) -> list[str]:
        """What it holds, sorted; nothing where it does not exist."""

    def exists(self, name: str) -> bool:
        """Whether it holds a file of that name."""

    def lines(self, name: str) -> Iterator[bytes]:
        """A file's lines, newline included except for a torn last one."""

    def put(self, name: str, data: bytes) -> None:
        """Writes a whole file, so that a reader finds all of it or nothing."""

    def writer(self, part: Callable[[int], str] = part_name) -> LineWriter:
        """Makes the folder and begins its first part; ``FileExistsError`` where there is one.

        :param part: the name of the nth part.
        """

    def read(self, name: str) -> BinaryIO:
        """A file, open for reading; ``FileNotFoundError`` where there is none."""

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Writes a file too large for memory, so that a reader finds the old one, or all of the new one."""

    def create(self, name: str, data: bytes) -> None:
        """Writes a small file; ``FileExistsError`` where there is one."""

    def remove(self, name: str) -> None:
        """Removes a file, if it exists."""

    def delete(self, last: str = "") -> None:
        """Removes the folder with all it holds, if it exists.

        :param last: the name of the file that goes when everything else is gone: what cannot be removed, or a kill,
            leaves it there.
        """

    def written_at(self, name: str) -> float | None:
        """When a file was last written on, in seconds since the epoch; None where the storage does not tell."""

    def tidy(self, before: float) -> None:
        """Removes what killed writers left unfinished; what cannot be removed stays.

        :param before: seconds since the epoch; what was written on later may still be somebody's.
        """


def digest_name(*parts: str) -> str:
    """A name for what several texts name together, whatever characters they hold."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def in_order(names: Iterable[str], last: str) -> list[str]:
    """Files in the order in which they are removed: by their names, the one called ``last`` at the end."""
    return sorted(names, key=lambda name: (name.rpartition("/")[2] == last, name))


def unfinished_name(name: str) -> str:
    """A name of this writer's own, told by its ending."""
    return f"{name}.{token_hex(4)}{_UNFINISHED}"


def is_unfinished(name: str) -> bool:
    """Whether it is the name of a file that is being written, or was when its writer was killed."""
    return name.endswith(_UNFINISHED)
