"""Rokt's error messages: which batch one is about, and what may be kept of it.

A message quotes what it complains of, as in ``Error converting value "jo@example.com" to type 'System.Guid'. Path
'[1].device_info.ios_advertising_id', line 1, position 323.`` with every quote HTML-escaped. What is quoted may be
anybody's data, so it never leaves this module.
"""

import html
import json
import re
from dataclasses import dataclass, field
from typing import Final, TypeVar

from airflow_provider_rokt.answers.field_paths import field_names, guide_path
from airflow_provider_rokt.answers.messages import is_known, shown_message

_Found = TypeVar("_Found", str, tuple[str, str])

# From the first quote to the last, since a value may hold quotes itself; to the end where the closing one is cut off.
_QUOTED: Final = re.compile(r"""["'`´‘’“”«»](.*["'`´‘’“”«»]|.*)""", re.DOTALL)
# "Could not convert string to integer: 12 Main St" quotes without quotes. What kind of token was met is no value, and
# neither is what follows a batch's index.
_AFTER_COLON: Final = re.compile(
    r"(?<!\]): (?!(?:Start|End)?(?:Object|Array)\b|String\b|Integer\b|Boolean\b).*", re.DOTALL
)
_ADDRESS: Final = re.compile(r"\S*@\S*")
# The pattern above takes quadratic time on endless words.
_SEARCHED_CHARS: Final = 1000
# How far into a message an index is believed.
_BELIEVED_CHARS: Final = 200

# A path's own quotes stand as ['a name'] where a name would break the dotted form.
_PATH: Final = re.compile(r"Path '((?:[^']|(?<=\[)'|'(?=\]))*)'")
_POSITION: Final = re.compile(r"\bline (\d{1,9}), position (\d{1,9})")
# Where Newtonsoft's JSON reader, which writes these messages, says it: at the end. A quoted value cannot pose as it,
# as the value's closing quote would follow.
_TAIL: Final = re.compile(rf"(?:{_PATH.pattern}(?:, {_POSITION.pattern})?|{_POSITION.pattern})\.?\s*\Z")
_DOUBLE_QUOTED: Final = re.compile(r'".*"', re.DOTALL)
# Not "events[0]": that index is the event's, inside of its batch.
_INDEX: Final = re.compile(r"(?<![\w\]'])\[(\d{1,9})\]")
_NAME: Final = re.compile(r"\w+")
_LEADING_INDEX: Final = re.compile(r"\[(\d{1,9})\]\.?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error of an answer.

    :param reason: the message where it is a known one, without anything that could be a row's value; else its kind.
    :param path: the field as the guide's "Map to" column writes it, as far as it is known; ``""`` where none is.
    :param index: the batch's place in the posted array, from 0, where the message tells it.
    :param position: characters read of the posted text's only line, where the message tells it.
    :param where: the path as it was said, without the index; never shown.
    :param blames: whether it names a place or a field in what was posted, and not only what was answered.
    """

    reason: str
    path: str = ""
    index: int | None = None
    position: int | None = None
    where: str = field(default="", repr=False)
    blames: bool = False


def refusals_in(body: bytes, paths: frozenset[str] = frozenset()) -> list[Refusal]:
    """The errors of an answer.

    :param body: in the form of Rokt's list of errors, see :mod:`~airflow_provider_rokt.answers.meanings`.
    :param paths: of the request that is answered; no other may be shown.
    """
    return [parse_refusal(error["message"], paths) for error in json.loads(body)["errors"]]


def parse_refusal(message: str, paths: frozenset[str] = frozenset()) -> Refusal:
    """Takes a message apart.

    :param paths: those that may be shown.
    """
    text = _unescaped(message)
    tail = _TAIL.search(text)
    # Without an end to trust, places are looked for outside of what is quoted, and only one place is believed.
    where = tail[0] if tail else _DOUBLE_QUOTED.sub(" ", text)
    said = text[: tail.start()] if tail else text
    path = _only(_PATH.findall(where)) or ""
    within = _LEADING_INDEX.sub("", path, count=1) if path.startswith("[") else path
    line, position = _only(_POSITION.findall(where)) or ("", "")
    reason, index = shown_message(said, field_names(paths)), _index(path, said)
    return Refusal(
        reason,
        guide_path(within, paths),
        index,
        # This provider posts a single line; a position in another one means something else.
        int(position) if line == "1" else None,
        within,
        # The known messages are those of what reads the posted text.
        is_known(reason) or bool(within or position) or index is not None or _names_a_field(said, paths),
    )


def _names_a_field(said: str, paths: frozenset[str]) -> bool:
    names = {path.rpartition(".")[2] for path in paths}
    return not names.isdisjoint(_NAME.findall(said[:_SEARCHED_CHARS]))


def _unescaped(message: str) -> str:
    # A gateway may escape what is escaped already; three rounds are more than any does.
    for _ in range(3):
        message = html.unescape(message)
    return message


def _only(found: list[_Found]) -> _Found | None:
    return found[0] if len(set(found)) == 1 else None


def _index(path: str, said: str) -> int | None:
    if leading := _LEADING_INDEX.match(path):
        return int(leading[1])
    index = None if path else _only(_INDEX.findall(_without_values(said)))
    return None if index is None else int(index)


def _without_values(said: str) -> str:
    """A message without what may be a value, which must not pick the batch; to be searched, not to be shown."""
    unquoted = _AFTER_COLON.sub(": ", _QUOTED.sub("''", said))[:_SEARCHED_CHARS]
    return " ".join(_ADDRESS.sub(" ", unquoted).split())[:_BELIEVED_CHARS]
