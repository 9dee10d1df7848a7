"""How a query's events come together in batches, and how they would in another order, or over the whole result."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from decimal import Decimal
from typing import Any

from airflow_provider_rokt.events.block import Step
from airflow_provider_rokt.events.destinations import IDENTITY_PATHS
from airflow_provider_rokt.events.grouping import GroupByUser
from airflow_provider_rokt.flow.request import Batch, Endpoint
from airflow_provider_rokt.flow.stream import Row
from airflow_provider_rokt.flow.suspicion import Suspicion
from airflow_provider_rokt.limits import BATCHES_PER_REQUEST, EVENTS_PER_USER
from airflow_provider_rokt.runs.conversions import stream_maker
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.trials.trial import Sample


def events_of(batches: Iterable[tuple[Endpoint, Batch]]) -> list[dict[str, Any]]:
    """The documents of batches of one event each."""
    return [json.loads(batch.body) for _, batch in batches]


def crowding(
    sample: Sample, options: ConversionOptions, steps: Sequence[Step], events: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """How many events one identity has at most, and how many batches these rows make in either order.

    What another order makes is found by putting the rows in it, and through the very stream of a delivery.

    :returns: ``identities`` (``path, most_rows``) and ``batches`` (``events, now, order_by, ordered, result,
        most_events_of_a_user``); ``order_by`` is the column that would make the fewest, or None; ``result`` what
        ``group_by_user="result"`` makes.
    """
    # All rows are read then before the first is sent.
    whole = options.on_guard == "ask" and options.group_by_user
    grouped: GroupByUser = "result" if whole else options.group_by_user
    orders = {column: _count(rows, sample, options, grouped) for column, rows in _orders(sample, steps)}
    best = min(orders, key=lambda column: orders[column], default=None)
    users = Counter(json.dumps([event.get("user_identities"), _device(event)], sort_keys=True) for event in events)
    identities = [{"path": path, "most_rows": most} for path in IDENTITY_PATHS if (most := _most(events, path))]
    return {
        "identities": identities,
        "batches": {
            "events": len(events),
            "now": _count(sample.rows, sample, options, grouped),
            "order_by": best,
            "ordered": None if best is None else orders[best],
            "result": _count(sample.rows, sample, options, "result"),
            "most_events_of_a_user": max(users.values(), default=0),
        },
    }


def crowded_user(most: int) -> list[Suspicion]:
    """A user of more events than Rokt expects.

    :param most: events that one user has among those looked at.
    """
    if most <= EVENTS_PER_USER:
        return []
    text = (
        f"One user has {most:,} of these events: by default Rokt allows {EVENTS_PER_USER} of a user in 24 hours and "
        "175 in 30 days, on average, and says nothing of those beyond. Is an identity shared, like a shop's own?"
    )
    return [Suspicion("crowded user", "", most, text)]


def _count(rows: Sequence[Row], sample: Sample, options: ConversionOptions, grouped: GroupByUser) -> int:
    """How many batches a delivery makes of rows in this order."""
    make_stream = stream_maker(
        options, batches=BATCHES_PER_REQUEST, group_by_user=grouped, max_dropped=1.0, selects=None
    )
    windows = Sample(sample.columns, list(rows), sample.ended).windows(options.fetch_size)
    with closing(make_stream(sample.columns or ())) as stream:
        batches = sum(len(request.batches) for window in windows for request in stream.window(window).requests)
        return batches + sum(len(request.batches) for packed in stream.flush() for request in packed.requests)


def _orders(sample: Sample, steps: Iterable[Step]) -> Iterator[tuple[str, list[Row]]]:
    """The rows ordered by each column that identifies somebody; within one value as they were."""
    places = {step.path: step.place for step in steps if step.place is not None}
    for place in dict.fromkeys(places[path] for path in IDENTITY_PATHS if path in places):
        yield (sample.columns or ())[place], sorted(sample.rows, key=lambda row: _rank(row[place]))


def _rank(value: object) -> tuple[int, Any]:
    """Sorts what a column holds as a database does: numbers as numbers, text by its characters, NULLs together."""
    if value is None:
        return 0, 0
    if isinstance(value, int | float | Decimal):
        return 1, value
    return 2, value if isinstance(value, str) else str(value)


def _most(events: Iterable[Mapping[str, Any]], path: str) -> int:
    section, _, name = path.partition(".")
    held = Counter(event[section][name] for event in events if name in event.get(section, ()))
    return max(held.values(), default=0)


def _device(event: Mapping[str, Any]) -> Any:
    """What identifies a device counts where the user has no identity, as for grouping."""
    if event.get("user_identities"):
        return None
    return [event.get("device_info", {}).get(path.partition(".")[2]) for path in IDENTITY_PATHS]
