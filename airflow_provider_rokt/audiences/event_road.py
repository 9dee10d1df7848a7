"""An audience over the Events API: rows into the spool as ready events, changes out of the plan as requests."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain, islice
from typing import Final

import msgspec

from airflow_provider_rokt.audiences.address import DISAGREE, address_reader
from airflow_provider_rokt.audiences.columns import AUDIENCE, STATUS, MembershipColumns
from airflow_provider_rokt.audiences.guards import mixture_warning
from airflow_provider_rokt.audiences.members import Member, read_wanted
from airflow_provider_rokt.audiences.membership import Membership, person_of
from airflow_provider_rokt.audiences.naming import flag_name, flag_problem, is_usual, name_problem
from airflow_provider_rokt.audiences.plan import Change
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.events.batch import serialise
from airflow_provider_rokt.events.block import Document
from airflow_provider_rokt.events.documents import MappedRow
from airflow_provider_rokt.events.foreign_texts import ForeignTexts
from airflow_provider_rokt.events.grouping import TOO_LARGE, Grouping, coverage_of, excess_of, open_batch
from airflow_provider_rokt.events.validation import Validator
from airflow_provider_rokt.events.values import BadValue, trimmed, unreadable
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.mark import Recall
from airflow_provider_rokt.flow.packing import RequestPacker, RequestSize
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.flow.stream import Packed, Row
from airflow_provider_rokt.limits import BATCH_BYTES

log = logging.getLogger(__name__)

# Persons whose events are looked at together; those of one person are neighbours in the plan.
_GROUPED_AT_ONCE: Final = 5_000
# Of a person's 64 digits, those that tell audiences apart where rows name them; the rest still tells persons apart.
_AUDIENCE_DIGITS: Final = 16
# Names of audiences that are compared with each other.
_SPELLINGS: Final = 1_000


class EventIntake:
    """Maps and validates rows, and spools each as the event it will be.

    :param audience: the audience of rows that name none.
    :param wanted: what a row means that does not say itself whether its person belongs in the audience.
    """

    def __init__(
        self, spool: MemberSpool, columns: MembershipColumns, membership: Membership, *, audience: str, wanted: bool
    ) -> None:
        self._spool = spool
        self._columns = columns
        self._membership = membership
        self._audience = audience
        self._wanted = wanted
        # Only two columns can disagree; one is read by the plan alone.
        addresses = columns.addresses
        self._person = address_reader(addresses, hash_emails=True) if len(addresses) > 1 else None
        self._attributes = columns.attributes
        self._foreign = ForeignTexts(columns.plan.steps)
        self._validator = Validator("membership")
        self._rows = 0
        self._spellings: dict[str, str] = {}
        self._told: set[str] = set()

    def take(self, rows: Sequence[Row]) -> Packed:
        """Takes the next rows, in order."""
        self._foreign.see(rows)
        packed = Packed()
        mapped_rows = chain.from_iterable(self._columns.plan.apply(rows, self._rows + 1))
        for row, mapped in zip(rows, mapped_rows, strict=True):
            self._rows += 1
            faults, dropped = self._take(row, mapped)
            if faults:
                packed.faults.append(RowFault(RowRef.at(self._rows), faults))
            elif dropped:
                packed.dropped.append(RowFault(RowRef.at(self._rows), dropped))
        return packed

    def _take(self, row: Row, mapped: MappedRow) -> tuple[list[FieldFault], Sequence[FieldFault]]:
        """What costs the row, or is left out of it."""
        faults = list(mapped.faults)
        wanted, audience = self._is_wanted(row, faults), self._named(row, faults)
        if self._person and self._person(row) is DISAGREE:
            faults.append(DISAGREE)
        if faults:
            return faults, ()
        document = mapped.document
        self._membership.settle_address(document)
        person = person_of(document)
        document = self._membership.complete(document, person, audience, wanted)
        faults, lost = self._columns.plan.mend(document, self._validator)
        if not faults:
            if len(body := serialise(document)) > BATCH_BYTES:
                lost += self._columns.plan.lighten(document, excess_of(document))
                body = serialise(document)
            self._spool.add(Member(self._scoped(person, audience), body.decode("ascii")), self._rows, wanted)
        return faults, [*mapped.dropped, *lost]

    def _is_wanted(self, row: Row, faults: list[FieldFault]) -> bool:
        if self._columns.status is None:
            return self._wanted
        wanted = read_wanted(row[self._columns.status], STATUS)
        if isinstance(wanted, bool):
            return wanted
        faults.append(wanted)
        return False

    def _named(self, row: Row, faults: list[FieldFault]) -> str:
        if self._columns.audience is None:
            return self._audience
        value = row[self._columns.audience]
        try:
            name = trimmed(value) or self._audience
        except Exception as bad:  # BadValue, or a type no rule was prepared for
            problem: str | None = bad.reason if isinstance(bad, BadValue) else unreadable(value)
        else:
            problem = self._problem(name)
        if problem is None:
            self._look_at(name)
            return name
        faults.append(FieldFault(AUDIENCE, problem))
        return self._audience

    def _look_at(self, name: str) -> None:
        """Says once that rows name audiences which Rokt may not tell apart; never which, as a name is a row's value."""
        if len(self._spellings) < _SPELLINGS and self._spellings.setdefault(name.casefold(), name) != name:
            self._tell("audiences whose names differ by case alone")
        if not is_usual(name):
            self._tell("an audience whose name holds more than letters a to z, digits, _, - and blanks")

    def _tell(self, what: str) -> None:
        if what not in self._told:
            self._told.add(what)
            log_wrapped(log, logging.WARNING, f"Rows name {what}: what Rokt makes of that is not published")

    def _problem(self, audience: str) -> str | None:
        flag = self._membership.flag
        # Before the flag is named after it: the attribute's name is in the path of a fault, where no value may be.
        if problem := name_problem(audience) or flag_problem(flag, audience):
            return problem
        taken = flag_name(flag, audience) in self._attributes
        return "makes the flag's name that of a mapped attribute" if taken else None

    def _scoped(self, person: str, audience: str) -> str:
        if self._columns.audience is None:
            return person
        return person[:-_AUDIENCE_DIGITS] + sha256(audience.encode()).hexdigest()[:_AUDIENCE_DIGITS]


class EventPacker:
    """Packs changes into bulk requests; a person's events share a batch.

    :param endpoint: of usual events.
    :param audience: the task's, which is that of those who left.
    :param recall: tells what is remembered of a change; None where nothing is, and nothing will be.
    :param paths: those of the mapping; the flag's is added for this audience, as another one's name is a row's value.
    """

    def __init__(
        self,
        membership: Membership,
        endpoint: Endpoint,
        *,
        audience: str,
        batches_per_request: RequestSize,
        paths: frozenset[str] = frozenset(),
        recall: Recall | None = None,
    ) -> None:
        self._membership = membership
        self._audience = audience
        self._recall = recall
        self._addresses = self._hashes = 0
        if membership.flag:
            paths |= {f"user_attributes.{flag_name(membership.flag, audience)}"}
        self._packer = RequestPacker(Request(endpoint, (), paths=paths), batches=batches_per_request)

    def pack(self, changes: Iterable[Change]) -> Iterator[Packed]:
        """The requests, each as soon as it is full, and what no batch can hold."""
        changes = iter(changes)
        while some := list(islice(changes, _GROUPED_AT_ONCE)):
            yield self._pack(some)
        if request := self._packer.flush():
            yield Packed(requests=[request])
        if warning := mixture_warning(self._addresses, self._hashes):
            log_wrapped(log, logging.WARNING, warning)

    def _pack(self, changes: Sequence[Change]) -> Packed:
        packed, grouping = Packed(), Grouping()
        for change in changes:
            row, document = RowRef.of_member(change.number, change.person), self._document(change)
            mark = change.mark(self._audience) if self._recall else b""
            single = open_batch(row, document, coverage_of(document), mark)
            if single is None:
                packed.faults.append(RowFault(row, (TOO_LARGE,)))
            elif self._recall and self._recall(mark) is Outcome.ACCEPTED:
                packed.resumed[single.coverage] += 1
                packed.resumed_rows.append(row)
            else:
                grouping.add(single)
        # Packed as they are taken, since a request's size is that of the moment.
        packed.requests = filter(None, map(self._packer.add, grouping.close()))
        return packed

    def _document(self, change: Change) -> Document:
        if change.address:
            document = msgspec.json.decode(change.address, type=Document)
            identities = document.get("user_identities", ())
            self._addresses += "email" in identities
            self._hashes += "other" in identities and "email" not in identities
            return document
        return self._membership.departed(change.person, self._audience)
