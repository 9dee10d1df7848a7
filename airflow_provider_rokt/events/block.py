"""Some rows turned on their side: the values of one field are read in one go."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from airflow_provider_rokt.events.fields import Cost
from airflow_provider_rokt.events.identifiers import Identifier
from airflow_provider_rokt.events.values import BadValue, Json, Normaliser, text, unreadable
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.row import FieldFault

Document: TypeAlias = dict[str, Any]
Values: TypeAlias = list[Json | None]

ABSENT: Final = "required, but the row has none"


class Step(NamedTuple):
    """Fills one key.

    :param place: of the source column in a row; None when the value is the same in every row.
    :param fallback: the normalised value where the column has none; None for none.
    :param required: whether it is a fault when there is neither.
    :param cost: what a value that cannot be read costs.
    :param bit: of its path in a row's coverage; 0 where that is not told.
    """

    path: str
    key: str
    place: int | None
    normalise: Normaliser
    fallback: Json | None
    required: bool
    cost: Cost = Cost.ROW
    bit: int = 0


class Block:
    """Rows of one shape, at least one. Going through them row by row, step by step, would take a quarter longer.

    :param census: counts the values.
    :ivar faults: everything that costs each row, as far as its values were read.
    :ivar dropped: by the row's index, the values that were left out because they cannot be sent.
    """

    def __init__(self, rows: Sequence[Sequence[object]], census: Census) -> None:
        self.faults: list[list[FieldFault]] = [[] for _ in rows]
        self.dropped: dict[int, list[FieldFault]] = {}
        self._census = census
        self._columns = tuple(zip(*rows, strict=True))
        self._covered_by_all = 0
        self._covered: list[int] = []

    @property
    def coverage(self) -> list[int]:
        """The covered paths that each row carries, as bits."""
        if not self._covered:
            return [self._covered_by_all] * len(self.faults)
        return [self._covered_by_all | bits for bits in self._covered]

    def objects(self, steps: Iterable[Step]) -> list[Document]:
        """An object for each row, filled."""
        return self.filled([{} for _ in self.faults], steps)

    def filled(self, objects: list[Document], steps: Iterable[Step]) -> list[Document]:
        """The same objects, one for each row, with what the row has of each step's key."""
        for step in steps:
            key, values = step.key, self._values(step)
            if all(values):
                self._count(step, values, 0)
                for made, value in zip(objects, values, strict=True):
                    made[key] = value
                continue
            self._count(step, values, values.count(None))
            for made, value in zip(objects, values, strict=True):
                if value is not None:
                    made[key] = value
        return objects

    def _count(self, step: Step, values: Values, absent: int) -> None:
        self._census.values[step.path] += len(values) - absent
        if not step.bit:
            return
        if not absent:
            self._covered_by_all |= step.bit
        elif absent < len(values):
            before = self._covered or [0] * len(values)
            self._covered = [
                bits if value is None else bits | step.bit for bits, value in zip(before, values, strict=True)
            ]

    def _values(self, step: Step) -> Values:
        if step.place is None:
            return [step.fallback] * len(self.faults)
        raws = self._columns[step.place]
        try:
            values = _normalised(step.normalise, raws)
        except Exception:
            # Whose value it is, and what that costs, is told one by one.
            return self._one_by_one(step, raws)
        if (step.required or step.fallback is not None) and not all(values) and None in values:
            return self._one_by_one(step, raws)
        return values

    def _one_by_one(self, step: Step, raws: Sequence[object]) -> Values:
        return [self._value(step, index, raw) for index, raw in enumerate(raws)]

    def _value(self, step: Step, index: int, raw: object) -> Json | None:
        try:
            value = None if raw is None else step.normalise(raw)
        except BadValue as bad:
            self._invalid(step, index, bad.reason)
            return None
        except Exception:  # a type no rule was prepared for must not end the delivery; its text may quote the value
            self._invalid(step, index, unreadable(raw))
            return None
        if value is not None:
            return value
        if step.fallback is not None:
            # Filled in, yet nobody gave it: the share of invalid values is one of those given.
            self._census.values[step.path] -= 1
        elif step.required:
            self.faults[index].append(FieldFault(step.path, ABSENT))
        return step.fallback

    def _invalid(self, step: Step, index: int, reason: str) -> None:
        fault = FieldFault(step.path, reason)
        if step.cost is Cost.ROW:
            self.faults[index].append(fault)
            return
        # It is a value all the same, though none that is filled in.
        self._census.values[step.path] += 1
        self._census.invalid[fault] += 1
        self.dropped.setdefault(index, []).append(fault)


def _normalised(normalise: Normaliser, raws: Sequence[Any]) -> Values:
    if isinstance(normalise, Identifier) and normalise.leaves(raws):
        return list(raws)
    if normalise is not text:
        return [None if raw is None else normalise(raw) for raw in raws]
    # Most columns are text that is sent as it is; calling for each value would take ten times as long.
    return [
        (raw.strip() or None)
        if type(raw) is str and raw.isascii() and raw.isprintable()
        else (None if raw is None else text(raw))
        for raw in raws
    ]
