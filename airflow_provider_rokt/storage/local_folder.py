"""A folder of this machine's file system: lines are appended, other files replaced in one step."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from airflow_provider_rokt.storage.folder import Folder, LineWriter, part_name, unfinished_name


class LocalFolder:
    """A folder of this machine's file system."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    @property
    def uri(self) -> str:
        """Its ``file://`` address."""
        return self._path.as_uri()

    def folder(self, name: str) -> Folder:
        """The folder of that name in this one."""
        return LocalFolder(self._path / name)

    def names(self) -> list[str]:
        """What it holds, sorted."""
        try:
            return sorted(os.listdir(self._path))
        except FileNotFoundError:
            return []

    def exists(self, name: str) -> bool:
        """Whether it holds a file of that name."""
        return (self._path / name).exists()

    def lines(self, name: str) -> Iterator[bytes]:
        """A file's lines, read as they are asked for."""
        with (self._path / name).open("rb") as file:
            yield from file

    def put(self, name: str, data: bytes) -> None:
        """Writes a whole file."""
        unfinished = self._path / f"{name}.partial"
        unfinished.write_bytes(data)
        unfinished.replace(self._path / name)

    def read(self, name: str) -> BinaryIO:
        """A file, open for reading."""
        return (self._path / name).open("rb")

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Writes a whole file from chunks, durably; several writers at once leave the file of one of them."""
        self._path.mkdir(parents=True, exist_ok=True)
        unfinished = self._path / unfinished_name(name)
        try:
            with unfinished.open("wb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(self._path / name)
        finally:
            unfinished.unlink(missing_ok=True)

    def create(self, name: str, data: bytes) -> None:
        """Writes a small file, unless it exists: ``FileExistsError``. It is there with all it holds, or not at all."""
        self._path.mkdir(parents=True, exist_ok=True)
        unfinished = self._path / unfinished_name(name)
        try:
            unfinished.write_bytes(data)
            os.link(unfinished, self._path / name)
        except FileExistsError:
            raise
        except OSError:
            # No hard links, as on SMB shares: a reader may find it empty for a moment.
            with (self._path / name).open("xb") as file:
                file.write(data)
        finally:
            unfinished.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Removes a file, if it exists."""
        (self._path / name).unlink(missing_ok=True)

    def writer(self) -> LineWriter:
        """Makes the folder and begins its first part; ``FileExistsError`` where there is one."""
        self._path.mkdir(parents=True, exist_ok=True)
        return _AppendedLines(self._path / part_name(0))


class _AppendedLines:
    """Lines appended to a file; each call reaches the operating system, so a killed process loses none of them."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("xb")

    def write(self, lines: Iterable[bytes]) -> None:
        self._file.writelines(lines)
        self._file.flush()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()
