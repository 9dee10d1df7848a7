"""Rows of a query become packed conversion requests: mapped, validated, told apart, grouped, packed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Final

from airflow_provider_rokt.events.block import Document
from airflow_provider_rokt.events.documents import MappedRow, MappingPlan
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.events.foreign_texts import ForeignTexts
from airflow_provider_rokt.events.grouping import (
    TOO_LARGE,
    GroupByUser,
    Grouping,
    OpenBatch,
    excess_of,
    open_batch,
    remembered_id_of,
)
from airflow_provider_rokt.events.losses import Ages, SharedReferences, planned_losses
from airflow_provider_rokt.events.recent_keys import RecentKeys
from airflow_provider_rokt.events.result_grouping import ResultGrouping
from airflow_provider_rokt.events.validation import Validator
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.gate import NAMED, Gate, Lifted, RowSum
from airflow_provider_rokt.flow.mark import Recall, mark
from airflow_provider_rokt.flow.packing import RequestPacker, RequestSize
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef, Skip
from airflow_provider_rokt.flow.stream import Packed, Row, Selects
from airflow_provider_rokt.flow.suspicion import Suspicion
from airflow_provider_rokt.limits import HISTORICAL_MIN_AGE

# Rokt's clock decides on 72 hours: a row this much older than that is old enough for any sane clock.
_CLOCK_MARGIN: Final = 300
# Rokt would drop it silently, as a repeat of what it has.
REPEATED: Final = FieldFault("events[].data.source_message_id", "repeats the id of an earlier row with other content")

# What each endpoint's events are grouped by: those of a read window, or of the whole result.
_Groupings = Mapping[Endpoint, Grouping | ResultGrouping]


class ConversionStream:
    """The stream of one conversion delivery; close it to give the disk back.

    :param plan: how a row becomes a document.
    :param now: the delivery's start in epoch seconds; ages are counted from it.
    :param bulk: the endpoint of usual events.
    :param historical: the endpoint that takes events older than 72 hours, if they are to go there; fresher ones go to
        ``bulk`` all the same, since a batch with a fresher event is not processed there.
    :param group_by_user: with ``result``, nothing is handed over before every row is read.
    :param max_dropped: the share of a field's values that may be invalid before anything is sent: of those in the first
        window, or of all that are read by then.
    :param gate: hears what is objected to those. Where it asks somebody, all rows are read as with ``result``.
    :param selects: tells which rows to send; the others are skipped.
    :param recall: tells what is remembered of a row.
    :param salt: of the batches' ids, up to 64 bytes.
    :param check: is called now and then while events are merged on the disk; what it raises ends that.
    """

    def __init__(
        self,
        plan: MappingPlan,
        *,
        now: float,
        batches_per_request: RequestSize,
        bulk: Endpoint,
        historical: Endpoint | None = None,
        group_by_user: GroupByUser = True,
        max_dropped: float = 1.0,
        gate: Gate | None = None,
        selects: Selects | None = None,
        recall: Recall = lambda _: None,
        salt: bytes = b"",
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._plan = plan
        self._foreign = ForeignTexts(plan.steps)
        self._validator = Validator("conversion")
        self._group_by_user = bool(group_by_user)
        self._selects = selects
        self._recall = recall
        self._max_dropped = max_dropped
        self._gate = gate or Gate()
        self._bulk = bulk
        self._historical = historical
        self._recent: RecentKeys[str, bytes] = RecentKeys()
        self._ages = Ages(now)
        self._references = SharedReferences()
        self._rows = self._selected = self._rejected = 0
        # What the gate may have to ask about.
        self._seen = RowSum()
        self._historical_before = (now - HISTORICAL_MIN_AGE - _CLOCK_MARGIN) * 1000
        self._packers = {
            endpoint: RequestPacker(Request(endpoint, (), paths=plan.paths), batches=batches_per_request)
            for endpoint in filter(None, (bulk, historical))
        }
        # Sent to /historical, an event is not forwarded; sent again on the usual road, it must not pass for a repeat.
        self._salts = {endpoint: _salt(salt, endpoint) for endpoint in self._packers}
        self._whole: Mapping[Endpoint, ResultGrouping] | None = None
        # Whoever is asked is asked about all rows: before, nobody knows what would be sent.
        if self._gate.asks or group_by_user == "result":
            self._whole = {
                endpoint: ResultGrouping(salt=salt, group_by_user=self._group_by_user, check=check)
                for endpoint, salt in self._salts.items()
            }
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
        :raises RoktStorageError: when the temporary folder is full.
        """
        self._foreign.see(rows)
        packed = Packed()
        valid: _Groupings = self._whole or {
            endpoint: Grouping(group_by_user=self._group_by_user, salt=salt) for endpoint, salt in self._salts.items()
        }
        for block in self._plan.apply(rows, self._rows + 1):
            self._judge(block, packed, valid)
        if not self._rows and not self._whole:
            self._admit()
        self._rejected += len(packed.faults)
        self._rows += len(rows)
        if not self._whole:
            packed.requests = self._requests(valid)
        return packed

    def flush(self) -> Iterator[Packed]:
        """What comes of the whole result, and the last, partly filled requests.

        :raises RoktDroppedError: where too many of a field's values are invalid in the whole; nothing was sent.
        """
        if self._whole:
            self._admit()
            yield Packed(requests=self._requests(self._whole))
        for packer in self._packers.values():
            if request := packer.flush():
                yield Packed(requests=[request])

    def close(self) -> None:
        """Gives the disk back."""
        for events in self._whole.values() if self._whole else ():
            events.discard()

    def _admit(self) -> None:
        census, limit = self._plan.census, self._max_dropped
        self._gate.check(census.require, limit)
        named = {} if self._selects is None else {f"Rows {NAMED}": self._selected}
        facts = {"Rows read": self._rows, **named, "Rows that cannot be used": self._rejected}
        self._gate.settle(facts, census, Lifted(dropped=census.paths_over(limit)), [self._seen.digest])

    def _judge(self, block: Sequence[MappedRow], packed: Packed, valid: _Groupings) -> None:
        selected = [mapped for mapped in block if self._selects is None or self._selects(mapped.row)]
        packed.skipped[Skip.NOT_NAMED] += len(block) - len(selected)
        self._selected += len(selected)
        fits = iter(self._validator.accepted([mapped.document for mapped in selected if not mapped.faults]))
        for mapped in selected:
            self._take(mapped, not mapped.faults and next(fits), packed, valid)

    def _take(self, mapped: MappedRow, fits: bool, packed: Packed, valid: _Groupings) -> None:
        row, document, faults, dropped, coverage = mapped
        if not faults and not fits:
            faults, lost = self._plan.mend(document, self._validator)
            dropped, coverage = [*dropped, *lost], _without(lost, coverage)
        single = None if faults else open_batch(row, document, coverage)
        if not (single or faults) and (lost := self._plan.lighten(document, excess_of(document))):
            dropped, coverage = [*dropped, *lost], _without(lost, coverage)
            single = open_batch(row, document, coverage)
        self._note(row, single, faults)
        if single is None:
            self._refuse(RowFault(row, faults or (TOO_LARGE,)), remembered_id_of(document), packed)
            return
        # Only what has a batch is remembered: a row that cannot be sent is no reason to refuse the next one.
        before = self._recent.before(row.key, content := single.content)
        if before is not None:
            if before == content:
                packed.skipped[Skip.REPEATED] += 1
            else:
                packed.faults.append(RowFault(row, (REPEATED,)))
            return
        known = self._known(single)
        if isinstance(known, Skip):
            packed.skipped[known] += 1
            return
        if dropped:
            packed.dropped.append(RowFault(row, dropped))
        if known is Outcome.ACCEPTED:
            packed.resumed[coverage] += 1
            packed.resumed_rows.append(row)
            for grouping in valid.values():
                grouping.part(single)
            return
        single.repeats = known is Outcome.FAILED
        self._references.see(row, document["events"][0]["data"]["custom_attributes"])
        valid[self._route(document)].add(single)

    def _note(self, row: RowRef, single: OpenBatch | None, faults: Sequence[FieldFault]) -> None:
        """What there is to say of a row goes into the plan: its name, and what would be sent or speaks against it."""
        if not self._gate.asks:
            return
        key = row.key.encode("utf-8", "surrogatepass")
        if single is None:
            self._seen.add(key, *(fault.label.encode("utf-8", "surrogatepass") for fault in faults))
        else:
            self._seen.add(key, single.shared, single.attributes, single.events[0])

    def _known(self, single: OpenBatch) -> Outcome | Skip | None:
        """What is remembered of a row, which decides what is sent of it."""
        known = self._recall(single.marks)
        if known is not None and self._gate.asks:
            self._seen.add(single.marks, known.encode())
        return known

    def _refuse(self, refused: RowFault, id_: str | None, packed: Packed) -> None:
        """Rejects a row, unless Rokt has it: then it was right when it was sent, and no correction of it is taken."""
        if id_ is not None and self._recall(mark(id_, 0)) not in (None, Outcome.FAILED):
            packed.skipped[Skip.CHANGED] += 1
        else:
            packed.faults.append(refused)

    def _route(self, document: Document) -> Endpoint:
        timestamp = document["events"][0]["data"]["timestamp_unixtime_ms"]
        is_historical = self._historical is not None and timestamp < self._historical_before
        self._ages.see(timestamp, is_historical=is_historical)
        return self._historical if self._historical and is_historical else self._bulk

    def _requests(self, valid: _Groupings) -> Iterator[Request]:
        for endpoint, events in valid.items():
            packer = self._packers[endpoint]
            for batch in events.close():
                if request := packer.add(batch):
                    yield request


def _without(lost: Sequence[FieldFault], coverage: int) -> int:
    return coverage & ~sum({COVERED.get(fault.path, 0) for fault in lost})


def _salt(salt: bytes, endpoint: Endpoint) -> bytes:
    return blake2b(endpoint.path.encode(), digest_size=32, key=salt).digest()
