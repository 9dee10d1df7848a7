"""The spool sorts whatever fits on the disk."""

import os
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.audiences import spool as spooling
from airflow_provider_rokt.audiences.members import Member
from airflow_provider_rokt.audiences.spool import MemberSpool
from tests.audiences.people import address, hashed

rows = st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=200)


def lines_of(found: list[tuple[int, bool, bool]]) -> list[bytes]:
    return [
        f"{hashed(address(person))}{'+' if wanted else '-'}{number:012x}{address(person) if raw else ''}\n".encode()
        for number, (person, wanted, raw) in enumerate(found, 1)
    ]


def fill(spool: MemberSpool, found: list[tuple[int, bool, bool]]) -> None:
    for number, (person, wanted, raw) in enumerate(found, 1):
        spool.add(Member(hashed(address(person)), address(person) if raw else ""), number, wanted)


@given(rows, st.integers(1, 7))
def test_every_line_comes_back_in_order(found: list[tuple[int, bool, bool]], memory_lines: int) -> None:
    with MemberSpool(memory_lines=memory_lines) as spool:
        fill(spool, found)
        assert list(spool.sorted_lines()) == sorted(lines_of(found))
        assert list(spool.sorted_lines()) == sorted(lines_of(found))


def test_more_lines_than_are_written_at_once_come_back_once_each() -> None:
    found = [(number, True, False) for number in range(2 * spooling.LINES_PER_WRITE + 1)]
    with MemberSpool() as spool:
        fill(spool, found)
        assert list(spool.sorted_lines()) == sorted(lines_of(found))


def test_more_runs_than_may_be_open_are_merged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooling, "RUNS", 5)
    found = [(number % 90, number % 7 == 0, False) for number in range(500)]
    before = len(os.listdir("/proc/self/fd"))
    with MemberSpool(memory_lines=9) as spool:
        fill(spool, found)
        assert len(os.listdir("/proc/self/fd")) <= before + 6
        assert list(spool.sorted_lines()) == sorted(lines_of(found))
    assert len(os.listdir("/proc/self/fd")) == before


def test_long_lines_are_spilled_sooner() -> None:
    """A line of the Events API carries a whole event."""
    tracemalloc.start()
    try:
        with MemberSpool() as spool:
            for number in range(100):
                spool.add(Member(hashed(address(number)), "x" * 1_000_000), number)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Those held, joined, and encoded.
    assert peak < 4 * spooling.MEMORY_CHARS


def test_an_address_beyond_ascii_survives() -> None:
    member = Member(hashed("jürgen@exämple.com"), "jürgen@exämple.com")
    with MemberSpool() as spool:
        spool.add(member, 1)
        (line,) = spool.sorted_lines()
    assert line[spooling.ADDRESS].decode() == member.address


def test_its_files_have_no_name(tmp_path: Path) -> None:
    with MemberSpool(memory_lines=1, directory=str(tmp_path)) as spool:
        fill(spool, [(1, True, True), (2, True, True)])
        assert os.listdir(tmp_path) == []
        assert len(list(spool.sorted_lines())) == 2
