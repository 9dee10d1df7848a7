"""The spool of members gives back the lines of every member, sorted."""

import tracemalloc

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
