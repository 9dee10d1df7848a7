"""Rows of a query become packed conversion requests: mapped, validated, told apart, grouped, packed."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from airflow_provider_rokt.events.block import Document
from airflow_provider_rokt.events.documents import MappedRow, MappingPlan
from airflow_provider_rokt.events.grouping import Grouped, Grouping
from airflow_provider_rokt.events.validation import Validator
from airflow_provider_rokt.flow.packing import RequestPacker
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import RowFault
from airflow_provider_rokt.flow.stream import Packed, Row, Selects
from airflow_provider_rokt.limits import HISTORICAL_MIN_AGE, STALE_AGE

log = logging.getLogger(__name__)

# Rokt's clock decides on 72 hours: a row this much older than that is old enough for any sane clock.
_CLOCK_MARGIN: Final = 300
_REMEMBERED: Final = 16_384


class RecentKeys:
    """Recognises a key seen among at least the last 16,384 distinct ones, in constant memory.

    Exact recognition over a whole result would grow with it; repeats further apart are sent, and Rokt
    recognises them by ``source_message_id``.
    """

    def __init__(self) -> None:
        self._current: set[str] = set()
        self._previous: set[str] = set()

    def seen(self, key: str) -> bool:
        """Whether the key is a repeat; remembers it when it is not."""
        if key in self._current or key in self._previous:
            return True
        if len(self._current) >= _REMEMBERED:
            self._previous, self._current = self._current, set()
        self._current.add(key)
        return False


class ConversionStream:
    """The stream of one conversion delivery.

    :param plan: how a row becomes a document.
    :param now: the delivery's start in epoch seconds; ages are counted from it.
    :param bulk: the endpoint of usual events.
    :param historical: the endpoint that takes events older than 72 hours, if they are to go there; fresher ones go to
        ``bulk`` all the same, since a batch with a fresher event is not processed there.
    :param selects: tells which rows to send; the others are skipped.
    """

    def __init__(
        self,
        plan: MappingPlan,
        *,
        now: float,
        batches_per_request: int,
        bulk: Endpoint,
        historical: Endpoint | None = None,
        group_by_user: bool = True,
        selects: Selects | None = None,
    ) -> None:
        self._plan = plan
        self._validator = Validator("conversion")
        self._group_by_user = group_by_user
        self._selects = selects
        self._bulk = bulk
        self._historical = historical
        self._recent = RecentKeys()
        self._rows = 0
        self._historical_before = (now - HISTORICAL_MIN_AGE - _CLOCK_MARGIN) * 1000
        self._stale_before = (now - STALE_AGE) * 1000
        self._packers = {
            endpoint: RequestPacker(Request(endpoint, ()), batches=batches_per_request)
            for endpoint in filter(None, (bulk, historical))
        }
        self._stale = 0
        self.extras: Mapping[str, int] = {}

    def window(self, rows: Sequence[Row]) -> Packed:
        """Maps, validates and groups one read window, and packs it as its requests are taken."""
        packed = Packed()
        valid = {endpoint: Grouping(group_by_user=self._group_by_user) for endpoint in self._packers}
        for block in self._plan.apply(rows, self._rows + 1):
            self._judge(block, packed, valid)
        self._rows += len(rows)
        grouped = {endpoint: events.close() for endpoint, events in valid.items()}
        packed.faults += [fault for events in grouped.values() for fault in events.faults]
        packed.requests = self._requests(grouped)
        return packed

    def flush(self) -> Iterator[Packed]:
        """The last, partly filled requests."""
        if self._stale:
            log.warning(
                "%d events are older than 30 days: Rokt takes them but they distort audiences; historical=True sends "
                "them to /historical, which does not forward them for attribution",
                self._stale,
            )
        for packer in self._packers.values():
            if request := packer.flush():
                yield Packed(requests=[request])

    def _judge(self, block: Sequence[MappedRow], packed: Packed, valid: dict[Endpoint, Grouping]) -> None:
        selected = [mapped for mapped in block if self._selects is None or self._selects(mapped.row)]
        packed.skipped += len(block) - len(selected)
        fits = iter(self._validator.accepted([mapped.document for mapped in selected if not mapped.faults]))
        for mapped in selected:
            self._take(mapped, not mapped.faults and next(fits), packed, valid)

    def _take(self, mapped: MappedRow, is_valid: bool, packed: Packed, valid: dict[Endpoint, Grouping]) -> None:
        row, document, faults = mapped
        if faults or not is_valid:
            packed.faults.append(RowFault(row, faults or self._validator.faults(document)))
        elif self._recent.seen(row.key):
            packed.skipped += 1
        else:
            valid[self._route(document)].add(row, document)

    def _route(self, document: Document) -> Endpoint:
        timestamp = document["events"][0]["data"]["timestamp_unixtime_ms"]
        if self._historical and timestamp < self._historical_before:
            return self._historical
        if timestamp < self._stale_before:
            self._stale += 1
        return self._bulk

    def _requests(self, grouped: Mapping[Endpoint, Grouped]) -> Iterator[Request]:
        for endpoint, events in grouped.items():
            packer = self._packers[endpoint]
            for batch in events.batches:
                if request := packer.add(batch):
                    yield request
