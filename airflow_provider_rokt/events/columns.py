"""A query's columns, found by name."""

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches

from airflow_provider_rokt.exceptions import RoktMappingError, RoktSourceError


class Columns:
    """The columns of a result.

    :param names: their names, in order.
    :raises RoktSourceError: if a name occurs twice: which of the two is meant cannot be told.
    """

    def __init__(self, names: Sequence[str]) -> None:
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise RoktSourceError(
                f"The query returns more than one column named {', '.join(map(repr, twice))}:"
                " give each its own name (SELECT ... AS ...)"
            )
        self.names = tuple(names)
        self._places = {name: place for place, name in enumerate(names)}

    def find(self, name: str) -> int:
        """Place of the column named exactly so, or else of the only one named so in any case.

        :raises RoktMappingError: if there is none, or no single one.
        """
        matches = self._matches(name)
        if len(matches) == 1:
            return self._places[matches[0]]
        if matches:
            raise RoktMappingError(f"column {name!r} could be any of {', '.join(map(repr, matches))}: write it exactly")
        lowered = {column.lower(): column for column in self.names}
        close = [repr(lowered[match]) for match in get_close_matches(name.lower(), lowered)]
        listed = ", ".join(close or map(repr, self.names))
        raise RoktMappingError(
            f"the query returns no column {name!r} ({'close' if close else 'it returns'}: {listed or 'none'})"
        )

    def _matches(self, name: str) -> list[str]:
        if name in self._places:
            return [name]
        return [column for column in self.names if column.lower() == name.lower()]
