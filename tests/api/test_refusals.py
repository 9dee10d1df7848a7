import html
import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_rokt.api.refusals import REASON_CHARS, UNREADABLE, parse_refusal, refusals_in


@pytest.mark.parametrize(
    ("message", "index", "position", "path", "reason"),
    [
        (
            "Error converting value &quot;not-a-guid&quot; to type &#39;System.Guid&#39;. "
            "Path &#39;[1].device_info.ios_advertising_id&#39;, line 1, position 323.",
            1,
            323,
            "device_info.ios_advertising_id",
            "Error converting value '...'.",
        ),
        (
            "Error reading string. Unexpected token: StartObject. "
            "Path 'data.custom_attributes.currency', line 1, position 540.",
            None,
            540,
            "events[].data.custom_attributes.currency",
            "Error reading string. Unexpected token: StartObject.",
        ),
        (
            "Could not convert string to integer: 12 Main Street. Path '[0].events[2].data.timestamp_unixtime_ms'.",
            0,
            None,
            "events[].data.timestamp_unixtime_ms",
            "Could not convert string to integer: ...",
        ),
        ('Required event field "event_type" is missing or empty.', None, None, "", None),
        ("[3]: Required field is missing.", 3, None, "", "[3]: Required field is missing."),
        ("Batch [3] lacks events[0].data", 3, None, "", "Batch [3] lacks events[0].data"),
        ("Path '[7]' is not an object", 7, None, "", "Path '...' is not an object"),
        ("Malformed input, line 1, position 7", None, 7, "", "Malformed input"),
        ("Malformed input (line 1, position 7) there", None, 7, "", None),
        ("Malformed input, line 2, position 7", None, None, "", "Malformed input"),
        ("events[4].data is bad", None, None, "", "events[4].data is bad"),
        ("Path '[2].user_attributes['shoe size']', line 1, position 9.", 2, 9, "user_attributes", ""),
        ("Path '[2].user_attributes.tags[4]'", 2, None, "user_attributes.tags[]", ""),
        ("Path '[2].consent_state.gdpr.ads.consented'", 2, None, "consent_state.gdpr.ads.consented", ""),
        ("Path '[2]', line 1, position 9.", 2, 9, "", ""),
        ("Path '', line 1, position 9.", None, 9, "", ""),
        ("", None, None, "", ""),
    ],
)
def test_a_message_is_taken_apart(
    message: str, index: int | None, position: int | None, path: str, reason: str | None
) -> None:
    refusal = parse_refusal(message)
    assert (refusal.index, refusal.position, refusal.path) == (index, position, path)
    assert reason is None or refusal.reason == reason


@pytest.mark.parametrize(
    "message",
    [
        # A value that poses as a place: the genuine one at the end counts, or none.
        "Bad value \"[3] Path '[5].x', line 1, position 2.\" of 'System.Guid'. Path '[1].a', line 1, position 99.",
        "Bad value \"x\" Path '[5].a', line 1, position 9.\" of type 'y'. Path '[1].a', line 1, position 99.",
        "Path '[1].a', line 1, position 99.",
    ],
)
def test_a_value_cannot_pose_as_the_place(message: str) -> None:
    refusal = parse_refusal(message)
    assert (refusal.index, refusal.position) == (1, 99)


@pytest.mark.parametrize(
    "message",
    [
        "Bad value \"Path '[5].x'\" in the request",
        'Bad value "line 1, position 5" in the request',
        "Bad value '[5]'",
        "Path '[1].a' clashes with Path '[2].a' somewhere",
        "Neither [1] nor [2] is good",
    ],
)
def test_a_doubtful_place_is_none(message: str) -> None:
    refusal = parse_refusal(message)
    assert (refusal.index, refusal.position) == (None, None)


# Anything a row may hold, but long enough not to be in the message by chance.
VALUES = st.text(st.characters(codec="utf-8"), min_size=4, max_size=120).map(str.strip)
FRAMES = st.sampled_from(
    [
        "Error converting value {} to type 'System.Guid'. Path '[1].device_info.ios_idfv', line 1, position 323.",
        "Error converting value {}",
        "The value {} of the field {} is wrong, it doesn't fit",
        "{}",
        "Bad {} [3]",
        "Don't send {}. Path 'data.source_message_id', line 1, position 5.",
    ]
)
QUOTES = st.sampled_from(['""', "''", "``", "“”", "‘’", "«»"])
ESCAPES = st.sampled_from([str, html.escape, lambda text: html.escape(html.escape(text))])


@given(value=VALUES, frame=FRAMES, quotes=QUOTES, escape=ESCAPES)
def test_a_quoted_value_never_survives(value: str, frame: str, quotes: str, escape: object) -> None:
    bare = frame.replace("{}", "''")
    assume(len(value) >= 4 and value not in bare and html.unescape(value) not in bare)
    refusal = parse_refusal(escape(frame.replace("{}", quotes[0] + value + quotes[1])))  # type: ignore[operator]
    for kept in (refusal.reason, refusal.path):
        assert value not in kept
        assert html.unescape(value) not in kept


@given(value=VALUES, cut=st.integers(0, 200))
def test_a_value_of_a_cut_off_message_never_survives(value: str, cut: int) -> None:
    assume(len(value) >= 4 and value not in "Error converting value '...' to type")
    message = f'Error converting value "{value}" to type'[: 24 + cut]
    assert value not in parse_refusal(message).reason


@pytest.mark.parametrize(
    "value",
    [
        "jo@example.com",
        "JO.Doe+tag@mail.example.co.uk",
        "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b",
        "123e4567-e89b-12d3-a456-426614174000",
        "+1 (555) 123-4567",
        "5551234567",
        "203.0.113.42",
        "4111 1111 1111 1111",
    ],
)
def test_personal_data_never_survives_unquoted(value: str) -> None:
    reason = parse_refusal(f"The user {value} is unknown to us").reason
    assert value not in reason
    assert reason.startswith("The user ...")


def test_what_helps_is_kept() -> None:
    message = "The request carries 101 batches; at most 100 are allowed."
    assert parse_refusal(message).reason == message


@given(st.text(max_size=2000))
def test_any_message_is_survived_and_short(message: str) -> None:
    refusal = parse_refusal(message)
    assert len(refusal.reason) <= REASON_CHARS
    assert "\n" not in refusal.reason


@pytest.mark.parametrize(
    "word", ["a", "1", " ", "@", "Path '", "Path '[1].a", "'", '"', "&amp;", "line 1, position ", "["]
)
def test_an_endless_message_takes_no_endless_time(word: str) -> None:
    # Quadratic time would be hours: the test would not end.
    assert len(parse_refusal(word * (1_000_000 // len(word))).reason) <= REASON_CHARS


def errors(*errors: object) -> bytes:
    return json.dumps({"errors": list(errors)}).encode()


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"null", b"ok", b'{"errors":[]}', b'{"errors":null}', b"[]", b'["errors"]', b'{"a":{"errors":[1]}}'],
)
def test_no_errors_are_found_where_none_are_listed(body: bytes) -> None:
    assert refusals_in(body) == []


def test_every_error_is_found_whatever_its_shape() -> None:
    body = errors({"code": "BAD_REQUEST", "message": "first"}, "second", {"code": "X"}, 5, None, {"message": 7})
    assert [refusal.reason for refusal in refusals_in(body)] == ["first", "second", "", "", "", ""]
    assert [refusal.reason for refusal in refusals_in(b'{"errors":{"message":"only"}}')] == ["only"]


@pytest.mark.parametrize(
    "body", [errors({"message": "x" * 100})[:60], b'{"errors":' + b"[" * 100_000, b'\xff{"errors":[1]}']
)
def test_errors_that_cannot_be_read_are_not_taken_for_none(body: bytes) -> None:
    assert refusals_in(body) == [UNREADABLE]
