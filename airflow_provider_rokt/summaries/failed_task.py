"""A task that failed and, where it has no delivery, did so before it delivered anything: its log alone says why."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple


class FailedTask(NamedTuple):
    """One task instance whose last try failed.

    :param began_at: None where that try was never at work.
    """

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    began_at: datetime | None
    ended_at: datetime


def by_task(failed: Iterable[FailedTask]) -> list[tuple[FailedTask, int]]:
    """The first of each task's instances, and how many of them there are."""
    found: dict[tuple[str, str], list[FailedTask]] = {}
    for one in failed:
        found.setdefault((one.dag_id, one.task_id), []).append(one)
    return [(all_[0], len(all_)) for all_ in found.values()]


def advice_for_tasks(failed: Sequence[FailedTask]) -> list[str]:
    """What to do about tasks that failed before they delivered anything."""
    if not failed:
        return []
    if len(failed) == 1:
        return ["Task that delivered nothing: see its log in Airflow, then clear it."]
    return ["Tasks that delivered nothing: see their logs in Airflow, then clear them."]
