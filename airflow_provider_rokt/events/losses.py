"""Events that Rokt may accept and never use, which no answer of its tells."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_rokt.events.destinations import misplaced
from airflow_provider_rokt.events.documents import MappingPlan
from airflow_provider_rokt.events.recent_keys import RecentKeys
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.flow.suspicion import Suspicion
from airflow_provider_rokt.limits import OLDEST_AGE, STALE_AGE

# No two clocks agree: an event from this little in the future is one of now.
_CLOCK_MARGIN: Final = 300
# Pairs of rows that are named.
_EXAMPLES: Final = 3
_AGES: Final = {
    "older than 30 days": "{rows} events are older than 30 days: Rokt takes them but they distort audiences; "
    "historical=True sends them to /historical, which does not forward them for attribution",
    "older than 12 months": "{rows} events are older than 12 months: another API of Rokt's takes none of them, and "
    "whether this one uses what it accepts is not published",
    "in the future": "{rows} events are later than now: another API of Rokt's takes none of them, and whether this one "
    "uses what it accepts is not published. Are their time zone and timestamp_unit right?",
}


def planned_losses(plan: MappingPlan) -> Iterator[Suspicion]:
    """What a mapping and its environment alone let one suspect."""
    if plan.environment != "production":
        text = (
            f"environment={plan.environment!r}: Rokt's guide says always production, also for tests. What is sent so "
            "may be accepted and never used"
        )
        yield Suspicion("environment", "", 0, text)
    if plan.consents:
        text = (
            "consent_state is mapped, and whether Rokt honours it is not published: leave rows of people who said no "
            "out of the query"
        )
        yield Suspicion("consent", "", 0, text)
    for text in misplaced(step.path for step in plan.steps):
        yield Suspicion("section", "", 0, text)


class Ages:
    """Events of an age that Rokt takes and may not use.

    :param now: the delivery's start in epoch seconds.
    """

    def __init__(self, now: float) -> None:
        self._oldest = (now - OLDEST_AGE) * 1000
        self._stale = (now - STALE_AGE) * 1000
        self._latest = (now + _CLOCK_MARGIN) * 1000
        self._counts = Counter[str]()

    def see(self, timestamp: int, *, is_historical: bool) -> None:
        """Looks at an event.

        :param timestamp: milliseconds since 1970.
        :param is_historical: whether it goes where old events belong.
        """
        if self._stale <= timestamp <= self._latest:
            return
        if timestamp > self._latest:
            self._counts["in the future"] += 1
            return
        self._counts["older than 30 days"] += not is_historical
        self._counts["older than 12 months"] += timestamp < self._oldest

    def suspicions(self) -> Iterator[Suspicion]:
        """What was seen."""
        for kind, text in _AGES.items():
            if rows := self._counts[kind]:
                yield Suspicion(kind, "", rows, text.format(rows=f"{rows:,}"))


class SharedReferences:
    """Rows of different ids that Rokt takes for one conversion: it deduplicates by the confirmation number too."""

    def __init__(self) -> None:
        # By hash, since a reference has up to 4,096 characters.
        self._recent: RecentKeys[int, RowRef] = RecentKeys()
        self._rows = 0
        self._examples: list[tuple[RowRef, RowRef]] = []

    def see(self, row: RowRef, attributes: Mapping[str, Any]) -> None:
        """Looks at an event.

        :param attributes: its custom attributes.
        """
        if (reference := attributes.get("confirmationref")) is None:
            return
        before = self._recent.before(hash((attributes["conversiontype"], reference)), row)
        if before is None or before.key == row.key:
            return
        self._rows += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append((before, row))

    def suspicions(self, *, by_place: bool) -> Iterator[Suspicion]:
        """What was seen.

        :param by_place: call rows by their places in the result, since an id is a value.
        """
        if self._rows:
            pairs = [[RowRef.at(row.number).key if by_place else row.key for row in pair] for pair in self._examples]
            named = "; ".join(map(" and ".join, pairs))
            text = (
                f"{self._rows:,} rows share conversiontype and confirmationref with an earlier row of another id "
                f"({named}): Rokt deduplicates by the two, and may keep only one of each. Should they be one row?"
            )
            yield Suspicion("shared reference", "", self._rows, text)
