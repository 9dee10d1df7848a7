"""What each of two days brought, of what a visitor may read: its deliveries, and the tasks that came to none."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date
from itertools import islice
from typing import Final

from airflow_provider_rokt.plugin.task_instances import TaskInstances
from airflow_provider_rokt.plugin.visitor import Visitor
from airflow_provider_rokt.summaries.failed_task import FailedTask
from airflow_provider_rokt.summaries.known_deliveries import KnownDeliveries
from airflow_provider_rokt.summaries.known_delivery import KnownDelivery, dag_of
from airflow_provider_rokt.summaries.read_again import note_read_again
from airflow_provider_rokt.summaries.sync_runs import SyncRun, run_key, runs_of
from airflow_provider_rokt.summaries.yesterday import DaySummary, day_of_utc, summary_of

# In two days, of all syncs.
_DELIVERIES: Final = 10_000


def days_of(
    on: Sequence[date],
    known: KnownDeliveries,
    visitor: Visitor,
    tasks: TaskInstances,
    failed: Iterable[FailedTask],
    dag: str,
) -> list[DaySummary]:
    """What each day brought: a run is told on the day that its first try began, by its last try alone.

    :param on: neighbours, the last one today.
    :param failed: tasks of these days; those that delivered nothing are told on the day that they ended.
    :param dag: of this DAG alone; empty for all.
    """
    first, last = day_of_utc(on[0])[0], day_of_utc(on[-1])[1]
    began = known.between(first, last)
    read = list(islice(began, _DELIVERIES))
    is_torn = next(began, None) is not None
    runs = runs_of(_readable(read, visitor, dag), known, tasks)
    note_read_again(runs)
    # What began before all that is read may have delivered.
    since = (read[-1].began_at if is_torn else None) or first
    lost = [one for one in failed if (one.began_at or since) >= since and visitor.may_read(one.dag_id)]
    runs_on, lost_on = _by_day(runs), _lost_by_day(lost, runs)
    return [summary_of(day, runs_on[day], lost_on[day], known, tasks, is_torn=is_torn) for day in on]


def _readable(deliveries: Iterable[KnownDelivery], visitor: Visitor, dag: str) -> Iterator[KnownDelivery]:
    for delivery in deliveries:
        dag_id = dag_of(delivery.sender)
        if visitor.may_read(dag_id) and dag in ("", dag_id):
            yield delivery


def _by_day(runs: Iterable[SyncRun]) -> dict[date | None, list[SyncRun]]:
    found: dict[date | None, list[SyncRun]] = defaultdict(list)
    for run in runs:
        found[run.first_began_at and run.first_began_at.astimezone(UTC).date()].append(run)
    return found


def _lost_by_day(failed: Iterable[FailedTask], runs: Iterable[SyncRun]) -> dict[date, list[FailedTask]]:
    """Without those of which there is a delivery."""
    delivered = {(*run_key(one), one.map_index) for run in runs for one in (*run.parts, *run.earlier)}
    found: dict[date, list[FailedTask]] = defaultdict(list)
    for one in failed:
        if (one.dag_id, one.run_id, one.task_id, one.map_index) not in delivered:
            found[one.ended_at.astimezone(UTC).date()].append(one)
    return found
