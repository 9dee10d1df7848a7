"""Whole files in a folder: the old one or all of the new one, on a disk and on an object store."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder

Folder = LocalFolder | StoreFolder


class _NoExclusiveCreation(MemoryFileSystem):
    """A store that knows no mode ``xb``."""

    cachable = False

    def _open(self, path: str, mode: str = "rb", **kwargs: object) -> object:
        if mode == "xb":
            raise NotImplementedError("File mode not supported")
        return super()._open(path, mode, **kwargs)


@pytest.fixture(params=["disk", "store", "plain store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    if request.param == "disk":
        yield LocalFolder(tmp_path / "new" / "folder")
        return
    store = MemoryFileSystem() if request.param == "store" else _NoExclusiveCreation()
    yield StoreFolder(store, f"/{tmp_path.name}/folder", f"memory://{tmp_path.name}/folder")
    if store.exists(f"/{tmp_path.name}"):
        store.rm(f"/{tmp_path.name}", recursive=True)


def content(folder: Folder, name: str) -> bytes:
    with folder.read(name) as file:
        return file.read()


def broken() -> Iterator[bytes]:
    yield b"half of the ne"
    raise KeyboardInterrupt


def test_a_file_is_replaced(folder: Folder) -> None:
    folder.write("a", [b"o", b"ld"])
    assert content(folder, "a") == b"old"
    folder.write("a", iter([b"new"]))
    assert content(folder, "a") == b"new"
    assert folder.names() == ["a"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(folder: Folder) -> None:
    folder.write("a", [b"old"])
    with pytest.raises(KeyboardInterrupt):
        folder.write("a", broken())
    assert content(folder, "a") == b"old"
    with pytest.raises(KeyboardInterrupt):
        folder.write("b", broken())
    assert folder.names() == ["a"]


def test_what_is_not_there_cannot_be_read_and_is_removed_already(folder: Folder) -> None:
    with pytest.raises(FileNotFoundError):
        folder.read("a")
    folder.remove("a")
    folder.write("a", [b"1"])
    folder.remove("a")
    assert folder.names() == []


def test_a_file_is_created_once(folder: Folder) -> None:
    folder.create("a", b"first")
    with pytest.raises(FileExistsError):
        folder.create("a", b"second")
    assert content(folder, "a") == b"first"
    assert folder.names() == ["a"]


def test_a_disk_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    test_a_file_is_created_once(LocalFolder(tmp_path))
