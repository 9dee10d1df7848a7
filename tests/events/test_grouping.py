"""Grouping loses, doubles and reorders nothing, and keeps every limit."""

import json
from copy import deepcopy
from itertools import count
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.batch import EventBatch, serialise
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.events.grouping import TOO_LARGE, Grouping, coverage_of, open_batch
from airflow_provider_rokt.flow.row import RowFault, RowRef
from airflow_provider_rokt.limits import ATTRIBUTES, BATCH_BYTES, EVENTS_PER_REQUEST
from tests.events.documents import EXAMPLE, Document, conversions, reordered, with_value, without

Rows = list[tuple[RowRef, Document]]

NOTE = ("events", 0, "data", "custom_attributes", "note")
# Names that agree and contradict, also where Python sees one value: 1, 1.0 and True.
ATTRIBUTE_SETS = st.dictionaries(
    st.sampled_from(["a", "b", "ü"]), st.sampled_from([1, 1.0, True, "1", "é", ["x"], ["x", "y"]]), max_size=3
) | st.integers(0, 3).map(lambda block: {f"{block}_{number}": number for number in range(40)})
DEVICE = {"ios_advertising_id", "android_advertising_id", "ios_idfv", "android_uuid"}
ADDRESSES = ["203.0.113.42", "198.51.100.7"]
SIZES = st.sampled_from([0, 0, 0, 500, 30_000, 70_000, BATCH_BYTES])


class Grouped(NamedTuple):
    """What became of some events: batches in the order of their first events, and those that no batch can hold."""

    batches: list[EventBatch]
    faults: list[RowFault]


def group(rows: Rows, *, group_by_user: bool = True) -> Grouped:
    grouping, faults = Grouping(group_by_user=group_by_user), []
    for row, document in rows:
        if single := open_batch(row, document, coverage_of(document)):
            grouping.add(single)
        else:
            faults.append(RowFault(row, (TOO_LARGE,)))
    return Grouped(list(grouping.close()), faults)


def numbered(documents: list[Document]) -> Rows:
    """Rows of the documents, each with an event of its own."""
    rows = []
    for number, document in zip(count(1), documents):
        key = f"order_{number}"
        rows.append((RowRef(number, key), with_value(document, ("events", 0, "data", "source_message_id"), key)))
    return rows


@st.composite
def windows(draw: st.DrawFn) -> Rows:
    """A read window: few users on the move, many events, some of them huge, some runs longer than a batch may be."""
    users = draw(st.lists(conversions, min_size=1, max_size=3))
    documents = []
    for _ in range(draw(st.integers(0, 8))):
        document = with_value(draw(st.sampled_from(users)), ("user_attributes",), draw(ATTRIBUTE_SETS))
        if draw(st.booleans()):
            document = with_value(document, ("ip",), draw(st.sampled_from(ADDRESSES)))
        if size := draw(SIZES):
            document = with_value(document, NOTE, "x" * size)
        documents += [document] * (draw(st.sampled_from([1, 1, 2, 110])) if size < 1000 else 1)
    return numbered(documents)


def exactly(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def user_of(document: Document) -> str:
    """A user is the same identities: the user's own or, where there is none, the device's."""
    device = {name: value for name, value in document.get("device_info", {}).items() if name in DEVICE}
    return exactly(document.get("user_identities") or device)


def circumstances_of(document: Document) -> str:
    return exactly({name: section for name, section in document.items() if name not in ("events", "user_attributes")})


def attributes_of(batch: EventBatch) -> Document:
    attributes: Document = json.loads(batch.body).get("user_attributes", {})
    return attributes


def keys(batches: list[EventBatch]) -> list[list[int]]:
    """The row numbers of each batch."""
    return [[row.number for row in batch.rows] for batch in batches]


@settings(deadline=None)
@given(windows(), st.booleans())
def test_every_row_ends_in_one_batch_or_is_a_fault(rows: Rows, by_user: bool) -> None:
    grouped = group(rows, group_by_user=by_user)
    ends = [row for batch in grouped.batches for row in batch.rows] + [fault.row for fault in grouped.faults]
    assert sorted(ends) == [row for row, _ in rows]


@settings(deadline=None)
@given(windows())
def test_no_limit_is_broken(rows: Rows) -> None:
    for batch in group(rows).batches:
        assert len(batch.body) <= BATCH_BYTES
        assert len(batch.rows) <= EVENTS_PER_REQUEST
        assert len(attributes_of(batch)) <= ATTRIBUTES
        assert batch.body.isascii()


@settings(deadline=None)
@given(windows())
def test_a_batch_says_of_each_event_what_its_row_said(rows: Rows) -> None:
    documents = dict(rows)
    for batch in group(rows).batches:
        body = json.loads(batch.body)
        for row, event in zip(batch.rows, body["events"], strict=True):
            assert exactly([event]) == exactly(documents[row]["events"])
            shared = {name: section for name, section in body.items() if name != "source_request_id"}
            assert circumstances_of(shared) == circumstances_of(documents[row])
            for name, value in documents[row]["user_attributes"].items():
                assert exactly(body["user_attributes"][name]) == exactly(value)


@settings(deadline=None)
@given(windows())
def test_the_order_of_names_separates_no_events(rows: Rows) -> None:
    # As of a hashed address, which stands last where it came from the column of addresses, or in its own place.
    other = [(row, reordered(document) if row.number % 2 else document) for row, document in rows]
    assert group(other) == group(rows)


@settings(deadline=None)
@given(windows())
def test_a_batch_says_of_the_user_nothing_that_no_row_said(rows: Rows) -> None:
    documents = dict(rows)
    for batch in group(rows).batches:
        said = {name for row in batch.rows for name in documents[row]["user_attributes"]}
        assert attributes_of(batch).keys() == said


@settings(deadline=None)
@given(windows())
def test_a_users_events_stay_in_order_and_batches_in_that_of_their_first(rows: Rows) -> None:
    users = {row: user_of(document) for row, document in rows}
    batches = group(rows).batches
    for user in set(users.values()):
        sent = [row for batch in batches for row in batch.rows if users[row] == user]
        assert sent == sorted(sent)
    assert batches == sorted(batches, key=lambda batch: batch.rows[0])


@settings(deadline=None)
@given(windows())
def test_rejected_are_the_events_no_batch_can_hold_and_they_alone(rows: Rows) -> None:
    rejected = {fault.row for fault in group(rows).faults}
    for row, document in rows:
        user = {name: section for name, section in document.items() if name != "events" and section != {}}
        alone = EventBatch.of(serialise(user), [serialise(document["events"][0])], [row])
        assert (row in rejected) == (len(alone.body) > BATCH_BYTES)


@settings(deadline=None, max_examples=30)
@given(windows(), st.booleans())
def test_the_same_window_is_the_same_requests_and_left_as_it_was(rows: Rows, by_user: bool) -> None:
    before = deepcopy(rows)
    first = group(rows, group_by_user=by_user)
    assert group(rows, group_by_user=by_user) == first
    assert rows == before


@settings(deadline=None)
@given(windows())
def test_splitting_a_batch_covers_its_rows(rows: Rows) -> None:
    for batch in group(rows).batches:
        parts = batch.split()
        assert tuple(row for part in parts for row in part.rows) == batch.rows
        assert all(len(part.rows) == 1 for part in parts)
        events = [event for part in parts for event in json.loads(part.body)["events"]]
        assert exactly(events) == exactly(json.loads(batch.body)["events"])


@settings(deadline=None)
@given(windows(), st.data())
def test_a_batch_and_its_parts_cover_what_they_carry(rows: Rows, data: st.DataObject) -> None:
    mobiles = [data.draw(st.sampled_from([{}, {"mobile": "+15551234567"}])) for _ in rows[:8]] or [{}]
    rows = [
        (row, with_value(document, ("user_attributes",), document["user_attributes"] | mobiles[place % len(mobiles)]))
        for place, (row, document) in enumerate(rows)
    ]
    for batch in group(rows).batches:
        for part in (batch, *batch.split()):
            assert part.coverage == coverage_of(json.loads(part.body))


def test_a_batch_covers_what_any_of_its_rows_brought() -> None:
    (batch,) = group(with_attributes({}, {"mobile": "+15551234567"}, {"city": "Bonn"})).batches
    covered = {path for path, bit in COVERED.items() if batch.coverage & bit}
    assert covered == {
        "ip",
        "device_info.http_header_user_agent",
        "user_identities.email",
        "user_identities.customerid",
        "user_identities.other2",
        "user_attributes.mobile",
    }
    assert {part.coverage for part in batch.split()} == {batch.coverage}


def test_a_batch_that_fits_only_unescaped_covers_the_same() -> None:
    (batch,) = group(numbered([with_value(EXAMPLE, NOTE, "日" * 30_000)])).batches
    assert not batch.body.isascii()
    assert batch.coverage == coverage_of(EXAMPLE)


def test_a_users_events_become_one_batch() -> None:
    other = with_value(EXAMPLE, ("user_identities", "email"), "john@example.com")
    assert keys(group(numbered([EXAMPLE, other, EXAMPLE])).batches) == [[1, 3], [2]]


def test_without_grouping_each_event_is_a_batch() -> None:
    assert keys(group(numbered([EXAMPLE] * 3), group_by_user=False).batches) == [[1], [2], [3]]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("environment",), "development"),
        (("ip",), "198.51.100.7"),
        (("device_info", "http_header_user_agent"), "curl"),
        (("integration_attributes",), {"1277": {"passbackconversiontrackingid": "another click"}}),
        (("consent_state",), {"gdpr": {"ads": {"consented": False, "timestamp_unixtime_ms": 1735689600000}}}),
        (("deleted_user_attributes",), ["city"]),
    ],
)
def test_the_circumstances_of_an_event_are_never_lent_to_another_nor_does_one_overtake_it(
    path: tuple[str, ...], value: object
) -> None:
    rows = numbered([EXAMPLE, with_value(EXAMPLE, path, value), EXAMPLE, EXAMPLE])
    assert keys(group(rows).batches) == [[1], [2], [3, 4]]


@pytest.mark.parametrize("name", ["email", "other", "customerid", "other2"])
def test_another_identity_is_another_user_whose_events_do_not_part_the_first_ones(name: str) -> None:
    other = with_value(EXAMPLE, ("user_identities", name), "0" * 64)
    assert keys(group(numbered([EXAMPLE, other, EXAMPLE])).batches) == [[1, 3], [2]]


def test_without_identities_of_the_user_a_device_is_one() -> None:
    def of(device: str, address: str) -> Document:
        document = without(with_value(EXAMPLE, ("device_info", "android_uuid"), device), ("user_identities",))
        return with_value(document, ("ip",), address)

    here, there = ADDRESSES
    rows = numbered([of("a", here), of("b", here), of("a", there), of("b", here), of("a", here)])
    assert keys(group(rows).batches) == [[1], [2, 4], [3], [5]]


def with_attributes(*sets: Document) -> Rows:
    return numbered([with_value(EXAMPLE, ("user_attributes",), attributes) for attributes in sets])


def test_attributes_complete_each_other() -> None:
    (batch,) = group(with_attributes({"a": 1}, {}, {"b": 2}, {"a": 1, "c": 3})).batches
    assert attributes_of(batch) == {"a": 1, "b": 2, "c": 3}


def test_contradicting_attributes_begin_a_batch_and_later_events_follow_there() -> None:
    rows = with_attributes({"city": "Boston"}, {"city": "Austin"}, {}, {"city": "Boston"})
    batches = group(rows).batches
    assert keys(batches) == [[1], [2, 3], [4]]
    assert [attributes_of(batch)["city"] for batch in batches] == ["Boston", "Austin", "Boston"]


@pytest.mark.parametrize(("one", "other"), [(1, True), (1, 1.0), (0, False), ("1", 1)])
def test_what_json_tells_apart_contradicts(one: object, other: object) -> None:
    assert keys(group(with_attributes({"a": one}, {"a": other})).batches) == [[1], [2]]


def test_the_union_of_attributes_keeps_the_limit() -> None:
    sets = [{f"{block}_{number}": number for number in range(50)} for block in "abc"]
    assert keys(group(with_attributes(*sets)).batches) == [[1, 2], [3]]


def test_a_user_without_attributes_has_no_such_section() -> None:
    (batch,) = group(with_attributes({})).batches
    assert "user_attributes" not in json.loads(batch.body)


def test_a_user_of_many_events_is_split() -> None:
    batches = group(numbered([EXAMPLE] * 250)).batches
    assert [len(batch.rows) for batch in batches] == [100, 100, 50]


@pytest.mark.parametrize(("excess", "faulty"), [(0, False), (1, True)])
def test_one_event_may_fill_a_batch_but_no_more(excess: int, faulty: bool) -> None:
    ((row, document),) = numbered([EXAMPLE])
    (batch,) = group([(row, with_value(document, NOTE, ""))]).batches
    full = with_value(document, NOTE, "x" * (BATCH_BYTES - len(batch.body) + excess))
    grouped = group([(row, full)])
    assert [len(batch.body) for batch in grouped.batches] == ([] if faulty else [BATCH_BYTES])
    assert [fault.row for fault in grouped.faults] == ([row] if faulty else [])
    for fault in grouped.faults:
        assert [(path, str(BATCH_BYTES) in reason) for path, reason in fault.faults] == [("events[]", True)]


@pytest.mark.parametrize(("excess", "batches"), [(0, [[1, 2]]), (1, [[1], [2]])])
def test_a_users_events_fill_a_batch_to_the_last_byte(excess: int, batches: list[list[int]]) -> None:
    first, (row, document) = numbered([with_value(EXAMPLE, NOTE, "x" * 60_000), with_value(EXAMPLE, NOTE, "")])
    (batch,) = group([first, (row, document)]).batches
    last = with_value(document, NOTE, "x" * (BATCH_BYTES - len(batch.body) + excess))
    assert keys(group([first, (row, last)]).batches) == batches


def test_an_event_too_large_does_not_close_its_users_batch() -> None:
    huge = with_value(EXAMPLE, NOTE, "x" * BATCH_BYTES)
    grouped = group(numbered([EXAMPLE, huge, EXAMPLE]))
    assert keys(grouped.batches) == [[1, 3]]
    assert [fault.row.number for fault in grouped.faults] == [2]


def test_a_request_id_of_the_document_gives_way_to_the_batches_own() -> None:
    rows = numbered([with_value(EXAMPLE, ("source_request_id",), "mine"), EXAMPLE])
    (batch,) = group(rows).batches
    assert batch.body.count(b"source_request_id") == 1
    assert b"mine" not in batch.body
