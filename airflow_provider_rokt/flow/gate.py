"""Whether a run may go on to sending: what its guards have against it, and whoever may decide otherwise."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal, ParamSpec

from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.flow.census import Census, Excess

# What follows when a guard stops a run: it fails, or a person is asked.
OnGuard = Literal["fail", "ask"]

_Guard = ParamSpec("_Guard")
# Of the digest: nobody finds two plans of one digest, and a log line holds it.
_PLAN_DIGITS: Final = 32
NAMED: Final = "named by resend_from, which alone are sent"
"""How the facts tell that a run is narrowed to some rows or members, and to how many."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before anything is sent.

    :param about: what the run sends, e.g. ``"mirror of audience 'vip'"``.
    :param objections: what the guards say, at least one; the first ends the run where nobody can be asked.
    :param facts: what the run would do, as counts by name.
    :param losses: the fields with values that would be left out, the worst first.
    :param plan: a digest of what would be done; what has the same digest is the same.
    :param same: what the digest holds the result to, as the end of "unless ...".
    """

    about: str
    objections: tuple[RoktError, ...]
    facts: Mapping[str, int]
    losses: tuple[Excess, ...]
    plan: str
    same: str = "it gives the same"


# Returns where the run may go on all the same, and raises otherwise.
Decide = Callable[[Question], None]


class RowSum:
    """A digest of rows in any order, in the memory of one: the sum of their digests."""

    def __init__(self) -> None:
        self._sum = 0

    def add(self, *parts: bytes) -> None:
        """Takes what tells one row, its name and its content; each part goes with its length, so none runs on."""
        told = b"".join(b"%d:%b" % (len(part), part) for part in parts)
        self._sum += int.from_bytes(sha256(told).digest())

    @property
    def digest(self) -> bytes:
        """The same for the same rows, as often as each stands there."""
        return b"%x" % self._sum


@dataclass(frozen=True, slots=True)
class Lifted:
    """What was let pass, so that the end of the run does not hold it against it.

    :param rejected: so many rejected rows.
    :param dropped: fields of which any share of values may be left out.
    """

    rejected: int = 0
    dropped: frozenset[str] = field(default_factory=frozenset)


class Gate:
    """Collects what the guards of one run object and asks once about all of it.

    :param decide: asked where a guard objects; None lets the first objection end the run at once.
    :param about: what the run sends.
    :param basis: what makes the plan besides rows and counts, such as the query and the arguments.
    :param same: see :class:`Question`.
    :ivar lifted: what was let pass.
    """

    def __init__(self, decide: Decide | None = None, *, about: str = "", basis: object = None, same: str = "") -> None:
        self._decide = decide
        self._about = about
        self._basis = basis
        self._same = same
        self._objections: list[RoktError] = []
        self.lifted = Lifted()

    @property
    def asks(self) -> bool:
        """Whether somebody is asked where a guard objects."""
        return self._decide is not None

    @property
    def objected(self) -> bool:
        """Whether a guard has objected and nobody was asked yet."""
        return bool(self._objections)

    def check(self, guard: Callable[_Guard, None], *args: _Guard.args, **kwargs: _Guard.kwargs) -> None:
        """Calls a guard.

        :raises RoktError: what it raises, where nobody is asked.
        """
        try:
            guard(*args, **kwargs)
        except RoktError as error:
            if self._decide is None:
                raise
            self._objections.append(error)

    def settle(self, facts: Mapping[str, int], census: Census, lifted: Lifted, members: Iterable[bytes] = ()) -> None:
        """Asks, where a guard objected.

        :param facts: what the run would do, as counts by name.
        :param lifted: what is let pass where the run may go on.
        :param members: of an audience, a line for each person to add or remove, in an order that depends on them
            alone; of conversions, the digest of their rows.
        :raises RoktError: unless the run may go on.
        """
        objections, self._objections = tuple(self._objections), []
        if objections and self._decide:
            losses = tuple(census.excesses(0.0))
            plan = self._digest([facts, losses], members)
            self._decide(Question(self._about, objections, facts, losses, plan, self._same))
            self.lifted = lifted

    def _digest(self, counted: object, members: Iterable[bytes]) -> str:
        digest = sha256(json.dumps([self._basis, counted], sort_keys=True, default=repr).encode())
        for line in members:
            digest.update(line)
        return digest.hexdigest()[:_PLAN_DIGITS]
