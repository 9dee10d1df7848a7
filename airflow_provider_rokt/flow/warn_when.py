"""Rules against a sync's own history, as tasks take them: ``warn_when``."""

from collections.abc import Mapping
from typing import Final, TypedDict

from airflow_provider_rokt.flow.checks import Check, fraction, problems_of, whole

RUNS: Final = 7
"""Of how many deliveries before it the median is taken, where ``runs`` says nothing: a week of daily ones."""
LEAST_RUNS: Final = 3
"""Fewer say nothing of what is usual."""
MOST_RUNS: Final = 100


class WarnWhen(TypedDict, total=False):
    """What to warn of; "usual" is the median of the last deliveries of the sync.

    :param rows_below: fewer rows than this share of the usual number, e.g. 0.5.
    :param rows_above: more than so many times the usual number, e.g. 2.
    :param rejected_above: a share of rejected rows that is more than this above the usual share, e.g. 0.01.
    :param coverage_below: a share of rows that carry a field, such as an e-mail address, that is more than this below
        the usual share, e.g. 0.1.
    :param seconds_above: longer than so many times the usual time, e.g. 3.
    :param runs: how many deliveries before this one are looked at.
    """

    rows_below: float
    rows_above: float
    rejected_above: float
    coverage_below: float
    seconds_above: float
    runs: int


def _times(value: object) -> str | None:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < float("inf")
    return None if fits else "must be a number of times, 1 or more"


_CHECKS: Final[Mapping[str, Check]] = {
    "rows_below": fraction,
    "rows_above": _times,
    "rejected_above": fraction,
    "coverage_below": fraction,
    "seconds_above": _times,
    "runs": whole(LEAST_RUNS, MOST_RUNS),
}


def warn_when_problem(given: object) -> str | None:
    """What is wrong with the argument, as the end of a sentence."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        return f"must be a dict with some of {', '.join(_CHECKS)}"
    problems = [f"{name!r} is none of its rules" for name in given if name not in _CHECKS]
    problems += problems_of(_CHECKS, {name: given[name] for name in given if name in _CHECKS})
    return f"cannot be used: {'; '.join(problems)}" if problems else None
