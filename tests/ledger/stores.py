"""Object stores in memory, and what a ledger asks of the path to one."""

from collections import Counter

from fsspec.implementations.memory import MemoryFileSystem


class ListingStore(MemoryFileSystem):
    """An object store in memory that remembers listings for the process's life, as s3fs does."""

    store: dict = {}  # noqa: RUF012 - MemoryFileSystem keeps its files in a class attribute
    pseudo_dirs: list = [""]  # noqa: RUF012
    cachable = False

    def ls(self, path, detail=True, **kwargs):
        path = self._strip_protocol(path)
        if path not in self.dircache:
            self.dircache[path] = super().ls(path, detail=True, **kwargs)
        return self.dircache[path] if detail else sorted(entry["name"] for entry in self.dircache[path])

    def exists(self, path, **kwargs):
        path = self._strip_protocol(path)
        if self._parent(path) in self.dircache:
            return any(entry["name"] == path for entry in self.dircache[self._parent(path)])
        return super().exists(path, **kwargs)

    def invalidate_cache(self, path=None):
        self.dircache.clear()


class CountingStore(MemoryFileSystem):
    """An object store in memory that counts what is asked of it, each of which would be a request.

    :ivar asked: how often it was asked what there is (``ls``, ``exists``), and which files were read, by their names.
    """

    cachable = False

    def __init__(self):
        super().__init__()
        self.store = {}
        self.pseudo_dirs = [""]
        self.asked = Counter()

    def ls(self, path, detail=True, **kwargs):
        self.asked["ls"] += 1
        return super().ls(path, detail=detail, **kwargs)

    def exists(self, path, **kwargs):
        self.asked["exists"] += 1
        return super().exists(path, **kwargs)

    def cat_file(self, path, start=None, end=None, **kwargs):
        self.asked[path.rpartition("/")[2]] += 1
        return super().cat_file(path, start, end, **kwargs)

    def _open(self, path, mode="rb", **kwargs):
        if mode == "rb":
            self.asked[path.rpartition("/")[2]] += 1
        return super()._open(path, mode, **kwargs)


class StorePath:
    """As much of an ObjectStoragePath as the ledger asks for; each one has its own view of the store."""

    protocol = "memory"

    def __init__(self, path: str, fs: MemoryFileSystem | None = None) -> None:
        self.fs = fs or ListingStore(use_listings_cache=True)
        self.path = path

    def __str__(self) -> str:
        return f"memory://conn@{self.path}"
