"""Whatever a SQL driver returns, read as text, as a number or as plain JSON: the ground all normalisers stand on."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import singledispatch
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Final, TypeAlias
from uuid import UUID

from airflow_provider_rokt.events.dataframes import unboxed
from airflow_provider_rokt.events.invisible import has_control, holds_invisible, visible
from airflow_provider_rokt.events.undecoded import array, bits

Scalar: TypeAlias = str | int | float | bool
Json: TypeAlias = Scalar | list[str]
# A raw value to the value to send; None when there is nothing to send.
Normaliser: TypeAlias = Callable[[object], Json | None]

# The largest float has 309 digits; a longer number is no measurement, and writing it out could fill the memory.
_MOST_DIGITS: Final = 400
_INT64: Final = 2**63
_MIDNIGHT: Final = timedelta()
_DAY: Final = timedelta(days=1)
# What MySQL's drivers have for BIT. psycopg2 has a memoryview for bytea, which is no number, and nobody else has one.
_BITS: Final = (bytes, bytearray)
CONTROL: Final = "control characters in it: bytes that are no text?"


class BadValue(ValueError):
    """A value that cannot be sent.

    :param reason: the rule it breaks; never the value, since reasons are logged and kept.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def unreadable(value: object) -> str:
    """Why a value is refused that no rule was prepared for: its type's name, never its content."""
    return f"a value of type {type(value).__name__} that cannot be read"


def text(value: object) -> str | None:
    """Any single value as text to match by: trimmed, without what nobody sees; None when nothing is left.

    :raises BadValue: as :func:`trimmed`, or if there is a control character in it.
    """
    if type(value) is str and value.isprintable() and (value.isascii() or not holds_invisible(value)):
        return value.strip() or None
    found = trimmed(value)
    if found is None:
        return None
    found = visible(found)
    if has_control(found):
        raise BadValue(CONTROL)
    return found or None


def trimmed(value: object) -> str | None:
    """Any single value as trimmed text; None when it is NULL, NaN, empty or blank.

    Whole numbers are written without ``.0``, all numbers without exponent, dates and times as ISO 8601.

    :raises BadValue: if it is a list, a dict, a boolean, infinite, or not valid Unicode.
    """
    written = value if type(value) is str else _written(value)
    if written is None:
        return None
    written = written.strip()
    # A surrogate is not printable.
    if not written.isprintable() and not written.isascii():
        _require_unicode(written)
    return written or None


def number(value: int | float | Decimal) -> Decimal | None:
    """The exact number; None for NaN.

    :raises BadValue: if it is infinite or has more than 400 digits.
    """
    if isinstance(value, int):
        if value.bit_length() > _MOST_DIGITS * 3:
            raise BadValue("not a finite number of reasonable size")
        return Decimal(value)
    # repr, because Decimal(149.99) is 149.990000000000009094947017729282379150390625.
    exact = Decimal(repr(float(value))) if isinstance(value, float) else value
    if type(exact) is not Decimal:
        exact = Decimal(exact)
    if exact.is_nan():
        return None
    if not exact.is_finite() or abs(exact.adjusted()) > _MOST_DIGITS:
        raise BadValue("not a finite number of reasonable size")
    return exact


def plain_date(value: date) -> date | None:
    """A date or datetime of Python's own type, whatever subclass it came as; None for pandas' NaT.

    Subclasses change what arithmetic means: pendulum's difference is no ``timedelta``, pandas has nanoseconds.
    """
    kind = type(value)
    if kind is datetime or kind is date:
        return value
    # NaT is a datetime that equals nothing, itself included.
    if value != value:
        return None
    if not isinstance(value, datetime):
        return date(value.year, value.month, value.day)
    clock = (value.hour, value.minute, value.second, value.microsecond)
    return datetime(value.year, value.month, value.day, *clock, tzinfo=value.tzinfo, fold=value.fold)


def plain(exact: Decimal) -> str:
    """A number's digits without exponent, its scale kept, and no minus before a zero."""
    return format(exact if exact else exact.copy_abs(), "f")


def whole(exact: Decimal) -> int | None:
    """The number as an integer, or None when it has a fraction."""
    integer = int(exact)
    return integer if integer == exact else None


def scalar(value: object) -> Scalar | None:
    """A value as JSON has it: booleans, integers and floats stay, all else is text; None for nothing.

    MySQL's BIT is true or false, or a number.

    :raises BadValue: as :func:`text`, booleans excepted.
    """
    if type(value) is str:
        return _free_text(value)
    value = unboxed(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return _json_number(value)
    if isinstance(value, _BITS) and (read := bits(bytes(value))) is not None:
        return _json_number(read) if type(read) is int else read
    return _free_text(value)


def attribute(value: object) -> Json | None:
    """As :func:`scalar`, or a list of single values as a list of strings, empty ones left out."""
    if type(value) is str:
        if "{" not in value:
            return _free_text(value)
        members: object = array(value.strip())
    else:
        members = value = unboxed(value)
        if isinstance(value, (set, frozenset)):  # mysql-connector's SET columns
            members = sorted(value)
    if not isinstance(members, (list, tuple)):
        return scalar(value)
    return [member for member in map(_member, members) if member is not None] or None


def _member(value: object) -> str | None:
    value = unboxed(value)
    if isinstance(value, _BITS) and (read := bits(bytes(value))) is not None:
        value = read
    if isinstance(value, bool):
        return "true" if value else "false"
    return _free_text(value)


def _free_text(value: object) -> str | None:
    """Text that is not matched: what nobody sees stays in it, since emoji and some scripts are written with it."""
    if type(value) is str and value.isascii() and value.isprintable():
        return value.strip() or None
    found = trimmed(value)
    if found is None:
        return None
    if has_control(found, but_spaces=True):
        raise BadValue(CONTROL)
    return found if visible(found) else None


def _json_number(value: int | float | Decimal) -> int | float | str | None:
    exact = number(value)
    if exact is None or isinstance(value, float):
        return None if exact is None else float(value)
    if isinstance(value, Decimal):
        # By its type, not its value: 100 and 99.99 of one NUMERIC column are both text.
        return plain(exact)
    # Rokt reads 64-bit integers; one beyond them keeps its digits as text.
    return int(exact) if -_INT64 <= exact < _INT64 else str(int(exact))


def _require_unicode(written: str) -> None:
    try:
        written.encode()
    except UnicodeEncodeError:
        # A driver with errors="surrogateescape" gives such text; it can be neither hashed nor serialised.
        raise BadValue("not valid Unicode text") from None


@singledispatch
def _written(value: object) -> str | None:
    plain_value = unboxed(value)
    if plain_value is value:
        raise BadValue(f"a value of type {type(value).__name__} cannot be sent here")
    return _written(plain_value)


@_written.register
def _(value: None) -> None:
    return None


@_written.register
def _(value: str) -> str:
    # An enumeration's str() is its name.
    return str.__str__(value)


@_written.register
def _(value: bool) -> str:
    raise BadValue("a true or false cannot be sent here")


@_written.register
def _(value: int | float | Decimal) -> str | None:
    exact = number(value)
    if exact is None:
        return None
    integer = whole(exact)
    return plain(exact) if integer is None else str(integer)


@_written.register
def _(value: bytes | bytearray | memoryview) -> str:
    try:
        return bytes(value).decode()
    except UnicodeDecodeError:
        raise BadValue("bytes that are not UTF-8 text") from None


@_written.register
def _(value: date) -> str | None:
    day = plain_date(value)
    return None if day is None else day.isoformat()


@_written.register
def _(value: time) -> str:
    return time.isoformat(value)


@_written.register
def _(value: timedelta) -> str:
    # What MySQL's drivers have for a TIME; pandas' has nanoseconds, and is a duration.
    if type(value) is not timedelta or not _MIDNIGHT <= value < _DAY:
        raise BadValue("a duration, not a time of day: select it as a number or text")
    return (datetime.min + value).time().isoformat()


@_written.register
def _(
    value: UUID | IPv4Address | IPv6Address | IPv4Interface | IPv6Interface | IPv4Network | IPv6Network,
) -> str:
    return str(value)


@_written.register
def _(value: list | tuple | set | frozenset) -> str:  # type: ignore[type-arg]
    raise BadValue("a single value is wanted, not a list")
