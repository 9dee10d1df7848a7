"""A plan is set arithmetic: the query's persons against those remembered."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.audiences.plan import AudiencePlan, Change, plan_changes
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.flow.row import RowRef
from tests.audiences.people import address, hashed, plan_of

people = st.lists(st.integers(0, 25), max_size=60)
some = st.sets(st.integers(0, 25))


def remembered(members: Iterable[int], unknown: Iterable[int] = ()) -> list[Iterator[bytes]]:
    return [
        iter(sorted(f"{hashed(address(person))}{sign}{0:012x}\n".encode() for person in persons))
        for persons, sign in ((members, "="), (unknown, "?"))
    ]


def persons(numbers: Iterable[int]) -> set[str]:
    return {hashed(address(number)) for number in numbers}


def sent(plan: AudiencePlan) -> tuple[set[str], set[str]]:
    changes = list(plan.changes())
    assert [change.person for change in changes] == sorted({change.person for change in changes})
    included, excluded = ({change.person for change in changes if change.include is way} for way in (True, False))
    return included, excluded


@given(people, some, some, st.integers(1, 9))
def test_a_mirror_sends_the_difference_and_all_that_is_unknown(
    rows: list[int], members: set[int], unknown: set[int], memory_lines: int
) -> None:
    plan, faults = plan_of(map(address, rows), remembered=remembered(members, unknown), memory_lines=memory_lines)
    now = set(rows)
    assert sent(plan) == (persons(now - (members - unknown)), persons((members | unknown) - now))
    counts = plan.counts
    assert not faults
    assert counts.before == len(members | unknown)
    assert counts.added + counts.unchanged == len(now)
    assert counts.removed == counts.departed == len((members | unknown) - now)
    assert counts.duplicates == len(rows) - len(now)
    assert counts.added + counts.skipped == len(rows)


@given(people, some, some, st.data())
def test_whom_it_changes_depends_on_the_persons_alone(
    rows: list[int], members: set[int], unknown: set[int], data: st.DataObject
) -> None:
    def changed(numbers: list[int]) -> list[bytes]:
        plan, _ = plan_of(map(address, numbers), remembered=remembered(members, unknown))
        return list(plan.persons())

    found = changed(rows)
    assert changed(data.draw(st.permutations([*rows, *rows[:5]]))) == found
    plan, _ = plan_of(map(address, rows), remembered=remembered(members, unknown))
    included, excluded = sent(plan)
    assert set(found) == {f"{who}+".encode() for who in included} | {f"{who}-".encode() for who in excluded}


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=40), some, some, st.booleans())
def test_contradictions_are_rejected_and_change_nothing(
    rows: list[tuple[int, bool]], members: set[int], unknown: set[int], mirror: bool
) -> None:
    memory = remembered(members, unknown) if mirror else None
    plan, faults = plan_of((address(who) for who, _ in rows), (word for _, word in rows), remembered=memory)
    wanted, unwanted = ({who for who, word in rows if word is way} for way in (True, False))
    both = wanted & unwanted
    assert [fault.row.number for fault in sorted(faults, key=lambda fault: fault.row.number)] == [
        number for number, (who, _) in enumerate(rows, 1) if who in both
    ]
    assert {fault.row.key for fault in faults} == {f"member {person[:16]}" for person in persons(both)}
    included, excluded = sent(plan)
    assert not (included | excluded) & persons(both)
    if mirror:
        assert included == persons(wanted - both - (members - unknown))
        assert excluded == persons((members | unknown) - wanted - both)
        kept = {person.decode(): sign for person, sign in plan.decisions() if person.decode() in persons(both)}
        assert kept == {
            **dict.fromkeys(persons(both & members), b"="),
            **dict.fromkeys(persons(both & unknown), b"?"),
        }
    else:
        assert (included, excluded) == (persons(wanted - both), persons(unwanted - both))
        assert plan.counts.before == 0
    counts = plan.counts
    assert counts.contradicting == len(faults)
    assert counts.added + counts.removed - counts.departed + counts.skipped + counts.contradicting == len(rows)


def test_the_first_row_of_a_person_is_the_one_that_is_sent() -> None:
    plan, _ = plan_of([" JANE1@example.com", hashed(address(1)), address(1)], hash_emails=False, memory_lines=1)
    assert list(plan.changes()) == [Change(hashed(address(1)), address(1), True, 1)]
    assert plan.counts.duplicates == plan.counts.skipped == 2


def test_who_is_known_already_is_sent_under_the_rows_own_address() -> None:
    """What is remembered changes the sign in the row's line, and nothing else of it."""
    memory = remembered([2, 3], unknown=[1, 4])
    plan, _ = plan_of(map(address, (1, 2, 3)), [True, True, False], remembered=memory, hash_emails=False)
    assert sorted(plan.changes(), key=lambda change: (change.number, change.address)) == [
        Change(hashed(address(4)), "", False, 0),
        Change(hashed(address(1)), address(1), True, 1),
        Change(hashed(address(3)), address(3), False, 3),
    ]


def test_who_left_has_no_row_and_is_excluded_by_the_hash() -> None:
    plan, _ = plan_of([], remembered=remembered([5]), hash_emails=False)
    assert list(plan.changes()) == [Change(hashed(address(5)), "", False, 0)]


def test_rows_of_an_exclude_are_sent_as_excludes() -> None:
    plan, _ = plan_of([address(1)], default=False, hash_emails=False)
    assert list(plan.changes()) == [Change(hashed(address(1)), address(1), False, 1)]
    assert (plan.counts.removed, plan.counts.departed) == (1, 0)


def test_the_order_does_not_depend_on_the_rows() -> None:
    first, _ = plan_of(map(address, range(50)))
    second, _ = plan_of(map(address, reversed(range(50))))
    assert [change.person for change in first.changes()] == [change.person for change in second.changes()]


def test_many_contradictions_are_reported_some_at_a_time() -> None:
    rows = [address(number) for number in range(1_500)] * 2
    _, faults = plan_of(rows, [True] * 1_500 + [False] * 1_500, memory_lines=1_000)
    assert Counter(fault.row for fault in faults).most_common(1)[0][1] == 1
    assert {fault.row.number for fault in faults} == set(range(1, 3_001))
    assert all("both in and out" in fault.faults[0].reason for fault in faults)
    assert RowRef(1, f"member {hashed(address(0))[:16]}") in {fault.row for fault in faults}


def test_contradictions_wait_on_the_disk_not_in_memory() -> None:
    """However many rows contradict each other, what is held of them is one portion."""
    plan, _ = plan_of([address(number) for number in range(2_500)] * 2, [True] * 2_500 + [False] * 2_500)
    assert plan.counts.contradicting == 5_000
    assert [len(faults) for faults in plan.contradictions()] == [1_000] * 5
    held = [getattr(plan, name) for name in vars(plan)]
    assert not any(isinstance(value, list | set | dict) for value in held)


def test_a_damaged_memory_stops_the_plan() -> None:
    def damaged() -> Iterator[bytes]:
        yield from remembered([1])[0]
        raise OSError("cut short")

    before = len(os.listdir("/proc/self/fd"))
    with MemberSpool() as spool:
        with pytest.raises(OSError, match="cut short") as stopped:
            plan_changes(spool.sorted_lines(), remembered=[damaged()])
        # Nobody gets a plan to close, and the error, which leads to its files, may be kept for long.
        assert len(os.listdir("/proc/self/fd")) == before
    assert stopped.value
