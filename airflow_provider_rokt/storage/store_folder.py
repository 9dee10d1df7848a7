"""A folder of an object store, where nothing can be appended: lines are put in parts, each a whole object."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from airflow_provider_rokt.storage.failure import using, writing
from airflow_provider_rokt.storage.folder import (
    Folder,
    LineWriter,
    in_order,
    is_unfinished,
    part_name,
    unfinished_name,
)
from airflow_provider_rokt.storage.local_folder import LocalFolder

PART_BYTES: Final = 1_000_000
"""A part on an object store is put at this size at the latest; a reader holds one such part in memory."""
PART_SECONDS: Final = 10.0
"""... or with the first record after this time, so that a killed task loses about that much of its ledger."""


class StoreFolder:
    """A folder of an object store.

    It talks to the path's file system, not to the path: ``ObjectStoragePath`` reports what is opened through it as
    an input or output of the task, and the ledger is neither.

    :param fs: an fsspec file system.
    :param path: the folder's path in it.
    :param uri: the same with protocol and, where there is one, Airflow connection.
    """

    def __init__(self, fs: Any, path: str, uri: str) -> None:
        self._fs = fs
        self._path = path.rstrip("/")
        self.uri = uri.rstrip("/")

    @property
    def appends(self) -> bool:
        """No: lines are put some at a time."""
        return False

    def folder(self, name: str) -> Folder:
        """The folder of that name in this one."""
        return StoreFolder(self._fs, f"{self._path}/{name}", f"{self.uri}/{name}")

    def names(self) -> list[str]:
        """What it holds, sorted."""
        self._forget()
        try:
            return sorted(entry.rstrip("/").rpartition("/")[2] for entry in self._fs.ls(self._path, detail=False))
        except FileNotFoundError:
            return []

    def exists(self, name: str) -> bool:
        """Whether it holds a file of that name."""
        self._forget()
        return bool(self._fs.exists(f"{self._path}/{name}"))

    def lines(self, name: str) -> Iterator[bytes]:
        """A file's lines; the file is read whole, a part being small by construction."""
        yield from self._fs.cat_file(f"{self._path}/{name}").splitlines(keepends=True)

    def put(self, name: str, data: bytes) -> None:
        """Writes a whole file; an object store shows all of it or nothing."""
        with writing(self.uri):
            self._fs.pipe_file(f"{self._path}/{name}", data)

    def read(self, name: str) -> BinaryIO:
        """A file, open for reading."""
        self._forget()
        file: BinaryIO = self._fs.open(f"{self._path}/{name}", "rb")
        return file

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Writes a whole file from chunks. Moved into place, since closing after an exception uploads what there is."""
        unfinished = f"{self._path}/{unfinished_name(name)}"
        try:
            with writing(self.uri):
                self._fs.makedirs(self._path, exist_ok=True)
                file = self._fs.open(unfinished, "wb")
            self._fill(file, chunks)
            with writing(self.uri):
                self._fs.mv(unfinished, f"{self._path}/{name}")
        except BaseException:
            self._discard(unfinished)
            raise

    def _fill(self, file: BinaryIO, chunks: Iterable[bytes]) -> None:
        try:
            # The chunks are made as they are asked for, and what fails in that is not the storage's.
            for chunk in chunks:
                with writing(self.uri):
                    file.write(chunk)
        except BaseException:
            with suppress(Exception):
                file.close()
            raise
        with writing(self.uri):
            file.close()

    def create(self, name: str, data: bytes) -> None:
        """Writes a small file, unless it exists: ``FileExistsError``.

        Two at the same moment may both succeed where the store has no exclusive creation.
        """
        with writing(self.uri):
            # Looked for first, as some stores take "xb" for "wb".
            is_there = self.exists(name) or not self._created(name, data)
        if is_there:
            raise FileExistsError(f"{self.uri}/{name}")

    def _created(self, name: str, data: bytes) -> bool:
        self._fs.makedirs(self._path, exist_ok=True)
        try:
            with self._fs.open(f"{self._path}/{name}", "xb") as file:
                file.write(data)
        except FileExistsError:
            return False
        except (NotImplementedError, ValueError):
            self.put(name, data)
        return True

    def remove(self, name: str) -> None:
        """Removes a file, if it exists."""
        with writing(self.uri), suppress(FileNotFoundError):
            self._fs.rm_file(f"{self._path}/{name}")

    def delete(self, last: str = "") -> None:
        """Removes all that it holds, and with it the folder."""
        self._forget()
        with using(self.uri, "removed"):
            for path in in_order(self._fs.find(self._path), last):
                with suppress(FileNotFoundError):
                    self._fs.rm_file(path)
        with suppress(Exception):
            # On some stores folders are there without what they held.
            self._fs.rm(self._path, recursive=True)

    def written_at(self, name: str) -> float | None:
        """When a file was put, where the store knows it with its time zone."""
        try:
            written_at = self._fs.modified(f"{self._path}/{name}")
        except NotImplementedError:
            return None
        return float(written_at.timestamp()) if written_at.tzinfo else None

    def tidy(self, before: float) -> None:
        """Removes what killed writers left unfinished, where the store knows since when it is there."""
        with suppress(Exception):
            for name in filter(is_unfinished, self.names()):
                written_at = self.written_at(name)
                if written_at is not None and written_at < before:
                    self._discard(f"{self._path}/{name}")

    def _discard(self, path: str) -> None:
        # Whatever went wrong is being raised; that it cannot be cleaned up as well must not hide it.
        with suppress(Exception):
            self._fs.rm_file(path)

    def writer(self, part: Callable[[int], str] = part_name) -> LineWriter:
        """Makes the folder and begins its first part; ``FileExistsError`` where there is one."""
        with writing(self.uri):
            is_there = self.exists(part(0))
            self._fs.makedirs(self._path, exist_ok=True)
        if is_there:
            raise FileExistsError(self.uri)
        return _PutLines(self, part)

    def _forget(self) -> None:
        # File systems such as s3fs remember a listing for the life of the process and answer exists() from it: a
        # sensor that waits would never see what another worker wrote since.
        self._fs.invalidate_cache()


class _PutLines:
    """Lines collected into parts, each put as one object."""

    def __init__(self, folder: StoreFolder, part: Callable[[int], str]) -> None:
        self._folder = folder
        self._part = part
        self._parts = 0
        self._lines: list[bytes] = []
        self._bytes = 0
        self._put_at = time.monotonic()

    def write(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._lines.append(line)
            self._bytes += len(line)
            if self._bytes >= PART_BYTES or time.monotonic() - self._put_at >= PART_SECONDS:
                self.flush()

    def flush(self) -> None:
        if self._lines:
            self._folder.put(self._part(self._parts), b"".join(self._lines))
            self._parts += 1
            self._lines.clear()
            self._bytes = 0
        self._put_at = time.monotonic()

    def close(self) -> None:
        self.flush()


def folder_at(root: Any) -> Folder:
    """The folder at a ``pathlib.Path`` or at Airflow's ``ObjectStoragePath``, whose ``file://`` is local too."""
    # On Airflow 2.11 an ObjectStoragePath is a pathlib.Path as well, but not of this platform's flavour.
    if isinstance(root, type(Path())):
        return LocalFolder(root)
    if root.protocol in ("", "file", "local"):
        return LocalFolder(Path(root.path))
    return StoreFolder(root.fs, root.path, str(root))
