"""What is known of one delivery when it is over, as an onlooker sees it; shares no code with the product."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import Any

from tests.simulation.rokt_model import Reply
from tests.simulation.weather import Fate


@dataclass(eq=False)
class Attempt:
    """One attempt, as an onlooker on the wire sees it.

    :param names: the batches' request ids.
    :ivar ended: when the sender had an answer, or gave up.
    :ivar reply: what the sender got; None where that was no answer.
    """

    number: int
    begun: float
    names: frozenset[str]
    rows: frozenset[int]
    size: int
    run: int
    fate: Fate
    arrived: float = inf
    ended: float = inf
    reply: Reply | None = None
    coming: Reply | None = None
    is_broken: bool = False


@dataclass
class Outcome:
    """What is known of one delivery when it is over.

    :param sent: rows that the stream makes requests of, by what they are: ``good`` or ``bad``.
    :param invalid: rows that are never sent.
    :param skipped: how many rows are left out on purpose.
    :param report: the flat report: returned, or carried by the error.
    :param error: what came out of the run.
    :param files: of the ledger, by name.
    :param logs: every message.
    :param ending: ``""``, ``"stop"``, ``"alarm"``, ``"source"`` or ``"kill"``: what struck, if anything did.
    :param ended_in: seconds from then to the end, without those that nobody could cut short.
    :param resumed: rows that the memory told were accepted in an earlier try.
    :param known: rows that it told were sent in an earlier run.
    :param remembers: whether there is a memory.
    :param is_new: whether the rows of earlier runs are left out.
    :param before: the deliveries whose rows it may know, in order.
    :param held_before: what Rokt held when it began.
    :param burnt: ids that Rokt noted of batches that it refused to earlier ones.
    :param is_forgotten: whether a folder of it was taken away.
    :param appends: whether what a killed process wrote is there; else the last lines are lost.
    """

    run: int
    sent: dict[int, str]
    invalid: frozenset[int]
    skipped: int
    rate: float
    budget: float
    concurrency: int
    disk_failed: bool = False
    ledger_failed: bool = False
    is_paused: bool = False
    clock_is_off: bool = False
    report: dict[str, Any] | None = None
    error: BaseException | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    logs: Sequence[str] = ()
    ending: str = ""
    ended_in: float = 0.0
    ended: float = inf
    read: str = ""
    left: int = 0
    crashes: Sequence[BaseException] = ()
    attempts: Sequence[Attempt] = ()
    held: Counter[int] = field(default_factory=Counter)
    arrivals: Sequence[tuple[float, int]] = ()
    resumed: set[int] = field(default_factory=set)
    known: set[int] = field(default_factory=set)
    remembers: bool = False
    is_new: bool = False
    before: Sequence["Outcome"] = ()
    held_before: frozenset[int] = frozenset()
    burnt: frozenset[str] = frozenset()
    is_forgotten: bool = False
    appends: bool = True

    @property
    def has_succeeded(self) -> bool:
        """Whether its task did."""
        return self.error is None and self.report is not None and not self.report["rows_failed"]

    @property
    def is_swallowed(self) -> bool:
        """Whether it sent something under an id that had been refused before anybody could tell."""
        return any(attempt.names & self.burnt for attempt in self.attempts)

    @property
    def replies(self) -> Iterator[tuple[Attempt, Reply]]:
        """The answers that the sender got."""
        return ((attempt, attempt.reply) for attempt in self.attempts if attempt.reply is not None)

    @cached_property
    def accepts(self) -> frozenset[int]:
        """Rows that some answer lets pass for accepted."""
        return frozenset(row for _, reply in self.replies for row in reply.accepts)

    @cached_property
    def blames(self) -> frozenset[int]:
        """Rows that some answer refuses."""
        return frozenset(row for _, reply in self.replies for row in reply.blames)

    @cached_property
    def posted(self) -> frozenset[int]:
        """Rows that were sent."""
        return frozenset(row for attempt in self.attempts for row in attempt.rows)

    @cached_property
    def taken(self) -> frozenset[int]:
        """Rows of which an answer, with nothing doubtful about it, said that Rokt took them.

        Of what was on its way before, nobody knows what the answer is about.
        """
        taken: set[int] = set()
        before = {name for earlier in self.before for attempt in earlier.attempts for name in attempt.names}
        for attempt in self.attempts:
            reply, is_new = attempt.reply, before.isdisjoint(attempt.names)
            before |= attempt.names
            if reply and is_new and attempt.fate.kind in ("clean", "slow") and (reply.status, reply.body) == (202, b""):
                taken |= attempt.rows & reply.accepts & set(self.held)
        return frozenset(taken)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The ledger's whole lines."""
        parts = sorted(name for name in self.files if name.startswith("part-") and name.endswith(".jsonl"))
        lines = [line for name in parts for line in self.files[name].splitlines(keepends=True)]
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def ended_as(self, outcome: str) -> list[int]:
        """The rows that the ledger names as ended so."""
        return [
            record["number"] for record in self.records if (record["kind"], record.get("outcome")) == ("row", outcome)
        ]
