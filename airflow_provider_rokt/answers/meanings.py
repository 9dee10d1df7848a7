"""What each answer means, one table: status and form of the body, what follows for the rows, what to check.

Rokt publishes an empty body, or a JSON object whose ``errors`` lists what is wrong. Whatever has another form was not
written by Rokt's API, so it proves nothing about any row: not that it was accepted, nor that it is to blame.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product
from typing import Any, Final

from airflow_provider_rokt.exceptions import RoktAuthError, RoktEndpointError, RoktError
from airflow_provider_rokt.flow.request import Endpoint, Surface


class Form(StrEnum):
    """What a body looks like."""

    EMPTY = "empty, `{}` or an empty list of errors"
    ERRORS = "a list of errors"
    UNREADABLE = "errors that cannot be read"
    FAILURE = "a JSON object that names a failure"
    OBJECT = "another JSON object"
    FOREIGN = "something that Rokt does not write"


class Ruling(StrEnum):
    """What follows from an answer."""

    TAKEN = "accepted, but for the batches that the errors name"
    UNCONFIRMED = "accepted, but unconfirmed: a mirror does not remember it"
    REFUSED = "nothing accepted; the batches that the errors name are rejected, the others sent again in halves"
    TOO_LARGE = "nothing accepted; sent again in halves, a single batch is rejected"
    OPEN = "nothing accepted; sent again in halves, a single batch fails"
    NOT_NOW = "nothing accepted; the same request is tried again"
    STOP = "nothing accepted; nothing more is sent, the rows fail"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A line of the table.

    :param statuses: HTTP statuses.
    :param forms: of the body.
    :param source: where this is said: the guide, mParticle's HTTP reference, what was seen of Rokt, or our own reading.
    :param why: what the answer shows, with ``{status}`` and ``{path}``; for a ruling that ends the delivery.
    :param check: what a person should check then; ``""`` for the settings that the endpoint names.
    :param surfaces: where this is so.
    """

    statuses: frozenset[int]
    forms: frozenset[Form]
    ruling: Ruling
    source: str
    why: str = ""
    check: str = ""
    surfaces: frozenset[Surface] = frozenset(Surface)


def _numbers(*parts: int | range) -> frozenset[int]:
    return frozenset(number for part in parts for number in (part if isinstance(part, range) else (part,)))


# fmt: off
_USUAL_NAMES: Final = frozenset((
    "accepted", "code", "count", "created", "data", "id", "imported", "list", "message", "processed", "received",
    "request", "requestid", "result", "status", "statuscode", "success", "successful", "total", "updated",
))
# fmt: on
_NAMES_SHOWN: Final = 5
_FAILURE: Final = re.compile("error|fault|fail|unprocessed|rejected|invalid", re.IGNORECASE)
_ANY: Final = frozenset(Form)
ROKTS: Final = frozenset((Form.EMPTY, Form.ERRORS))
_SUCCESS: Final = _numbers(range(200, 300))
_NEVER: Final = _numbers(501, 505)
_CREDENTIALS: Final = _numbers(401, 403)

# The first line that fits counts.
MEANINGS: Final = (
    Meaning(_SUCCESS, ROKTS, Ruling.TAKEN, "mParticle: 202, of single batches too; seen: 200 and 201"),
    Meaning(
        _SUCCESS,
        frozenset((Form.UNREADABLE, Form.FAILURE)),
        Ruling.OPEN,
        "our reading: it names errors, so it accepts nothing",
    ),
    Meaning(
        _SUCCESS,
        frozenset((Form.OBJECT,)),
        Ruling.UNCONFIRMED,
        "our reading: nobody has published what an import answers",
        surfaces=frozenset((Surface.AUDIENCE_IMPORT,)),
    ),
    Meaning(
        _SUCCESS,
        _ANY,
        Ruling.STOP,
        "our reading: a web page or another API, as of a captive portal",
        "Rokt's address answered {status} with something that Rokt does not write, such as a web page",
    ),
    Meaning(_numbers(400, 422), ROKTS, Ruling.REFUSED, "mParticle: 400; our reading: 422"),
    Meaning(_numbers(400, 422), _ANY, Ruling.OPEN, "our reading: a gateway's refusal, which blames no row"),
    Meaning(_numbers(409), _ANY, Ruling.OPEN, "our reading: a conflict blames no row"),
    Meaning(_numbers(413), ROKTS, Ruling.TOO_LARGE, "our reading"),
    Meaning(_numbers(413), _ANY, Ruling.OPEN, "our reading: a gateway's limit, which blames no row"),
    Meaning(_CREDENTIALS, _ANY, Ruling.STOP, "mParticle", "Rokt refused the credentials ({status})"),
    Meaning(
        _numbers(407),
        _ANY,
        Ruling.STOP,
        "HTTP",
        "The proxy wants credentials (407)",
        "Check the proxy variables of the environment.",
    ),
    Meaning(
        _numbers(range(300, 400)),
        _ANY,
        Ruling.STOP,
        "our reading: credentials must not follow",
        "Rokt's address answered with a redirect ({status}), which is never followed",
    ),
    Meaning(
        _numbers(404, 405, 410) | _NEVER,
        _ANY,
        Ruling.STOP,
        "HTTP",
        "There is no API at Rokt's address ({status} for /{path})",
    ),
    Meaning(
        _numbers(408, 425, 429, range(500, 600)) - _NEVER,
        _ANY,
        Ruling.NOT_NOW,
        "mParticle: 429 and 503; HTTP: the others",
    ),
    Meaning(
        _numbers(range(100, 1000)),
        _ANY,
        Ruling.STOP,
        "our reading: nobody has published what it would mean",
        "Rokt's address answered {status}, which is no verdict on any row",
    ),
)


def form_of(body: bytes, success: Mapping[str, Any] | None = None) -> Form:
    """What a body looks like.

    :param success: members that an answer holds where it means success, as somebody knows of their account; one that
        holds them is as good as an empty one, and another object then is something else.
    """
    if not body.strip():
        return Form.EMPTY
    try:
        # As text, or a body in UTF-16 would be read too.
        content = json.loads(body.decode(), object_pairs_hook=_members)
    except (ValueError, RecursionError):
        # Cut off, most likely. It names errors, so smaller requests may bring an answer that can be read.
        return Form.UNREADABLE if body.lstrip().startswith(b"{") and b'"errors"' in body else Form.FOREIGN
    return _form_of(content, success) if isinstance(content, dict) else Form.FOREIGN


def _form_of(content: Mapping[str, Any], success: Mapping[str, Any] | None) -> Form:
    errors = content.get("errors")
    if errors:
        return Form.ERRORS if isinstance(errors, list) and all(map(_is_error, errors)) else Form.UNREADABLE
    if content in ({}, {"errors": []}):
        return Form.EMPTY
    if success is not None:
        return Form.EMPTY if success.items() <= content.items() else Form.FAILURE
    return Form.FAILURE if _names_a_failure(content) else Form.OBJECT


def meaning_of(status: int, form: Form, surface: Surface = Surface.EVENTS) -> Meaning:
    """The line of the table that fits."""
    return _meanings().get((status, form, surface), MEANINGS[-1])


def members_of(body: bytes) -> str:
    """The names of an object's members, for a log; what is no usual name may be a value."""
    names = json.loads(body)
    return ", ".join(name if name.lower() in _USUAL_NAMES else "…" for name in list(names)[:_NAMES_SHOWN]) or "none"


def is_retryable(status: int) -> bool:
    """Whether the same request may succeed later, whatever its answer says."""
    return meaning_of(status, Form.FOREIGN).ruling is Ruling.NOT_NOW


def stopping_error(endpoint: Endpoint, status: int, form: Form = Form.EMPTY) -> RoktError | None:
    """Why nothing more should be sent after such an answer; ``None`` for the answers that concern rows."""
    meaning = meaning_of(status, form, endpoint.surface)
    if meaning.ruling is not Ruling.STOP:
        return None
    why = meaning.why.format(status=status, path=endpoint.path)
    if status in _CREDENTIALS:
        return RoktAuthError(f"{why}: {endpoint.refused[status]}")
    return RoktEndpointError(f"{why}. {meaning.check or f'Check {endpoint.settings} in the connection.'}")


def table() -> Iterator[tuple[str, str, str, str]]:
    """The lines for people: statuses, body, what follows, who says so."""
    yield "Status", "Body", "What follows for the rows", "Who says so"
    for meaning in MEANINGS:
        # The forms that no earlier line takes.
        taken = {form for (_, form, _), one in _meanings().items() if one is meaning}
        forms = [form for form in Form if form in taken]
        yield (
            _ranges(meaning.statuses) + ("" if len(meaning.surfaces) > 1 else " to an import"),
            "any" if len(forms) == len(Form) else "; ".join(forms),
            meaning.ruling,
            meaning.source,
        )


@cache
def _meanings() -> dict[tuple[int, Form, Surface], Meaning]:
    found: dict[tuple[int, Form, Surface], Meaning] = {}
    for meaning in reversed(MEANINGS):
        found |= dict.fromkeys(product(meaning.statuses, meaning.forms, meaning.surfaces), meaning)
    return found


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice, so readers may differ in what they read")
    return members


def _names_a_failure(content: Mapping[str, Any]) -> bool:
    """Whether an object says by a member's name that not everything went well, as Rokt's older APIs do."""
    for name, value in content.items():
        if name.lower() in ("success", "ok") and value is False:
            return True
        if _FAILURE.search(name) and value not in (None, [], 0):
            return True
        if isinstance(value, dict) and _names_a_failure(value):
            return True
    return False


def _is_error(error: Any) -> bool:
    return isinstance(error, dict) and isinstance(error.get("message"), str)


def _ranges(numbers: Iterable[int]) -> str:
    """``200-299, 408``; the rest of three digits is said as such."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][-1] + 1 == number:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    texts = ("-".join(map(str, run)) for run in runs)
    return "any other" if runs == [[100, 999]] else ", ".join(texts)
