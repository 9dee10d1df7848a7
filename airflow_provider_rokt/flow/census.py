"""What a run counts of its fields' values: how many there were, how many could not be read, who carries what."""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from airflow_provider_rokt.exceptions import RoktDroppedError
from airflow_provider_rokt.flow.row import FieldFault

# A share of fewer values says little: one bad phone of three is no wrong column.
LEAST_VALUES: Final = 100


class Excess(NamedTuple):
    """A field of which too many values are invalid.

    :param reason: the commonest one.
    """

    path: str
    invalid: int
    values: int
    reason: str

    def __str__(self) -> str:
        # Pages of logs cut a line at its end: which field and why come first.
        return f"{100 * self.invalid / self.values:.3g} % of {self.path} cannot be sent: {self.reason}"


class Census:
    """Counts of one run's values, by field.

    :param covered: the paths of which the report tells the share of accepted rows, to the bit each has in a batch's
        ``coverage``.
    :ivar values: values that were neither NULL nor blank, by path; the unreadable ones included, defaults not.
    :ivar invalid: values that cannot be sent and need not cost their row, by path and reason; an identity's too where
        its row has no other. What always costs the row is not among them: ``max_rejected`` judges that.
    """

    def __init__(self, covered: Mapping[str, int] | None = None) -> None:
        self.covered = dict(covered or {})
        self.values: Counter[str] = Counter()
        self.invalid: Counter[FieldFault] = Counter()

    def excess(self, max_dropped: float, lifted: Collection[str] = ()) -> Excess | None:
        """The first of :meth:`excesses`, if there is one.

        :param lifted: fields that may lose any share of their values.
        """
        return next((excess for excess in self.excesses(max_dropped) if excess.path not in lifted), None)

    def excesses(self, max_dropped: float) -> list[Excess]:
        """The fields with a larger share of invalid values than allowed, the largest first.

        :param max_dropped: the share that may be invalid, of fields with at least :data:`LEAST_VALUES` values.
        """
        totals: Counter[str] = Counter()
        for fault, count in self.invalid.items():
            totals[fault.path] += count
        found = [
            (invalid / self.values[path], path)
            for path, invalid in totals.items()
            if self.values[path] >= LEAST_VALUES and invalid / self.values[path] > max_dropped
        ]
        return [self._excess(path, totals) for _, path in sorted(found, reverse=True)]

    def paths_over(self, max_dropped: float) -> frozenset[str]:
        """The paths of :meth:`excesses`."""
        return frozenset(excess.path for excess in self.excesses(max_dropped))

    def require(self, max_dropped: float) -> None:
        """Makes sure that no field has too many invalid values, before anything is sent.

        :raises RoktDroppedError: naming the field, the share and the commonest reason.
        """
        if excess := self.excess(max_dropped):
            raise RoktDroppedError.objecting(
                str(excess),
                "Is it the right column? Map another one, leave the field out, or allow more.",
                f"{excess.invalid:,} of {excess.values:,} values; max_dropped is {max_dropped}. Nothing was sent.",
            )

    def shares(self, accepted: Mapping[int, int]) -> dict[str, float]:
        """The share of accepted rows that carry each covered path, to four digits.

        :param accepted: rows by the coverage of their batch.
        """
        rows = sum(accepted.values())
        carrying = {
            path: sum(count for mask, count in accepted.items() if mask & bit) for path, bit in self.covered.items()
        }
        return {path: round(count / rows, 4) if rows else 0.0 for path, count in carrying.items()}

    def _excess(self, path: str, totals: Mapping[str, int]) -> Excess:
        reasons = {fault.reason: count for fault, count in self.invalid.items() if fault.path == path}
        return Excess(path, totals[path], self.values[path], max(reasons, key=lambda reason: reasons[reason]))
