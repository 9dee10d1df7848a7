"""Lines of any length sorted in flat memory: a list that is spilled to the disk whenever it is full."""

import heapq
from collections.abc import Callable, Iterator
from itertools import islice
from sys import maxsize
from types import TracebackType
from typing import AnyStr, BinaryIO, Final, Generic, Self

from airflow_provider_rokt.storage.temporary import anonymous_file

# Each run is an open file, and a buffer of 64 KiB; with two kinds of runs well under the usual limit of 1,024 files.
RUNS: Final = 64
"""So many runs are merged into a longer one, and so many of those into one that is longer still."""
LINES_AT_ONCE: Final = 1_000


class LineSorter(Generic[AnyStr]):
    """Collects lines in any order and gives them back sorted.

    A line ends with its only line break, and is sorted by its bytes. The files are anonymous: they have no name another
    process could open, are their owner's alone, and vanish with this process, however it ends.

    :param most_chars: how long those are together that are held in memory before they are spilled; a list takes more.
    :param most_lines: how many they are at most.
    :param directory: where the files are made; the system's temporary folder when None.
    :param check: is called now and then while runs are merged, which may take minutes; what it raises ends that.
    """

    def __init__(
        self,
        *,
        most_chars: int,
        most_lines: int = maxsize,
        directory: str | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._most_lines, self._most_chars = most_lines, most_chars
        self._directory = directory
        self._check = check
        # Text stays text until it is spilled: encoding many at once is four times as fast as encoding each line, and
        # code points sort as their UTF-8 does.
        self._lines: list[AnyStr] = []
        self._chars = 0
        # The runs as they were spilled, then those made of them, and so on: each line is written a few times at most.
        self._levels: list[list[BinaryIO]] = []

    def add_line(self, line: AnyStr) -> None:
        """Takes a line.

        :raises RoktStorageError: when the temporary folder is full, as all that reads or writes does then.
        """
        self._lines.append(line)
        self._chars += len(line)
        if len(self._lines) >= self._most_lines or self._chars >= self._most_chars:
            self._spill()

    def sorted_lines(self) -> Iterator[bytes]:
        """Every line in order; they stay, and can be read again when this is over."""
        self._spill()
        return _merged([run for level in self._levels for run in level])

    def close(self) -> None:
        """Gives the disk back."""
        while self._levels:
            _close(self._levels.pop())
        self._lines.clear()
        self._chars = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _spill(self) -> None:
        if not self._lines:
            return
        self._lines.sort()
        run = anonymous_file(self._directory)
        for start in range(0, len(self._lines), LINES_AT_ONCE):
            run.write(_joined(self._lines[start : start + LINES_AT_ONCE]))
        self._lines.clear()
        self._chars = 0
        self._keep(run, 0)

    def _keep(self, run: BinaryIO, level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(run)
        if len(runs) >= RUNS:
            longer = self._longer(runs)
            _close(runs)
            self._keep(longer, level + 1)

    def _longer(self, runs: list[BinaryIO]) -> BinaryIO:
        longer = anonymous_file(self._directory)
        lines = _merged(runs)
        while some := list(islice(lines, LINES_AT_ONCE)):
            self._check()
            longer.writelines(some)
        return longer


def _joined(lines: list[AnyStr]) -> bytes:
    joined = lines[0][:0].join(lines)
    return joined if isinstance(joined, bytes) else joined.encode()


def _merged(runs: list[BinaryIO]) -> Iterator[bytes]:
    return heapq.merge(*map(_from_start, runs))


def _from_start(run: BinaryIO) -> Iterator[bytes]:
    run.seek(0)
    return iter(run)


def _close(runs: list[BinaryIO]) -> None:
    while runs:
        runs.pop().close()
