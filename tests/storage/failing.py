"""Storage that fails: an object store at its nth change, and a disk where a file may grow no further."""

import resource
import signal
from typing import Any

from fsspec.implementations.memory import MemoryFileSystem

# What a store may say of itself; nothing of it may be repeated.
SECRET = "https://bucket.example.com/?signature=c2VjcmV0"


class ClientError(Exception):
    """As botocore's: no OSError at all."""


class FailingStore(MemoryFileSystem):
    """An object store whose changes fail from one of them on, or that one alone.

    :param fails_at: which, from 1; None for none.
    :param heals: whether later ones work again.
    """

    cachable = False

    def __init__(self, fails_at: int | None = None, *, heals: bool = False) -> None:
        super().__init__()
        self.store: dict[str, Any] = {}
        self.pseudo_dirs = [""]
        self.changes = 0
        self.fails_at = fails_at
        self.heals = heals
        self.log: list[str] = []
        self._is_within = False

    def _change(self, what: str) -> None:
        if self._is_within:
            return
        self.changes += 1
        self.log.append(what)
        if self.fails_at and (self.changes == self.fails_at or (self.changes > self.fails_at and not self.heals)):
            raise ClientError(f"AccessDenied at {SECRET}")

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        self._change(f"put {path}")
        # One change, though it may be made of others.
        self._is_within = True
        try:
            super().pipe_file(path, value, mode=mode, **kwargs)
        finally:
            self._is_within = False

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        if mode != "rb":
            self._change(f"open {path}")
        return super()._open(path, mode, **kwargs)

    def mv(self, path1: str, path2: str, **kwargs: Any) -> None:
        self._change(f"move {path1}")
        super().mv(path1, path2, **kwargs)

    def rm_file(self, path: str) -> None:
        self._change(f"remove {path}")
        super().rm_file(path)


class StorePath:
    """As much of an ``ObjectStoragePath`` as a ledger asks for."""

    protocol = "memory"

    def __init__(self, fs: FailingStore, path: str = "/bucket/ledger") -> None:
        self.fs = fs
        self.path = path

    def __str__(self) -> str:
        return f"memory://conn@{self.path}"


def fill_the_disk(size: int) -> None:
    """From now on no file of this process grows beyond so many bytes: the system refuses, as on a full disk."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
