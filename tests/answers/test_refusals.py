import html
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.answers.meanings import Form, form_of
from airflow_provider_rokt.answers.messages import _SENTENCES, HIDDEN
from airflow_provider_rokt.answers.refusals import parse_refusal, refusals_in

PATHS = frozenset(
    {
        "device_info.ios_advertising_id",
        "device_info.ios_idfv",
        "events[].data.custom_attributes.currency",
        "user_attributes.shoe size",
        "user_attributes.shoe.size",
        "user_attributes.tags",
        "consent_state.gdpr.ads.consented",
    }
)
UNKNOWN = re.compile(r"a message that may hold values: see Rokt's own log \(kind [0-9a-f]{6}\)")


@pytest.mark.parametrize(
    ("message", "index", "position", "path", "reason"),
    [
        (
            "Error converting value &quot;not-a-guid&quot; to type &#39;System.Guid&#39;. "
            "Path &#39;[1].device_info.ios_advertising_id&#39;, line 1, position 323.",
            1,
            323,
            "device_info.ios_advertising_id",
            "Error converting value … to type 'System.Guid'",
        ),
        (
            "Error reading string. Unexpected token: StartObject. "
            "Path 'data.custom_attributes.currency', line 1, position 540.",
            None,
            540,
            "events[].data.custom_attributes.currency",
            "Error reading string. Unexpected token: StartObject",
        ),
        (
            "Could not convert string to integer: 12 Main Street. Path '[0].events[2].data.timestamp_unixtime_ms'.",
            0,
            None,
            "events[].data.timestamp_unixtime_ms",
            "Could not convert string to integer: …",
        ),
        (
            'Required event field "event_type" is missing or empty.',
            None,
            None,
            "",
            'Required event field "event_type" is missing or empty',
        ),
        ("[3]: Required field is missing.", 3, None, "", None),
        ("Batch [3] lacks events[0].data", 3, None, "", None),
        ("Path '[7]' is not an object", 7, None, "", None),
        ("Malformed input, line 1, position 7", None, 7, "", None),
        ("Malformed input (line 1, position 7) there", None, 7, "", None),
        ("Malformed input, line 2, position 7", None, None, "", None),
        ("events[4].data is bad", None, None, "", None),
        ("Path '[2].user_attributes['shoe size']', line 1, position 9.", 2, 9, "user_attributes.shoe size", ""),
        ("Path '[2].user_attributes['shoe.size']', line 1, position 9.", 2, 9, "user_attributes.shoe.size", ""),
        ("Path '[2].user_attributes.tags[4]'", 2, None, "user_attributes.tags[]", ""),
        ("Path '[2].consent_state.gdpr.ads.consented'", 2, None, "consent_state.gdpr.ads.consented", ""),
        ("Path '[2].consent_state.gdpr.ads', line 1, position 9.", 2, 9, "consent_state.gdpr.ads", ""),
        ("Path '[2]', line 1, position 9.", 2, 9, "", ""),
        ("Path '', line 1, position 9.", None, 9, "", ""),
        ("", None, None, "", ""),
    ],
)
def test_a_message_is_taken_apart(
    message: str, index: int | None, position: int | None, path: str, reason: str | None
) -> None:
    refusal = parse_refusal(message, PATHS)
    assert (refusal.index, refusal.position, refusal.path) == (index, position, path)
    if reason is None:
        assert UNKNOWN.fullmatch(refusal.reason)
    else:
        assert refusal.reason == reason


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("user_attributes.jane", "user_attributes.…"),
        ("user_attributes.shoe", "user_attributes.shoe"),  # on the way to one that is known
        ("user_attributes.shoe.jane", "user_attributes.shoe.…"),
        ("user_attributes['jane doe']", "user_attributes.…"),
        ("user_attributes.tags[4].jane", "user_attributes.tags[].…"),
        ("user_attributes[5551234567]", "user_attributes[]"),
        ("data.custom_attributes.jane", "events[].data.custom_attributes.…"),
        ("events[3].data.custom_attributes.jane.doe", "events[].data.custom_attributes.…"),
        ("events[3].jane", "events[].…"),
        ("device_info.Ios_Advertising_Id", "device_info.…"),
        ("consent_state.gdpr.jane.consented", "consent_state.gdpr.…"),
        ("jane", ""),
        ("jane.user_attributes", ""),
        ("ip", ""),  # not of this request
        ("emails[17]", "emails[]"),
        ("accountId", "accountId"),
        ("[1][2]", ""),
    ],
)
def test_of_a_path_only_what_is_known_is_shown(path: str, shown: str) -> None:
    assert parse_refusal(f"Path '[2].{path}', line 1, position 9.", PATHS).path == shown
    if not path.startswith("["):
        assert parse_refusal(f"Path '{path}', line 1, position 9.", PATHS).path == shown


@given(
    st.text(max_size=60) | st.from_regex(r"(user_attributes|data|events\[0\])(\.[A-Z][a-z]{3,8}){1,4}", fullmatch=True)
)
def test_a_path_shows_no_name_of_its_own(path: str) -> None:
    shown = parse_refusal(f"Path '{path}', line 1, position 9.", PATHS).path
    assert set(re.split(r"[.\[\]]+", shown)) <= NAMES


# Every name of a known path, the sections included.
NAMES = set(re.split(r"[.\[\] ]+", " ".join(PATHS))) | {
    *("", HIDDEN, "events", "event_type", "user_identities", "other", "environment", "source_request_id"),
    *("integration_attributes", "ccpa", "data_sale_opt_out", "action", "list", "emails", "sha256s", "accountId"),
    *("shoe size", "event_name", "custom_event_type", "source_message_id", "timestamp_unixtime_ms", "status"),
    "audience_name",
}


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
# Known and unknown sentences, with the value quoted and not, in a path, before and behind everything.
FRAMES = st.sampled_from(
    [
        "Error converting value {} to type 'System.Guid'. Path '[1].device_info.ios_idfv', line 1, position 323.",
        "Error converting value \"x\" to type '{}'. Path '[1].device_info.ios_idfv', line 1, position 323.",
        "Error converting value {}",
        "Error reading string. Unexpected token: {}. Path 'data.custom_attributes.currency'",
        "Error reading string. Unexpected token: StartObject. {} Path 'data.custom_attributes.currency'",
        "{} Error reading string. Unexpected token: StartObject.",
        'Required event field "{}" is missing or empty.',
        "Required property '{}' not found in JSON. Path '[1]'.",
        "Could not convert string to integer: {}. Path '[0].events[2].data.timestamp_unixtime_ms'.",
        "Could not convert string to {}: 5. Path '[0].events[2].data.timestamp_unixtime_ms'.",
        "Input string '{}' is not a valid number. Path '[0].x'.",
        "The request carries {} batches; at most 100 are allowed.",
        "The value {} of the field {} is wrong, it doesn't fit",
        "{}",
        "Bad {} [3]",
        "{}... is too long",
        "Path '[1].user_attributes.{}', line 1, position 5.",
        "Path '[1].user_attributes['{}']', line 1, position 5.",
        "Path '[1].{}', line 1, position 5.",
        "Path 'data.{}'",
        "Don't send {}. Path 'data.source_message_id', line 1, position 5.",
    ]
)
QUOTES = st.sampled_from(["", '""', "''", "``", "“”", "‘’", "«»"])
ESCAPES = st.sampled_from([str, html.escape, lambda text: html.escape(html.escape(text))])


@given(value=VALUES, frame=FRAMES, quotes=QUOTES, escape=ESCAPES, cut=st.integers(1, 200))
def test_a_value_never_survives(value: str, frame: str, quotes: str, escape: object, cut: int) -> None:
    around = quotes or ("", "")

    def texts(planted: str) -> list[str]:
        said = frame.replace("{}", around[0] + planted + around[-1])
        # Its first characters alone, as where a message is cut off.
        return [said, said[:cut], frame.replace("{}", f"{planted[:6]}...")]

    # Blanks in its place: what is shown then was not the value's.
    for text, blank in zip(texts(value), texts("~" * len(value)), strict=True):
        refusal = parse_refusal(escape(text), PATHS)  # type: ignore[operator]
        said_anyway = SAID_ANYWAY + parse_refusal(blank, PATHS).reason
        for kept in {value, html.unescape(value), value[:6]}:
            if len(kept) >= 4 and kept not in said_anyway:
                assert kept not in refusal.reason
                assert kept not in refusal.path


# What a value may have in common with the sentences themselves and the digits of a kind.
SAID_ANYWAY = " ".join(
    [
        *(parse_refusal(text, PATHS).reason for text in ("x", "")),
        *PATHS,
    ]
)


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
        "Jane",
        "PiiRFn9",
        "12 Main Street",
    ],
)
@pytest.mark.parametrize(
    "frame",
    [
        "The user {} is unknown to us",
        "{} is too long",
        "events rejected, {}",
        "Error reading string. Unexpected token: {}. Path '[1].{}'.",
    ],
)
def test_messages_of_one_kind_have_one_digest_whatever_they_hold(frame: str, value: str) -> None:
    said = parse_refusal(frame.format(value, value)).reason
    assert value not in said
    assert said == parse_refusal(frame.format("x", "x")).reason


def test_messages_of_other_kinds_have_another_digest() -> None:
    messages = ["The user x is unknown", "x is too long", "x is too large", "audience x does not exist", "no such plan"]
    said = {parse_refusal(message).reason for message in messages}
    assert len(said) == len(messages)
    assert all(UNKNOWN.fullmatch(reason) for reason in said)


def test_known_sentences_are_told_whole_but_for_what_they_quote() -> None:
    assert (
        parse_refusal("The request carries 101 batches; at most 100 are allowed.").reason
        == "The request carries … batches; at most 100 are allowed"
    )
    said = parse_refusal("Error converting value 5 to type 'System.Nullable`1[System.Int64]'.").reason
    assert said == "Error converting value … to type 'System.Nullable`1[System.Int64]'"
    said = parse_refusal("Error converting value 5 to type 'Jane.Doe'.").reason
    assert said == "Error converting value … to type '…'"


def test_every_sentence_can_be_told() -> None:
    for sentence in _SENTENCES:
        said = re.sub(r"\{(\w+)\}", "Jane Doe", sentence)
        shown = parse_refusal(f"{said}. Path '[1].ip', line 1, position 9.").reason
        assert shown == re.sub(r"\{(\w+)\}", HIDDEN, sentence)


@given(st.text(max_size=2000))
def test_any_message_is_survived_and_short(message: str) -> None:
    refusal = parse_refusal(message)
    assert len(refusal.reason) <= 200
    assert "\n" not in refusal.reason


@pytest.mark.parametrize(
    "word",
    [
        "a",
        "1",
        " ",
        "@",
        "Path '",
        "Path '[1].a",
        "'",
        '"',
        "&amp;",
        "line 1, position ",
        "[",
        ".a",
        "[]",
        "Error converting value ",
        " to type '",
        "Input string '",
        "Could not convert string to integer: ",
        "Token: Null, Value: ",
    ],
)
def test_an_endless_message_takes_no_endless_time(word: str) -> None:
    # Quadratic time would be hours: the test would not end.
    assert len(parse_refusal(word * (1_000_000 // len(word))).reason) <= 200


def errors(*errors: object) -> bytes:
    return json.dumps({"errors": list(errors)}).encode()


def test_every_error_is_found_in_order() -> None:
    body = errors({"code": "BAD_REQUEST", "message": "No JSON content found."}, {"message": "jane"}, {"message": ""})
    told, unknown, nothing = [refusal.reason for refusal in refusals_in(body)]
    assert (told, nothing) == ("No JSON content found", "")
    assert UNKNOWN.fullmatch(unknown)


def test_the_requests_paths_decide_what_an_answer_may_name() -> None:
    body = errors({"message": "Path '[1].user_attributes.loyalty', line 1, position 9."})
    assert [refusal.path for refusal in refusals_in(body)] == ["user_attributes.…"]
    paths = frozenset({"user_attributes.loyalty"})
    assert [refusal.path for refusal in refusals_in(body, paths)] == ["user_attributes.loyalty"]


def values(planted: object) -> st.SearchStrategy[object]:
    """Any JSON that holds this somewhere, as a value or as a name."""
    return st.recursive(
        st.just(planted),
        lambda inner: (
            st.lists(inner, min_size=1, max_size=2)
            | st.dictionaries(
                st.sampled_from(["path", "code", "message", "details", PLANTED]), inner, min_size=1, max_size=3
            )
        ),
        max_leaves=6,
    )


PLANTED = "PiiRFn9 jane.doe@example.com"


@given(values(PLANTED) | st.builds(lambda more: {"message": PLANTED, "path": more}, values(PLANTED)))
def test_no_member_of_an_error_is_shown(error: object) -> None:
    for body in (errors(error), json.dumps({"errors": error, PLANTED: error}).encode()):
        for refusal in refusals_in(body) if form_of(body) is Form.ERRORS else []:
            assert "PiiRFn9" not in refusal.reason + refusal.path
            assert "jane" not in refusal.reason + refusal.path
