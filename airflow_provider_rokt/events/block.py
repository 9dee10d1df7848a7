"""Some rows turned on their side: the values of one field are read in one go."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from airflow_provider_rokt.events.values import BadValue, Json, Normaliser, text, unreadable
from airflow_provider_rokt.flow.row import FieldFault

Document: TypeAlias = dict[str, Any]
Values: TypeAlias = Sequence[Json | None]

_REQUIRED: Final = "required, but the row has none"


class Step(NamedTuple):
    """Fills one key.

    :param place: of the source column in a row; None when the value is the same in every row.
    :param fallback: the normalised value where the column has none; None for none.
    :param required: whether it is a fault when there is neither.
    """

    path: str
    key: str
    place: int | None
    normalise: Normaliser
    fallback: Json | None
    required: bool


class Block:
    """Rows of one shape, at least one. Going through them row by row, step by step, would take a quarter longer.

    :ivar faults: everything that is wrong with each row's values, as far as they were read.
    """

    def __init__(self, rows: Sequence[Sequence[object]]) -> None:
        self.faults: list[list[FieldFault]] = [[] for _ in rows]
        self._columns = tuple(zip(*rows, strict=True))

    def objects(self, steps: Iterable[Step]) -> list[Document]:
        """An object for each row, filled."""
        return self.filled([{} for _ in self.faults], steps)

    def filled(self, objects: list[Document], steps: Iterable[Step]) -> list[Document]:
        """The same objects, one for each row, with what the row has of each step's key."""
        for step in steps:
            key = step.key
            for made, value in zip(objects, self._values(step), strict=True):
                if value is not None:
                    made[key] = value
        return objects

    def _values(self, step: Step) -> Values:
        if step.place is None:
            return [step.fallback] * len(self.faults)
        raws = self._columns[step.place]
        try:
            values = _normalised(step.normalise, raws)
        except Exception:  # whatever it is, it is one row's and found again below
            values = ()
        else:
            if all(values) or not (step.required or step.fallback is not None):
                return values
        return [self._value(step, raw, faults) for raw, faults in zip(raws, self.faults, strict=True)]

    @staticmethod
    def _value(step: Step, raw: object, faults: list[FieldFault]) -> Json | None:
        try:
            value = None if raw is None else step.normalise(raw)
        except BadValue as bad:
            faults.append(FieldFault(step.path, bad.reason))
            return None
        except Exception:  # a type no rule was prepared for must not end the delivery
            faults.append(FieldFault(step.path, unreadable(raw)))
            return None
        if value is not None:
            return value
        if step.fallback is None and step.required:
            faults.append(FieldFault(step.path, _REQUIRED))
        return step.fallback


def _normalised(normalise: Normaliser, raws: Iterable[object]) -> Values:
    if normalise is not text:
        return [None if raw is None else normalise(raw) for raw in raws]
    # Most columns are text that is sent as it is; calling for each value would take ten times as long.
    return [
        (raw.strip() or None)
        if type(raw) is str and raw.isascii() and raw.isprintable()
        else (None if raw is None else text(raw))
        for raw in raws
    ]
