"""A position leads to the value that stands there, and a path to the same."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.answers.places import Step, stands_at, steps_at, steps_of

BODY = b'{"ip":"1.2.3.4","events":[{"data":{"a name":1,"custom_attributes":{"currency":{"x":[1,22]}}}},{"data":{}}]}'


def at(piece: bytes, last: bool = True) -> int:
    return BODY.index(piece) + (len(piece) - 1 if last else 0)


@pytest.mark.parametrize(
    ("offset", "steps"),
    [
        (0, ()),
        (len(BODY) - 1, ()),
        (at(b'"1.2.3.4"'), ("ip",)),
        (at(b'"1.2.3.4"', last=False), ("ip",)),
        (at(b'"ip"'), ("ip",)),
        (at(b'"events":['), ("events",)),
        (at(b'"currency":{'), ("events", 0, "data", "custom_attributes", "currency")),
        (at(b"22"), ("events", 0, "data", "custom_attributes", "currency", "x", 1)),
        (at(b'{"data":{}'), ("events", 1, "data")),
        (at(b'{"data":{}', last=False), ("events", 1)),
        (at(b'"a name":1'), ("events", 0, "data", "a name")),
    ],
)
def test_an_offset_leads_to_its_value(offset: int, steps: tuple[Step, ...]) -> None:
    assert steps_at(BODY, offset) == steps


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("", ()),
        ("ip", ("ip",)),
        ("events[0].data.custom_attributes", ("events", 0, "data", "custom_attributes")),
        ("data['a name'].x", ("data", "a name", "x")),
        ("data['it's'].x", ("data", "it's", "x")),
    ],
)
def test_a_path_is_taken_apart(path: str, steps: tuple[Step, ...]) -> None:
    assert steps_of(path) == steps


def test_only_an_event_is_read_by_itself() -> None:
    body = b'{"user_identities":{"customerid":"7"},"events":[{"data":{"a":1}}]}'
    # What no event has is not missing from the identities.
    assert not stands_at(body, body.index(b'{"customerid'), "data.b")
    assert not stands_at(body, body.index(b'[{"data'), "data.b")


@pytest.mark.parametrize(
    ("path", "piece", "agrees"),
    [
        ("data.custom_attributes.currency", b'"currency":{', True),
        ("events[0].data.custom_attributes.currency", b'"currency":{', True),
        ("events[1].data.custom_attributes.currency", b'"currency":{', False),
        ("data.custom_attributes.amount", b'"currency":{', False),
        ("ip", b'"1.2.3.4"', True),
        ("ip", b'"currency":{', False),
        ("data.event_name", b'{"data":{}', True),
        ("events[1].data.event_name", b'{"data":{}', True),
        ("events[0].data.event_name", b'{"data":{}', False),
        ("user_attributes", BODY[:1], True),
        ("", b'"1.2.3.4"', False),
    ],
)
def test_path_and_position_agree_or_do_not(path: str, piece: bytes, agrees: bool) -> None:
    assert stands_at(BODY, at(piece), path) is agrees


def leaves(content: Any, way: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], Any]]:
    if isinstance(content, dict):
        for name, value in content.items():
            yield from leaves(value, (*way, name))
    elif isinstance(content, list):
        for index, value in enumerate(content):
            yield from leaves(value, (*way, index))
    else:
        yield way, content


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.recursive(
            st.integers() | st.text(max_size=8) | st.booleans(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_every_leaf_is_found_where_it_stands(content: dict[str, Any]) -> None:
    marks: dict[str, tuple[Step, ...]] = {}

    def marked(value: Any, way: tuple[Step, ...]) -> Any:
        if isinstance(value, dict):
            return {name: marked(inner, (*way, name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [marked(inner, (*way, index)) for index, inner in enumerate(value)]
        mark = f"<{len(marks)}>{value}"
        marks[mark] = way
        return mark

    body = json.dumps(marked(content, ()), separators=(",", ":")).encode()
    for mark, way in marks.items():
        text = json.dumps(mark).encode()
        start = body.index(text)
        for offset in (start, start + len(text) // 2, start + len(text) - 1):
            assert steps_at(body, offset) == way


@given(st.binary(max_size=80), st.integers(-5, 90))
def test_any_bytes_are_survived(body: bytes, offset: int) -> None:
    try:
        steps_at(body, offset)
    except ValueError:
        assert b'"' in body
