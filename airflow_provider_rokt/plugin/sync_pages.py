"""What the pages of the syncs, and of one sync, tell."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice, takewhile
from typing import Any, Final

from airflow_provider_rokt.exceptions import RoktStorageError
from airflow_provider_rokt.plugin.days import days_of
from airflow_provider_rokt.plugin.failed_tasks import FailedTasks
from airflow_provider_rokt.plugin.task_instances import TaskInstances
from airflow_provider_rokt.plugin.trends import IDENTITIES, trends_of
from airflow_provider_rokt.plugin.visitor import Visitor
from airflow_provider_rokt.runs.place import syncs_of
from airflow_provider_rokt.summaries.known_deliveries import KnownDeliveries
from airflow_provider_rokt.summaries.known_delivery import State, dag_of
from airflow_provider_rokt.summaries.sync_runs import SyncRun, run_key, runs_of
from airflow_provider_rokt.syncs.sync import Sync, date_of

BARS: Final = 30
# Of one sync: thirty runs of eight parts, or of a few tries each.
_DELIVERIES: Final = 240
_SYNCS: Final = 25
# Of tasks, in the answer at the top.
_NAMES: Final = 5
_LEAST_DAYS: Final = 1 / 1_440
_WEEK: Final = 7


class Filter:
    """What the list of syncs is narrowed to.

    :param dag: a DAG's id, of the newest run.
    :param state: of the newest run.
    :param day: runs of that day alone, as ``2026-11-28``.
    """

    def __init__(self, dag: str = "", state: str = "", day: str = "") -> None:
        self.dag = dag
        self.state = state if state in list(State) else ""
        try:
            self.day = date.fromisoformat(day) if day else None
        except ValueError:
            self.day = None

    def __bool__(self) -> bool:
        return bool(self.dag or self.state or self.day)

    def wants(self, line: "SyncLine") -> bool:
        """Whether a sync is shown."""
        if self.dag and self.dag not in line.dags:
            return False
        if self.day and not line.runs:
            return False
        return not self.state or bool(line.runs and line.runs[0].state == self.state)


@dataclass
class SyncLine:
    """One sync in the list.

    :ivar runs: the newest first.
    :ivar read_from: when the oldest delivery that was read began; None where all were.
    :ivar is_torn: whether even the newest run has parts that were not read.
    """

    sync: Sync
    runs: list[SyncRun]
    read_from: datetime | None = None
    is_torn: bool = False

    @property
    def dags(self) -> list[str]:
        """The DAGs whose tasks sent."""
        return sorted({dag for run in self.runs if (dag := run.dag_id)})

    @property
    def succeeded_at(self) -> datetime | None:
        """When the last run that succeeded had ended; None where none of these did."""
        return next((run.ended_at for run in self.runs if run.is_success), None)

    @property
    def without_success(self) -> str:
        """What there is to say where none of these did."""
        return "never" if self.read_from is None else "not in the runs read"

    @property
    def identities(self) -> list[tuple[str, float]]:
        """The commonest identities of the newest run that had rows, with the share of rows that carry them."""
        coverage: dict[str, float] = next((run.coverage for run in self.runs if run.coverage), {})
        found = [(path.removeprefix(IDENTITIES), share) for path, share in coverage.items() if IDENTITIES in path]
        return sorted(found, key=lambda one: -one[1])[:2]

    @property
    def is_mirror(self) -> bool:
        """Whether it keeps an audience equal to its query, so that what it remembers is members and no rows."""
        return any(part.mirrors for run in self.runs[:1] for part in run.parts)

    @property
    def mirrored(self) -> int | None:
        """A mirror's members as of the last run that succeeded; None where none of these did."""
        members = next((run.members for run in self.runs if run.is_success and run.members), None)
        return members["added"] + members["unchanged"] if members else None

    def rows_a_day(self, now: datetime) -> float | None:
        """Accepted rows a day in the last week, or as far as was read; None where no run began in it."""
        week = [run for run in self.runs if run.began_at and now - run.began_at < timedelta(days=_WEEK)]
        if not week:
            return None
        oldest = self.read_from or min(run.began_at for run in self.runs if run.began_at)
        # One that began today has not yet sent a day's rows; of one that sends more than is read a part of a day is.
        least = _LEAST_DAYS if self.read_from and not self.is_torn else 1.0
        days = min(max((now - oldest) / timedelta(days=1), least), float(_WEEK))
        return sum(run.count("accepted") for run in week) / days


class SyncPages:
    """The pages of syncs.

    :param known: the deliveries.
    """

    def __init__(self, known: KnownDeliveries) -> None:
        self._known = known
        self._syncs = syncs_of(known.ledger)

    def all(
        self, visitor: Visitor, tasks: TaskInstances, failed: FailedTasks, chosen: Filter, page: int
    ) -> dict[str, Any]:
        """The list of syncs, and the answer at its top."""
        now = datetime.now(UTC)
        every = {sync: self._ids(sync) for sync in self._by_name()}
        known = [line for sync in every if (line := self._newest(sync, every[sync], visitor, tasks))]
        ids = {line.sync: _of_day(every[line.sync], chosen.day) for line in known}
        of_day = (self._newest(sync, ids[sync], visitor, tasks) for sync in ids) if chosen.day else known
        found = [line for line in of_day if line and chosen.wants(line)]
        pages = max(-(-len(found) // _SYNCS), 1)
        page = min(page, pages)
        here = found[(page - 1) * _SYNCS : page * _SYNCS]
        shown = [self._line(line.sync, ids[line.sync], visitor, tasks) for line in here]
        # What a sync comes to by now is no matter of the day that is chosen.
        whole = {line.sync: self._line(line.sync, every[line.sync], visitor, tasks) for line in here if chosen.day}
        days = [now.date() - timedelta(days=1), now.date()]
        lost = failed.since(days[0], _senders(known), chosen.dag)
        yesterday, today = days_of(days, self._known, visitor, tasks, lost, chosen.dag)
        return {
            "lines": [line for line in shown if line],
            "whole": whole or {line.sync: line for line in shown if line},
            "found": len(found),
            "pages": pages,
            "page": page,
            "known": len(known),
            "dags": sorted({dag for line in known for dag in line.dags}),
            "states": list(State),
            "chosen": chosen,
            "ledger": self._known.ledger.uri,
            "bars": BARS,
            "names": _NAMES,
            "live": any(run.at_work for line in found for run in line.runs[:1]),
            "yesterday": yesterday,
            "today": today,
        }

    def one(self, visitor: Visitor, tasks: TaskInstances, key: str) -> dict[str, Any] | None:
        """One sync; None where there is none of that key, or nothing of it may be read."""
        sync = next((sync for sync in self._syncs.all() if sync.key == key), None)
        ids = self._ids(sync) if sync else []
        line = sync and self._line(sync, ids, visitor, tasks)
        if not line:
            return None
        runs = line.runs
        return {
            "line": line,
            "bars": BARS,
            "runs": runs[:BARS],
            "memory": None if line.is_mirror else _memory(line.sync),
            "deliveries": len(ids),
            "is_audience": any(run.members for run in runs[:BARS]),
            "trends": trends_of(runs[:BARS]),
            "live": bool(runs and runs[0].at_work),
        }

    def _by_name(self) -> list[Sync]:
        return sorted(self._syncs.all(), key=lambda sync: (sync.name, sync.connection))

    def _newest(self, sync: Sync, ids: list[str], visitor: Visitor, tasks: TaskInstances) -> SyncLine | None:
        """Of what may be read of a sync the newest run alone; None for nothing."""
        mine = (one for one in islice(self._known.named(ids), _DELIVERIES) if visitor.may_read(dag_of(one.sender)))
        first = next(mine, None)
        if first is None:
            # The name alone may tell something: what is empty is shown to those who may read all.
            return SyncLine(sync, []) if visitor.may_read(None) else None
        rest = takewhile(lambda one: run_key(one) == run_key(first), mine)
        return SyncLine(sync, runs_of([first, *rest], self._known, tasks))

    def _line(self, sync: Sync, ids: list[str], visitor: Visitor, tasks: TaskInstances) -> SyncLine | None:
        """What may be read of a sync; None for nothing."""
        unread = self._known.named(ids)
        read = list(islice(unread, _DELIVERIES))
        mine = [one for one in read if visitor.may_read(dag_of(one.sender))]
        if not mine and not visitor.may_read(None):
            return None
        runs, more = runs_of(mine, self._known, tasks), next(unread, None)
        if more is None:
            return SyncLine(sync, runs)
        # A run whose oldest parts were not read would look like one that sent less.
        torn = run_key(more)
        whole = [run for run in runs if run_key(run.newest) != torn]
        return SyncLine(sync, whole or runs, read[-1].began_at, is_torn=not whole)

    @staticmethod
    def _ids(sync: Sync) -> list[str]:
        """Of a sync's deliveries, newest first."""
        try:
            return list(sync.deliveries())
        except RoktStorageError:
            return []


def _senders(lines: Iterable[SyncLine]) -> set[tuple[str, str]]:
    """The tasks that are known to deliver, by DAG and id."""
    senders = (run.sender for line in lines for run in line.runs)
    return {(str(sender["dag_id"]), str(sender.get("task_id"))) for sender in senders if dag_of(sender)}


def _of_day(ids: list[str], day: date | None) -> list[str]:
    """Those of a day alone, if one is named."""
    return [name for name in ids if name.startswith(f"{day:%Y%m%d}")] if day else ids


def _memory(sync: Sync) -> dict[str, Any]:
    """How many rows are remembered, and since when."""
    try:
        contents = sync.contents()
    except RoktStorageError:
        return {"rows": None, "since": None}
    days = [date_of(day) for day in contents.days[:1]]
    return {"rows": contents.rows, "since": min(days, default=None)}
