"""Events that Rokt may accept and never use, which no answer of its tells."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from airflow_provider_rokt.events.recent_keys import RecentKeys
from airflow_provider_rokt.flow.suspicion import Suspicion

# Pairs of rows that are named.
_EXAMPLES: Final = 3


class SharedReferences:
    """Rows of different ids that Rokt takes for one conversion: it deduplicates by the confirmation number too."""

    def __init__(self) -> None:
        # By hash, since a reference has up to 4,096 characters.
        self._recent: RecentKeys[int, str] = RecentKeys()
        self._rows = 0
        self._examples: list[str] = []

    def see(self, key: str, attributes: Mapping[str, Any]) -> None:
        """Looks at an event.

        :param key: of its row.
        :param attributes: its custom attributes.
        """
        if (reference := attributes.get("confirmationref")) is None:
            return
        before = self._recent.before(hash((attributes["conversiontype"], reference)), key)
        if before is None or before == key:
            return
        self._rows += 1
        if len(self._examples) < _EXAMPLES:
            self._examples.append(f"{before} and {key}")

    def suspicions(self) -> Iterator[Suspicion]:
        """What was seen."""
        if self._rows:
            text = (
                f"{self._rows:,} rows share conversiontype and confirmationref with an earlier row of another id "
                f"({'; '.join(self._examples)}): Rokt deduplicates by the two, and may keep only one of each. Should "
                "they be one row?"
            )
            yield Suspicion("shared reference", "", self._rows, text)
