"""The answer at the top: what arrived yesterday, what did not, the commonest reasons, what to do."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Final, NamedTuple

from airflow_provider_rokt.ledger.delivery_details import Why
from airflow_provider_rokt.summaries.advice import DEGRADED, advice_for
from airflow_provider_rokt.summaries.decision import told_failure
from airflow_provider_rokt.summaries.failed_task import FailedTask, advice_for_tasks
from airflow_provider_rokt.summaries.known_deliveries import KnownDeliveries
from airflow_provider_rokt.summaries.known_delivery import KnownDelivery, State
from airflow_provider_rokt.summaries.sync_runs import SyncRun, Tasks

REASONS: Final = 3
_UNSOUND: Final = frozenset((State.DAMAGED, State.FAILED, State.STOPPED, State.WAITING))


class DaySummary(NamedTuple):
    """What a day's deliveries brought.

    :param on: the day, UTC.
    :param reasons: the commonest, with how many rows each.
    :param is_torn: whether there were more than are read, so that counts are too low.
    :param removals: from audiences, that were rejected or failed; they are no rows.
    :param made_good: runs of which something did not arrive, and that a later run read again: it tells what of that is
        missing still.
    :param is_sound: whether no other delivery failed, was stopped, is damaged or waits.
    :param lost: tasks that failed before they delivered anything, the newest first.
    :param advice: what to do, a sentence each; empty where there is nothing to do.
    """

    on: date
    is_torn: bool
    runs: int
    arrived: int
    rejected: int
    failed: int
    skipped: int
    removals: int
    made_good: int
    stopped: int
    waiting: int
    in_flight: int
    is_sound: bool
    lost: Sequence[FailedTask]
    reasons: list[tuple[Why, int]]
    advice: list[str]

    @property
    def missing(self) -> int:
        """Rows that should have arrived and did not."""
        return self.rejected + self.failed

    @property
    def went_well(self) -> bool:
        """Whether nothing was rejected, nothing failed, and no delivery was stopped or waits."""
        return self.is_sound and not (self.missing or self.removals or self.lost)


def day_of_utc(on: date) -> tuple[datetime, datetime]:
    """A day's first and last second."""
    first = datetime.combine(on, time(), UTC)
    return first, first + timedelta(days=1, seconds=-1)


def summary_of(
    on: date,
    runs: Iterable[SyncRun],
    lost: Sequence[FailedTask],
    known: KnownDeliveries,
    tasks: Tasks,
    *,
    is_torn: bool,
) -> DaySummary:
    """What the runs of a day brought.

    :param lost: tasks that failed on it before they delivered anything.
    :param is_torn: whether there were more than are read.
    """
    runs = list(runs)
    worst_first = list(State)
    parts = [(part, run.state_of(part), run.is_made_good(part)) for run in runs for part in run.parts]
    stated = [(part, state) for part, state, is_made_good in parts if not is_made_good]
    stated.sort(key=lambda one: worst_first.index(one[1]))
    # What waits for a decision is not lost, nor what goes on after one.
    over = [one for one in stated if one[1] not in (State.WAITING, State.IN_FLIGHT)]
    ended = [part for part, _ in over]
    reasons: Counter[Why] = Counter()
    for delivery, state in over:
        reasons.update(known.reasons(delivery, told_failure(delivery, state, tasks.decision)))
    states = Counter(state for _, state in stated)
    return DaySummary(
        on=on,
        is_torn=is_torn,
        runs=len(runs),
        arrived=sum(run.count("accepted") for run in runs),
        rejected=sum(part.count("rejected") for part in ended),
        failed=sum(part.count("failed") for part in ended),
        skipped=sum(run.count("skipped") for run in runs),
        removals=sum(part.removals for part in ended),
        made_good=sum(any(run.is_made_good(part) and _misses(part) for part in run.parts) for run in runs),
        stopped=states[State.STOPPED] + states[State.DAMAGED],
        waiting=states[State.WAITING],
        in_flight=states[State.IN_FLIGHT],
        is_sound=not states.keys() & _UNSOUND,
        lost=lost,
        reasons=reasons.most_common(REASONS),
        advice=[
            *advice_for_tasks(lost),
            *dict.fromkeys(
                chain(
                    *(advice_for(*one, tasks) for one in stated),
                    (DEGRADED for part, _, is_made_good in parts if is_made_good and part.unusual),
                )
            ),
        ],
    )


def _misses(delivery: KnownDelivery) -> bool:
    """Whether something of it did not arrive, or may not have."""
    return bool(delivery.undelivered) or not delivery.is_success
