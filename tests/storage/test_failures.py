"""Storage that fails raises errors of ours, in words of ours; and what is written is its owner's and group's alone."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_provider_rokt.exceptions import RoktStorageError
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.lease import Lease
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder
from tests.storage.failing import SECRET, FailingStore


def begin(folder: Folder) -> None:
    writer = folder.writer()
    writer.write([b"line\n"])
    writer.close()


WRITES: dict[str, Callable[[Folder], None]] = {
    "put": lambda folder: folder.put("a", b"1"),
    "write": lambda folder: folder.write("a", [b"1"]),
    "write much": lambda folder: folder.write("a", [b"1", b"1" * 500_000]),
    "create": lambda folder: folder.create("a", b"1"),
    "remove": lambda folder: folder.remove("there"),
    "writer": begin,
    "lease": lambda folder: Lease(folder, "run").take() and None,
}


@pytest.mark.parametrize("name", WRITES)
def test_a_store_that_fails_is_told_in_words_of_ours(name: str) -> None:
    store = FailingStore()
    folder = StoreFolder(store, "/bucket/x", "memory://bucket/x")
    folder.put("there", b"1")
    store.fails_at = store.changes + 1
    with pytest.raises(RoktStorageError) as failed:
        WRITES[name](folder)
    said = str(failed.value)
    assert "memory://bucket/x cannot be written (ClientError). Free the disk" in said
    assert failed.value.retryable
    assert SECRET not in said
    assert failed.value.__suppress_context__


@pytest.mark.parametrize("name", [name for name in WRITES if name != "remove"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RoktStorageError, match=r"cannot be written \(\w+: (Not a directory|No such file)"):
        WRITES[name](LocalFolder(tmp_path / "file" / "folder"))


FULL = """
import sys
from pathlib import Path
from airflow_provider_rokt.exceptions import RoktStorageError
from airflow_provider_rokt.storage.local_folder import LocalFolder
from tests.storage.failing import fill_the_disk
from tests.storage.test_failures import WRITES

folder = LocalFolder(Path(sys.argv[1]))
folder.write("old", [b"old"])
fill_the_disk(0)
for name in [name for name in WRITES if name != "remove"]:
    try:
        WRITES[name](folder)
    except RoktStorageError as error:
        print(name, error.failure)
"""


def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [f"{name} OSError: File too large" for name in WRITES if name != "remove"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["old", "part-00000.jsonl"]
    assert (tmp_path / "old").read_text() == "old"


class _NoExclusiveCreation(FailingStore):
    """A store that knows no mode ``xb``."""

    def _open(self, path: str, mode: str = "rb", **kwargs: object) -> object:
        if mode == "xb":
            raise NotImplementedError("File mode not supported")
        return super()._open(path, mode, **kwargs)


def test_the_first_failure_is_the_one_that_is_told() -> None:
    with pytest.raises(RoktStorageError, match=r"\(ClientError\)"):
        StoreFolder(_NoExclusiveCreation(1), "/bucket/x", "memory://bucket/x").create("a", b"1")


class _Unclosing(FailingStore):
    """A store that takes nothing any more once a file is to be closed, which is when a store uploads it."""

    def _open(self, path: str, mode: str = "rb", **kwargs: object) -> object:
        file = super()._open(path, mode, **kwargs)
        file.close = lambda: self._change("close") or (_ for _ in ()).throw(OSError(5, SECRET))
        return file


def test_closing_what_failed_hides_nothing() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise KeyError("a fault of ours")

    folder = StoreFolder(_Unclosing(), "/bucket/x", "memory://bucket/x")
    with pytest.raises(KeyError, match="a fault of ours"):
        folder.write("a", chunks())
    with pytest.raises(RoktStorageError, match="Input/output error"):
        folder.write("a", [b"whole"])


def test_what_fails_in_the_making_of_chunks_is_not_called_a_failure_of_the_storage(folder: Folder) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError, match="a fault of ours"):
        folder.write("a", chunks())
    assert folder.names() == []


# --- modes


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o177])
def test_owner_and_group_read_what_is_written_and_nobody_else(
    tmp_path: Path, umask: Callable[[int], int], mask: int
) -> None:
    (tmp_path / "mine").mkdir(mode=0o700)
    umask(mask)
    folder = LocalFolder(tmp_path / "mine" / "new" / "ledger")
    begin(folder)
    folder.put("put", b"1")
    folder.write("written", [b"1"])
    folder.create("created", b"1")
    Lease(folder, "run").take()
    made = tmp_path / "mine" / "new"
    assert {path.name: mode_of(path) for path in made.rglob("*") if path.is_file()} == dict.fromkeys(
        ["part-00000.jsonl", "put", "written", "created", "lock"], 0o640
    )
    assert {mode_of(made), mode_of(made / "ledger")} == {0o750}
    assert mode_of(tmp_path / "mine") == 0o700, "a folder that was there stays as it is"


def test_a_folder_that_hands_its_group_down_does_so_on(tmp_path: Path) -> None:
    tmp_path.chmod(0o2750)
    if not mode_of(tmp_path) & 0o2000:
        pytest.skip("this file system knows no such bit")
    begin(LocalFolder(tmp_path / "a" / "b"))
    assert mode_of(tmp_path / "a" / "b") == 0o2750


def test_what_was_replaced_has_the_mode_too(tmp_path: Path) -> None:
    (tmp_path / "old").touch(mode=0o666)
    LocalFolder(tmp_path).write("old", [b"new"])
    assert mode_of(tmp_path / "old") == 0o640


# --- leftovers


def test_what_a_killed_writer_left_is_tidied_once_it_is_surely_nobodys(folder: Folder) -> None:
    folder.write("lock.0123abcd.partial", [b"half"])
    folder.write("kept", [b"whole"])
    begin_of_time, now = 0.0, 4e9
    folder.tidy(begin_of_time)
    assert folder.names() == ["kept", "lock.0123abcd.partial"]
    folder.tidy(now)
    assert folder.names() == ["kept"]


def test_the_next_holder_of_a_lease_tidies(tmp_path: Path) -> None:
    for name, age in (("lock.0a.partial", 7200), ("members.0b.partial", 7200), ("lock.0c.partial", 60)):
        (tmp_path / name).touch()
        at = (tmp_path / name).stat().st_mtime - age
        os.utime(tmp_path / name, (at, at))
    Lease(LocalFolder(tmp_path), "run").take()
    assert sorted(os.listdir(tmp_path)) == ["lock", "lock.0c.partial"]


def test_leftovers_of_a_folder_that_is_not_there_are_no_matter(folder: Folder) -> None:
    folder.tidy(4e9)


# --- the lease


def test_a_lease_that_cannot_be_read_is_told_and_giving_it_back_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    class Blind(FailingStore):
        blind = False

        def _open(self, path: str, mode: str = "rb", **kwargs: object) -> object:
            if self.blind:
                raise OSError(5, SECRET)
            return super()._open(path, mode, **kwargs)

    store = Blind()
    lease = Lease(StoreFolder(store, "/bucket/x", "memory://bucket/x"), "run")
    lease.take()
    store.blind = True
    with pytest.raises(RoktStorageError, match=r"x/lock cannot be read \(OSError: Input/output error\)") as failed:
        lease.check()
    lease.release()
    assert "The audience is not given back, it is free in 300 s: OSError: Input/output error" in caplog.text
    assert SECRET not in f"{failed.value}{caplog.text}"
