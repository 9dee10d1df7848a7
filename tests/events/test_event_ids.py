"""An id that is read alone is the id that a delivery remembers."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.events.event_ids import ID_PATH, EventIds
from airflow_provider_rokt.events.grouping import OpenBatch, id_of
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.exceptions import RoktMappingError
from airflow_provider_rokt.flow.mark import ID_BYTES, MARK_BYTES, UNKNOWN_CONTENT

RULES = Rules(now=1_800_000_000)
MAPPING = {
    "user_identities.email": {"literal": "a@example.com"},
    ID_PATH: "id",
    "events[].data.timestamp_unixtime_ms": {"literal": 1_700_000_000_000},
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
}
IDS = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(["null", " order-1 ", '"quoted"', "1.5E+10", "0000", "ORDER_2", "\u200bx", "x" * 5_000, b"raw"]),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.decimals(allow_nan=False, places=2, min_value=0, max_value=10),
    st.uuids(),
    st.binary(max_size=4),
    st.dates(),
)


@given(ids=st.lists(IDS, max_size=30), source=st.sampled_from(["id", {"column": "ID", "default": "none given"}]))
def test_it_is_read_as_a_delivery_reads_it(ids, source):
    mapping = MAPPING | {ID_PATH: source}
    rows = [(one,) for one in ids]
    plan = compile_mapping(mapping, ["id"], RULES)
    expected = [
        OpenBatch(mapped.row, mapped.document, 0).marks[:ID_BYTES]
        for block in plan.apply(rows, 1)
        for mapped in block
        if id_of(mapped.document) is not None
    ]
    marks, faults = EventIds(mapping, ["id"], RULES).marks(rows)
    parts = [marks[start : start + MARK_BYTES] for start in range(0, len(marks), MARK_BYTES)]
    assert [part[:ID_BYTES] for part in parts] == expected
    assert {part[ID_BYTES:] for part in parts} <= {UNKNOWN_CONTENT}
    assert len(parts) + len(faults) == len(rows)
    assert {fault.path for fault in faults} <= {ID_PATH}


@pytest.mark.parametrize("columns", [["source_message_id"], ["note", "Source_Message_ID"], [ID_PATH, "emial"]])
def test_without_a_mapping_the_column_is_found_by_its_name(columns):
    row = tuple("order-1" if name.lower().endswith("id") else None for name in columns)
    named = EventIds(None, columns, RULES).marks([row])
    assert named == EventIds({ID_PATH: "id"}, ["id"], RULES).marks([("order-1",)])
    assert len(named[0]) == MARK_BYTES


@pytest.mark.parametrize(
    ("mapping", "columns", "says"),
    [
        (None, ["order_id"], "no column is named after .* select one AS source_message_id, or pass a mapping"),
        (None, ["source_message_id", "SOURCE_MESSAGE_ID"], "several columns are named after"),
        ({}, ["id"], f"the mapping does not name {ID_PATH}".replace("[", r"\[")),
        ({ID_PATH: "idd"}, ["id"], "the query returns no column 'idd' \\(close: 'id'\\)"),
        ({ID_PATH: {"literal": "x"}}, ["id"], "is mapped to a literal"),
        ({ID_PATH: 3}, ["id"], "its source has to be a column's name"),
    ],
)
def test_what_cannot_be_read_is_said(mapping, columns, says):
    with pytest.raises(RoktMappingError, match=says):
        EventIds(mapping, columns, RULES)


def test_values_of_every_kind_have_one_id_each():
    """So that another service's copy of an id, as text, is found under the number that the warehouse has."""
    texts = ["7", "7.50", "2026-01-02", "12345678-1234-5678-1234-567812345678"]
    values = [7, Decimal("7.50"), date(2026, 1, 2), UUID(texts[3])]
    ids = EventIds(None, ["source_message_id"], RULES)
    assert ids.marks([(one,) for one in values]) == ids.marks([(one,) for one in texts])
