"""Ids of people, devices, clicks and events: text that is matched exactly or not at all."""

import re
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Final

from airflow_provider_rokt.events.dataframes import is_inexact
from airflow_provider_rokt.events.placeholders import NOTHING, is_nothing, is_placeholder
from airflow_provider_rokt.events.values import BadValue, Normaliser, text

PLACEHOLDER: Final = "a placeholder"
WRAPPED: Final = "still wrapped in JSON: select its plain text, as ->> or JSON_VALUE give it"
_INEXACT: Final = "no longer exact: a number this large was read as a float; select it as text"
# JSON text, a list or an object, as JSON_EXTRACT and -> give them.
_JSON: Final = re.compile(r'\\?".*"|\[\s*(?:["\[{].*)?\]|\{\s*(?:".*)?\}', re.DOTALL)
# As a spreadsheet or a float written as text: the last digits are gone. Java writes no plus, yet always a point.
_SCIENTIFIC: Final = re.compile(r"[0-9](?:(?:\.[0-9]+)?[eE]\+|\.[0-9]+[eE])[0-9]{2,3}")
_ODD_STARTS: Final = frozenset('"\\[{')
# Nothing that begins so is JSON, or without a letter and a digit above zero.
_USUAL_STARTS: Final = frozenset("123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def identity(placeholders: AbstractSet[str]) -> Normaliser:
    """A normaliser for the id of a person, a device or a click.

    :param placeholders: words that name nobody, in lower case; zeros and punctuation never do.
    """
    return _identifier(lambda written: is_placeholder(written, placeholders), placeholders)


def _identifier(names_nothing: Callable[[str], bool], words: AbstractSet[str]) -> Normaliser:
    def read(value: object) -> str | None:
        written = text(value)
        if written is None:
            return None
        if type(value) is not str:
            if is_inexact(value):
                raise BadValue(_INEXACT)
        # Nearly all ids are told to be fine by their first character and one look-up.
        elif written[0] in _USUAL_STARTS and written.lower() not in words and not _SCIENTIFIC.fullmatch(written):
            return written
        if _SCIENTIFIC.fullmatch(written):
            raise BadValue(_INEXACT)
        if is_wrapped(written):
            raise BadValue(WRAPPED)
        if names_nothing(written):
            raise BadValue(PLACEHOLDER)
        return written

    return read


def is_wrapped(written: str) -> bool:
    """Whether a trimmed text is JSON and not the value in it."""
    return written[:1] in _ODD_STARTS and _JSON.fullmatch(written) is not None


# Of an event or an order: 0 and "test" may be one, so only what programs write for nothing is refused. Rokt drops
# events with an id it has seen, and so all but the first "null".
event_id: Final = _identifier(is_nothing, NOTHING)
