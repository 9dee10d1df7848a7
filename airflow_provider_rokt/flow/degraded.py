"""What of a delivery is not as usual, by the deliveries of its sync before it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from statistics import median
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.flow.warn_when import LEAST_RUNS, WarnWhen


class Measures(NamedTuple):
    """What is compared of a delivery.

    :param rows: that were read.
    :param rejected: the share of them that was rejected.
    :param coverage: the share of accepted rows that carry each field; None where there were none.
    :param seconds: how long it took.
    """

    rows: int
    rejected: float
    coverage: Mapping[str, float] | None
    seconds: float

    @classmethod
    def of(cls, report: Mapping[str, Any], seconds: float) -> "Measures":
        """Those of a flat report."""
        rows = report["rows_read"]
        # Rows that are not there carry nothing, and lack nothing.
        coverage = report.get("coverage") if report["rows_accepted"] else None
        return cls(rows, report["rows_rejected"] / rows if rows else 0.0, coverage, seconds)


def unusual(now: Measures, before: Sequence[Measures], rules: WarnWhen) -> Iterator[str]:
    """What is not as usual, a sentence each.

    :param before: of earlier deliveries; nothing is said where they are fewer than :data:`LEAST_RUNS`.
    """
    if len(before) < LEAST_RUNS:
        return
    for name, judge in _JUDGES.items():
        if name in rules:
            yield from judge(now, before, rules[name])  # type: ignore[literal-required]


_Judge = Callable[[Measures, Sequence[Measures], float], Iterator[str]]


def _rows_below(now: Measures, before: Sequence[Measures], share: float) -> Iterator[str]:
    usual = median(past.rows for past in before)
    if now.rows < share * usual:
        yield f"{now.rows:,} rows, fewer than {share:g} times the usual {usual:,.0f}"


def _rows_above(now: Measures, before: Sequence[Measures], times: float) -> Iterator[str]:
    usual = median(past.rows for past in before)
    if now.rows > times * usual:
        yield f"{now.rows:,} rows, more than {times:g} times the usual {usual:,.0f}"


def _rejected_above(now: Measures, before: Sequence[Measures], more: float) -> Iterator[str]:
    usual = median(past.rejected for past in before)
    if now.rejected - usual > more:
        yield f"{now.rejected:.2%} of the rows were rejected, the usual is {usual:.2%}"


def _coverage_below(now: Measures, before: Sequence[Measures], less: float) -> Iterator[str]:
    carrying = [past.coverage for past in before if past.coverage is not None]
    if now.coverage is None or len(carrying) < LEAST_RUNS:
        return
    # A column that is gone from the query is no more in the report.
    for path in dict.fromkeys(chain(now.coverage, *carrying)):
        share, usual = now.coverage.get(path, 0.0), median(coverage.get(path, 0.0) for coverage in carrying)
        if usual - share > less:
            yield f"{share:.1%} of the accepted rows carry {path}, the usual is {usual:.1%}"


def _seconds_above(now: Measures, before: Sequence[Measures], times: float) -> Iterator[str]:
    usual = median(past.seconds for past in before)
    if now.seconds > times * max(usual, 1.0):
        yield f"it took {now.seconds:,.0f} s, more than {times:g} times the usual {usual:,.0f} s"


_JUDGES: Final[Mapping[str, _Judge]] = {
    "rows_below": _rows_below,
    "rows_above": _rows_above,
    "rejected_above": _rejected_above,
    "coverage_below": _coverage_below,
    "seconds_above": _seconds_above,
}
