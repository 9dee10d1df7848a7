"""What a delivery leaves is read as it was written: beside others, cut short by a kill, and from another release."""

import json
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktMemoryError
from airflow_provider_rokt.flow.mark import MARK_BYTES
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import PART_BYTES
from airflow_provider_rokt.syncs.trails import DONE, REFUSED, Trail, TrailName, TrailWriter
from tests.syncs.rows import RUN, SENDER, leave, listed, marks

NAME = TrailName(7, 20_000, RUN, -1, 0)
NUMBERS = st.integers(0, 10**9)


def trail_of(folder: Folder, header: bytes, held: bytes = b"") -> Trail:
    """A trail whose first file holds this."""
    folder.folder(str(NAME)).write("marks-00000", [header, held])
    return Trail(folder.folder(str(NAME)), NAME)


@given(number=NUMBERS, day=NUMBERS, run=st.integers(0, 2**48 - 1), part=st.integers(-1, 10**6), sequence=NUMBERS)
def test_a_name_says_what_it_was_made_of(number: int, day: int, run: int, part: int, sequence: int) -> None:
    name = TrailName(number, day, f"{run:012x}", part, sequence)
    assert TrailName.read(str(name)) == name


@given(st.text() | st.from_regex(r"t\d{8}-\d{5}-[0-9a-f]{11,13}-(\d{4,5}|whole)-\d{2,3}", fullmatch=True))
def test_what_is_no_name_is_none_and_what_is_one_reads_as_it_is_written(text: str) -> None:
    name = TrailName.read(text)
    assert name is None or str(name) == text


@pytest.mark.parametrize(
    "text", ["", "turns", "t1-2-3-4-5", f"{NAME}.abcd.partial", f"{NAME}\n", "m00000001-20000-5-00000000"]
)
def test_other_names_are_none(text: str) -> None:
    assert TrailName.read(text) is None


def test_names_sort_by_number() -> None:
    names = [NAME._replace(number=number) for number in (1, 9, 10, 99, 100, 99_999_999)]
    assert sorted(map(str, names)) == [str(name) for name in names]


@given(
    st.lists(st.binary(min_size=MARK_BYTES, max_size=5 * MARK_BYTES).map(lambda b: b[: len(b) // 16 * 16]), max_size=9)
)
def test_marks_are_read_as_they_were_written(tmp_path_factory: pytest.TempPathFactory, written: list[bytes]) -> None:
    folder = LocalFolder(tmp_path_factory.mktemp("sync"))
    writer = TrailWriter(folder, NAME, "delivery", SENDER, b"salt")
    for place, some in enumerate(written, 1):
        writer.write(some)
        # Nobody waits for the end: its process may be killed before.
        assert b"".join(writer.trail.marks()) == b"".join(written[:place])
    writer.close()
    assert b"".join(writer.trail.marks()) == b"".join(written)


def test_many_marks_are_read_from_many_files(folder: Folder) -> None:
    each = marks(range(20_000))
    writer = TrailWriter(folder, NAME, "delivery", SENDER, b"salt")
    for _ in range(4):
        writer.write(each)
    writer.close()
    assert 4 * len(each) > PART_BYTES
    assert b"".join(writer.trail.marks()) == 4 * each


def test_its_header_says_whose_it_is(folder: Folder) -> None:
    trail = leave(folder, NAME, b"")
    header = trail.header()
    assert header
    assert (header.delivery_id, header.sender, bytes.fromhex(header.salt)) == ("delivery", SENDER, b"salt")


def test_what_a_kill_cut_short_is_left_out(tmp_path: Path) -> None:
    whole = marks(range(9))
    for cut in range(MARK_BYTES):
        folder = LocalFolder(tmp_path / str(cut))
        trail = leave(folder, NAME, whole)
        path = tmp_path / str(cut) / str(NAME) / "marks-00000"
        path.write_bytes(path.read_bytes()[: -cut or None])
        assert b"".join(trail.marks()) == (whole if not cut else whole[:-MARK_BYTES])


def test_cut_short_anywhere_it_holds_whole_marks_that_were_written(tmp_path: Path) -> None:
    folder, whole = LocalFolder(tmp_path), marks(range(3))
    trail = leave(folder, NAME, whole)
    path = tmp_path / str(NAME) / "marks-00000"
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        held = b"".join(trail.marks())
        assert len(held) == max(0, length - (len(content) - len(whole))) // MARK_BYTES * MARK_BYTES
        assert whole.startswith(held)
        assert (trail.header() is None) == (length < len(content) - len(whole))


def test_a_trail_without_a_file_is_empty(folder: Folder) -> None:
    trail = Trail(folder.folder(str(NAME)), NAME)
    assert trail.header() is None
    assert list(trail.marks()) == []
    assert not trail.is_done()


@pytest.mark.parametrize(
    "change",
    [{"version": 2}, {"version": 2, "salt": None, "began_at": 5}, {"version": 0}],
    ids=["newer", "newer with other fields", "unknown"],
)
def test_that_of_another_release_is_refused(folder: Folder, change: dict[str, object]) -> None:
    header = {"format": "rokt-trail", "version": 1, "delivery_id": "d", "began_at": "x", "sender": {}, "salt": "00"}
    trail = trail_of(folder, json.dumps(header | change).encode() + b"\n", marks(range(5)))
    for read in (trail.header, lambda: list(trail.marks())):
        with pytest.raises(
            RoktMemoryError, match=rf"has version {change['version']} and this release reads 1.*Nothing was sent"
        ):
            read()


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"\xff\n", b"[]\n", b'{"format": "rokt-sorted", "version": 1}\n'])
def test_a_damaged_one_is_named(folder: Folder, line: bytes) -> None:
    trail = trail_of(folder, line, marks(range(5)))
    for read in (trail.header, lambda: list(trail.marks())):
        with pytest.raises(RoktMemoryError, match=rf"{NAME} is damaged.*Nothing was sent: restore it"):
            read()


def test_its_end_and_a_refusal_are_noted(folder: Folder) -> None:
    trail = leave(folder, NAME, marks(range(2)), done=False)
    assert (trail.is_done(), trail.is_refused()) == (False, False)
    trail.note(REFUSED)
    assert (trail.is_done(), trail.is_refused()) == (False, True)
    trail.note(DONE)
    trail.note(DONE)
    assert (trail.is_done(), trail.is_refused()) == (True, True)
    assert b"".join(trail.marks()) == marks(range(2))
    trail.delete()
    assert listed(folder) == []


def test_tries_of_one_part_lie_beside_each_other(folder: Folder) -> None:
    names = [leave(folder, NAME, marks([number])).name for number in range(3)]
    assert names == [NAME, NAME._replace(sequence=1), NAME._replace(sequence=2)]
    assert sorted(b"".join(trail.marks()) for trail in listed(folder)) == sorted(marks([number]) for number in range(3))


def test_two_that_begin_at_once_have_a_trail_each(tmp_path: Path) -> None:
    """On a disk, that is: an object store cannot promise it."""
    folder, start, names = LocalFolder(tmp_path), Barrier(8, timeout=60), list[TrailName]()

    def begin(number: int) -> None:
        start.wait()
        names.append(leave(folder, NAME, marks([number])).name)

    threads = [Thread(target=begin, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(name.sequence for name in names) == list(range(8))
    held = b"".join(b"".join(trail.marks()) for trail in listed(folder))
    assert sorted(split(held)) == sorted(split(marks(range(8))))


def test_there_is_an_end_to_looking_for_a_name(tmp_path: Path) -> None:
    folder = LocalFolder(tmp_path)
    for _ in range(100):
        leave(folder, NAME, b"")
    with pytest.raises(RoktMemoryError, match="run the task again"):
        leave(folder, NAME, b"")


class Interrupted(LocalFolder):
    """Is killed when the first file is gone."""

    def delete(self, last: str = "") -> None:
        names = sorted(self.names(), key=lambda name: (name == last, name))
        self.remove(names[0])
        raise KeyboardInterrupt


def test_one_that_is_half_removed_does_not_become_an_earlier_try(tmp_path: Path) -> None:
    trail = leave(LocalFolder(tmp_path), NAME, marks(range(5)))
    with pytest.raises(KeyboardInterrupt):
        Trail(Interrupted(tmp_path / str(NAME)), NAME).delete()
    assert trail.is_done()
    assert list(trail.marks()) == []


def split(held: bytes) -> Iterator[bytes]:
    return (held[place : place + MARK_BYTES] for place in range(0, len(held), MARK_BYTES))
