"""Lines of any length come back sorted, whatever fits on the disk, in flat memory."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.sorting import line_sorter
from airflow_provider_rokt.sorting.line_sorter import LINES_AT_ONCE, LineSorter

lines = st.lists(st.binary(max_size=20).map(lambda line: line.replace(b"\n", b"") + b"\n"), max_size=200)
HELD = 1_000_000


@pytest.fixture
def few_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(line_sorter, "RUNS", 3)
    yield


def sorter(most_lines: int = 9, most_chars: int = HELD) -> LineSorter[bytes]:
    return LineSorter(most_lines=most_lines, most_chars=most_chars)


def some(count: int) -> list[bytes]:
    return [b"%d\n" % Random(number).getrandbits(40) for number in range(count)]


@given(lines, st.integers(1, 7), st.integers(1, 100))
def test_every_line_comes_back_in_order_as_often_as_one_likes(
    found: list[bytes], most_lines: int, most_chars: int
) -> None:
    with sorter(most_lines, most_chars) as sorting:
        for line in found:
            sorting.add_line(line)
        assert list(sorting.sorted_lines()) == sorted(found)
        assert list(sorting.sorted_lines()) == sorted(found)


def test_more_lines_than_are_written_at_once_come_back_once_each() -> None:
    with LineSorter[str](most_lines=10**6, most_chars=HELD) as sorting:
        found = [f"ü{number:05}\n" for number in range(2 * LINES_AT_ONCE + 1)]
        for line in reversed(found):
            sorting.add_line(line)
        assert b"".join(sorting.sorted_lines()).decode() == "".join(found)


@pytest.mark.usefixtures("few_runs")
def test_of_any_number_of_runs_few_are_open() -> None:
    found, before = some(900), len(os.listdir("/proc/self/fd"))
    with sorter() as sorting:
        for line in found:
            sorting.add_line(line)
            # A hundred runs, by three: at most two of each length, and one that is being made.
            assert len(os.listdir("/proc/self/fd")) <= before + 5 * 2 + 1
        assert list(sorting.sorted_lines()) == sorted(found)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.usefixtures("few_runs")
def test_whoever_is_asked_during_a_merge_can_end_it() -> None:
    class EndedError(Exception):
        pass

    def end() -> None:
        raise EndedError

    with LineSorter[bytes](most_lines=9, most_chars=HELD, check=end) as sorting, pytest.raises(EndedError):
        for line in some(27):
            sorting.add_line(line)


def test_its_files_have_no_name_and_are_their_owners_alone(tmp_path: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with LineSorter[bytes](most_lines=1, most_chars=HELD, directory=str(tmp_path)) as sorting:
        sorting.add_line(b"2\n")
        sorting.add_line(b"1\n")
        assert os.listdir(tmp_path) == []
        mine = [int(fd) for fd in os.listdir("/proc/self/fd") if fd not in before]
        files = [status for fd in mine if stat.S_ISREG((status := _status(fd)).st_mode)]
        assert [stat.S_IMODE(status.st_mode) for status in files] == [0o600, 0o600]
        assert list(sorting.sorted_lines()) == [b"1\n", b"2\n"]


def _status(fd: int) -> os.stat_result:
    try:
        return os.fstat(fd)
    except OSError:  # that of the listing itself
        return os.stat("/")


FULL = """
from airflow_provider_rokt.exceptions import RoktStorageError
from airflow_provider_rokt.sorting.line_sorter import LineSorter
from tests.storage.failing import fill_the_disk

fill_the_disk(100_000)
with LineSorter(most_lines=10**6, most_chars=300_000) as sorting:
    try:
        for number in range(10_000):
            sorting.add_line(b"%099d\\n" % number)
    except RoktStorageError as error:
        print(number, error)
"""


def test_a_full_disk_is_told_with_what_to_do() -> None:
    done = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("2999 the temporary folder")
    assert "File too large). Free the disk" in done.stdout
    assert done.stderr == ""


def test_memory_holds_what_it_is_told_to() -> None:
    """Of 30 MB some 2: those that are held, a batch of them joined, and a buffer for each of fifteen runs."""
    code = """
import tracemalloc
from airflow_provider_rokt.sorting.line_sorter import LineSorter

tracemalloc.start()
with LineSorter(most_lines=10**6, most_chars=2_000_000) as sorting:
    for number in range(30_000):
        sorting.add_line(b"%0999d\\n" % (number * 7919 % 30_011))
    assert sum(1 for _ in sorting.sorted_lines()) == 30_000
print(tracemalloc.get_traced_memory()[1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 6_000_000
