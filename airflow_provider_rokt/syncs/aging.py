"""What of a sync's memory no task looks back to any more: folded together, and forgotten."""

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_rokt.exceptions import RoktMemoryError, RoktStorageError
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.syncs.memory import fold
from airflow_provider_rokt.syncs.sync import Contents, Sync, today
from airflow_provider_rokt.syncs.trails import Trail
from airflow_provider_rokt.syncs.tries import OVER_DAYS

log = logging.getLogger(__name__)


def fold_over(sync: Sync, contents: Contents, run: str, part: int, days: int) -> None:
    """Folds what no try of any task will ask for any more.

    :param run: the run that folds, as trails name it; its own are still asked for.
    :param days: for how many its task remembers.
    """
    others = [trail for trail in contents.trails if trail.name.run != run]
    over = [trail for trail in others if trail.is_done() or trail.name.day < today() - OVER_DAYS]
    fold(sync.folder, contents.folds, over, f"{run}-{part}", _first_day(sync, days))


def forget_own(sync: Sync, sender: Mapping[str, Any], days: int) -> None:
    """Forgets what a task left too long ago, where that can be done: what was sent is sent."""
    try:
        old = [trail for trail in sync.contents().trails if trail.name.day < today() - days]
        first = _first_day(sync, days) if old else 0
        for trail in old:
            if trail.name.day < first and _is_of(sender, trail):
                trail.delete()
    except (RoktStorageError, RoktMemoryError) as error:
        text = f"What sync {sync.name!r} remembers from before could not all be removed: {error}"
        log_wrapped(log, logging.WARNING, text, breaks_words=False)


def _first_day(sync: Sync, days: int) -> int:
    """The first day that counts for any of the tasks that share the memory: the longest of them decides."""
    return today() - max(days, sync.uses.longest(today()))


def _is_of(sender: Mapping[str, Any], trail: Trail) -> bool:
    """Whether that task left it, in any run. One whose task was killed as it began holds nothing."""
    header = trail.header()
    return header is None or all(header.sender.get(name) == sender.get(name) for name in ("dag_id", "task_id"))
