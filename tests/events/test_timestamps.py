"""Moments and days in all the ways databases write them."""

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.timestamps import birthday, timestamp
from airflow_provider_rokt.events.values import BadValue

NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
DAY = 24 * 3600
# The guide's example: 2025-01-01 00:00:00 UTC.
GUIDE = 1735689600000
BERLIN_WINTER = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (1735689600, GUIDE),
        (GUIDE, GUIDE),
        (1735689600000000, GUIDE),
        (1735689600000000000, GUIDE),
        (1735689600123456, GUIDE + 123),
        (946684800, 946684800000),
        (946684800000000000, 946684800000),
        (1735689600.0, GUIDE),
        (1735689600.123, GUIDE + 123),
        (Decimal("1735689600.123456"), GUIDE + 123),
        (Decimal("1735689600000"), GUIDE),
        ("1735689600", GUIDE),
        (" 1735689600000 ", GUIDE),
        ("1735689600.5", GUIDE + 500),
        (b"1735689600", GUIDE),
        ("2025-01-01", GUIDE),
        ("2025-01-01T00:00:00", GUIDE),
        ("2025-01-01 00:00:00", GUIDE),
        ("2025-01-01T00:00:00Z", GUIDE),
        ("2025-01-01 00:00:00 UTC", GUIDE),
        ("2025-01-01 00:00:00.123456 UTC", GUIDE + 123),
        ("2025-01-01 00:00:00 Z", GUIDE),
        ("2025-01-01 00:00:00+00", GUIDE),
        ("2025-01-01 01:00:00.5+01:00", GUIDE + 500),
        ("2025-01-01 01:00:00.123456789 +0100", GUIDE + 123),
        ("2024-12-31 16:00:00.000 -0800", GUIDE),
        ("2025-01-01 01:00:00.0000000 +01:00", GUIDE),
        (date(2025, 1, 1), GUIDE),
        (datetime(2025, 1, 1, 0, 0, 0, 123999), GUIDE + 123),
        (datetime(2025, 1, 1, tzinfo=UTC), GUIDE),
        (datetime(2025, 1, 1, 1, tzinfo=BERLIN_WINTER), GUIDE),
    ],
)
def test_auto_reads(raw: object, expected: int) -> None:
    moment = timestamp("auto", NOW)(raw)
    assert moment == expected
    assert type(moment) is int


@pytest.mark.parametrize(
    "raw", ["yesterday", "01/02/2025", "2025-13-01", "1e9", True, [1], math.inf, "2025-01-01 25:00", "9" * 200]
)
def test_auto_refuses(raw: object) -> None:
    with pytest.raises(BadValue):
        timestamp("auto", NOW)(raw)


@pytest.mark.parametrize(("unit", "per_second"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)])
@pytest.mark.parametrize("kind", [int, str, Decimal, lambda number: f" {number} "])
@settings(deadline=None)
@given(moment=st.integers(min_value=946684800, max_value=int(NOW) + DAY))
def test_a_unit_is_read_as_given_and_auto_tells_it(unit: str, per_second: int, kind: type, moment: int) -> None:
    raw = kind(moment * per_second)
    assert timestamp(unit, NOW)(raw) == timestamp("auto", NOW)(raw) == moment * 1000


@pytest.mark.parametrize(
    ("unit", "raw"), [("s", GUIDE), ("s", str(GUIDE)), ("ms", GUIDE * 1000), ("us", GUIDE * 10**6)]
)
def test_a_larger_number_than_the_unit_allows_is_the_future(unit: str, raw: object) -> None:
    with pytest.raises(BadValue, match="future: is timestamp_unit right"):
        timestamp(unit, NOW)(raw)


@pytest.mark.parametrize(
    ("unit", "raw"), [("ms", 1735689600), ("us", GUIDE), ("ns", GUIDE), ("auto", 0), ("auto", -(10**30))]
)
def test_a_smaller_number_than_the_unit_allows_is_the_past(unit: str, raw: object) -> None:
    with pytest.raises(BadValue, match="before the year 2000: is timestamp_unit right"):
        timestamp(unit, NOW)(raw)


@settings(deadline=None)
@given(raw=st.integers() | st.decimals(allow_nan=False) | st.floats(allow_nan=False) | st.datetimes() | st.dates())
@pytest.mark.parametrize("unit", ["auto", "s", "ms", "us", "ns"])
def test_whatever_is_sent_lies_between_2000_and_tomorrow(unit: str, raw: object) -> None:
    try:
        moment = timestamp(unit, NOW)(raw)
    except BadValue:
        return
    assert 946684800000 <= moment <= (NOW + DAY) * 1000


@pytest.mark.parametrize("raw", [20250101, "20250101", 20250101.0, Decimal("20250101"), b" 20250101 ", 19991231])
@pytest.mark.parametrize("unit", ["auto", "s", "ms", "us", "ns"])
def test_a_day_written_as_a_number_is_told_to_be_one(unit: str, raw: object) -> None:
    with pytest.raises(BadValue, match="yyyymmdd: select it as a timestamp, a date or text"):
        timestamp(unit, NOW)(raw)


@pytest.mark.parametrize("raw", [20251301, 20250230, 99990101, 2025, date(1999, 12, 31), "1999-12-31"])
def test_other_moments_before_2000_are_not_called_so(raw: object) -> None:
    with pytest.raises(BadValue, match="before the year 2000"):
        timestamp("auto", NOW)(raw)


def test_the_bounds_are_inclusive() -> None:
    read = timestamp("auto", NOW)
    assert read(datetime(2000, 1, 1)) == 946684800000
    assert read(datetime(2026, 1, 2)) == (NOW + DAY) * 1000
    with pytest.raises(BadValue):
        read(datetime(2026, 1, 2, 0, 0, 0, 1000))
    with pytest.raises(BadValue):
        read(datetime(1999, 12, 31, 23, 59, 59, 999000))


@settings(deadline=None)
@given(moment=st.datetimes(min_value=datetime(2000, 1, 2), max_value=datetime(2025, 12, 31), timezones=st.timezones()))
def test_text_and_datetime_are_the_same_moment(moment: datetime) -> None:
    read = timestamp("auto", NOW)
    offset = moment.utcoffset()
    if offset.microseconds or offset.seconds % 60:
        return
    assert read(moment) == read(moment.isoformat()) == read(str(moment)) == read(moment.astimezone(UTC))


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (date(1990, 5, 7), "19900507"),
        (datetime(1990, 5, 7, 23, 59), "19900507"),
        (datetime(1990, 5, 7, 23, 59, tzinfo=timezone(timedelta(hours=-8))), "19900507"),
        ("1990-05-07", "19900507"),
        ("1990-05-07T00:00:00Z", "19900507"),
        ("1990-05-07 00:00:00 UTC", "19900507"),
        (" 19900507 ", "19900507"),
        (19900507, "19900507"),
        (19900507.0, "19900507"),
        (date(1900, 1, 1), "19000101"),
    ],
)
def test_a_birthday_is_eight_digits(raw: object, expected: str) -> None:
    assert birthday(NOW)(raw) == expected


@pytest.mark.parametrize("raw", ["05/07/1990", "7 May 1990", "1990", "1990-02-30", "19901301", 1990, True, {}])
def test_no_birthday(raw: object) -> None:
    with pytest.raises(BadValue):
        birthday(NOW)(raw)


def test_nobody_is_born_after_today() -> None:
    read = birthday(NOW)
    assert read(date(2026, 1, 1)) == "20260101"
    for tomorrow in (date(2026, 1, 2), datetime(2026, 1, 2), "2026-01-02", 20260102, "29990101"):
        with pytest.raises(BadValue, match="in the future"):
            read(tomorrow)
