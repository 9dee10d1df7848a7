"""Rows of a query become packed conversion requests: mapped, validated, told apart, grouped, packed."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from airflow_provider_rokt.events.batch import EventBatch
from airflow_provider_rokt.events.block import Document
from airflow_provider_rokt.events.documents import MappedRow, MappingPlan
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.events.grouping import TOO_LARGE, Grouping, open_batch
from airflow_provider_rokt.events.losses import Ages, SharedReferences, planned_losses
from airflow_provider_rokt.events.recent_keys import RecentKeys
from airflow_provider_rokt.events.validation import Validator
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.packing import RequestPacker
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import FieldFault, RowFault, Skip
from airflow_provider_rokt.flow.stream import Packed, Row, Selects
from airflow_provider_rokt.flow.suspicion import Suspicion
from airflow_provider_rokt.limits import HISTORICAL_MIN_AGE

# Rokt's clock decides on 72 hours: a row this much older than that is old enough for any sane clock.
_CLOCK_MARGIN: Final = 300
# Rokt would drop it silently, as a repeat of what it has.
REPEATED: Final = FieldFault("events[].data.source_message_id", "repeats the id of an earlier row with other content")


class ConversionStream:
    """The stream of one conversion delivery.

    :param plan: how a row becomes a document.
    :param now: the delivery's start in epoch seconds; ages are counted from it.
    :param bulk: the endpoint of usual events.
    :param historical: the endpoint that takes events older than 72 hours, if they are to go there; fresher ones go to
        ``bulk`` all the same, since a batch with a fresher event is not processed there.
    :param max_dropped: the share of a field's values in the first window that may be invalid.
    :param selects: tells which rows to send; the others are skipped.
    :param salt: of the batches' ids, up to 64 bytes.
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
        max_dropped: float = 1.0,
        selects: Selects | None = None,
        salt: bytes = b"",
    ) -> None:
        self._plan = plan
        self._validator = Validator("conversion")
        self._group_by_user = group_by_user
        self._selects = selects
        self._max_dropped = max_dropped
        self._bulk = bulk
        self._historical = historical
        self._recent: RecentKeys[str, int] = RecentKeys()
        self._ages = Ages(now)
        self._references = SharedReferences()
        self._rows = 0
        self._historical_before = (now - HISTORICAL_MIN_AGE - _CLOCK_MARGIN) * 1000
        self._packers = {
            endpoint: RequestPacker(Request(endpoint, (), paths=plan.paths), batches=batches_per_request)
            for endpoint in filter(None, (bulk, historical))
        }
        # Sent to /historical, an event is not forwarded; sent again on the usual road, it must not pass for a repeat.
        self._salts = {endpoint: _salt(salt, endpoint) for endpoint in self._packers}
        self.extras: Mapping[str, int] = {}

    @property
    def census(self) -> Census:
        """What it counts of its fields' values."""
        return self._plan.census

    def suspicions(self, *, by_place: bool = False) -> list[Suspicion]:
        """What Rokt may do otherwise with the events so far than whoever sends them thinks.

        :param by_place: call rows by their places in the result, not by their keys.
        """
        shared = self._references.suspicions(by_place=by_place)
        return [*planned_losses(self._plan), *self._ages.suspicions(), *shared]

    def window(self, rows: Sequence[Row]) -> Packed:
        """Maps, validates and groups one read window, and packs it as its requests are taken.

        :raises RoktDroppedError: where too many of a field's values are invalid in the first one; nothing was sent.
        """
        if not self._rows:
            self._plan.warn_of_quotes(rows)
        packed = Packed()
        valid = {
            endpoint: Grouping(group_by_user=self._group_by_user, salt=salt) for endpoint, salt in self._salts.items()
        }
        for block in self._plan.apply(rows, self._rows + 1):
            self._judge(block, packed, valid)
        if not self._rows:
            self._plan.census.require(self._max_dropped)
        self._rows += len(rows)
        packed.requests = self._requests({endpoint: events.close() for endpoint, events in valid.items()})
        return packed

    def flush(self) -> Iterator[Packed]:
        """The last, partly filled requests."""
        for packer in self._packers.values():
            if request := packer.flush():
                yield Packed(requests=[request])

    def _judge(self, block: Sequence[MappedRow], packed: Packed, valid: dict[Endpoint, Grouping]) -> None:
        selected = [mapped for mapped in block if self._selects is None or self._selects(mapped.row)]
        packed.skipped[Skip.NOT_NAMED] += len(block) - len(selected)
        fits = iter(self._validator.accepted([mapped.document for mapped in selected if not mapped.faults]))
        for mapped in selected:
            self._take(mapped, not mapped.faults and next(fits), packed, valid)

    def _take(self, mapped: MappedRow, fits: bool, packed: Packed, valid: dict[Endpoint, Grouping]) -> None:
        row, document, faults, dropped, coverage = mapped
        if not faults and not fits:
            faults, lost = self._plan.mend(document, self._validator)
            dropped = [*dropped, *lost]
            coverage &= ~sum({COVERED.get(fault.path, 0) for fault in lost})
        single = None if faults else open_batch(row, document, coverage)
        if single is None:
            packed.faults.append(RowFault(row, faults or (TOO_LARGE,)))
            return
        # Only what has a batch is remembered: a row that cannot be sent is no reason to refuse the next one.
        before = self._recent.before(row.key, content := single.content)
        if before is None:
            if dropped:
                packed.dropped.append(RowFault(row, dropped))
            self._references.see(row, document["events"][0]["data"]["custom_attributes"])
            valid[self._route(document)].add(single)
        elif before == content:
            packed.skipped[Skip.REPEATED] += 1
        else:
            packed.faults.append(RowFault(row, (REPEATED,)))

    def _route(self, document: Document) -> Endpoint:
        timestamp = document["events"][0]["data"]["timestamp_unixtime_ms"]
        is_historical = self._historical is not None and timestamp < self._historical_before
        self._ages.see(timestamp, is_historical=is_historical)
        return self._historical if self._historical and is_historical else self._bulk

    def _requests(self, grouped: Mapping[Endpoint, Iterator[EventBatch]]) -> Iterator[Request]:
        for endpoint, batches in grouped.items():
            packer = self._packers[endpoint]
            for batch in batches:
                if request := packer.add(batch):
                    yield request


def _salt(salt: bytes, endpoint: Endpoint) -> bytes:
    return blake2b(endpoint.path.encode(), digest_size=32, key=salt).digest()
