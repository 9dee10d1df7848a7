"""Rokt's error messages: which batch one is about, and what may be kept of it.

A message quotes what it complains of, as in ``Error converting value "jo@example.com" to type 'System.Guid'. Path
'[1].device_info.ios_advertising_id', line 1, position 323.`` with every quote HTML-escaped. What is quoted may be
anybody's data, so it never leaves this module.
"""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

_Found = TypeVar("_Found", str, tuple[str, str])

REASON_CHARS: Final = 200

# From the first quote to the last, since a value may hold quotes itself; to the end where the closing one is cut off.
_QUOTED: Final = re.compile(r"""["'`´‘’“”«»](.*["'`´‘’“”«»]|.*)""", re.DOTALL)
# "Could not convert string to integer: 12 Main St" quotes without quotes. What kind of token was met may stay, and so
# may what follows a batch's index.
_AFTER_COLON: Final = re.compile(
    r"(?<!\]): (?!(?:Start|End)?(?:Object|Array)\b|String\b|Integer\b|Boolean\b).*", re.DOTALL
)
_PERSONAL: Final = re.compile(
    r"\S*@\S*"  # e-mail addresses
    r"|\b[0-9a-f][0-9a-f-]{10,}[0-9a-f]\b"  # hashes, UUIDs, long numbers
    r"|\+?\d[\d ().-]{5,}\d",  # phone and order numbers, dates, IP addresses
    re.IGNORECASE,
)
# The patterns above take quadratic time on endless words.
_SCRUBBED_CHARS: Final = 1000

# A path's own quotes stand as ['a name'] where a name would break the dotted form.
_PATH: Final = re.compile(r"Path '((?:[^']|(?<=\[)'|'(?=\]))*)'")
_POSITION: Final = re.compile(r"\bline (\d{1,9}), position (\d{1,9})")
# Where Newtonsoft's JSON reader, which writes these messages, says it: at the end. A quoted value cannot pose as it,
# as the value's closing quote would follow.
_TAIL: Final = re.compile(rf"(?:{_PATH.pattern}(?:, {_POSITION.pattern})?|{_POSITION.pattern})\.?\s*\Z")
_DOUBLE_QUOTED: Final = re.compile(r'".*"', re.DOTALL)
# Not "events[0]": that index is the event's, inside of its batch.
_INDEX: Final = re.compile(r"(?<![\w\]'])\[(\d{1,9})\]")
_LEADING_INDEX: Final = re.compile(r"\[(\d{1,9})\]\.?")
_ANY_INDEX: Final = re.compile(r"\[\d*\]")
_FIELD: Final = re.compile(r"[A-Za-z_$][\w$-]{0,63}(?:\[\])*(?:\.[\w$-]{1,256}(?:\[\])*)*")
_WORD: Final = re.compile(r"[^\W_]{2,}")
# What this provider sets itself is nobody's value.
_FIXED_NAMES: Final = frozenset({"environment", "event_name", "event_type", "custom_event_type", "source_request_id"})
# Rokt reads an event with a converter of its own, whose paths start at the event.
_EVENT_FIELDS: Final = frozenset({"data", "event_type"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error of an answer.

    :param reason: the message without anything that could be a row's value.
    :param path: the field as the guide's "Map to" column writes it, ``""`` where none is named.
    :param index: the batch's place in the posted array, from 0, where the message tells it.
    :param position: characters read of the posted text's only line, where the message tells it.
    """

    reason: str
    path: str = ""
    index: int | None = None
    position: int | None = None


UNREADABLE: Final = Refusal("Rokt's answer lists errors but cannot be read")


def refusals_in(body: bytes) -> list[Refusal]:
    """The errors of an answer; none where it is empty or something else than Rokt's error list."""
    if b'"errors"' not in body:
        return []
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        # Cut off, most likely. It names errors, so it must not pass for an acceptance.
        return [UNREADABLE]
    errors = (content.get("errors") if isinstance(content, dict) else None) or []
    return [parse_refusal(_message(error)) for error in (errors if isinstance(errors, list) else [errors])]


def parse_refusal(message: str) -> Refusal:
    """Takes a message apart."""
    text = _unescaped(message)
    tail = _TAIL.search(text)
    # Without an end to trust, places are looked for outside of what is quoted, and only one place is believed.
    where = tail[0] if tail else _DOUBLE_QUOTED.sub(" ", text)
    path = _only(_PATH.findall(where)) or ""
    reason = _scrubbed(text[: tail.start()] if tail else text)
    line, position = _only(_POSITION.findall(where)) or ("", "")
    # This provider posts a single line; a position in another one means something else.
    return Refusal(reason, _guide_path(path), _index(path, reason), int(position) if line == "1" else None)


def without_values(reason: str, body: bytes) -> str:
    """A reason without the words of the batch it is about: not every message quotes what it repeats.

    :param body: the batch's JSON: an object, or the strings of a block of members.
    """
    try:
        content = json.loads(body if body.startswith(b"{") else b"[%b]" % body)
    except ValueError:
        return reason
    words = {word.lower() for value in _values(content) for word in _WORD.findall(value)}
    return _WORD.sub(lambda found: "..." if found[0].lower() in words else found[0], reason)


def _values(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        content = [value for name, value in content.items() if name not in _FIXED_NAMES]
    if isinstance(content, list):
        for value in content:
            yield from _values(value)
    elif isinstance(content, str | int | float) and not isinstance(content, bool):
        yield str(content)


def _message(error: Any) -> str:
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else ""


def _unescaped(message: str) -> str:
    # A gateway may escape what is escaped already; three rounds are more than any does.
    for _ in range(3):
        message = html.unescape(message)
    return message


def _scrubbed(text: str) -> str:
    hidden = _AFTER_COLON.sub(": ...", _QUOTED.sub("'...'", text))[:_SCRUBBED_CHARS]
    return " ".join(_PERSONAL.sub("...", hidden).split()).rstrip(" ,")[:REASON_CHARS]


def _only(found: list[_Found]) -> _Found | None:
    return found[0] if len(set(found)) == 1 else None


def _index(path: str, reason: str) -> int | None:
    if leading := _LEADING_INDEX.match(path):
        return int(leading[1])
    # Looked for in what is left without quoted text: a value must not pick the batch.
    index = None if path else _only(_INDEX.findall(reason))
    return None if index is None else int(index)


def _guide_path(path: str) -> str:
    """``[1].events[0].data.custom_attributes.currency`` as ``events[].data.custom_attributes.currency``."""
    bare = _ANY_INDEX.sub("[]", _LEADING_INDEX.sub("", path, count=1) if path.startswith("[") else path)
    # Cut where it stops to look like a field, so that it cannot carry anything else.
    field = _FIELD.match(bare)
    shown = field[0] if field else ""
    return f"events[].{shown}" if shown.split(".")[0] in _EVENT_FIELDS else shown
