import json
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_rokt.answers.meanings import form_of, stopping_error
from airflow_provider_rokt.answers.verdicts import judge
from airflow_provider_rokt.api.endpoints import BULK, IMPORT_V1, IMPORT_V3
from airflow_provider_rokt.exceptions import RoktAuthError, RoktEndpointError
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import Outcome
from tests.delivery.rokt import answer_of, place_of, request_of

ACCEPTED, REJECTED, OPEN = Outcome.ACCEPTED, Outcome.REJECTED, None
REQUEST = request_of(["a"], ["b1", "b2"], ["c"])


def outcomes(request: Request, status: int, *messages: str) -> list[Outcome | None]:
    return [verdict and verdict.outcome for verdict in judge(request, status, answer_of(status, *messages).body)]


def complaint(index: int, request: Request = REQUEST, member: str = "customerid") -> str:
    """An error of a batch as Rokt's reader words it, with everything that it says of the place."""
    text = request.body.decode()
    place = place_of(text, member, positions(request, index)[0])
    return f"bad. Path '[{index}].user_identities.{member}', line 1, position {place}."


def positions(request: Request, index: int) -> tuple[int, int]:
    """The 1-based offsets of a batch's first and last character."""
    before = len(request.prefix) + sum(len(batch.body) + 1 for batch in request.batches[:index])
    return before + 1, before + len(request.batches[index].body)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", [b"", b"{}", b" \n", b'{"errors":[]}'])
def test_a_success_without_errors_accepts_all(status: int, body: bytes) -> None:
    assert [verdict.outcome for verdict in judge(REQUEST, status, body) if verdict] == [ACCEPTED] * 3


def test_a_success_refuses_only_what_it_complains_of() -> None:
    assert outcomes(REQUEST, 202, complaint(1)) == [ACCEPTED, REJECTED, ACCEPTED]
    assert outcomes(REQUEST, 202, complaint(2), complaint(0)) == [REJECTED, ACCEPTED, REJECTED]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_position_finds_its_batch_where_the_path_stands(index: int) -> None:
    expected = [REJECTED if place == index else ACCEPTED for place in range(3)]
    text, (first, last) = REQUEST.body.decode(), positions(REQUEST, index)
    place = place_of(text, "conversiontype", first)
    for near in (-1, 0, 1):
        said = f"bad. Path 'data.custom_attributes.conversiontype', line 1, position {place + near}."
        # In the first batch it could be that position of any batch like it.
        assert outcomes(REQUEST, 202, said) == (expected if index else [OPEN] * 3)
    # What is missing is told at what lacks it, here the batch's own bracket.
    said = f"bad. Path 'user_attributes', line 1, position {last}."
    assert outcomes(REQUEST, 202, said) == (expected if index else [OPEN] * 3)
    assert outcomes(REQUEST, 202, f"bad. Path '[{index}]', line 1, position {last}.") == expected


def test_a_conflict_is_about_repeats_alone() -> None:
    """Rokt's older API answers 409 to a key that it has seen; of the other batches nothing is known then."""
    first, second, third = REQUEST.batches
    request = replace(REQUEST, batches=(first, second._replace(repeats=True), third))
    found = judge(request, 409, b"")
    assert [verdict and (verdict.outcome, verdict.confirmed) for verdict in found] == [None, (ACCEPTED, False), None]


def test_what_may_be_a_repeat_is_unconfirmed_and_the_others_are_not() -> None:
    first, second, third = REQUEST.batches
    request = replace(REQUEST, batches=(first, second._replace(repeats=True), third))
    found = judge(request, 202, b"")
    assert [verdict and (verdict.outcome, verdict.confirmed) for verdict in found] == [
        (ACCEPTED, True),
        (ACCEPTED, False),
        (ACCEPTED, True),
    ]


def test_a_position_in_the_first_batch_is_enough_where_no_other_has_the_like() -> None:
    """Counted from a batch's own start, too, it could only be the same one."""
    first, *others = REQUEST.batches
    only = first._replace(body=first.body[:-1] + b',"user_attributes":{"zip":"1"}}')
    request = replace(REQUEST, batches=(only, *others))
    place = place_of(request.body.decode(), "zip", positions(request, 0)[0])
    said = f"bad. Path 'user_attributes.zip', line 1, position {place}."
    assert outcomes(request, 202, said) == [REJECTED, ACCEPTED, ACCEPTED]


@pytest.mark.parametrize(
    "place",
    [
        "",
        "Path '[3].ip'",  # there is no fourth batch
        "Path '[99].ip'",
        "Path '[1].ip'",  # an index alone may count from 1
        "[1]",
        f"Path 'user_identities.email', line 1, position {positions(REQUEST, 1)[0] + 30}.",  # not what stands there
        f"Path '[0].user_identities.customerid', line 1, position {positions(REQUEST, 1)[0] + 80}.",  # two batches
        f"line 1, position {positions(REQUEST, 1)[0] + 30}",
        "Path 'data.x', line 1, position 0.",
        "Path 'data.x', line 1, position 1.",  # the bracket
        f"Path 'data.x', line 1, position {positions(REQUEST, 0)[1] + 1}.",  # the comma
        f"Path '[0]', line 1, position {positions(REQUEST, 0)[1] + 1}.",
        f"Path 'data.x', line 1, position {len(REQUEST.body)}.",
        f"Path 'data.x', line 1, position {len(REQUEST.body) + 9}.",
        f"Path 'data.x', line 2, position {positions(REQUEST, 0)[0]}.",
    ],
)
def test_an_error_without_a_place_leaves_the_others_open(place: str) -> None:
    assert outcomes(REQUEST, 202, f"bad. {place}") == [OPEN] * 3
    assert outcomes(REQUEST, 202, f"bad. {place}", complaint(1)) == [OPEN, REJECTED, OPEN]
    assert outcomes(REQUEST, 400, f"bad. {place}", complaint(1)) == [OPEN, REJECTED, OPEN]


@pytest.mark.parametrize("status", [400, 422])
def test_a_refusal_blames_only_what_it_complains_of(status: int) -> None:
    complaints = [complaint(index) for index in range(3)]
    assert outcomes(REQUEST, status, *complaints) == [REJECTED] * 3
    assert outcomes(REQUEST, status, *complaints[1:]) == [OPEN, REJECTED, REJECTED]
    assert outcomes(REQUEST, status, "bad") == [OPEN] * 3
    assert outcomes(REQUEST, status) == [OPEN] * 3


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("messages", [(), ("bad",), ("bad. Path '[7].ip'",)])
def test_a_single_batch_is_to_blame_for_everything(status: int, messages: tuple[str, ...]) -> None:
    (verdict,) = judge(request_of(["a", "b"]), status, answer_of(status, *messages).body)
    assert verdict is not None and verdict.outcome is REJECTED
    assert verdict.faults[0].reason.startswith("Rokt: ")


def test_a_single_batch_is_refused_by_a_success_too() -> None:
    assert outcomes(request_of(["a"]), 202, "bad") == [REJECTED]


def test_what_is_too_large_is_halved_down_to_one() -> None:
    assert outcomes(REQUEST, 413) == [OPEN] * 3
    (verdict,) = judge(request_of(["a"]), 413, b"")
    assert verdict is not None and verdict.outcome is REJECTED
    size = len(request_of(["a"]).body)
    assert verdict.faults[0].reason == f"Rokt: too large: Rokt refuses {size:,} bytes in one request"


def test_an_answer_cut_off_is_no_acceptance() -> None:
    body = answer_of(202, *["bad. Path '[1].ip'"] * 9).body[:-20]
    assert judge(REQUEST, 202, body) == [OPEN] * 3


def test_every_different_fault_of_a_batch_is_kept_once() -> None:
    bad, worse = "Error reading string. Unexpected token: StartArray", "No JSON content found"
    path, place = "user_identities.customerid", complaint(1).removeprefix("bad. ")
    body = answer_of(202, f"{bad}. {place}", f"{bad}. {place}", f"{worse}. {place}").body
    request = replace(REQUEST, paths=frozenset({path}))
    assert judge(request, 202, body)[1].faults == ((path, f"Rokt: {bad}"), (path, f"Rokt: {worse}"))


def test_no_word_of_an_answer_is_kept_that_is_not_known() -> None:
    messages = [
        "user Jane PiiRFn9 is unknown",
        "PiiRFn9... is too long. Path '[0].user_attributes.PiiRFn9'",
        "Error converting value \"PiiRFn9\" to type 'PiiRFn9'. Path 'data.PiiRFn9', line 1, position 5.",
    ]
    (verdict,) = judge(request_of(["PiiRFn9"]), 400, answer_of(400, *messages).body)
    assert len(verdict.faults) == 3
    assert "PiiRFn9" not in str(verdict)


def test_faults_name_the_field_as_the_guide_does() -> None:
    said = "Error reading string. Unexpected token: StartObject"
    body = answer_of(400, f"{said}. Path 'data.custom_attributes.currency', line 1, position 9.").body
    path = "events[].data.custom_attributes.currency"
    (verdict,) = judge(replace(request_of(["a"]), paths=frozenset({path})), 400, body)
    assert verdict.faults == ((path, f"Rokt: {said}"),)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("endpoint", "setting"),
    [
        (BULK, "password (API secret)"),
        (IMPORT_V1, "audience_api_key"),
        (IMPORT_V3, "account_id"),
    ],
)
def test_refused_credentials_say_what_to_do(status: int, endpoint: Endpoint, setting: str) -> None:
    with pytest.raises(RoktAuthError) as caught:
        judge(Request(endpoint, REQUEST.batches), status, b"")
    message = str(caught.value)
    assert str(status) in message
    if (endpoint, status) == (BULK, 403):
        setting = "pod"
    assert setting in message


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308, 404, 405, 410, 501, 505])
@pytest.mark.parametrize(("endpoint", "setting"), [(BULK, "events_url"), (IMPORT_V3, "audience_url")])
def test_a_wrong_address_says_what_to_check(status: int, endpoint: Endpoint, setting: str) -> None:
    with pytest.raises(RoktEndpointError, match=setting):
        judge(Request(endpoint, REQUEST.batches), status, b"")


@pytest.mark.parametrize("body", [b"<!DOCTYPE html><html>hi</html>", b" \n<html><body>Log in</body></html>"])
def test_a_web_page_is_no_acceptance(body: bytes) -> None:
    with pytest.raises(RoktEndpointError, match="web page"):
        judge(REQUEST, 200, body)


def test_what_concerns_rows_stops_nothing() -> None:
    assert [stopping_error(BULK, status) for status in (200, 202, 400, 409, 413, 422, 429)] == [None] * 7


def test_an_import_has_one_verdict_for_all_its_blocks() -> None:
    blocks = Request(IMPORT_V3, REQUEST.batches, b'{"emails":[', b"]}")
    assert outcomes(blocks, 201) == [ACCEPTED] * 3
    # The index of a member is not that of a block.
    assert outcomes(blocks, 400, "bad. Path '[1]'") == [OPEN] * 3
    assert outcomes(blocks, 400, "bad. Path 'emails[1]'") == [OPEN] * 3


@given(sizes=st.lists(st.integers(1, 3), min_size=1, max_size=12), data=st.data())
def test_every_located_error_finds_its_batch(sizes: list[int], data: st.DataObject) -> None:
    request = request_of(*[[f"{user}-{event}" for event in range(size)] for user, size in enumerate(sizes)])
    bad = data.draw(st.sets(st.integers(0, len(sizes) - 1), max_size=len(sizes)))
    messages = []
    for index in bad:
        first, last = positions(request, index)
        kind = place_of(request.body.decode(), "conversiontype", first)
        by_position = f"bad. Path 'data.custom_attributes.conversiontype', line 1, position {kind}."
        at_its_end = f"bad. Path '[{index}].ip', line 1, position {last}."
        # In the first batch a position alone could be that of any batch like it.
        ways = [complaint(index, request), at_its_end, *([by_position] if index else [])]
        messages.append(data.draw(st.sampled_from(ways)))
    status = 400 if len(bad) == len(sizes) else 202
    # So many errors may be the first so many of more.
    rest = OPEN if bad and len(bad) % 5 == 0 else ACCEPTED
    expected = [REJECTED if index in bad else rest for index in range(len(sizes))]
    assert outcomes(request, status, *messages) == expected


@given(
    status=st.sampled_from([202, 400, 400, 409, 413, 422]),
    body=st.binary(max_size=300)
    | st.builds(
        lambda content: json.dumps(content).encode(),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.sampled_from(["errors", "message", "code"]), inner, max_size=3)
            ),
            max_leaves=12,
        ),
    ),
)
def test_any_body_gives_every_batch_a_verdict_or_leaves_it_open(status: int, body: bytes) -> None:
    assume(stopping_error(BULK, status, form_of(body)) is None)
    verdicts = judge(REQUEST, status, body)
    assert len(verdicts) == 3
    assert all(verdict.faults for verdict in verdicts if verdict and verdict.outcome is REJECTED)
    (single,) = judge(request_of(["a"]), status, body)
    assert single is not OPEN
