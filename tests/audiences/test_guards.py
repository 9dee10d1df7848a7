"""What stops a run, what it says, and what it lets through."""

import re
from collections.abc import Callable

import pytest

from airflow_provider_rokt.audiences.decisions import PlanCounts
from airflow_provider_rokt.audiences.guards import (
    CHECKS,
    Mode,
    check_mirrored_identities,
    check_plan,
    check_unusable,
    size_warning,
)
from airflow_provider_rokt.audiences.naming import flag_problem
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktError, RoktMappingError
from airflow_provider_rokt.flow.checks import check_enough, problems_of


@pytest.mark.parametrize(
    ("removed", "before", "max_removed"),
    [(30, 100, 0.3), (3, 10, 0.3), (29, 100, 0.29), (0, 0, 0.0), (10, 10, 1), (57, 190, 0.3), (0, 5, 0)],
)
def test_exactly_what_is_allowed_passes(removed: int, before: int, max_removed: float) -> None:
    check_plan(PlanCounts(before=before, removed=removed), rows_read=1, max_removed=max_removed)


@pytest.mark.parametrize(
    ("removed", "before", "max_removed", "hint"),
    [(31, 100, 0.3, 0.31), (1, 3, 0.3, 0.34), (300_001, 1_000_000, 0.3, 0.31), (1, 1_000, 0.0, 0.01), (2, 2, 0.9, 1.0)],
)
def test_more_than_is_allowed_is_refused_with_the_way_to_allow_it(
    removed: int, before: int, max_removed: float, hint: float
) -> None:
    counts = PlanCounts(before=before, removed=removed)
    with pytest.raises(RoktAudienceError) as refused:
        check_plan(counts, rows_read=1, max_removed=max_removed)
    said = str(refused.value)
    assert f"{removed} of {before} members" in said
    assert f"max_removed={max_removed} allows.\nNothing was sent.\n" in said
    allowed = float(said.rpartition("max_removed=")[2].rstrip("."))
    assert hint <= allowed <= min(hint + 0.01, 1.0)
    check_plan(counts, rows_read=1, max_removed=allowed)


@pytest.mark.parametrize(
    ("removed", "before", "says"),
    [(3_001, 10_000, "30.01%"), (300_001, 1_000_000, "30.0001%"), (31, 100, "31.0%"), (7, 7, "100.0%")],
)
def test_the_fraction_is_told_with_enough_digits(removed: int, before: int, says: str) -> None:
    with pytest.raises(RoktAudienceError) as refused:
        check_plan(PlanCounts(before=before, removed=removed), rows_read=1, max_removed=0.3)
    assert f"({says}), more than max_removed=0.3" in str(refused.value)


MILLIONS = PlanCounts(before=9_876_543, removed=9_876_542)


@pytest.mark.parametrize(
    "guard",
    [
        lambda: check_plan(MILLIONS, rows_read=1, max_removed=0.3),
        lambda: check_plan(MILLIONS, rows_read=0),
        lambda: check_unusable(12_345_678, 98_765_432, 0.05),
        lambda: check_enough(98_765_431, 98_765_432),
        lambda: check_enough(98_765_431, 98_765_432, sent=True),
    ],
)
def test_a_guard_says_what_is_wrong_then_that_nothing_was_sent_then_what_to_do(guard: Callable[[], None]) -> None:
    with pytest.raises(RoktError) as refused:
        guard()
    first, second, third = str(refused.value).splitlines()
    assert first == f"{refused.value.objection}." and "sent" in second
    assert len(first) <= 84 and max(len(second), len(third)) <= 100


def test_only_confirmed_members_count_where_there_are_any() -> None:
    repeating = PlanCounts(before=14, members=10, removed=7, leaving=3)
    check_plan(repeating, rows_read=1, max_removed=0.3)
    with pytest.raises(RoktAudienceError, match="remove 3 of 10 members"):
        check_plan(repeating, rows_read=1, max_removed=0.2)


def test_an_empty_result_is_refused_unless_it_is_meant() -> None:
    counts = PlanCounts(before=7, removed=7)
    with pytest.raises(
        RoktAudienceError, match=r"no rows\.\nNothing was sent\. It would have removed all 7 .*\n.*allow_empty=True"
    ):
        check_plan(counts, rows_read=0, max_removed=1.0)
    check_plan(counts, rows_read=0, max_removed=0.3, allow_empty=True)


def test_a_result_of_which_no_row_is_usable_is_not_an_empty_one() -> None:
    with pytest.raises(RoktAudienceError, match=r"remove 7 of 7 members \(100.0%\)"):
        check_plan(PlanCounts(before=7, removed=7), rows_read=7, allow_empty=True)


@pytest.mark.parametrize(
    ("mode", "counts", "warns"),
    [
        ("mirror", PlanCounts(added=1, unchanged=998), True),
        ("mirror", PlanCounts(added=2, unchanged=998), False),
        ("include", PlanCounts(added=999), True),
        ("include", PlanCounts(added=1_000), False),
        ("exclude", PlanCounts(removed=1), False),
    ],
)
def test_a_small_audience_is_warned_of(mode: Mode, counts: PlanCounts, warns: bool) -> None:
    warning = size_warning(counts, mode)
    assert (warning is not None) is warns
    if warning:
        assert "999 members. Rokt does not target audiences of fewer than 1,000" in warning


def problems(audience: object, mode: object, via: object, max_removed: object) -> list[str]:
    return problems_of(CHECKS, {"audience": audience, "mode": mode, "via": via, "max_removed": max_removed})


def test_good_arguments_pass() -> None:
    assert problems("a", "mirror", "import", 0) == []
    assert problems("a" * 100, "include", "events", 1.0) == []


@pytest.mark.parametrize("audience", ["", "  ", "a" * 101, None, 5])
def test_a_bad_name_is_refused(audience: object) -> None:
    assert problems(audience, "mirror", "import", 0.3) == ["audience must be a name of 1 to 100 characters"]


@pytest.mark.parametrize(
    ("audience", "says"),
    [
        (" vip", "begin or end with a blank"),
        ("vip\n", "begin or end with a blank"),
        ("v\x00ip", "control characters"),
        ("v\nip", "control characters"),
        ("vip\ud800", "surrogate"),
    ],
)
def test_a_name_that_cannot_be_seen_or_sent_is_refused(audience: str, says: str) -> None:
    (problem,) = problems(audience, "mirror", "import", 0.3)
    assert re.search(f"audience must not .*{says}", problem)


def test_a_flag_is_as_long_as_an_attributes_name_may_be() -> None:
    assert flag_problem("x" * 253 + "{audience}", "vip") is None
    assert (
        flag_problem("x" * 254 + "{audience}", "vip") == "must not make the attribute's name longer than 256 characters"
    )


def test_every_bad_argument_is_named() -> None:
    assert problems("", "replace", "email", 30) == [
        "audience must be a name of 1 to 100 characters",
        "mode must be one of 'include', 'exclude', 'mirror'",
        "via must be one of 'import', 'events'",
        "max_removed must be a fraction from 0 to 1",
    ]


@pytest.mark.parametrize("max_removed", [-0.1, 1.1, "0.3", None, True, float("nan")])
def test_a_fraction_must_be_one(max_removed: object) -> None:
    assert problems("a", "mirror", "import", max_removed) == ["max_removed must be a fraction from 0 to 1"]


def test_only_addresses_and_their_hashes_can_be_mirrored() -> None:
    check_mirrored_identities(["user_identities.email", "user_identities.other"])
    with pytest.raises(RoktMappingError, match=r"cannot use user_identities.customerid: .*mode='include'"):
        check_mirrored_identities(["user_identities.email", "user_identities.customerid"])
