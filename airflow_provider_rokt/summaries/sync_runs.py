"""A sync's deliveries, gathered into the runs of its task: the last try of each part, and the tries before it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from typing import Any, Final, Protocol

from airflow_provider_rokt.summaries.decision import Decision
from airflow_provider_rokt.summaries.known_deliveries import KnownDeliveries
from airflow_provider_rokt.summaries.known_delivery import KnownDelivery, State, dag_of

_WORST_FIRST: Final = list(State)
_WITHOUT_TASK: Final = {State.IN_FLIGHT: State.STOPPED, State.WAITING: State.FAILED}
# What of one is not known, or is not over, no other run can tell.
_NEVER_MADE_GOOD: Final = frozenset((State.DAMAGED, State.WAITING, State.IN_FLIGHT))
# How one that waited stands while its task takes the answer up.
_ANSWERED: Final = {
    Decision.ALLOWED: State.IN_FLIGHT,
    Decision.STOPPED: State.FAILED,
    Decision.UNANSWERED: State.FAILED,
}


class Tasks(Protocol):
    """The task instances that sent, each named by a sender."""

    def is_at_work(self, sender: Mapping[str, Any]) -> bool | None:
        """Whether the try that a sender names goes on; None where nobody can tell."""

    def decision(self, sender: Mapping[str, Any]) -> Decision:
        """What a person answered to it."""

    def goes_on(self, sender: Mapping[str, Any]) -> bool:
        """Whether the task instance has not come to its end, whatever became of that try."""


@dataclass
class SyncRun:
    """One run of a task that sends.

    :ivar parts: the last delivery of each part, by its place in the map.
    :ivar earlier: the deliveries of tries before, newest first. Their accepted rows count in the last one, too, but for
        those in ``kept``: they had succeeded and were cleared, and then theirs were left out as sent before.
    :ivar at_work: how the deliveries stand whose task goes on, as far as is known, by their ids.
    :ivar is_read_again: whether a later run of the sync read its rows again, and tells what is missing still.
    """

    parts: list[KnownDelivery]
    earlier: list[KnownDelivery] = field(default_factory=list)
    at_work: Mapping[str, State] = field(default_factory=dict)
    kept: list[KnownDelivery] = field(default_factory=list)
    is_read_again: bool = False

    @property
    def newest(self) -> KnownDelivery:
        """The delivery that began last."""
        return max(self.parts, key=lambda part: part.delivery_id)

    @property
    def sender(self) -> Mapping[str, Any]:
        """The task."""
        return self.newest.sender

    @property
    def dag_id(self) -> str | None:
        """Its DAG."""
        return dag_of(self.sender)

    @property
    def began_at(self) -> datetime | None:
        """When the first of its parts began."""
        return min((at for part in self.parts if (at := part.began_at)), default=None)

    @property
    def first_began_at(self) -> datetime | None:
        """When the first of its tries began."""
        return min((at for one in (*self.parts, *self.earlier) if (at := one.began_at)), default=None)

    @property
    def ended_at(self) -> datetime | None:
        """When the last of its parts ended; None where one has not."""
        ends = [part.ended_at for part in self.parts]
        return None if None in ends else max(at for at in ends if at)

    def count(self, what: str) -> int:
        """Rows of all parts that ended so, or were read."""
        rows = sum(part.count(what) for part in self.parts)
        if what == "accepted":
            return rows + self._kept_rows
        if what == "skipped":
            return max(rows - self._kept_rows, 0)
        return max(rows, self._kept_rows) if what == "read" else rows

    @property
    def _kept_rows(self) -> int:
        return sum(one.count("accepted") for one in self.kept)

    @property
    def first_id(self) -> str:
        """The delivery that began first: ids sort by time."""
        return min(one.delivery_id for one in (*self.parts, *self.earlier))

    @property
    def members(self) -> Counter[str]:
        """As of one delivery, of all parts."""
        return sum((part.members for part in self.parts), Counter())

    @property
    def is_told(self) -> bool:
        """Whether any of its parts has a report, so that its counts mean something."""
        return any(part.report for part in self.parts)

    @property
    def dropped(self) -> int:
        """Values that were left out of rows that were sent."""
        return sum(sum((part.report or {}).get("dropped", {}).values()) for part in (*self.parts, *self.kept))

    @property
    def state(self) -> State:
        """That of its parts that is worst; in flight while one is."""
        states = {self.state_of(part) for part in self.parts}
        return State.IN_FLIGHT if State.IN_FLIGHT in states else min(states, key=_WORST_FIRST.index)

    @property
    def is_success(self) -> bool:
        """Whether all parts succeeded."""
        return all(part.is_success for part in self.parts)

    @property
    def rejected_share(self) -> float | None:
        """Of the rows read; None where none was."""
        read = self.count("read")
        return self.count("rejected") / read if read else None

    @property
    def coverage(self) -> dict[str, float]:
        """The share of accepted rows that carry each field that Rokt matches people by."""
        carried: dict[str, float] = {}
        for part in (*self.parts, *self.kept):
            for path, share in (part.report or {}).get("coverage", {}).items():
                carried[path] = carried.get(path, 0.0) + share * part.count("accepted")
        accepted = self.count("accepted")
        return {path: rows / accepted for path, rows in carried.items()} if accepted else {}

    def as_told(self, delivery: KnownDelivery) -> KnownDelivery:
        """One of its deliveries as the run has it, which may know its end where it was open just now."""
        return next((part for part in self.parts if part.delivery_id == delivery.delivery_id), delivery)

    def later_than(self, delivery: KnownDelivery) -> KnownDelivery | None:
        """The delivery of the same part that counts in the place of an earlier one; None for one that counts."""
        last = next((part for part in self.parts if part.map_index == delivery.map_index), delivery)
        return last if last.delivery_id != delivery.delivery_id else None

    def state_of(self, part: KnownDelivery) -> State:
        """That of one of its deliveries: what it is while its task is at work, it is not for ever."""
        return self.at_work.get(part.delivery_id) or _WITHOUT_TASK.get(part.state, part.state)

    def is_made_good(self, part: KnownDelivery) -> bool:
        """Whether nothing is to be done about one of its deliveries, as a later run tells what is missing still."""
        return self.is_read_again and self.state_of(part) not in _NEVER_MADE_GOOD


def runs_of(deliveries: Iterable[KnownDelivery], known: KnownDeliveries, tasks: Tasks) -> list[SyncRun]:
    """Deliveries by the run that made them, newest first.

    :param deliveries: newest first, as their ids sort.
    :param known: where they are from.
    """
    runs: dict[tuple[Any, ...], SyncRun] = {}
    for delivery in deliveries:
        run = runs.setdefault(run_key(delivery), SyncRun([]))
        indexes = {part.map_index for part in run.parts}
        (run.earlier if delivery.map_index in indexes else run.parts).append(delivery)
    for run in runs.values():
        run.parts.sort(key=lambda part: part.map_index)
        run.at_work = {part.delivery_id: state for part in run.parts if (state := _at_work(part, tasks))}
        run.parts = [_as_it_ended(part, run, known) for part in run.parts]
        run.kept = _kept(run)
    return list(runs.values())


def _at_work(part: KnownDelivery, tasks: Tasks) -> State | None:
    """How an open one stands while its task goes on; None for others."""
    state = part.state
    # Where nobody can tell, it may be.
    if state not in _WITHOUT_TASK or tasks.is_at_work(part.sender) is False:
        return None
    return _ANSWERED.get(tasks.decision(part.sender), state) if state is State.WAITING else state


def _as_it_ended(part: KnownDelivery, run: SyncRun, known: KnownDeliveries) -> KnownDelivery:
    """A part of which it is known as well how it ended as that its task did."""
    return known.ended(part) if run.state_of(part) is State.STOPPED else part


def _kept(run: SyncRun) -> list[KnownDelivery]:
    later, kept = {part.map_index: part for part in run.parts}, []
    for one in run.earlier:
        if _is_left_out_by(later[one.map_index], one):
            kept.append(one)
        later[one.map_index] = one
    return kept


def _is_left_out_by(later: KnownDelivery, earlier: KnownDelivery) -> bool:
    """Whether the next try left out what an earlier one had accepted, instead of counting it as accepted, too.

    What failed is gone on with, and so is what succeeded where Airflow had not seen it: whoever clears a task gives it
    more tries. What was read to the end with nothing left out was sent anew, as the memory had been forgotten.
    """
    if not (later.leaves_out and earlier.is_success and (later.sent_before or not later.is_whole)):
        return False
    tries = [one.sender.get("max_tries") for one in (earlier, later)]
    return later.mirrors or tries[0] is None or tries[0] != tries[1]


def may_yet_arrive(delivery: KnownDelivery, state: State, tasks: Tasks) -> bool:
    """Whether Airflow itself goes on with what one did not deliver.

    :param state: how it stands.
    """
    return state in (State.FAILED, State.STOPPED) and tasks.goes_on(delivery.sender)


def usual(runs: Sequence[SyncRun], of: Callable[[SyncRun], float | None]) -> float | None:
    """The median of something over runs that have it; None where fewer than three do."""
    values = [value for run in runs if (value := of(run)) is not None]
    return median(values) if len(values) >= 3 else None


def run_key(delivery: KnownDelivery) -> tuple[Any, ...]:
    """What the deliveries of one run have in common, and no others."""
    sender = delivery.sender
    if dag_of(sender) is None:
        return (delivery.delivery_id,)
    return (sender["dag_id"], sender.get("run_id"), sender.get("task_id"))
