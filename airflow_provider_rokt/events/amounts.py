"""Money as Rokt wants it: a plain decimal number as text, without the noise that floats bring along."""

import re
from decimal import Decimal
from struct import error as StructError
from struct import pack, unpack
from typing import Final

from airflow_provider_rokt.events.dataframes import unboxed
from airflow_provider_rokt.events.values import BadValue, number, plain, scalar, text, whole

# Bounded, because int() and Decimal() of text take the square of its length.
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})")
# What Decimal would give back unchanged, and ten times slower.
_PLAIN: Final = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,4})?")
# ISO 4217 has no currency of more decimals (CLF and UYW have four). The amount's own currency stands in another column.
_MOST_DECIMALS: Final = 4
# C's DBL_DIG and FLT_DIG: a decimal of so many digits comes through a double, or a float, unchanged. Of what has more,
# the last digits were made by arithmetic.
_DOUBLE_DIGITS: Final = 15
_SINGLE_DIGITS: Final = 6
# A `real` is off by at most 2**-24 of itself, and a sum of such by as much of the sum.
_SINGLE_NOISE: Final = Decimal(2) ** -24
# So near to a number of money that it hardly is there by chance; a third of something is not.
_NEAR: Final = Decimal("0.01")
# What is left of 0.1 + 0.2 - 0.3.
_NOTHING: Final = Decimal("1e-9")
_CENT: Final = Decimal("0.01")
_CENT_DECIMALS: Final = 2
_NO_MONEY: Final = "more decimals than money has: round it in the query"


def amount(value: object) -> str | None:
    """A plain decimal number as text, like ``99.99``: zero and a decimal's scale are kept, no exponent, no symbol.

    Of a float, or of text that was one, the noise is taken away.

    :raises BadValue: if it is anything else, or a float that no noise explains.
    """
    if type(value) is str and _PLAIN.fullmatch(value):
        return value
    value = unboxed(value)
    exact = as_decimal(value)
    if exact is None:
        return None
    if isinstance(value, float):
        # A float has no scale of its own: 100.0 is 100, while a NUMERIC's 100.00 is meant so.
        integer = whole(exact)
        return plain(_without_noise(_of_single(exact))) if integer is None else str(integer)
    # A driver's Decimal is exact, however long.
    return plain(exact if isinstance(value, (int, Decimal)) else _without_noise(exact))


def quantity(value: object) -> int | float | str | None:
    """A number as it comes, a decimal or text as plain decimal text.

    :raises BadValue: if it is no number.
    """
    value = unboxed(value)
    exact = as_decimal(value)
    if exact is None:
        return None
    return scalar(value) if isinstance(value, (int, float)) else plain(exact)


def as_decimal(value: object) -> Decimal | None:
    """A number, or the plain decimal number that a text is; None for nothing.

    :raises BadValue: if it is anything else.
    """
    value = unboxed(value)
    if isinstance(value, bool):
        raise BadValue("a number is wanted, not a true or false")
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    written = text(value)
    if written is None:
        return None
    if not _DECIMAL.fullmatch(written):
        raise BadValue("not a plain decimal number, like 1234.50")
    return Decimal(written)


def _of_single(exact: Decimal) -> Decimal:
    """The cents that a `real` too large to hold them stands for; any other number itself.

    From 2**16 on the steps of a `real` end in four decimals or fewer and look like a price: 262144.43 is 262144.4375.
    """
    if not _CENT_DECIMALS < _decimals(exact.normalize()) <= _MOST_DECIMALS:
        return exact
    single = _single(exact)
    # Of the smaller ones the shortest decimal has more than cents, and so was meant.
    return exact if single is None or _decimals(single) > _CENT_DECIMALS else _at_least_cents(single)


def _without_noise(exact: Decimal) -> Decimal:
    """The number of money that a float stands for; the number itself where nothing tells of a float."""
    significant = exact.normalize() if len(exact.as_tuple().digits) < 400 else exact
    if _decimals(significant) <= _MOST_DECIMALS:
        return exact
    if abs(exact) < _NOTHING:
        return Decimal("0.00")
    single = _single(exact)
    if single is not None and _decimals(single) <= _MOST_DECIMALS:
        return _at_least_cents(single)
    for decimals in range(_MOST_DECIMALS + 1):
        step = Decimal(1).scaleb(-decimals)
        near = exact.quantize(step) if abs(exact) < Decimal(10) ** 20 else exact
        if near and abs(exact - near) <= min(_SINGLE_NOISE * abs(exact), _NEAR * step):
            return _at_least_cents(near.normalize())
    if _is_computed(significant, single):
        raise BadValue(_NO_MONEY)
    return exact


def _is_computed(exact: Decimal, single: Decimal | None) -> bool:
    digits = len(exact.as_tuple().digits)
    if digits > _DOUBLE_DIGITS:
        return True
    # As a double, a `real` has more digits than its own shortest decimal.
    return single is not None and len(single.as_tuple().digits) < digits and digits > _SINGLE_DIGITS


def _single(exact: Decimal) -> Decimal | None:
    """The shortest decimal of the 32-bit float that a number is exactly; None if it is none."""
    try:
        (single,) = unpack("f", pack("f", float(exact)))
    except (OverflowError, StructError):
        return None
    if single != float(exact):
        return None
    # Nine digits always tell two such floats apart.
    for digits in range(1, 10):
        shortest = float(f"{single:.{digits}g}")
        if unpack("f", pack("f", shortest))[0] == single:
            return Decimal(repr(shortest)).normalize()
    return None


def _decimals(exact: Decimal) -> int:
    return max(0, -int(exact.as_tuple().exponent))


def _at_least_cents(exact: Decimal) -> Decimal:
    """What was made of noise is written with the decimals that most currencies have."""
    return exact if _decimals(exact) > _CENT_DECIMALS else exact.quantize(_CENT)
