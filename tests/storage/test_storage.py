"""Whole files in a folder: the old one or all of the new one, on a disk and on an object store."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_rokt.exceptions import RoktStorageError
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


def test_a_deleted_folder_leaves_no_folders_that_it_held(folder: Folder) -> None:
    """A name that is left would be taken for what it once named."""
    folder.create("about", b"1")
    folder.folder("trail").folder("deeper").create("marks", b"2")
    folder.folder("turns").create("mine", b"3")
    folder.folder("turns").remove("mine")
    folder.delete(last="about")
    assert folder.names() == []
    assert folder.folder("trail").names() == []


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


# --- a whole folder


def test_a_folder_is_deleted_with_all_it_holds_and_nothing_beside_it(folder: Folder) -> None:
    for name in ("a", "b", "last", "z"):
        folder.folder("gone").write(name, [b"1"])
    folder.folder("gone").folder("inner").write("c", [b"1"])
    folder.folder("gone-not").write("a", [b"1"])
    folder.folder("gone").delete(last="last")
    assert folder.names() == ["gone-not"]
    assert folder.folder("gone-not").names() == ["a"]
    folder.folder("gone").delete()


def test_a_folder_that_was_deleted_can_be_made_again(folder: Folder) -> None:
    folder.folder("a").write("b", [b"1"])
    folder.folder("a").delete()
    assert not folder.folder("a").exists("b")
    folder.folder("a").writer().close()
    assert folder.folder("a").exists("part-00000.jsonl") or isinstance(folder, StoreFolder)


def test_of_a_link_in_it_the_link_is_deleted(tmp_path: Path) -> None:
    kept = LocalFolder(tmp_path / "kept")
    kept.write("a", [b"1"])
    LocalFolder(tmp_path / "gone").write("a", [b"1"])
    (tmp_path / "gone" / "link").symlink_to(tmp_path / "kept")
    LocalFolder(tmp_path / "gone").delete()
    assert kept.names() == ["a"]
    assert not (tmp_path / "gone").exists()


def test_what_goes_last_stays_where_another_cannot_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = LocalFolder(tmp_path / "a")
    for name in ("1", "2", "3"):
        folder.write(name, [b"1"])
    unlink = os.unlink

    def refuse(path: Path, **options: object) -> None:
        if Path(path).name == "3":
            raise PermissionError(1, "Operation not permitted")
        unlink(path)

    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.raises(RoktStorageError, match=r"a cannot be removed \(PermissionError: Operation not permitted\)"):
        folder.delete(last="1")
    assert folder.names() == ["1", "3"]


def test_it_tells_when_a_file_was_written(folder: Folder) -> None:
    before = time.time()
    folder.write("a", [b"1"])
    written_at = folder.written_at("a")
    # A disk's clock ticks more coarsely than the processor's.
    assert written_at is not None
    assert before - 2 <= written_at <= time.time() + 2
    with pytest.raises(FileNotFoundError):
        folder.written_at("b")
