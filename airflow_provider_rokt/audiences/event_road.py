"""An audience over the Events API: rows into the spool as ready events, changes out of the plan as requests."""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import chain, islice
from typing import Final

import msgspec

from airflow_provider_rokt.audiences.address import DISAGREE, address_reader
from airflow_provider_rokt.audiences.columns import AUDIENCE, STATUS, MembershipColumns
from airflow_provider_rokt.audiences.members import Member, read_wanted
from airflow_provider_rokt.audiences.membership import Membership, person_of
from airflow_provider_rokt.audiences.naming import flag_name, flag_problem, name_problem
from airflow_provider_rokt.audiences.plan import Change
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.events.batch import serialise
from airflow_provider_rokt.events.block import Document
from airflow_provider_rokt.events.documents import MappedRow
from airflow_provider_rokt.events.grouping import group
from airflow_provider_rokt.events.validation import Validator
from airflow_provider_rokt.events.values import BadValue, trimmed, unreadable
from airflow_provider_rokt.flow.packing import RequestPacker
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef
from airflow_provider_rokt.flow.stream import Packed, Row

# Persons whose events are looked at together; those of one person are neighbours in the plan.
_GROUPED_AT_ONCE: Final = 5_000
# Of a person's 64 digits, those that tell audiences apart where rows name them; the rest still tells persons apart.
_AUDIENCE_DIGITS: Final = 16


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
        self._validator = Validator("membership")
        self._rows = 0

    def take(self, rows: Sequence[Row]) -> Packed:
        """Takes the next rows, in order."""
        if not self._rows:
            self._columns.plan.warn_of_quotes(rows)
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
            member = Member(self._scoped(person, audience), serialise(document).decode("ascii"))
            self._spool.add(member, self._rows, wanted)
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
            return name
        faults.append(FieldFault(AUDIENCE, problem))
        return self._audience

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
    :param audience: the audience of those who left.
    :param paths: those of the mapping; the flag's is added for this audience, as another one's name is a row's value.
    """

    def __init__(
        self,
        membership: Membership,
        endpoint: Endpoint,
        *,
        audience: str,
        batches_per_request: int,
        paths: frozenset[str] = frozenset(),
    ) -> None:
        self._membership = membership
        self._audience = audience
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

    def _pack(self, changes: Sequence[Change]) -> Packed:
        rows = [(RowRef.of_member(change.number, change.person), self._document(change)) for change in changes]
        grouped = group(rows)
        requests = [self._packer.add(batch) for batch in grouped.batches]
        return Packed([request for request in requests if request], grouped.faults)

    def _document(self, change: Change) -> Document:
        if change.address:
            return msgspec.json.decode(change.address, type=Document)
        return self._membership.departed(change.person, self._audience)
