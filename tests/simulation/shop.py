"""A shop's rows, and how they are read and made into requests: by a stand-in, or by the stream of conversions itself.

Every value that nobody may see holds ``zqx``; a row's key does not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.events.batch import EventBatch, serialise
from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.grouping import GroupByUser
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.mark import Recall, mark
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef, Skip
from airflow_provider_rokt.flow.stream import ColumnNames, Consume, Packed, Row
from tests.simulation.rokt_model import TROUBLES
from tests.simulation.scheduler import World

MARKER: Final = "zqx"
GOOD: Final = ("good", "dropped")
COLUMNS: Final = ("number", "kind", "user")

_NOW: Final = 1_772_323_200
_MAPPING: Final[Mapping[str, Any]] = {
    "user_identities.email": "email",
    "user_attributes.mobile": "mobile",
    "events[].data.source_message_id": "key",
    "events[].data.timestamp_unixtime_ms": "time",
    "events[].data.custom_attributes.conversiontype": "type",
    "events[].data.custom_attributes.amount": {"literal": "1.00"},
    "events[].data.custom_attributes.currency": {"literal": "USD"},
    "events[].data.custom_attributes.row": "row",
    "events[].data.custom_attributes.trouble": "trouble",
}


class ShopError(Exception):
    """The source's own."""


@dataclass(frozen=True)
class Sale:
    """A row.

    :param kind: ``good``; one of Rokt's :data:`TROUBLES`; ``invalid``, never sent; ``repeat`` of the row before;
        ``dropped``, without one of its values.
    """

    number: int
    kind: str
    user: int


def sales_of(rng: Random, count: int) -> list[Sale]:
    """So many rows."""
    users, share = rng.randint(1, max(count, 1)), rng.choice((0.0, 0.02, 0.1, 0.5, 1.0))
    troubles = rng.choice((*((trouble,) for trouble in TROUBLES), TROUBLES))
    oddities = rng.choice(((), ("invalid",), ("invalid", "repeat", "dropped")))
    sales: list[Sale] = []
    for number in range(1, count + 1):
        kind = rng.choice(troubles) if rng.random() < share else "good"
        if oddities and rng.random() < 0.1:
            kind = rng.choice(oddities)
        if kind == "repeat" and (not sales or sales[-1].kind not in (*GOOD, *TROUBLES)):
            kind = "good"
        sales.append(Sale(number, kind, sales[-1].user if kind == "repeat" else rng.randint(1, users)))
    return sales


class ShopSource:
    """Hands the rows over a window at a time.

    :param seconds: the longest that a window is waited for.
    :param fails_at: the row that cannot be read; 0 for none.
    """

    def __init__(self, world: World, sales: Sequence[Sale], window: int, seconds: float, fails_at: int = 0) -> None:
        self._world, self._sales, self._window, self._seconds = world, sales, window, seconds
        self._fails_at = fails_at

    def cancel(self) -> None:
        """The run stops at its next row."""

    def read(self, consume: Consume) -> None:
        for start in range(0, max(len(self._sales), 1), self._window):
            self._world.sleep(self._world.rng.random() * self._seconds, is_idle=True)
            window = self._sales[start : start + self._window]
            if any(sale.number == self._fails_at for sale in window):
                raise ShopError("the shop is closed")
            consume(COLUMNS, [(sale.number, sale.kind, sale.user) for sale in window])


class ShopStream:
    """Makes requests of them in the plainest way.

    :param per_request: most batches of a request.
    :param grouped: whether a user's neighbouring rows share a batch.
    """

    def __init__(self, per_request: int, *, grouped: bool, salt: bytes, recall: Recall) -> None:
        self._per_request, self._grouped, self._salt, self._recall = per_request, grouped, salt, recall
        self._batches: list[EventBatch] = []
        self._doubtful: set[int] = set()
        self.extras: Mapping[str, int] = {}
        self.census = Census()

    def window(self, rows: Sequence[Row]) -> Packed:
        sales = [Sale(*row) for row in rows]  # type: ignore[arg-type]
        packed = Packed()
        packed.faults = [_fault(sale, "conversiontype") for sale in sales if sale.kind == "invalid"]
        packed.dropped = [_fault(sale, "mobile") for sale in sales if sale.kind == "dropped"]
        packed.skipped = Counter({Skip.REPEATED: sum(sale.kind == "repeat" for sale in sales)})
        group: list[Sale] = []
        for sale in self._to_send(sales, packed):
            if group and not (self._grouped and group[-1].user == sale.user and len(group) < 7):
                self._batches.append(self._batch(group))
                group = []
            group.append(sale)
        if group:
            self._batches.append(self._batch(group))
        packed.requests = self._full()
        return packed

    def _to_send(self, sales: Sequence[Sale], packed: Packed) -> Iterator[Sale]:
        for sale in sales:
            if sale.kind in ("invalid", "repeat"):
                continue
            known = self._recall(_mark(sale))
            if isinstance(known, Skip):
                packed.skipped[known] += 1
            elif known is Outcome.ACCEPTED:
                packed.resumed[0] += 1
            else:
                if known is Outcome.FAILED:
                    self._doubtful.add(sale.number)
                yield sale

    def _batch(self, sales: Sequence[Sale]) -> EventBatch:
        return _batch(sales, self._salt, repeats=any(sale.number in self._doubtful for sale in sales))

    def flush(self) -> Iterator[Packed]:
        if self._batches:
            yield Packed(requests=[Request(BULK, tuple(self._batches))])

    def close(self) -> None:
        """It has no disk."""

    def _full(self) -> Iterator[Request]:
        while len(self._batches) > self._per_request:
            taken, self._batches = self._batches[: self._per_request], self._batches[self._per_request :]
            yield Request(BULK, tuple(taken))


class RealStream:
    """The stream of conversions, on rows with values."""

    def __init__(self, per_request: int, *, grouped: GroupByUser, salt: bytes, recall: Recall) -> None:
        plan = compile_mapping(_MAPPING, tuple(_values(Sale(1, "good", 1))), Rules(now=_NOW))
        self._stream = ConversionStream(
            plan,
            now=_NOW,
            batches_per_request=per_request,
            bulk=BULK,
            group_by_user=grouped,
            salt=salt,
            recall=recall,
        )
        self.extras, self.census = self._stream.extras, self._stream.census
        self._before = Sale(0, "good", 0)

    def window(self, rows: Sequence[Row]) -> Packed:
        values = []
        for row in rows:
            sale = Sale(*row)  # type: ignore[arg-type]
            self._before = self._before if sale.kind == "repeat" else sale
            values.append(tuple(_values(self._before).values()))
        return self._stream.window(values)

    def flush(self) -> Iterator[Packed]:
        return self._stream.flush()

    def close(self) -> None:
        self._stream.close()


def make_stream(
    columns: ColumnNames,
    per_request: int,
    *,
    grouped: bool,
    real: bool,
    whole: bool,
    salt: bytes,
    recall: Recall = lambda _: None,
) -> ShopStream | RealStream:
    """The stream of a run."""
    assert columns == COLUMNS
    if real:
        return RealStream(per_request, grouped="result" if whole else grouped, salt=salt, recall=recall)
    return ShopStream(per_request, grouped=grouped, salt=salt, recall=recall)


def _fault(sale: Sale, field: str) -> RowFault:
    return RowFault(RowRef(sale.number, f"key-{sale.number}"), [FieldFault(field, "empty")])


def _batch(sales: Sequence[Sale], salt: bytes, *, repeats: bool) -> EventBatch:
    user = {"environment": "production", "user_identities": {"customerid": f"{MARKER}{sales[0].user}"}}
    rows = [RowRef(sale.number, f"key-{sale.number}") for sale in sales]
    marks = b"".join(map(_mark, sales))
    events = [serialise(_event(sale)) for sale in sales]
    return EventBatch.of(serialise(user), events, rows, salt=salt, marks=marks, repeats=repeats)


def _mark(sale: Sale) -> bytes:
    return mark(f"key-{sale.number}", sale.user)


def _event(sale: Sale) -> dict[str, Any]:
    attributes = {"row": str(sale.number), "trouble": sale.kind, "conversiontype": f"{MARKER}{sale.number}"}
    data = {"source_message_id": f"key-{sale.number}", "custom_attributes": attributes}
    return {"event_type": "custom_event", "data": data}


def _values(sale: Sale) -> dict[str, object]:
    return {
        "email": f"{MARKER}{sale.user}@example.com",
        "mobile": MARKER if sale.kind == "dropped" else None,
        "key": f"key-{sale.number}",
        "time": _NOW - 3600,
        "type": None if sale.kind == "invalid" else f"{MARKER}{sale.number}",
        "row": str(sale.number),
        "trouble": sale.kind,
    }
