"""The stream of one audience run: every row is read before the first one is sent, so that guards can stop it."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Protocol

from airflow_provider_rokt.audiences.decisions import PlanCounts
from airflow_provider_rokt.audiences.guards import Mode, check_plan, check_unusable, size_warning
from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.audiences.plan import AudiencePlan, Change, plan_changes
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.checks import check_enough
from airflow_provider_rokt.flow.gate import NAMED, Gate, Lifted
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.row import RowRef, Skip
from airflow_provider_rokt.flow.stream import Packed, Row, Selects

log = logging.getLogger(__name__)


class Intake(Protocol):
    """Takes rows into the spool."""

    def take(self, rows: Sequence[Row]) -> Packed:
        """Takes the next rows, in order; what it returns has no requests."""


class Packer(Protocol):
    """Packs changes."""

    def pack(self, changes: Iterable[Change]) -> Iterator[Packed]:
        """The requests, each as soon as it is full."""


@dataclass(frozen=True, slots=True)
class Guards:
    """When to stop before anything is sent; see :func:`check_plan`."""

    mode: Mode
    max_removed: float
    max_rejected: int | float
    allow_empty: bool
    max_dropped: float = 1.0
    min_rows: int = 0


class AudienceStream:
    """Spools the rows, decides person by person, and packs what is to be sent.

    :param census: what the intake counts of its fields' values.
    :param state: what is remembered of a mirrored audience; None in the other modes.
    :param selects: tells which members to send; the others are skipped.
    :param gate: hears what the guards object.
    """

    def __init__(
        self,
        spool: MemberSpool,
        intake: Intake,
        packer: Packer,
        guards: Guards,
        census: Census,
        *,
        state: MirrorState | None = None,
        selects: Selects | None = None,
        gate: Gate | None = None,
    ) -> None:
        self._gate = gate or Gate()
        self._spool = spool
        self._intake = intake
        self._packer = packer
        self._guards = guards
        self.census = census
        self._state = state
        self._selects = selects
        self._rows = 0
        self._rejected = 0
        self._left_out = {True: 0, False: 0}
        self.plan: AudiencePlan | None = None

    @property
    def counts(self) -> PlanCounts:
        """What the run does; zeros before everything is read."""
        return self.plan.counts if self.plan else PlanCounts()

    @property
    def extras(self) -> Mapping[str, int]:
        """What the run decided, in persons, without those left out by ``selects``; rows count how it went."""
        counts = self.counts
        return {
            "members_added": counts.added - self._left_out[True],
            "members_removed": counts.removed - self._left_out[False],
            "members_unchanged": counts.unchanged,
        }

    def window(self, rows: Sequence[Row]) -> Packed:
        """Takes the rows in; nothing is sent yet."""
        self._keep()
        self._rows += len(rows)
        packed = self._intake.take(rows)
        self._rejected += len(packed.faults)
        return packed

    def flush(self) -> Iterator[Packed]:
        """Decides, and hands everything over that is to be sent.

        :raises RoktAudienceError: when a guard stops the run; nothing was handed over then.
        """
        plan = self.decide()
        self.guard()
        if self._state:
            self._state.begin(plan)
        yield Packed(skipped=plan.counts.skips)
        for faults in plan.contradictions():
            self._keep()
            yield Packed(faults=faults)
        for packed in self._packer.pack(self._chosen(plan)):
            self._keep()
            yield packed
        yield Packed(skipped=Counter({Skip.NOT_NAMED: sum(self._left_out.values())}))

    def decide(self) -> AudiencePlan:
        """Compares what was read with what is remembered."""
        with closing(self._spool):
            lines = self._spool.sorted_lines()
            if self._state:
                self.plan = plan_changes(self._state.kept(lines), remembered=self._state.remembered())
            else:
                self.plan = plan_changes(lines)
        self._rejected += self.plan.counts.contradicting
        return self.plan

    def choose(self) -> int:
        """Looks through all changes, as a preview does, so that those left out are counted.

        :returns: how many rows would be skipped.
        """
        if self.plan:
            for _ in self._chosen(self.plan):
                pass
        return self.counts.skipped + sum(self._left_out.values())

    def guard(self) -> None:
        """Stops a run that looks like a broken query, warns of an audience Rokt does not target."""
        guards, gate, counts, rows = self._guards, self._gate, self.counts, self._rows
        gate.check(check_enough, rows, guards.min_rows)
        gate.check(self.census.require, guards.max_dropped)
        gate.check(check_plan, counts, rows_read=rows, max_removed=guards.max_removed, allow_empty=guards.allow_empty)
        if guards.mode == "mirror":
            gate.check(check_unusable, self._rejected, rows, guards.max_rejected)
        lifted = Lifted(self._rejected if guards.mode == "mirror" else 0, self.census.paths_over(guards.max_dropped))
        if gate.objected:
            gate.settle(self._facts(), self.census, lifted, self.plan.persons() if self.plan else ())
        if warning := size_warning(self.counts, guards.mode):
            log_wrapped(log, logging.WARNING, warning)

    def _facts(self) -> dict[str, int]:
        counts, ways = self.counts, self._named()
        return {
            "Rows read": self._rows,
            **({} if ways is None else {f"Members {NAMED}": ways.total()}),
            "Members to add": counts.added if ways is None else ways[True],
            "Members to remove": counts.removed if ways is None else ways[False],
            "Members who stay as they are": counts.unchanged,
            "Rows that cannot be used": self._rejected,
        }

    def _named(self) -> Counter[bool] | None:
        """How many the run adds, and how many it removes, where it is narrowed to some."""
        if self._selects is None or self.plan is None:
            return None
        members = ((change.include, RowRef.of_member(change.number, change.person)) for change in self.plan.changes())
        return Counter(include for include, member in members if self._selects(member))

    def close(self) -> None:
        """Gives the disk back."""
        self._spool.close()
        if self.plan:
            self.plan.close()

    def _chosen(self, plan: AudiencePlan) -> Iterator[Change]:
        for change in plan.changes():
            if self._selects is None or self._selects(RowRef.of_member(change.number, change.person)):
                yield change
            else:
                self._left_out[change.include] += 1

    def _keep(self) -> None:
        if self._state:
            self._state.keep()
