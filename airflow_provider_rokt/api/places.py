"""Where in a batch's JSON a position stands: an error's place is believed only where all that it says agrees."""

import json
import re
from typing import Final

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

    :param offset: in bytes, from 0; a batch that is not ASCII travels alone, where nobody asks.
    :param path: without the batch's index; Rokt reads an event by itself, with paths that start there.
    """
    wanted = steps_of(path)
    return bool(wanted) and any(steps_at(body, offset + near)[-len(wanted) :] == wanted for near in _NEAR)


def steps_at(body: bytes, offset: int) -> tuple[Step, ...]:
    """The way to the value that an offset of a JSON text lies in; of an object's or array's brackets, its own."""
    way: list[Step | None] = []
    for token in _TOKEN.finditer(body):
        text, here = token[0], token.start() <= offset < token.end()
        if here and text not in b"{}[]":
            return _named(body, token, way)
        if text in b"{[":
            if here:
                break
            way.append(0 if text == b"[" else None)
        elif text in b"}]":
            way and way.pop()
            if here:
                break
        elif text == b"," and way and isinstance(way[-1], int):
            way[-1] += 1
        elif text[:1] == b'"' and way and not isinstance(way[-1], int) and body[token.end() : token.end() + 1] == b":":
            way[-1] = json.loads(text)
    return tuple(step for step in way if step is not None)


def _named(body: bytes, token: re.Match[bytes], way: list[Step | None]) -> tuple[Step, ...]:
    # A name stands for its member.
    if token[0][:1] == b'"' and body[token.end() : token.end() + 1] == b":":
        way = [*way[:-1], json.loads(token[0])]
    return tuple(step for step in way if step is not None)
