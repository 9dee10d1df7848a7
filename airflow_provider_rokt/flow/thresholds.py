"""Limits that a user sets on rows: so many of them, or a fraction of those read."""

import math

from airflow_provider_rokt.exceptions import RoktSettingsError


def check_threshold(name: str, value: object) -> None:
    """Check a limit of rows before anything is sent.

    :param name: the argument it was given as.
    :param value: rows (int) or a fraction of the rows read (float, 0.0 to 1.0).
    """
    is_rows = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    is_fraction = isinstance(value, float) and not math.isnan(value) and 0.0 <= value <= 1.0
    if not (is_rows or is_fraction):
        hint = "a whole number of rows, 0 or more, or a fraction of them from 0.0 to 1.0"
        raise RoktSettingsError(f"argument {name!r}", [f"{name} must be {hint}"])


def exceeds(rows: int, total: int, threshold: int | float) -> bool:
    """Whether ``rows`` are more than the threshold allows; of no rows at all, any are."""
    if isinstance(threshold, float):
        # Divided, not multiplied: 0.29 * 100 is 28.999999999999996, and 29 rows of 100 are not more than 0.29.
        return rows > 0 and (total == 0 or rows / total > threshold)
    return rows > threshold
