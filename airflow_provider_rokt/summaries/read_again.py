"""Which runs of a sync were read again: a later run's query had their rows, and tells which are missing still."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

from airflow_provider_rokt.summaries.known_delivery import State, dag_of
from airflow_provider_rokt.summaries.sync_runs import SyncRun

# Of three days that a daily query goes back, two are read again; of two days one, which holds more or fewer rows.
_OVERLAP: Final = 3


def note_read_again(runs: Iterable[SyncRun]) -> None:
    """Notes it in each run; only what leaves out what Rokt has, as with ``send="new"``, is sent anew by the next run.

    That a query's rows are in the next one's as well shows in what that leaves out. With a query for each day or hour
    nothing is, and what such a run did not deliver stays missing. What a run of another day misses still is missing on
    both days.
    """
    syncs: dict[tuple[Any, ...], list[SyncRun]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.first_id):
        if all(part.leaves_out for part in run.parts):
            syncs[_query_of(run)].append(run)
    for oldest_first in syncs.values():
        _note(oldest_first)


def _note(runs: Sequence[SyncRun]) -> None:
    overlaps = not any(_known(one) and not _left_out(after) for one, after in pairwise(filter(_is_over, runs)))
    later: SyncRun | None = None
    is_all_there = False
    for run in reversed(runs):
        is_in_later = later is not None and _reads_again(later, run, overlaps)
        run.is_read_again = later is not None and is_in_later and (is_all_there or _day(run) == _day(later))
        if _is_over(run):
            later = run
            is_all_there = not any(part.undelivered for part in run.parts) or (is_in_later and is_all_there)


def _reads_again(later: SyncRun, run: SyncRun, overlaps: bool) -> bool:
    """Whether a run's rows are in the later one's query.

    :param overlaps: whether nothing shows that the sync's queries do not.
    """
    if len(later.parts) < len(run.parts):
        return False
    known, left_out = _known(run), _left_out(later)
    if known or left_out:
        return _OVERLAP * left_out >= max(known, 1)
    # Nothing had arrived, so there is nothing that could be left out.
    return overlaps and _day(run) == _day(later) and later.count("read") >= run.count("read") > 0


def _day(run: SyncRun) -> str:
    """On which it began, UTC, as its first delivery's id tells."""
    return run.first_id[:8]


def _known(run: SyncRun) -> int:
    """Rows of its query that Rokt had when it was over."""
    return sum(part.count("accepted") + part.sent_before for part in run.parts)


def _left_out(run: SyncRun) -> int:
    return sum(part.sent_before for part in run.parts)


def _is_over(run: SyncRun) -> bool:
    """Whether every row of it has its end."""
    return all(part.is_whole and run.state_of(part) not in (State.WAITING, State.IN_FLIGHT) for part in run.parts)


def _query_of(run: SyncRun) -> tuple[Any, ...]:
    """A sync may be that of several tasks, with a query each."""
    sender = run.sender
    return (sender.get("connection"), sender.get("sync"), dag_of(sender), sender.get("task_id"))
