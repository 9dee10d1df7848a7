"""Where in a batch's JSON a position stands: an error's place is believed only where all that it says agrees."""

import json
import re
from typing import Any, Final

# A member's name, or an item's place.
Step = str | int

_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_STEP: Final = re.compile(r"\['((?:[^']|'(?!\]))*)'\]|\[(\d{1,9})\]|([^.\[\]]+)")
# A reader may have gone one character on, or stop before the closing quote.
_NEAR: Final = (0, -1, 1)


def steps_of(path: str) -> tuple[Step, ...]:
    """``events[0].data['a name']`` taken apart."""
    return tuple(int(index) if index else quoted or name for quoted, index, name in _STEP.findall(path))


def stands_at(body: bytes, offset: int, path: str) -> bool:
    """Whether the value that a path names is what stands at an offset of a batch.

    A value that is missing is told at what lacks it.

    :param offset: in bytes, from 0; a batch that is not ASCII travels alone, where nobody asks.
    :param path: without the batch's index; Rokt reads an event by itself, with paths that start there.
    """
    wanted = steps_of(path)
    for near in _NEAR if wanted else ():
        steps = steps_at(body, offset + near)
        # From the event, unless the path says "events" itself.
        event = steps[:2] if steps[:1] == ("events",) and wanted[0] != "events" else ()
        if any(_is_or_lacks(body, steps, (*start, *wanted)) for start in {(), event}):
            return True
    return False


def _is_or_lacks(body: bytes, steps: tuple[Step, ...], wanted: tuple[Step, ...]) -> bool:
    if steps == wanted:
        return True
    if steps != wanted[: len(steps)]:
        return False
    content: Any = json.loads(body)
    for step in steps:
        content = content[step]
    return isinstance(content, dict) and wanted[len(steps)] not in content


def steps_at(body: bytes, offset: int) -> tuple[Step, ...]:
    """The way to the value that an offset of a JSON text lies in; of an object's or array's brackets, its own."""
    way: list[Step | None] = []
    for token in _TOKEN.finditer(body):
        text = token[0]
        if text in b"}]":
            way = way[:-1]
        elif _is_name(body, token, way):
            way[-1] = json.loads(text)
        if token.start() <= offset < token.end():
            break
        if text in b"{[":
            way.append(0 if text == b"[" else None)
        elif text == b"," and way and isinstance(way[-1], int):
            way[-1] += 1
    return tuple(step for step in way if step is not None)


def _is_name(body: bytes, token: re.Match[bytes], way: list[Step | None]) -> bool:
    in_object = bool(way) and not isinstance(way[-1], int)
    return in_object and token[0][:1] == b'"' and body[token.end() : token.end() + 1] == b":"
