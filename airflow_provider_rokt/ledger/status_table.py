"""The status of batches as lines of a task's log: one table of what became of them, one of their deliveries."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_rokt.flow.lines import narrow, wrapped
from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.ledger.batch_status import COUNTS, BatchStatus

KINDS_TOLD: Final = 20
"""Kinds of verdict in a log, those not accepted first; the ledgers have every batch."""
PARTS_TOLD: Final = 20
_INDENT: Final = " " * 24
# What is looked at first comes first.
_ORDER: Final = {Outcome.FAILED: 0, Outcome.REJECTED: 1, Outcome.ACCEPTED: 2}


def status_lines(status: BatchStatus) -> Iterator[str]:
    """The lines, none wider than a page of a log shows it, but for addresses of ledgers; a verdict may take several."""
    yield f"{status.batches:,} batches of {status.deliveries:,} deliveries"
    yield f"{'batches':>12} {'status':>6} outcome"
    kinds = sorted(status.kinds.items(), key=lambda item: (_ORDER.get(item[0].outcome, 0), -item[1]))
    for kind, batches in kinds[:KINDS_TOLD]:
        yield from wrapped(f"{batches:>12,} {kind.status or 'none':>6} {kind.label}", _INDENT)
    if more := kinds[KINDS_TOLD:]:
        yield f"{sum(batches for _, batches in more):>12,} in {len(more)} more kinds, see the ledgers"
    yield from _parts(status)
    yield f"Ledgers: {', '.join(status.ledgers)}"


def _parts(status: BatchStatus) -> Iterator[str]:
    yield "".join(f"{name.removeprefix('rows_'):>12}" for name in COUNTS) + "  delivery"
    parts = sorted(status.partitions, key=lambda part: -(part["rows_failed"] + part["rows_rejected"]))
    yield from (_part(part) for part in parts[:PARTS_TOLD])
    if status.deliveries > PARTS_TOLD:
        yield f"and {status.deliveries - PARTS_TOLD:,} more deliveries"


def _part(part: Mapping[str, Any]) -> str:
    counts = "".join(f"{part[name]:>12,}" for name in COUNTS)
    return narrow(f"{counts}  {part['partition'] or part['delivery_id']}")
