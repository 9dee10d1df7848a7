"""Where in a posted text a value stands, the way Rokt's JSON reader reports it."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

Path = Sequence[str | int]

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")
# Newtonsoft, whose messages these are, writes ['a name'] where a name would break the dotted form.
_PLAIN = re.compile(r"[^\s.'\"/\[\]()\\]+")


def dotted(path: Path) -> str:
    """``("events", 0, "data")`` as ``events[0].data``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"['{step}']"
    return text


def consumed(text: str, path: Path) -> int:
    """How many characters have been read once the value at this path has been met.

    That is the 1-based offset of its last character, or of the bracket that opens it. The longest part of the path
    that exists counts, so a missing member is reported at what lacks it.
    """
    at = _skip(text, 0)
    for step in path:
        found = next((value for name, value in _items(text, at) if name == step), None)
        if found is None:
            break
        at = found
    if text[at] in "{[":
        return at + 1
    return _end(text, at)


def line_and_position(text: str, count: int) -> tuple[int, int]:
    """The 1-based line and the characters read in it, after so many characters of the text."""
    newline = text.rfind("\n", 0, count)
    return text.count("\n", 0, count) + 1, count - (newline + 1)


def _items(text: str, at: int) -> Iterator[tuple[str | int, int]]:
    """The names (or indexes) of the container that opens here, with where each value starts."""
    is_object = text[at] == "{"
    if text[at] not in "{[":
        return
    at, index = _skip(text, at + 1), 0
    while text[at] not in "}]":
        name: str | int = index
        if is_object:
            name, at = _value(text, at)
            at = _skip(text, _skip(text, at) + 1)
        yield name, at
        at = _skip(text, _end(text, at))
        at, index = _skip(text, at + 1) if text[at] == "," else at, index + 1


def _value(text: str, at: int) -> tuple[Any, int]:
    return _DECODER.raw_decode(text, at)


def _end(text: str, at: int) -> int:
    return _value(text, at)[1]


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
