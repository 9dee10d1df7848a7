"""A disk whose process is killed at its nth change: nothing that it does afterwards reaches the disk."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from airflow_provider_rokt.storage.folder import in_order
from airflow_provider_rokt.storage.local_folder import LocalFolder


class Killed(BaseException):
    """What no code may handle."""


class Life:
    """So many changes, shared by a folder and those in it.

    :param changes: after how many it ends; None for never.
    :ivar made: how many were made.
    """

    def __init__(self, changes: int | None = None) -> None:
        self._changes = changes
        self.made = 0

    def change(self) -> None:
        """Is about to make one."""
        if self._changes is not None and self.made >= self._changes:
            raise Killed
        self.made += 1


class DyingFolder(LocalFolder):
    """A folder of a process that is killed; each file that goes is a change of its own."""

    def __init__(self, path: Path, life: Life) -> None:
        super().__init__(path)
        self._at = path
        self._life = life

    def folder(self, name: str) -> "DyingFolder":
        return DyingFolder(self._at / name, self._life)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        def dying() -> Iterator[bytes]:
            for chunk in chunks:
                self._life.change()
                yield chunk
            self._life.change()

        super().write(name, dying())

    def create(self, name: str, data: bytes) -> None:
        self._life.change()
        super().create(name, data)

    def remove(self, name: str) -> None:
        self._life.change()
        super().remove(name)

    def delete(self, last: str = "") -> None:
        for name in in_order(self.names(), last):
            self.remove(name)
        self._life.change()
        super().delete(last)

    def tidy(self, before: float) -> None:
        self._life.change()
        super().tidy(before)


class WatchedFolder(LocalFolder):
    """Lets something happen right before its nth look.

    :param looks: which, from 0, shared with the folders in it.
    """

    def __init__(self, path: Path, happens: Callable[[], None], looks: list[int]) -> None:
        super().__init__(path)
        self._at = path
        self._happens = happens
        self._looks = looks

    def folder(self, name: str) -> "WatchedFolder":
        return WatchedFolder(self._at / name, self._happens, self._looks)

    def names(self) -> list[str]:
        self._look()
        return super().names()

    def read(self, name: str) -> Any:
        self._look()
        return super().read(name)

    def _look(self) -> None:
        self._looks[0] -= 1
        if self._looks[0] == -1:
            self._happens()
