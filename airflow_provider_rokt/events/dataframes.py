"""Values of numpy and pandas as Python's own: a hook or a frame hands them over, and neither library is imported.

They behave like numbers and times without being any: ``numpy.int64`` is no ``int``, ``numpy.float32`` no ``float``,
``pandas.NaT`` a ``datetime`` without a date. A value's type is recognised by its name and where it comes from.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

# Met in almost every row: one look-up and done.
_PYTHON: Final = frozenset({str, int, float, bool, bytes, Decimal, datetime, date, list, tuple, dict, type(None)})
_LIBRARIES: Final = frozenset({"numpy", "pandas"})
# numpy.ma.masked is what DuckDB's fetchnumpy() has for NULL: asked for its item, it answers 0.
_ABSENT: Final = frozenset({"NAType", "NaTType", "MaskedConstant"})
_LISTS: Final = ("ndarray", "Array", "Series", "Index", "Categorical")
# From here on a float stands for more than one whole number: 2 to the bits of its mantissa.
_DOUBLE: Final = 2**53
# numpy's names for C's long double; its item is itself, so it is read as a double.
_LONG: Final = ("longdouble", "float128", "float96")
_INEXACT: Final[Mapping[str, int]] = {"float32": 2**24, "float16": 2**11, **dict.fromkeys(_LONG, _DOUBLE)}


def unboxed(value: object) -> object:
    """The value as Python has it: None for pandas' missing ones, a list for an array; others as they are."""
    kind = type(value)
    if kind in _PYTHON or kind.__module__.partition(".")[0] not in _LIBRARIES:
        return value
    if kind.__name__ in _ABSENT:
        return None
    if kind.__name__.endswith(_LISTS):
        return _members(value)
    return _UNBOX.get(kind.__name__, _item)(value)


def is_inexact(value: object) -> bool:
    """Whether a number is a float so large that it stands for its neighbours too."""
    limit = _INEXACT.get(type(value).__name__, _DOUBLE if isinstance(value, float) else None)
    number: Any = value
    return limit is not None and bool(abs(number) >= limit)


def _members(array: Any) -> object:
    # An array without dimensions is a single value.
    return unboxed(array[()]) if getattr(array, "ndim", 1) == 0 else [unboxed(member) for member in array]


def _shortest(value: Any) -> float:
    # numpy writes the shortest decimal of a float32; as a float, 149.99 would become 149.99000549316406.
    return float(str(value))


def _moment(value: Any) -> object:
    # Nanoseconds would come as a bare number; beyond the year 9999 it stays one, and is refused by its type.
    moment = value.astype("datetime64[us]").item()
    return moment if moment is None or isinstance(moment, datetime) else value


def _item(value: Any) -> object:
    return value.item() if hasattr(value, "item") else value


def _same(value: Any) -> object:
    return value


def _duration(value: Any) -> object:
    # Its NaT equals nothing, itself included. As a bare number a duration would pass for a time.
    return value if value == value else None


_UNBOX: Final[Mapping[str, Callable[[Any], object]]] = {
    **dict.fromkeys(("float16", "float32", *_LONG), _shortest),
    "datetime64": _moment,
    "timedelta64": _duration,
    # A datetime, with nanoseconds that are not wanted here.
    "Timestamp": _same,
}
