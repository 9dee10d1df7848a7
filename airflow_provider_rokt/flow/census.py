"""What a run counts of its fields' values: how many there were, how many could not be read, who carries what."""

from collections import Counter
from collections.abc import Mapping
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
        share, counted = 100 * self.invalid / self.values, f"{self.invalid:,} of {self.values:,}"
        return (
            f"{share:.3g} % of the values of {self.path} cannot be sent ({counted}, most often: {self.reason}). "
            "Is it the right column?"
        )


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

    def excess(self, max_dropped: float) -> Excess | None:
        """The field with the largest share of invalid values, if that is more than allowed.

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
        return self._excess(max(found)[1], totals) if found else None

    def require(self, max_dropped: float) -> None:
        """Makes sure that no field has too many invalid values, before anything is sent.

        :raises RoktDroppedError: naming the field, the share and the commonest reason.
        """
        if excess := self.excess(max_dropped):
            raise RoktDroppedError(
                f"{excess} Nothing was sent: max_dropped={max_dropped} allows no more. Map another column, leave the "
                "field out, or allow more."
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
