"""Moments and days: epoch numbers, datetimes and ISO 8601 text to what Rokt wants."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, TypeAlias

from airflow_provider_rokt.events.dataframes import unboxed
from airflow_provider_rokt.events.values import BadValue, Normaliser, number, plain_date, text

Scales: TypeAlias = tuple[tuple[int, int, int], ...]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
# Before it there was no conversion to report; a smaller number is in another unit than the user thinks.
_EARLIEST: Final = 946_684_800_000
# Nobody older is a customer; what lies before is a database's word for "not known": 0001-01-01, 1753-01-01, 1899-12-30,
# or what became of -infinity.
_FIRST_BIRTHDAY: Final = "19000101"
_TOLERANCE: Final = 24 * 3600
# Beyond it a number is no time in any unit.
_TOO_LARGE: Final = 10**21
# What each unit counts: up to which size, and the multiplier and divisor that make it milliseconds.
_UNITS: Final = {
    "s": ((_TOO_LARGE, 1000, 1),),
    "ms": ((_TOO_LARGE, 1, 1),),
    "us": ((_TOO_LARGE, 1, 1000),),
    "ns": ((_TOO_LARGE, 1, 1_000_000),),
    # From 2000 on seconds stay below 1e11 until the year 5138, while milliseconds, microseconds and nanoseconds begin
    # at 9.5e11, 9.5e14 and 9.5e17: the sizes do not overlap.
    "auto": ((10**11, 1000, 1), (10**14, 1, 1), (10**17, 1, 1000), (_TOO_LARGE, 1, 1_000_000)),
}
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{0,40})?")
_EIGHT_DIGITS: Final = re.compile(r"[12][0-9]{7}")
_WRITTEN_DAY: Final = "a day written as the number yyyymmdd: select it as a timestamp, a date or text like 2025-12-31"
# What databases write and ISO 8601 does not: "… UTC", and a blank before the offset.
_LONGEST: Final = 64
_NO_TIME: Final = "not a date or time: use ISO 8601"
_LOOSE_ZONE: Final = re.compile(r"\s*(?:(?:UTC|GMT|[Zz])$|(?=[+-][0-9:]{2,5}$))")


def timestamp(unit: str, now: float) -> Normaliser:
    """A normaliser to whole milliseconds since 1970; what names no time zone is UTC.

    :param unit: what a plain number counts: ``auto``, ``s``, ``ms``, ``us`` or ``ns``.
    :param now: seconds since 1970; what is more than 24 hours after it is a :class:`BadValue`.
    """
    scales = _UNITS[unit]
    latest = int((now + _TOLERANCE) * 1000)

    def milliseconds(value: object) -> int | None:
        moment = _milliseconds(value, scales)
        if moment is None or _EARLIEST <= moment <= latest:
            return moment
        if moment < _EARLIEST:
            raise BadValue(_WRITTEN_DAY if _is_written_day(value) else "before the year 2000: is timestamp_unit right?")
        raise BadValue("more than 24 hours in the future: is timestamp_unit right?")

    return milliseconds


def birthday(now: float) -> Normaliser:
    """A normaliser to a day as ``yyyymmdd``, from a date, a datetime, ISO 8601 text or ``yyyymmdd`` itself.

    :param now: seconds since 1970; a day after it is a :class:`BadValue`, and so is one before 1900.
    """
    latest = _digits(datetime.fromtimestamp(now, UTC))

    def day(value: object) -> str | None:
        if type(value) is not str:
            value = unboxed(value)
        if isinstance(value, date):
            born = plain_date(value)
        else:
            written = text(value)
            born = None if written is None else _moment(written)
        if born is None:
            return None
        if (digits := _digits(born)) > latest:
            raise BadValue("a date of birth in the future")
        if digits < _FIRST_BIRTHDAY:
            raise BadValue("a date of birth before 1900")
        return digits

    return day


def _digits(day: date) -> str:
    # date's own isoformat, for a datetime too: a birthday has no time.
    return date.isoformat(day).replace("-", "")


def _is_written_day(value: object) -> bool:
    """Whether it reads as ``yyyymmdd``: no unit makes such a number a moment after 2000."""
    written = text(value)
    if written is None or not _EIGHT_DIGITS.fullmatch(written):
        return False
    try:
        datetime.fromisoformat(written)
    except ValueError:
        return False
    return True


def _milliseconds(value: object, scales: Scales) -> int | None:
    if type(value) is str:
        return _written_milliseconds(value, scales)
    value = unboxed(value)
    if isinstance(value, bool):
        raise BadValue("a time is wanted, not a true or false")
    if isinstance(value, int):
        return _scaled(value, scales)
    if isinstance(value, (float, Decimal)):
        exact = number(value)
        return None if exact is None else _scaled(exact, scales)
    if isinstance(value, date):
        day = plain_date(value)
        return None if day is None else _since_epoch(day)
    return _written_milliseconds(value, scales)


def _written_milliseconds(value: object, scales: Scales) -> int | None:
    written = text(value)
    if written is None:
        return None
    is_number = ":" not in written and _NUMBER.fullmatch(written)
    return _scaled(Decimal(written), scales) if is_number else _since_epoch(_moment(written))


def _scaled(count: int | Decimal, scales: Scales) -> int:
    if count < 0:
        return 0
    for limit, multiplier, divisor in scales:
        if count < limit:
            return int(count * multiplier // divisor)
    return _TOO_LARGE


def _since_epoch(value: date) -> int:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if value.tzinfo is None:
        value = value.replace(tzinfo=UTC)
    return (value - _EPOCH) // _MILLISECOND


def _moment(written: str) -> datetime:
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return _loose_moment(written)


def _loose_moment(written: str) -> datetime:
    # No time is longer, and the pattern takes the cube of the length of a run of blanks.
    if len(written) > _LONGEST:
        raise BadValue(_NO_TIME)
    try:
        return datetime.fromisoformat(_LOOSE_ZONE.sub(lambda zone: "Z" if zone.group().strip() else "", written))
    except ValueError:
        raise BadValue(_NO_TIME) from None
