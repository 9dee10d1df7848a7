"""An audience over the Custom Audience Import: rows into the spool as members, changes out of the plan as requests."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from airflow_provider_rokt.audiences.address import address_reader
from airflow_provider_rokt.audiences.columns import STATUS, MembershipColumns
from airflow_provider_rokt.audiences.guards import mixture_warning
from airflow_provider_rokt.audiences.import_requests import MemberPacker
from airflow_provider_rokt.audiences.members import Member, read_wanted
from airflow_provider_rokt.audiences.plan import Change, MemberKind
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef
from airflow_provider_rokt.flow.stream import Packed, Row

log = logging.getLogger(__name__)


class ImportIntake:
    """Takes each row's address or hash; the rest of a row has no place in an import.

    :param wanted: what a row means that does not say itself whether its person belongs in the audience.
    """

    def __init__(self, spool: MemberSpool, columns: MembershipColumns, *, hash_emails: bool, wanted: bool) -> None:
        self._status = columns.status
        read = address_reader(columns.addresses, hash_emails=hash_emails)
        self._intake = MemberIntake(spool, read, wanted=wanted, wanted_path=STATUS)

    def take(self, rows: Sequence[Row]) -> Packed:
        """Takes the next rows, in order."""
        status = None if self._status is None else [row[self._status] for row in rows]
        return self._intake.take(rows, status)


class ImportPacker:
    """Packs changes into import requests."""

    def __init__(self, packer: MemberPacker) -> None:
        self._packer = packer

    def pack(self, changes: Iterable[Change]) -> Iterator[Packed]:
        """The requests, each as soon as it is full."""
        for request in self._packer.requests(changes):
            yield Packed(requests=[request])
        yield Packed(resumed=self._packer.resumed)
        sent = self._packer.packed
        if warning := mixture_warning(sent[MemberKind.EMAILS], sent[MemberKind.SHA256S]):
            log_wrapped(log, logging.WARNING, warning)


_Source = TypeVar("_Source")


class MemberIntake(Generic[_Source]):
    """Reads windows of rows in the order of the query's result and numbers them from 1.

    :param spool: takes the members.
    :param read: reads the member a row names.
    :param wanted: what a row means that does not say itself whether its person belongs in the audience.
    :param wanted_path: the field that says in or out, named by its faults.
    """

    def __init__(
        self,
        spool: MemberSpool,
        read: Callable[[_Source], Member | FieldFault],
        *,
        wanted: bool = True,
        wanted_path: str = "member",
    ) -> None:
        self._spool = spool
        self._read = read
        self._wanted = wanted
        self._wanted_path = wanted_path
        self.rows_read = 0

    def take(self, rows: Sequence[_Source], wanted: Sequence[object] | None = None) -> Packed:
        """Takes one window.

        :param rows: what ``read`` reads.
        :param wanted: each row's word whether its person belongs in the audience; None where no column says it.
        :returns: the rows that cannot be used, and what was left out of others.
        """
        first = self.rows_read + 1
        self.rows_read += len(rows)
        if wanted is not None:
            return self._take_flagged(rows, wanted, first)
        packed = Packed()
        for number, row in enumerate(rows, first):
            member = self._read(row)
            if isinstance(member, FieldFault):
                packed.faults.append(_row_fault(number, member))
            else:
                self._add(member, number, self._wanted, packed)
        return packed

    def _take_flagged(self, rows: Sequence[_Source], wanted: Sequence[object], first: int) -> Packed:
        packed = Packed()
        for number, (row, word) in enumerate(zip(rows, wanted, strict=True), first):
            member, is_wanted = self._read(row), read_wanted(word, self._wanted_path)
            found = [fault for fault in (member, is_wanted) if isinstance(fault, FieldFault)]
            if isinstance(member, FieldFault) or isinstance(is_wanted, FieldFault):
                packed.faults.append(_row_fault(number, *found))
            else:
                self._add(member, number, is_wanted, packed)
        return packed

    def _add(self, member: Member, number: int, wanted: bool, packed: Packed) -> None:
        self._spool.add(member, number, wanted)
        if member.lost:
            packed.dropped.append(_row_fault(number, member.lost))


def _row_fault(number: int, *faults: FieldFault) -> RowFault:
    return RowFault(RowRef.at(number), faults)
