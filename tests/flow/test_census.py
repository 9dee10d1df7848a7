"""Counting fields' values: when too many are invalid, and who carries what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktDroppedError
from airflow_provider_rokt.flow.census import LEAST_VALUES, Census
from airflow_provider_rokt.flow.row import FieldFault

PHONE = FieldFault("user_attributes.mobile", "not a phone number")
OTHER = FieldFault("user_attributes.mobile", "too short")
BORN = FieldFault("user_attributes.dob", "not a date")


def census(values: int, invalid: dict[FieldFault, int]) -> Census:
    counted = Census()
    for fault, count in invalid.items():
        counted.values[fault.path] = values
        counted.invalid[fault] = count
    return counted


@pytest.mark.parametrize(
    ("values", "invalid", "allowed", "exceeds"),
    [
        (100, 20, 0.2, False),
        (100, 21, 0.2, True),
        (99, 99, 0.2, False),
        (100, 1, 0.0, True),
        (1000, 1000, 1.0, False),
    ],
)
def test_more_than_the_share_of_enough_values_is_an_excess(
    values: int, invalid: int, allowed: float, exceeds: bool
) -> None:
    assert (census(values, {PHONE: invalid}).excess(allowed) is not None) is exceeds


def test_an_excess_names_the_worst_field_and_its_commonest_reason() -> None:
    counted = census(1000, {PHONE: 500, OTHER: 430, BORN: 900})
    found = counted.excess(0.2)
    assert found == ("user_attributes.mobile", 930, 1000, "not a phone number")
    with pytest.raises(RoktDroppedError) as refused:
        counted.require(0.2)
    assert str(refused.value).splitlines() == [
        "93 % of user_attributes.mobile cannot be sent: not a phone number.",
        "930 of 1,000 values; max_dropped is 0.2. Nothing was sent.",
        "Is it the right column? Map another one, leave the field out, or allow more.",
    ]


@given(st.dictionaries(st.sampled_from([PHONE, OTHER, BORN]), st.integers(1, 300)), st.floats(0, 1))
def test_an_excess_is_found_exactly_where_a_share_is_above(invalid: dict[FieldFault, int], allowed: float) -> None:
    counted = census(300, invalid)
    totals = {path: sum(n for fault, n in invalid.items() if fault.path == path) for path in counted.values}
    expected = any(total / 300 > allowed for total in totals.values())
    assert (counted.excess(allowed) is not None) is expected
    assert LEAST_VALUES <= 300


def test_shares_are_of_the_accepted_rows() -> None:
    counted = Census({"ip": 1, "user_identities.email": 2, "user_identities.other2": 4})
    assert counted.shares({0: 1, 3: 1, 2: 2}) == {
        "ip": 0.25,
        "user_identities.email": 0.75,
        "user_identities.other2": 0.0,
    }
    assert counted.shares({}) == {"ip": 0.0, "user_identities.email": 0.0, "user_identities.other2": 0.0}
