"""Where a value stands in a text, against a reader that knows no shortcut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.sandbox.positions import consumed, dotted, line_and_position

NAMES = st.text(max_size=4) | st.sampled_from(['"', "\\", "}", "]", ",", "é", "🏔"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=15,
)


def _paths(value, path=()):
    yield path, value
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _paths(inner, (*path, name))


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_every_value_is_found_where_a_marker_in_its_place_is(value, indent, ascii_only):
    for path, inner in _paths(value):
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
        marked = json.dumps(_with_marker(value, path), indent=indent, ensure_ascii=ascii_only)
        start = marked.index('"\\u0000marker"')
        written = 1 if isinstance(inner, dict | list) else len(json.dumps(inner, ensure_ascii=ascii_only))
        assert consumed(text, path) == start + written


def _with_marker(value, path):
    if not path:
        return "\0marker"
    copy = value.copy()
    copy[path[0]] = _with_marker(value[path[0]], path[1:])
    return copy


def test_what_is_missing_is_reported_at_what_lacks_it():
    assert consumed('{"a": {"b": 1}}', ("a", "c", "d")) == len('{"a": {')
    assert consumed("[1, 2]", (5,)) == 1
    assert consumed("  17 ", ("a",)) == 4


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ((), ""),
        (("a",), "a"),
        ((3,), "[3]"),
        ((3, "device_info", "ios_idfv"), "[3].device_info.ios_idfv"),
        (("events", 0, "data"), "events[0].data"),
        (("a", "b c"), "a['b c']"),
        (("1277", "x"), "1277.x"),
    ],
)
def test_paths_are_written_as_newtonsoft_writes_them(path, written):
    assert dotted(path) == written


@pytest.mark.parametrize(
    ("count", "place"), [(0, (1, 0)), (2, (1, 2)), (3, (2, 0)), (4, (2, 1)), (6, (3, 1)), (7, (3, 2))]
)
def test_lines_and_positions(count, place):
    assert line_and_position("ab\nc\nde", count) == place
