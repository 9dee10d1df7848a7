"""Whatever Rokt, or somebody in its place, answers: no value of a row reaches log, result, error or ledger."""

import json
import re
import shutil
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.answers.messages import _SENTENCES
from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox import Sandbox
from airflow_provider_rokt.sandbox.faults import Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.api.recorder import Recorder

WORD, PHONE, CARD = "PiiRFn9", "+1 555 010 9876", "4111111111111111"
# Whole and in part, in case only some of it is repeated.
PARTS = ("piirfn", "010 9876", "5550109876", CARD, CARD[:12])
ROWS: list[dict[str, Any]] = [
    {
        "email": f"{WORD}.{number}@example.com",
        "source_message_id": id,
        "timestamp_unixtime_ms": 1_790_000_000_000 + number,
        "conversiontype": WORD,
        "amount": "9.99",
        "currency": "USD",
        "firstname": WORD,
        "mobile": PHONE,
        "events[].data.custom_attributes.note": f"{WORD} {PHONE}",
        "user_attributes.loyalty": WORD,
    }
    for number, id in enumerate((PHONE, CARD, f"{WORD}@example.com"))
]
AUDIENCE = {
    "user_identities.email": "email",
    "events[].data.custom_attributes.audience_name": "audience",
    "user_attributes.firstname": "firstname",
}
planted = st.sampled_from([WORD, f"{WORD[:6]}...", PHONE, CARD, f"{WORD}.0@example.com", f"it's {WORD}", f'"{WORD}"'])
sentences = st.sampled_from(
    [
        *_SENTENCES,
        "{value}",
        "The {value} of {field} is unknown",
        "{value}... is too long",
        "[1]: {value} is bad",
        'Customer "{value}" of [2] is bad',
    ]
)
tails = st.sampled_from(
    [
        "",
        ". Path '[{index}].user_attributes.{value}', line 1, position 9.",
        ". Path '[{index}].user_attributes['{value}']'.",
        ". Path '[{index}].{value}', line 1, position 9.",
        ". Path 'data.custom_attributes.{value}', line 1, position 300.",
        ". Path '{value}'",
        ", line 1, position 300. {value}",
        ". {value}",
    ]
)


@st.composite
def messages(draw: st.DrawFn) -> str:
    text = draw(sentences) + draw(tails).replace("{index}", str(draw(st.integers(0, 3))))
    return re.sub(r"\{\w+\}", lambda _: draw(planted), text)


def members(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    names = st.sampled_from(["message", "code", "path", "details", "errors", WORD, PHONE])
    return st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)


errors = st.recursive(messages() | planted, members, max_leaves=6)
bodies = (
    st.fixed_dictionaries(
        {"errors": st.lists(errors, max_size=3) | errors}, optional={WORD: planted, "message": planted}
    )
    | st.fixed_dictionaries({"errors": st.lists(st.fixed_dictionaries({"message": messages()}), max_size=3)})
    | errors
)


def leaked(text: str) -> list[str]:
    return [part for part in PARTS if part.lower() in text.lower()]


def told_by(send: Callable[[], object], ledger: Path, said: Callable[[], str], caplog: pytest.LogCaptureFixture) -> str:
    """The result, or the error with all that hangs on it, what was logged, and every byte of the ledger."""
    shutil.rmtree(ledger, ignore_errors=True)
    caplog.clear()
    try:
        told = json.dumps(send())
    except (RoktError, RoktTaskFailed) as error:
        told = "".join(traceback.format_exception(error)) + json.dumps(getattr(error, "report", None), default=str)
    return told + said() + "".join(path.read_text(errors="replace") for path in ledger.rglob("*") if path.is_file())


@pytest.fixture
def place(ledger: Any, rokt: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")
    yield tmp_path


ANY_ANSWER = settings(
    max_examples=30,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.function_scoped_fixture],
)


@ANY_ANSWER
@given(status=st.sampled_from([200, 202, 400, 409, 413, 422, 429, 500]), body=bodies)
def test_no_answer_about_conversions_tells_a_value(
    place: Path, sandbox: Sandbox, said: Callable[[], str], caplog: pytest.LogCaptureFixture, status: int, body: object
) -> None:
    sandbox.reset()
    sandbox.faults.add(Status(status=status, body=json.dumps(body)))
    told = told_by(lambda: RoktHook().send_conversions(ROWS, max_rejected=3), place / "ledger", said, caplog)
    assert str(status) in told and not leaked(told)


@ANY_ANSWER
@given(status=st.sampled_from([202, 400]), message=messages())
def test_no_answer_about_an_audience_tells_a_value(
    place: Path, sandbox: Sandbox, said: Callable[[], str], caplog: pytest.LogCaptureFixture, status: int, message: str
) -> None:
    sandbox.reset()
    flag = "Path '[0].user_attributes.segment_PiiRFn9', line 1, position 9."
    body = json.dumps({"errors": [{"message": message}, {"message": f"No JSON content found. {flag}"}]})
    sandbox.faults.add(Status(status=status, body=body))
    rows = [{"email": f"{WORD}.{number}@example.com", "audience": WORD, "firstname": WORD} for number in range(3)]
    told = told_by(
        lambda: RoktHook().send_audience(
            rows, audience="vip", mapping=AUDIENCE, via="events", mode="include", max_rejected=3
        ),
        place / "ledger",
        said,
        caplog,
    )
    assert str(status) in told and not leaked(told)


HEADERS = ("Location", "Retry-After", "WWW-Authenticate", "Content-Type", "X-mp-rate-limit-exceeded", WORD)
STATUSES = [200, 202, 301, 400, 401, 403, 404, 407, 408, 413, 418, 429, 500, 503]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("body", ["", "{}", f"<html>{WORD}", f'{{"errors": ["{WORD}', f'{{"{WORD}": "{WORD}"}}'])
def test_no_status_line_and_no_header_tells_a_value(
    place: Path, rokt: Any, said: Callable[[], str], caplog: pytest.LogCaptureFixture, status: int, body: str
) -> None:
    with Recorder(status, body.encode(), dict.fromkeys(HEADERS, WORD), reason=WORD) as server:
        rokt(extra={"events_url": server.url, "allow_any_host": True})
        told = told_by(lambda: RoktHook().send_conversions(ROWS, max_rejected=3), place / "ledger", said, caplog)
        assert server.seen, told
    assert not leaked(told)


def test_the_planted_values_are_sent(place: Path, sandbox: Sandbox) -> None:
    RoktHook().send_conversions(ROWS)
    assert [event["data"]["source_message_id"] for event in sandbox.store.events] == [
        row["source_message_id"] for row in ROWS
    ]
    assert len(leaked(json.dumps(sandbox.store.documents))) >= 3


def refuse(sandbox: Sandbox, path: str) -> None:
    message = f"No JSON content found. Path '[0].{path}', line 1, position 9."
    sandbox.faults.add(Status(status=400, body=json.dumps({"errors": [{"message": message}]})))


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("user_attributes.loyalty", "user_attributes.loyalty"),
        ("events[0].data.custom_attributes.note", "events[].data.custom_attributes.note"),
        # Of Rokt's own fields, though nothing is mapped to it.
        ("device_info.ios_idfv", "device_info.ios_idfv"),
        (f"user_attributes.{WORD}", "user_attributes.…"),
    ],
)
def test_a_refusal_names_the_field_that_a_conversions_mapping_names(
    place: Path, sandbox: Sandbox, path: str, told: str
) -> None:
    refuse(sandbox, path)
    result = RoktHook().send_conversions(ROWS[:1], max_rejected=1)
    assert [rejection["path"] for rejection in result["rejections"]] == [told]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("user_attributes.loyalty", "user_attributes.loyalty"),
        ("user_attributes.segment_vip", "user_attributes.segment_vip"),
        # The flag of an audience that a row names.
        (f"user_attributes.segment_{WORD}", "user_attributes.…"),
    ],
)
def test_a_refusal_names_the_field_that_an_audiences_mapping_names(
    place: Path, sandbox: Sandbox, path: str, told: str
) -> None:
    refuse(sandbox, path)
    mapping = AUDIENCE | {"user_attributes.loyalty": "loyalty"}
    row = {"email": "a@example.com", "audience": WORD, "firstname": WORD, "loyalty": WORD}
    result = RoktHook().send_audience([row], audience="vip", mapping=mapping, via="events", max_rejected=1)
    assert [rejection["path"] for rejection in result["rejections"]] == [told]
