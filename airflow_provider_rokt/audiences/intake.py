"""The rows of an audience on their way into the spool: each names a member, and perhaps says in or out."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from airflow_provider_rokt.audiences.members import Member, read_wanted
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.rows import FieldFault, RowFault, RowRef

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

    def take(self, rows: Sequence[_Source], wanted: Sequence[object] | None = None) -> list[RowFault]:
        """Takes one window.

        :param rows: what ``read`` reads.
        :param wanted: each row's word whether its person belongs in the audience; None where no column says it.
        :returns: the rows that cannot be used.
        """
        first = self.rows_read + 1
        self.rows_read += len(rows)
        if wanted is not None:
            return self._take_flagged(rows, wanted, first)
        faults = []
        for number, row in enumerate(rows, first):
            member = self._read(row)
            if isinstance(member, FieldFault):
                faults.append(_row_fault(number, member))
            else:
                self._spool.add(member, number, self._wanted)
        return faults

    def _take_flagged(self, rows: Sequence[_Source], wanted: Sequence[object], first: int) -> list[RowFault]:
        faults = []
        for number, (row, word) in enumerate(zip(rows, wanted, strict=True), first):
            member, is_wanted = self._read(row), read_wanted(word, self._wanted_path)
            found = [fault for fault in (member, is_wanted) if isinstance(fault, FieldFault)]
            if isinstance(member, FieldFault) or isinstance(is_wanted, FieldFault):
                faults.append(_row_fault(number, *found))
            else:
                self._spool.add(member, number, is_wanted)
        return faults


def _row_fault(number: int, *faults: FieldFault) -> RowFault:
    return RowFault(RowRef(number, f"row {number}"), faults)
