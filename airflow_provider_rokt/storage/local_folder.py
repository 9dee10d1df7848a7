"""A folder of this machine's file system: lines are appended, other files replaced in one step."""

import errno
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from airflow_provider_rokt.storage.failure import storage_error, using, writing
from airflow_provider_rokt.storage.folder import (
    Folder,
    LineWriter,
    in_order,
    is_unfinished,
    part_name,
    unfinished_name,
)

# Whatever the umask: the API server and the triggerer read by their group what a worker wrote, others never do.
FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750

_BUFFER_BYTES: Final = 131_072


class LocalFolder:
    """A folder of this machine's file system; it and its parents are made when something is written."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    @property
    def uri(self) -> str:
        """Its ``file://`` address."""
        return self._path.as_uri()

    @property
    def appends(self) -> bool:
        """Yes."""
        return True

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
        with (self._path / name).open("rb", buffering=_BUFFER_BYTES) as file:
            yield from file

    def put(self, name: str, data: bytes) -> None:
        """Writes a whole file into a folder that is there."""
        self._replace(name, [data])

    def read(self, name: str) -> BinaryIO:
        """A file, open for reading."""
        return (self._path / name).open("rb")

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Writes a whole file from chunks, durably; several writers at once leave the file of one of them."""
        with writing(self.uri):
            _make(self._path)
        self._replace(name, chunks)

    def create(self, name: str, data: bytes) -> None:
        """Writes a small file, unless it exists: ``FileExistsError``. It is there with all it holds, or not at all."""
        unfinished, path = self._path / unfinished_name(name), self._path / name
        with writing(self.uri):
            _make(self._path)
            try:
                _write(unfinished, data)
                is_there = not _linked(unfinished, path)
            finally:
                unfinished.unlink(missing_ok=True)
        if is_there:
            raise FileExistsError(path)

    def remove(self, name: str) -> None:
        """Removes a file, if it exists."""
        with writing(self.uri):
            (self._path / name).unlink(missing_ok=True)

    def delete(self, last: str = "") -> None:
        """Removes the folder with all it holds, if it exists; of a link that it holds, the link."""
        with using(self.uri, "removed"):
            for name in in_order(self.names(), last):
                _delete(self._path / name)
            with suppress(FileNotFoundError):
                self._path.rmdir()

    def written_at(self, name: str) -> float | None:
        """When a file was last written on."""
        return (self._path / name).stat().st_mtime

    def tidy(self, before: float) -> None:
        """Removes what killed writers left unfinished."""
        with suppress(OSError):
            for path in [self._path / name for name in self.names() if is_unfinished(name)]:
                if path.stat().st_mtime < before:
                    path.unlink()

    def writer(self, part: Callable[[int], str] = part_name) -> LineWriter:
        """Makes the folder and begins its first part; ``FileExistsError`` where there is one."""
        with writing(self.uri):
            _make(self._path)
            try:
                file = _opened(self._path / part(0))
            except FileExistsError:
                file = None
        if file is None:
            raise FileExistsError(self.uri)
        return _AppendedLines(self.uri, file)

    def _replace(self, name: str, chunks: Iterable[bytes]) -> None:
        unfinished = self._path / unfinished_name(name)
        with writing(self.uri):
            file = _opened(unfinished)
        try:
            # The chunks are made as they are asked for, and what fails in that is not the storage's.
            for chunk in chunks:
                with writing(self.uri):
                    file.write(chunk)
            with writing(self.uri):
                _close(file)
                unfinished.replace(self._path / name)
        finally:
            with suppress(OSError):
                file.close()
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)


class _AppendedLines:
    """Lines appended to a file; each call reaches the operating system, so a killed process loses none of them."""

    def __init__(self, uri: str, file: BinaryIO) -> None:
        self._uri = uri
        self._file = file

    def write(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            try:
                self._file.write(line)
            except OSError as error:
                raise storage_error(self._uri, error, "written") from None
        self.flush()

    def flush(self) -> None:
        with writing(self._uri):
            self._file.flush()

    def close(self) -> None:
        with writing(self._uri):
            if not self._file.closed:
                _close(self._file)


def _opened(path: Path) -> BinaryIO:
    """A new file with the mode of ours."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), FILE_MODE)
    # A file system without such modes, as of some shares, takes the file all the same.
    with suppress(OSError):
        os.chmod(path, FILE_MODE)
    return os.fdopen(descriptor, "wb", buffering=_BUFFER_BYTES)


def _close(file: BinaryIO) -> None:
    """Closes it, what was written being durable."""
    with file:
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, data: bytes) -> None:
    with _opened(path) as file:
        file.write(data)


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _linked(unfinished: Path, path: Path) -> bool:
    """Gives a finished file its name; False where another one has it."""
    try:
        os.link(unfinished, path)
    except FileExistsError:
        return False
    except OSError:
        # No hard links, as on SMB shares: a reader may find it empty for a moment.
        try:
            _write(path, unfinished.read_bytes())
        except FileExistsError:
            return False
    return True


def _make(path: Path) -> None:
    """Makes a folder and those above it, with the mode of ours; one that is there stays as it is."""
    if path.is_dir() or path.parent == path:
        return
    _make(path.parent)
    try:
        path.mkdir(FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, path.name) from None
        return
    with suppress(OSError):
        # A bit that hands the group down is often how others get to read it.
        path.chmod(FOLDER_MODE | (path.stat().st_mode & stat.S_ISGID))
