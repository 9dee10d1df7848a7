"""Texts that a database has still wrapped up, as JSON or a list: nobody refuses them, and hardly anybody means them."""

import json
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from airflow_provider_rokt.events.block import Step
from airflow_provider_rokt.events.identifiers import is_quoted
from airflow_provider_rokt.events.undecoded import array
from airflow_provider_rokt.events.values import attribute, scalar, text
from airflow_provider_rokt.exceptions import short_name
from airflow_provider_rokt.flow.lines import log_wrapped
from airflow_provider_rokt.flow.stream import Row

log = logging.getLogger(__name__)

_USER: Final = "user_attributes."
_EVENT: Final = "events[].data.custom_attributes."
# As PostgreSQL writes an array of arrays, of ranges, or one that does not begin at 1.
_ARRAYS: Final = re.compile(r"(?:\[-?\d+:-?\d+\])+=\{.*\}|\{[{\[(].*[}\])]\}", re.DOTALL)


class ForeignText(NamedTuple):
    """One such kind.

    :param kind: a word for programs.
    :param concerns: whether it is looked for in the values of a path.
    :param shows: whether a value is such a text.
    :param text: what is seen and what to do; ``where`` and ``count`` stand in it.
    """

    kind: str
    concerns: Callable[[str], bool]
    shows: Callable[[Any], bool]
    text: str


class ForeignTexts:
    """Logs once of each field that it is given such texts, whichever row has the first.

    :param steps: what fills the fields.
    """

    def __init__(self, steps: Iterable[Step]) -> None:
        # Every other rule refuses them, and says so.
        self._open = [
            (step.path, step.place, [one for one in FOREIGN_TEXTS if one.concerns(step.path)])
            for step in steps
            if step.place is not None and step.normalise in (text, scalar, attribute)
        ]

    def see(self, rows: Sequence[Row]) -> None:
        """Looks at rows."""
        for path, place, kinds in self._open:
            # By their first characters, since this is done to every value of a delivery.
            suspect = [raw for row in rows if type(raw := row[place]) is str and raw[:1] in _STARTS]
            if suspect:
                kinds[:] = [one for one in kinds if not _tell(path, one, suspect, len(rows))]


def _tell(path: str, one: ForeignText, suspect: Sequence[str], of: int) -> bool:
    """Logs what of some values is such a text; whether any is."""
    if count := sum(map(one.shows, suspect)):
        said = one.text.format(where=short_name(path), count=f"{count:,} of {of:,}")
        log_wrapped(log, logging.WARNING, said)
    return count > 0


def _is_null(value: object) -> bool:
    return isinstance(value, str) and value.strip() == "null"


def _is_list(value: object) -> bool:
    """Whether it is a list as JSON or PostgreSQL writes it."""
    if not isinstance(value, str) or (written := value.strip())[:1] not in ("[", "{"):
        return False
    if _ARRAYS.fullmatch(written):
        return True
    try:
        return isinstance(json.loads(written), list)
    except (ValueError, RecursionError):
        return False


def _is_any_list(value: object) -> bool:
    return _is_list(value) or (isinstance(value, str) and bool(array(value.strip())))


_STARTS: Final = frozenset('"n[{ \t\r\n')
_LIST: Final = (
    "{where}: {count} values are lists written as text, and are sent as text: select an array of text, or one member"
)
FOREIGN_TEXTS: Final = (
    ForeignText(
        "json quotes",
        lambda path: True,
        is_quoted,
        "{where}: {count} values are JSON texts with their quotes around them, which would be sent: select the text "
        "itself (->>, JSON_VALUE or JSON_UNQUOTE)",
    ),
    ForeignText(
        "json null",
        lambda path: True,
        _is_null,
        "{where}: {count} values are the word null, as JSON has it: select NULL (->>, JSON_VALUE or NULLIF)",
    ),
    ForeignText("list as text", lambda path: path.startswith(_USER), _is_list, _LIST),
    # An event's attribute takes no list, so what would become one in a user's is text here.
    ForeignText("list as text", lambda path: path.startswith(_EVENT), _is_any_list, _LIST),
)
