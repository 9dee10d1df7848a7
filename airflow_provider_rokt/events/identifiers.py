"""Ids of people, devices, clicks and events: text that is matched exactly or not at all."""

import json
import re
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from types import NoneType
from typing import Any, Final

from airflow_provider_rokt.events.dataframes import is_inexact
from airflow_provider_rokt.events.placeholders import NOTHING, digests, is_nothing, is_placeholder, joined
from airflow_provider_rokt.events.values import BadValue, text

PLACEHOLDER: Final = "a placeholder"
WRAPPED: Final = "still wrapped in JSON: select its plain text, as ->> or JSON_VALUE give it"
_INEXACT: Final = "no longer exact: a number this large was read as a float; select it as text"
# JSON text, a list or an object, as JSON_EXTRACT and -> give them.
_JSON: Final = re.compile(r'\\?".*"|\[\s*(?:["\[{].*)?\]|\{\s*(?:".*)?\}', re.DOTALL)
# As a spreadsheet or a float written as text: the last digits are gone. Java writes no plus, yet always a point.
_SCIENTIFIC: Final = re.compile(r"-?[0-9](?:(?:[.,][0-9]+)?[eE]\+|[.,][0-9]+[eE])[0-9]{2,3}")
# The same written out: beyond 2**53 its digits are as good as lost.
_FLOAT: Final = re.compile(r"-?([0-9]{16,400})[.,]0+")
_DOUBLE: Final = 2**53
_ODD_STARTS: Final = frozenset('"\\[{')


def identity(placeholders: AbstractSet[str]) -> "Identifier":
    """A normaliser for the id of a person, a device or a click.

    :param placeholders: words that name nobody, in lower case; zeros and punctuation always do.
    """
    words = frozenset(placeholders)
    return Identifier(lambda written: is_placeholder(written, words), words | digests(words))


class Identifier:
    """A normaliser for ids.

    :param names_nothing: whether a trimmed text is no id.
    :param words: what it is true of, in lower case, besides texts without any letter or digit but zero.
    """

    def __init__(self, names_nothing: Callable[[str], bool], words: AbstractSet[str]) -> None:
        self._names_nothing = names_nothing
        self._words = words | joined(frozenset(words))

    def __call__(self, value: object) -> str | None:
        """The id, or None for nothing.

        :raises BadValue: for what is none.
        """
        written = text(value)
        if written is None:
            return None
        if (type(value) is not str and is_inexact(value)) or _is_blurred(written):
            raise BadValue(_INEXACT)
        if is_wrapped(written):
            raise BadValue(WRAPPED)
        if self._names_nothing(written):
            raise BadValue(PLACEHOLDER)
        return written

    def leaves(self, raws: Sequence[Any]) -> bool:
        """Whether all of a column's values are sent as they are, as nearly all are: told in a third of the time."""
        if not {*map(type, raws)} <= {str, NoneType}:
            return False
        given = [raw for raw in raws if raw is not None]
        if not given:
            return True
        written = "\n".join(given)
        lowered = written.lower()
        bare = lowered.replace("-", "").replace("_", "")
        letters = bare.replace("\n", "")
        if not (letters.isascii() and letters.isalnum()):
            return False
        lines = bare.split("\n")
        if len(lines) != len(given) or not self._words.isdisjoint(lines):
            return False
        if len(bare) < len(written) and (
            any(map(str.isalpha, lines)) or not self._words.isdisjoint(lowered.split("\n"))
        ):
            # None-none is nobody either, and -1 is not 1. Words have no digits, so test-1 is no two of them.
            return False
        # One character over and over may be a run, or nothing.
        return all(map(str.strip, lines, [line[:1] for line in lines]))


def _is_blurred(written: str) -> bool:
    """Whether a text is a number that a float has rounded."""
    if _SCIENTIFIC.fullmatch(written):
        return True
    match = _FLOAT.fullmatch(written)
    return match is not None and int(match[1]) >= _DOUBLE


def is_wrapped(written: str) -> bool:
    """Whether a trimmed text is JSON and not the value in it."""
    return written[:1] in _ODD_STARTS and _JSON.fullmatch(written) is not None


def is_quoted(value: object) -> bool:
    """Whether it is a text written as JSON, quotes and all."""
    if not isinstance(value, str) or not (value := value.strip()).startswith('"') or len(value) < 2:
        return False
    try:
        return isinstance(json.loads(value), str)
    except ValueError:
        return False


# Of an event or an order: 0 and "test" may be one, so only what programs write for nothing is refused. Rokt drops
# events with an id it has seen, and so all but the first "null".
event_id: Final = Identifier(is_nothing, NOTHING)
