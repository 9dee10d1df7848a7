"""A batch's bytes are exactly what went in, in ASCII, under an id of its content."""

import functools
import json
import re
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.batch import ENVELOPE_BYTES, EventBatch, serialise
from airflow_provider_rokt.flow.request import Batch
from airflow_provider_rokt.flow.row import RowRef
from tests.events.documents import EXAMPLE, Document, conversions, reordered

values = st.recursive(
    st.text() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
objects = st.dictionaries(st.text(), values, max_size=5)


def exactly(value: Any) -> str:
    """Tells apart what Python's ``==`` does not: 1, 1.0 and True."""
    return json.dumps(value, sort_keys=True)


def batch_of(document: Document, copies: int = 1) -> EventBatch:
    user = {name: section for name, section in document.items() if name != "events"}
    event = serialise(document["events"][0])
    return EventBatch.of(serialise(user), [event] * copies, [RowRef(n + 1, f"order_{n}") for n in range(copies)])


@settings(deadline=None)
@given(objects)
def test_what_is_serialised_reads_back_exactly_and_is_ascii(value: Document) -> None:
    text = serialise(value)
    assert text.isascii()
    assert exactly(json.loads(text)) == exactly(value)


@settings(deadline=None)
@given(objects)
def test_it_does_not_depend_on_the_order_of_names(value: Document) -> None:
    assert serialise(value) == serialise(reordered(value))


def test_it_is_compact() -> None:
    assert serialise({"b": [1, "x y"], "a": True}) == b'{"a":true,"b":[1,"x y"]}'


def test_names_and_values_beyond_ascii_are_escaped() -> None:
    assert serialise({"größe": "10 €", "smile": "😀"}) == b'{"gr\\u00f6\\u00dfe":"10 \\u20ac","smile":"\\ud83d\\ude00"}'


@settings(deadline=None)
@given(conversions, st.integers(1, 4))
def test_the_body_is_everything_and_the_id(document: Document, copies: int) -> None:
    batch: Batch = batch_of(document, copies)
    body = json.loads(batch.body)
    assert re.fullmatch("[0-9a-f]{32}", body.pop("source_request_id"))
    assert exactly(body) == exactly({**document, "events": document["events"] * copies})
    assert batch.body.isascii()
    assert len(batch.rows) == copies


@settings(deadline=None)
@given(conversions)
def test_the_same_content_is_the_same_request(document: Document) -> None:
    assert batch_of(document).body == batch_of(reordered(deepcopy(document))).body


def test_other_content_is_another_request() -> None:
    changed = [
        EXAMPLE,
        {**EXAMPLE, "environment": "development"},
        {**EXAMPLE, "user_attributes": {"city": "Boston"}},
        {**EXAMPLE, "events": [{"event_type": "custom_event"}]},
    ]
    ids = {json.loads(batch_of(document).body)["source_request_id"] for document in changed}
    ids.add(json.loads(batch_of(EXAMPLE, copies=2).body)["source_request_id"])
    assert len(ids) == 5


@settings(deadline=None)
@given(conversions, st.integers(1, 4))
def test_the_envelope_is_what_is_neither_user_nor_event(document: Document, copies: int) -> None:
    user = serialise({name: section for name, section in document.items() if name != "events"})
    events = copies * len(serialise(document["events"][0])) + copies - 1
    assert len(batch_of(document, copies).body) == ENVELOPE_BYTES + len(user) + events


@settings(deadline=None)
@given(conversions, st.integers(2, 4))
def test_it_splits_into_its_events_with_their_rows(document: Document, copies: int) -> None:
    batch = batch_of(document, copies)
    parts = batch.split()
    assert [part.rows for part in parts] == [(row,) for row in batch.rows]
    contents = [json.loads(part.body) for part in parts]
    ids = {content.pop("source_request_id") for content in contents}
    whole = json.loads(batch_of(document).body)
    # The parts of a batch that was refused are other requests than the same events by themselves.
    assert whole.pop("source_request_id") not in ids
    assert all(content == whole for content in contents)
    assert {part.body for part in parts} == {part.body for part in batch_of(document, copies).split()}


@settings(deadline=None)
@given(conversions, st.binary(max_size=32), st.binary(max_size=32))
def test_its_id_follows_from_its_salt_and_content(document: Document, one: bytes, other: bytes) -> None:
    of = functools.partial(EventBatch.of, b'{"environment":"production"}', [serialise(document)], [RowRef.at(1)])
    assert of(salt=one) == of(salt=one)
    assert (of(salt=one).body == of(salt=other).body) == (one == other)
    assert len(of(salt=one).body) == len(of().body)


def test_renewed_it_is_the_same_under_another_id() -> None:
    batch = batch_of(EXAMPLE)
    seen = [batch]
    for _ in range(3):
        seen.append(seen[-1].renewed())
    contents = [json.loads(one.body) for one in seen]
    assert len({content.pop("source_request_id") for content in contents}) == 4
    assert contents == [contents[0]] * 4
    assert {(one.rows, one.coverage, len(one.body)) for one in seen} == {(batch.rows, batch.coverage, len(batch.body))}
    assert batch.renewed() == batch.renewed()


def test_a_batch_of_one_event_is_minimal() -> None:
    batch = batch_of(EXAMPLE)
    assert list(batch.split()) == [batch]
