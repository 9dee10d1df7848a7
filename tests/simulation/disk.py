"""A disk in memory: files as a killed process leaves them, and writes that fail."""

import errno
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO
from random import Random
from typing import BinaryIO

from airflow_provider_rokt.storage.failure import writing
from airflow_provider_rokt.storage.folder import part_name
from tests.simulation.scheduler import World, WorldEnded


class StoreError(Exception):
    """What an object store's library raises: no OSError."""


FAILURES: dict[str, Callable[[], Exception]] = {
    "disk full": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "not permitted": lambda: PermissionError(errno.EACCES, "Permission denied"),
    "store error": lambda: StoreError("503 Slow Down for zqx-bucket"),
    "value error": lambda: ValueError("I/O operation on closed file"),
    "folder gone": lambda: FileNotFoundError(errno.ENOENT, "No such file or directory"),
}


class Disk:
    """All files, by path.

    :param seconds: the longest that a write takes.
    :ivar fails_at: the write that fails first; 0 for none.
    :ivar failure: how, a key of :data:`FAILURES`.
    :ivar lasts: whether later writes fail too.
    :ivar has_failed: whether one has.
    :ivar failed: which files could not be written.
    :ivar writes: so far.
    """

    def __init__(self, world: World, rng: Random, seconds: float) -> None:
        self.world, self.rng, self._seconds = world, rng, seconds
        self.files: dict[str, bytearray] = {}
        self.fails_at, self.failure, self.lasts = 0, "disk full", True
        self.has_failed = False
        self.failed: set[str] = set()
        self.writes = 0

    def write(self, path: str, data: bytes) -> None:
        """Adds to a file, in two parts: a kill may come between."""
        self.writes += 1
        fails = self.writes == self.fails_at or (self.has_failed and self.lasts)
        self._take_time()
        torn = self.rng.randint(0, len(data))
        if fails:
            self._fail(path, data[:torn])
        self.files.setdefault(path, bytearray()).extend(data[:torn])
        try:
            self.world.step()
        except WorldEnded:
            raise
        except BaseException:
            # What a signal's handler raises leaves the rest in the file's buffer.
            self.files[path].extend(data[torn:])
            raise
        self.files[path].extend(data[torn:])

    def rename(self, path: str, to: str) -> None:
        """Moves a file over another."""
        self.world.step()
        if path not in self.files:
            raise FILE_GONE()
        self.files[to] = self.files.pop(path)

    def _take_time(self) -> None:
        if self._seconds and self.rng.random() < 0.1:
            self.world.sleep(self.rng.random() * self._seconds, is_idle=True)
        else:
            self.world.step()

    def _fail(self, path: str, part: bytes) -> None:
        self.has_failed = True
        self.failed.add(path)
        self.world.note(f"the disk fails: {self.failure}")
        if self.failure == "folder gone":
            folder = path.rpartition("/")[0]
            for name in [name for name in self.files if name.startswith(f"{folder}/")]:
                del self.files[name]
        elif self.failure == "disk full":
            self.files.setdefault(path, bytearray()).extend(part)
        with writing(f"memory://{path.rpartition('/')[0]}"):
            raise FAILURES[self.failure]()


# A part on a store has so many lines at most.
PART_LINES = 20
FILE_GONE = FAILURES["folder gone"]


class MemoryFolder:
    """Implements :class:`~airflow_provider_rokt.storage.folder.Folder` on such a disk.

    :param appends: whether lines go to one file as on a file system, or are put in parts as on an object store.
    """

    def __init__(self, disk: Disk, path: str, *, appends: bool) -> None:
        self._disk, self._path, self.appends = disk, path, appends

    @property
    def uri(self) -> str:
        return f"memory://{self._path}"

    def folder(self, name: str) -> "MemoryFolder":
        return MemoryFolder(self._disk, f"{self._path}/{name}", appends=self.appends)

    def names(self) -> list[str]:
        start = len(self._path) + 1
        below = [path[start:] for path in self._disk.files if path.startswith(f"{self._path}/")]
        return sorted({path.partition("/")[0] for path in below})

    def exists(self, name: str) -> bool:
        return f"{self._path}/{name}" in self._disk.files

    def lines(self, name: str) -> Iterator[bytes]:
        yield from self.read(name)

    def read(self, name: str) -> BinaryIO:
        if not self.exists(name):
            raise FILE_GONE()
        return BytesIO(bytes(self._disk.files[f"{self._path}/{name}"]))

    def put(self, name: str, data: bytes) -> None:
        self._disk.rename(self._unfinished(name, data), f"{self._path}/{name}")

    def _unfinished(self, name: str, data: bytes) -> str:
        # Of an object store nobody sees a part that is being written.
        folder = self._path if self.appends else f"uploads/{self._path}"
        unfinished = f"{folder}/{name}.{self._disk.writes}.partial"
        self._disk.write(unfinished, data)
        return unfinished

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        self.put(name, b"".join(chunks))

    def create(self, name: str, data: bytes) -> None:
        unfinished = self._unfinished(name, data)
        self._disk.world.step()
        if self.exists(name):
            self._disk.files.pop(unfinished, None)
            raise FileExistsError(errno.EEXIST, "File exists")
        self._disk.files[f"{self._path}/{name}"] = self._disk.files.pop(unfinished)

    def remove(self, name: str) -> None:
        self._disk.files.pop(f"{self._path}/{name}", None)

    def delete(self, last: str = "") -> None:
        self._disk.world.step()
        for path in [path for path in self._disk.files if path.startswith(f"{self._path}/")]:
            del self._disk.files[path]

    def written_at(self, name: str) -> float | None:
        return None

    def tidy(self, before: float) -> None:
        """What killed writers left stays."""

    def writer(self, part: Callable[[int], str] = part_name) -> "_Lines":
        if self.exists(part(0)):
            raise FileExistsError(errno.EEXIST, "File exists")
        return _Appended(self._disk, f"{self._path}/{part(0)}") if self.appends else _Parts(self, self._disk, part)


class _Lines:
    def write(self, lines: Iterable[bytes]) -> None:
        raise NotImplementedError

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.flush()


class _Appended(_Lines):
    def __init__(self, disk: Disk, path: str) -> None:
        self._disk, self._path = disk, path
        disk.write(path, b"")

    def write(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._disk.write(self._path, line)


class _Parts(_Lines):
    """Parts of a few lines; what is not put yet is lost with the process."""

    def __init__(self, folder: MemoryFolder, disk: Disk, part: Callable[[int], str]) -> None:
        self._folder, self._disk, self._part = folder, disk, part
        self._lines: list[bytes] = []
        self._parts = 0
        self._put_at = disk.world.now()

    def write(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self._lines.append(line)
            if len(self._lines) >= PART_LINES or self._disk.world.now() - self._put_at > 10.0:
                self.flush()

    def flush(self) -> None:
        if self._lines:
            self._folder.put(self._part(self._parts), b"".join(self._lines))
            self._parts += 1
            self._lines.clear()
        self._put_at = self._disk.world.now()
