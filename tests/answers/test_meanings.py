"""The table of answers: whole, and right about what is not Rokt's."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_rokt.answers.meanings import (
    MEANINGS,
    Form,
    Ruling,
    form_of,
    is_retryable,
    meaning_of,
    stopping_error,
    table,
)
from airflow_provider_rokt.answers.verdicts import judge
from airflow_provider_rokt.api.endpoints import BULK, ENDPOINTS, IMPORT_V3
from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.flow.request import Request, Surface
from airflow_provider_rokt.flow.row import Outcome
from tests.delivery.rokt import request_of

# What answers that Rokt did not write may look like: none of them accepts a row, whatever 2xx it comes with.
FOREIGN = [
    "Please log in to the WiFi",
    "OK",
    "accepted",
    "0",
    "1",
    "true",
    "false",
    "null",
    '""',
    '"accepted"',
    "[]",
    "[[]]",
    '[{"errors": []}]',
    '{"error": "quota exhausted, nothing stored"}',
    '{"error": null}',
    '{"Errors": [{"message": "no"}]}',
    '{"ERRORS": []}',
    '{"errors": null}',
    '{"errors": false}',
    '{"errors": 0}',
    '{"errors": ""}',
    '{"errors": {}}',
    '{"errors": "nothing was stored"}',
    '{"errors": 3}',
    '{"errors": {"0": "bad"}}',
    '{"errors": [null]}',
    '{"errors": ["bad"]}',
    '{"errors": [[]]}',
    '{"errors": [{}]}',
    '{"errors": [{"code": "BAD_REQUEST"}]}',
    '{"errors": [{"message": null}]}',
    '{"errors": [{"message": 1}]}',
    '{"errors": [], "message": "nothing was stored"}',
    '{"errors": [], "success": false}',
    '{"errors": [], "errors": [{"message": "bad"}]}',
    '{"errors": [{"message": "bad"}], "errors": []}',
    '{"errors": [',
    '{"errors": [{"message": "cut off',
    "{",
    "{}{}",
    "{} {}",
    '{"success": false}',
    '{"success": true}',
    '{"status": "ok"}',
    '{"data": {"unprocessedRecords": ["a"]}}',
    '{"message": "Service Unavailable"}',
    '{"Message": "Endpoint request timed out"}',
    '{"fault": {"faultstring": "Rate limit"}}',
    '{"a": {}}',
    "<html>hi</html>",
    "<!DOCTYPE html><html><body>Log in</body></html>",
    " " * 3000 + "<html>hi</html>",
    "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    "<script>location='/login'</script>",
    "upstream connect error or disconnect/reset before headers",
    "no healthy upstream",
    "default backend - 404",
    "NaN",
    "Infinity",
    "\ufeff{}",
    "event: ping\n\n",
    "-----BEGIN CERTIFICATE-----",
    "\x00",
    "\x1f\x8b\x08\x00",
]


def test_there_are_sixty_of_them() -> None:
    assert len(set(FOREIGN)) >= 60


@pytest.mark.parametrize("status", [200, 201, 202, 203, 204, 206, 207, 299])
@pytest.mark.parametrize("body", FOREIGN)
@pytest.mark.parametrize("batches", [1, 3])
def test_what_rokt_did_not_write_accepts_nothing(status: int, body: str, batches: int) -> None:
    request = request_of(*[[str(number)] for number in range(batches)])
    try:
        verdicts = judge(request, status, body.encode("utf-8", "surrogatepass"))
    except RoktError:
        return
    assert not any(verdict and verdict.outcome in (Outcome.ACCEPTED, Outcome.REJECTED) for verdict in verdicts)


@pytest.mark.parametrize("status", [400, 409, 413, 422])
@pytest.mark.parametrize("body", FOREIGN)
def test_what_rokt_did_not_write_blames_no_row(status: int, body: str) -> None:
    (verdict,) = judge(request_of(["a"]), status, body.encode("utf-8", "surrogatepass"))
    assert verdict is not None
    assert verdict.outcome is Outcome.FAILED
    assert str(status) in verdict.faults[0].reason


@pytest.mark.parametrize("form", Form)
def test_every_status_and_every_form_means_something(form: Form) -> None:
    for status in range(100, 1000):
        meaning = meaning_of(status, form)
        assert status in meaning.statuses
        assert form in meaning.forms
        # What follows is said: an error, or one of the rulings on rows; never both.
        assert (stopping_error(BULK, status, form) is None) == (meaning.ruling is not Ruling.STOP)
        if meaning.ruling is Ruling.TAKEN:
            assert 200 <= status <= 299
            assert form in (Form.EMPTY, Form.ERRORS)


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("body", FOREIGN)
def test_what_an_import_is_not_known_to_answer_is_never_confirmed(status: int, body: str) -> None:
    request = Request(IMPORT_V3, request_of(["1"]).batches)
    try:
        (verdict,) = judge(request, status, body.encode("utf-8", "surrogatepass"))
    except RoktError:
        return
    assert verdict is not None
    assert not (verdict.accepted and verdict.confirmed)


@pytest.mark.parametrize(
    ("body", "accepted"),
    [
        ('{"message": "accepted"}', True),
        ('{"status": "ok", "jo@example.com": 1}', True),
        ('{"data": {"unprocessedRecords": []}}', True),
        ('{"data": {"unprocessedRecords": ["a"]}}', False),
        ('{"success": false}', False),
        ('{"ok": false}', False),
        ('{"Success": false}', False),
        ('{"error": "quota exhausted"}', False),
        ('{"partialFailure": true}', False),
        ('{"rows_with_errors": 2}', False),
        ('{"result": {"failed": 3}}', False),
        ('{"errors": ["bad"]}', False),
    ],
)
def test_an_import_accepts_what_names_no_failure_and_shows_none_of_it(body: str, accepted: bool) -> None:
    request = Request(IMPORT_V3, request_of(["1"]).batches)
    if not accepted:
        with suppress(RoktError):
            assert not [verdict for verdict in judge(request, 200, body.encode()) if verdict and verdict.accepted]
        return
    (verdict,) = judge(request, 200, body.encode())
    assert verdict is not None
    assert verdict.accepted
    assert not verdict.confirmed
    assert "example" not in verdict.faults[0].reason


def test_an_import_that_answers_as_the_connection_says_is_confirmed() -> None:
    request = Request(replace(IMPORT_V3, success={"success": True}), request_of(["1"]).batches)
    (verdict,) = judge(request, 200, b'{"success": true, "id": 7}')
    assert verdict is not None
    assert verdict.accepted
    assert verdict.confirmed
    (verdict,) = judge(request, 200, b'{"status": "ok"}')
    assert verdict is not None
    assert verdict.outcome is Outcome.FAILED


def test_every_line_of_the_table_counts() -> None:
    found = {
        id(meaning_of(status, form, surface)) for status in range(100, 1000) for form in Form for surface in Surface
    }
    assert found == {id(meaning) for meaning in MEANINGS}


def test_a_status_beyond_http_means_nothing_good() -> None:
    assert meaning_of(0, Form.EMPTY).ruling is Ruling.STOP
    assert meaning_of(1000, Form.EMPTY).ruling is Ruling.STOP


def test_what_is_tried_again_does_not_depend_on_the_body() -> None:
    for status in range(100, 600):
        assert len({meaning_of(status, form).ruling is Ruling.NOT_NOW for form in Form}) == 1
    assert {status for status in range(100, 600) if is_retryable(status)} == {
        408,
        425,
        429,
        *(set(range(500, 600)) - {501, 505}),
    }


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_end_says_what_to_check(endpoint: Any) -> None:
    for status in range(100, 600):
        if error := stopping_error(endpoint, status, Form.FOREIGN):
            assert str(status) in str(error)
            assert "heck" in str(error) or "enter" in str(error)
            meaning = meaning_of(status, Form.FOREIGN, endpoint.surface)
            assert not meaning.check or status in (401, 403) or str(error).endswith(meaning.check)


@pytest.mark.parametrize(
    ("body", "form"),
    [
        (b"", Form.EMPTY),
        (b" \r\n\t", Form.EMPTY),
        (b"{}", Form.EMPTY),
        (b'{"errors": []}', Form.EMPTY),
        (b'{"errors": [{"code": "BAD_REQUEST", "message": "bad"}]}', Form.ERRORS),
        (b'{"errors": [{"message": ""}], "more": 1}', Form.ERRORS),
        (b'{"errors": [{"message": "bad"}, 1]}', Form.UNREADABLE),
        (b'{"errors": [{"message": "ba', Form.UNREADABLE),
        (b'{"status": "ok"}', Form.OBJECT),
        (b'{"status": "ok", "error": "no"}', Form.FAILURE),
        (b'[{"errors": 1}', Form.FOREIGN),
        (b"[" * 100_000, Form.FOREIGN),
        (b"\xff", Form.FOREIGN),
    ],
)
def test_bodies_have_the_form_they_have(body: bytes, form: Form) -> None:
    assert form_of(body) is form


def test_the_readme_holds_the_table() -> None:
    lines = ["| " + " | ".join(row) + " |" for row in table()]
    assert len(lines) == 1 + len(MEANINGS)
    lines.insert(1, "|---" * 4 + "|")
    assert "\n".join(lines) in Path("README.md").read_text()
