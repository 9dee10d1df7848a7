"""One delivery as a person asks for it: who sent, how it ended, its counts."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.flow.checks import exceeds
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import DeliveryHeader
from airflow_provider_rokt.task.approval import RoktDecisionNeeded

COUNTS: Final = ("read", "accepted", "rejected", "failed", "skipped")
MEMBERS: Final = ("added", "removed", "unchanged")
UNDECIDED: Final = RoktDecisionNeeded.__name__
_SENT_BEFORE: Final = (Skip.SENT, Skip.CHANGED, Skip.UNCHANGED)


class State(StrEnum):
    """How a delivery stands, the worst first."""

    DAMAGED = "damaged"
    FAILED = "failed"
    STOPPED = "stopped"
    WAITING = "waits for a decision"
    IN_FLIGHT = "in flight"
    DEGRADED = "degraded"
    REJECTED = "rejected rows"
    DELIVERED = "delivered"


class KnownDelivery(NamedTuple):
    """One delivery.

    :param header: None where it cannot be read.
    :param report: None while it runs, after it was killed, and where it cannot be read.
    :param problem: why not, in our words.
    """

    reader: LedgerReader
    header: DeliveryHeader | None
    report: Mapping[str, Any] | None
    problem: str = ""

    @property
    def delivery_id(self) -> str:
        """Its name."""
        return self.reader.delivery_id

    @property
    def sender(self) -> Mapping[str, Any]:
        """Who sent, as the ledger names it."""
        return self.header.sender if self.header else {}

    @property
    def map_index(self) -> int:
        """Of a mapped task, the part's place; -1 for others."""
        index = self.sender.get("map_index")
        return index if isinstance(index, int) else -1

    @property
    def began_at(self) -> datetime | None:
        """When it began, UTC."""
        return moment(self.header.started_at) if self.header else began_by_name(self.delivery_id)

    @property
    def ended_at(self) -> datetime | None:
        """When its report was written, UTC."""
        return moment(self.report["finished_at"]) if self.report else None

    def count(self, what: str) -> int:
        """Rows that ended so, or were read; 0 while there is no report."""
        return int(self.report[f"rows_{what}"]) if self.report else 0

    @property
    def members(self) -> Counter[str]:
        """How many of an audience were added, removed and left as they are; empty of what is no audience."""
        told = self._told("members_added", 0) or self._told("members_removed", 0) or self._told("members_unchanged", 0)
        return Counter({what: int(self._told(f"members_{what}", 0)) for what in MEMBERS} if told else ())

    @property
    def unusual(self) -> list[str]:
        """What is not as usual in its sync, a sentence each; only where the task asked, with ``warn_when``."""
        return list(self._told("degraded", ()))

    @property
    def rejected(self) -> int:
        """Rows that were rejected, and removals from an audience, which are no rows."""
        return self.count("rejected") + int(self._told("rejected_without_row", 0))

    @property
    def failed(self) -> int:
        """Rows that failed, and removals from an audience."""
        return self.count("failed") + int(self._told("failed_without_row", 0))

    @property
    def removals(self) -> int:
        """Removals from an audience that were rejected or failed."""
        return self.undelivered - self.count("rejected") - self.count("failed")

    @property
    def undelivered(self) -> int:
        """All that was rejected or failed."""
        return self.rejected + self.failed

    @property
    def failure(self) -> str:
        """The class of the error that its task failed with; empty where it did not, and of older releases."""
        return str(self._told("failure", {}).get("kind", ""))

    @property
    def failure_text(self) -> str:
        """What the error says, some lines; empty where it is not of this provider."""
        return str(self._told("failure", {}).get("text", ""))

    @property
    def mirrors(self) -> bool:
        """Whether it made an audience equal to its query."""
        return bool(self.header and self.header.options.get("mode") == "mirror")

    @property
    def sends_new(self) -> bool:
        """Whether it sent only those rows of its query that Rokt had not taken yet."""
        options = self.header.options if self.header else {}
        return options.get("send") == "new" and not options.get("resend_from")

    @property
    def leaves_out(self) -> bool:
        """Whether it left out what Rokt had, so that a further run of its query brings what it did not deliver."""
        return self.sends_new or self.mirrors

    @property
    def sent_before(self) -> int:
        """Rows that it left out because Rokt had them."""
        skipped = self._told("skipped", {})
        return sum(int(skipped.get(why, 0)) for why in _SENT_BEFORE)

    @property
    def is_whole(self) -> bool:
        """Whether its rows were read to the end, so that its counts are those of its query."""
        return bool(self.report and self.report["complete"])

    @property
    def state(self) -> State:
        """How it stands, as far as the ledger alone can tell."""
        if self.problem:
            return State.DAMAGED
        if self.report is None:
            return State.IN_FLIGHT
        if self.failure == UNDECIDED:
            return State.WAITING
        if self.failure or self.failed or not self.is_whole:
            return State.FAILED
        if self.unusual:
            return State.DEGRADED
        return State.REJECTED if self.rejected else State.DELIVERED

    @property
    def is_success(self) -> bool:
        """Whether everything was delivered but as many rejected rows as the task allows."""
        if self.state not in (State.REJECTED, State.DEGRADED):
            return self.state is State.DELIVERED
        if "failure" in (self.report or {}):
            return True
        allowed = self.header.options.get("max_rejected", 0) if self.header else 0
        return isinstance(allowed, int | float) and not exceeds(self.count("rejected"), self.count("read"), allowed)

    def _told(self, what: str, otherwise: Any) -> Any:
        """What the report says, where it does: older releases say less."""
        return (self.report or {}).get(what) or otherwise


def moment(text: str) -> datetime | None:
    """A time as the ledger writes it; None for what is none."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def began_by_name(delivery_id: str) -> datetime | None:
    """When a delivery began, as its id tells."""
    try:
        return datetime.strptime(delivery_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def dag_of(sender: Mapping[str, Any]) -> str | None:
    """The DAG whose task sent; None for what no task did."""
    dag_id = sender.get("dag_id")
    return dag_id if isinstance(dag_id, str) and dag_id else None
