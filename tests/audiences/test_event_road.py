"""Rows of an audience become membership events, and none that the schema refuses."""

from typing import Any

from airflow_provider_rokt.audiences.columns import membership_columns
from airflow_provider_rokt.audiences.event_road import EventIntake
from airflow_provider_rokt.audiences.membership import Membership
from airflow_provider_rokt.audiences.spool import ADDRESS, MemberSpool
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef
from airflow_provider_rokt.flow.stream import Packed
from tests.events.test_conversion_stream import lenient

NOW = 1767225600000
RULES = Rules(now=NOW / 1000)
DEVICE = "device_info.ios_idfv"
MAPPING = {"user_identities.customerid": "customer", DEVICE: "device"}
NO_GUID = FieldFault(DEVICE, "not a GUID of 8-4-4-4-12 hexadecimal digits")


def taken(*row: Any) -> tuple[Packed, list[str]]:
    """What becomes of one row, and the events that are spooled."""
    columns = membership_columns(MAPPING, ("customer", "device"), RULES)
    columns = columns._replace(plan=lenient(columns.plan, DEVICE))
    membership = Membership("production", "in_{audience}", hash_emails=True, now=NOW, token="t")
    with MemberSpool() as spool:
        packed = EventIntake(spool, columns, membership, audience="vip", wanted=True).take([row])
        return packed, [line[ADDRESS].decode() for line in spool.sorted_lines()]


def test_what_the_schema_refuses_is_taken_out() -> None:
    packed, (event,) = taken("c1", "no device")
    assert (packed.faults, packed.dropped) == ([], [RowFault(RowRef(1, "row 1"), [NO_GUID])])
    assert '"user_identities":{"customerid":"c1"}' in event
    assert "device_info" not in event


def test_a_row_that_does_not_fit_without_it_either_is_rejected_for_it() -> None:
    packed, events = taken(None, "no device")
    assert (packed.faults, packed.dropped) == ([RowFault(RowRef(1, "row 1"), [NO_GUID])], [])
    assert events == []


def test_a_value_that_makes_an_event_too_large_is_left_out() -> None:
    path = "device_info.http_header_user_agent"
    columns = membership_columns({**MAPPING, path: "agent"}, ("customer", "device", "agent"), RULES)
    membership = Membership("production", "in_{audience}", hash_emails=True, now=NOW, token="t")
    with MemberSpool() as spool:
        intake = EventIntake(spool, columns, membership, audience="vip", wanted=True)
        packed = intake.take([("c1", None, "x" * 500_000)])
        (event,) = [line[ADDRESS].decode() for line in spool.sorted_lines()]
    assert [[fault.path for fault in row.faults] for row in packed.dropped] == [[path]]
    assert '"user_identities":{"customerid":"c1"}' in event
    assert "device_info" not in event
