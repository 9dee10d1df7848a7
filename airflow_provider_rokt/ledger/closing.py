"""A delivery's end as lines of the task's log: how many rows ended where, and why."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from airflow_provider_rokt.flow.lines import narrow, wrapped
from airflow_provider_rokt.ledger.report import Report

REASONS_TOLD: Final = 10
"""Reasons in a log, of each kind, the commonest first; the ledger has them all."""

_INDENT: Final = "    "


class Line(NamedTuple):
    """One line.

    :param is_good: whether it tells of nothing that a person should look at.
    """

    is_good: bool
    text: str


def closing_lines(report: Report, seconds: float) -> Iterator[Line]:
    """The lines that close a delivery's log; a reason goes on in the next line, so that it can be read to its end.

    :param seconds: how long the delivery took.
    """
    of_sync = f" of sync {report.sync}" if report.sync else ""
    yield Line(True, narrow(f"Delivery {report.delivery_id}{of_sync} ended after {seconds:,.0f} s"))
    yield from _lines(report.rows_read, "rows read")
    yield from _ended(report.rows_accepted, "accepted", _of_accepted(report), is_good=not report.unconfirmed)
    rejected = {fault.label: rows for fault, rows in report.reasons.items()}
    yield from _ended(report.rows_rejected + report.rejected_without_row, "rejected", rejected)
    yield from _ended(report.rows_failed + report.failed_without_row, "failed", report.failures)
    yield from _ended(report.rows_skipped, "skipped", report.skipped, is_good=True)
    if dropped := {fault.label: rows for fault, rows in report.dropped.items()}:
        yield from _ended(sum(dropped.values()), "values left out", dropped)
    for name, number in report.extras.items():
        yield from _lines(number, name.replace("_", " "))
    answers = ", ".join(f"{code}: {count:,}" for code, count in sorted(report.status_codes.items())) or "none"
    yield from _lines(report.batches, f"batches; {report.requests:,} requests, by answer {answers}")
    for sentence in report.degraded or ():
        yield from (Line(False, line) for line in wrapped(f"Not as usual: {sentence}", _INDENT))
    yield Line(True, f"Ledger: {report.ledger}")


def _of_accepted(report: Report) -> dict[str, int]:
    resumed = {"in an earlier try of this task": report.rows_resumed} if report.rows_resumed else {}
    return resumed | {f"unconfirmed: {why}": rows for why, rows in report.unconfirmed.items()}


def _ended(total: int, where: str, reasons: Mapping[str, int], *, is_good: bool = False) -> Iterator[Line]:
    """One end that rows come to, and below it the reasons."""
    is_good = is_good or not total
    yield from _lines(total, where, is_good)
    told = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    for why, rows in told[:REASONS_TOLD]:
        yield from _lines(rows, why, is_good, _INDENT)
    if more := told[REASONS_TOLD:]:
        rest = f"for {len(more)} more reasons, see the ledger"
        yield from _lines(sum(rows for _, rows in more), rest, is_good, _INDENT)


def _lines(number: int, words: str, is_good: bool = True, indent: str = "") -> Iterator[Line]:
    counted = f"{indent}{number:>12,} "
    return (Line(is_good, line) for line in wrapped(f"{counted}{words}", " " * len(counted) + _INDENT))
