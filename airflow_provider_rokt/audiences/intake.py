"""The rows of an audience on their way into the spool: one column of members, and perhaps one that says in or out."""

from collections.abc import Sequence

from airflow_provider_rokt.audiences.members import member_reader, read_wanted
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.rows import FieldFault, RowFault, RowRef


class MemberIntake:
    """Reads windows of rows in the order of the query's result and numbers them from 1.

    :param spool: takes the members.
    :param hash_emails: send an address as its SHA-256.
    :param wanted: what a row means that does not say itself whether its person belongs in the audience.
    :param path: the field of the member, named by its faults.
    :param wanted_path: the field that says in or out, named by its faults.
    """

    def __init__(
        self,
        spool: MemberSpool,
        *,
        hash_emails: bool,
        wanted: bool = True,
        path: str = "user_identities.email",
        wanted_path: str = "member",
    ) -> None:
        self._spool = spool
        self._read = member_reader(hash_emails=hash_emails, path=path)
        self._wanted = wanted
        self._wanted_path = wanted_path
        self.rows_read = 0

    def take(self, members: Sequence[object], wanted: Sequence[object] | None = None) -> list[RowFault]:
        """Takes one window.

        :param members: each row's address or hash.
        :param wanted: each row's word whether its person belongs in the audience; None where no column says it.
        :returns: the rows that cannot be used.
        """
        first = self.rows_read + 1
        self.rows_read += len(members)
        if wanted is not None:
            return self._take_flagged(members, wanted, first)
        faults = []
        for number, value in enumerate(members, first):
            member = self._read(value)
            if isinstance(member, FieldFault):
                faults.append(_row_fault(number, member))
            else:
                self._spool.add(member, number, self._wanted)
        return faults

    def _take_flagged(self, members: Sequence[object], wanted: Sequence[object], first: int) -> list[RowFault]:
        faults = []
        for number, (value, word) in enumerate(zip(members, wanted, strict=True), first):
            member, is_wanted = self._read(value), read_wanted(word, self._wanted_path)
            found = [fault for fault in (member, is_wanted) if isinstance(fault, FieldFault)]
            if isinstance(member, FieldFault) or isinstance(is_wanted, FieldFault):
                faults.append(_row_fault(number, *found))
            else:
                self._spool.add(member, number, is_wanted)
        return faults


def _row_fault(number: int, *faults: FieldFault) -> RowFault:
    return RowFault(RowRef(number, f"row {number}"), faults)
