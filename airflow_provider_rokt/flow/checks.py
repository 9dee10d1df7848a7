"""Arguments of tasks and calls: each rule once, as a check that takes a value and says what is wrong with it."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from airflow_provider_rokt.exceptions import RoktTooFewRowsError

# What is wrong with a value, as the end of a sentence that begins with the argument's name; None for nothing.
Check = Callable[[Any], str | None]


def problems_of(checks: Mapping[str, Check], given: Mapping[str, Any]) -> list[str]:
    """What is wrong with arguments, a sentence each.

    :param checks: by the argument's name.
    :param given: the values that are known; an argument that is absent is not judged.
    """
    found = {name: check(given[name]) for name, check in checks.items() if name in given}
    return [f"{name} {problem}" for name, problem in found.items() if problem]


def whole(least: int, most: int | None = None, of: str = "") -> Check:
    """A whole number in a range.

    :param of: what is counted, e.g. ``"rows"``.
    """
    range_ = f", {least} or more" if most is None else f" from {least} to {most}"
    problem = f"must be a whole number{f' of {of}' if of else ''}{range_}"

    def check(value: object) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= (most or value)
        return None if fits else problem

    return check


def choice(values: Iterable[str]) -> Check:
    """One of few texts."""
    known = tuple(values)
    return lambda value: None if value in known else f"must be one of {', '.join(map(repr, known))}"


def boolean(value: object) -> str | None:
    """True or False; a text would do as true, "false" included."""
    return None if isinstance(value, bool) else "must be True or False"


def fraction(value: object) -> str | None:
    """A number from 0 to 1."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return None if fits else "must be a fraction from 0 to 1"


def threshold(value: object) -> str | None:
    """A limit that a user sets on rows: so many of them (int), or a fraction of those read (float)."""
    is_rows = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    is_fraction = isinstance(value, float) and not math.isnan(value) and 0.0 <= value <= 1.0
    if is_rows or is_fraction:
        return None
    return "must be a whole number of rows, 0 or more, or a fraction of them from 0.0 to 1.0"


def exceeds(rows: int, total: int, limit: int | float) -> bool:
    """Whether ``rows`` are more than a threshold allows; of no rows at all, any are."""
    if isinstance(limit, float):
        # Divided, not multiplied: 0.29 * 100 is 28.999999999999996, and 29 rows of 100 are not more than 0.29.
        return rows > 0 and (total == 0 or rows / total > limit)
    return rows > limit


def check_enough(rows: int, min_rows: int, *, sent: bool = False) -> None:
    """Makes sure that a query returned as many rows as expected.

    :param sent: whether some of them may have been sent by now.
    :raises RoktTooFewRowsError: when it did not.
    """
    if rows < min_rows:
        raise RoktTooFewRowsError.objecting(
            f"expected at least {min_rows:,} rows (min_rows), the query returned {rows:,}",
            "Check the query and what fills its tables; a retry finds rows that were only late.",
            "Some of them may have been sent by then." if sent else "Nothing was sent.",
        )
