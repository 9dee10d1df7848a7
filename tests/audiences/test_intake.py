"""Windows of rows become members, numbered as the query returned them."""

import pytest

from airflow_provider_rokt.audiences.import_road import MemberIntake
from airflow_provider_rokt.audiences.members import member_reader
from airflow_provider_rokt.audiences.spool import NUMBER, PERSON, SIGN, MemberSpool
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef
from tests.audiences.people import address, hashed

UNUSABLE = FieldFault("user_identities.email", "is neither an e-mail address nor a SHA-256 hash (64 hex digits)")
UNCLEAR = FieldFault("member", "must say true or false (or in/out, add/drop, 1/0)")


def spooled(spool: MemberSpool) -> set[tuple[int, str, str]]:
    return {(int(line[NUMBER], 16), line[PERSON].decode(), chr(line[SIGN])) for line in spool.sorted_lines()}


@pytest.mark.parametrize(("wanted", "sign"), [(True, "+"), (False, "-")])
def test_rows_are_numbered_across_windows(wanted: bool, sign: str) -> None:
    with MemberSpool() as spool:
        intake = MemberIntake(spool, member_reader(hash_emails=True), wanted=wanted)
        assert intake.take([address(1), "nobody"]).faults == [RowFault(RowRef(2, "row 2"), (UNUSABLE,))]
        assert intake.take([address(3)]).faults == []
        assert intake.rows_read == 3
        assert spooled(spool) == {(1, hashed(address(1)), sign), (3, hashed(address(3)), sign)}


def test_a_row_may_say_in_or_out() -> None:
    with MemberSpool() as spool:
        intake = MemberIntake(spool, member_reader(hash_emails=True))
        faults = intake.take([address(1), address(2), address(3), "nobody"], [True, "out", None, "?"]).faults
        assert faults == [
            RowFault(RowRef(3, "row 3"), (UNCLEAR,)),
            RowFault(RowRef(4, "row 4"), (UNUSABLE, UNCLEAR)),
        ]
        assert spooled(spool) == {(1, hashed(address(1)), "+"), (2, hashed(address(2)), "-")}
