"""What a database or its driver says about a failed query, without the values of rows it may quote."""

import re
from typing import Final

from airflow_provider_rokt.exceptions import RoktQueryError

HIDDEN: Final = "…"

_MOST_CHARACTERS: Final = 200
# Servers quote in their own language too: PostgreSQL in German says »relation«.
_MARKS: Final = "'\"`´‘’‚“”„«»‹›"
# Not the apostrophe inside a word, as in "doesn't exist".
_MARK: Final = re.compile(rf"(?<!\w)[{_MARKS}]|[{_MARKS}](?!\w)")
# Besides names, the places that MySQL quotes: Unknown column 'emial' in 'field list'.
_NAME: Final = re.compile(
    rf"(?<!\w)([{_MARKS}])([A-Za-z_][A-Za-z0-9_.]*|field list|group statement|(?:where|on|order|having|from) clause)"
    rf"([{_MARKS}])(?!\w)"
)
_WORD: Final = re.compile(r"[a-z_][a-z0-9_]*")
# What may be private without quotes: addresses, phone numbers, what BigQuery reads ("Bad int64 value: x"), passwords.
_UNQUOTED: Final = re.compile(r"\S*@\S*|\d{7,}|(?<=value: ).+|(?<=password=)\S+|(?<=pwd=)\S+", re.IGNORECASE)


def query_error(error: Exception, origin: str, sql: str | None) -> RoktQueryError:
    """The error to raise instead of the driver's, which may quote a row, or SQLAlchemy's, which quotes parameters.

    :param origin: the connection or hook, for the message.
    :param sql: the statement while no row was fetched: names that stand in it are safe to repeat, and what a
        user needs in 'relation "ordrs" does not exist'. None afterwards, when they may be a row's.
    """
    # SQLAlchemy's error holds the driver's.
    while isinstance(original := getattr(error, "orig", None), Exception):
        error = original
    code, text = _code_and_text(error)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    said = safe_text(text, sql)
    hint = f" ({HIDDEN} may be a row's: run the query in the database's own client to see it)"
    return RoktQueryError(
        f"{origin}: the query failed with {name}"
        + (f" ({code})" if code else "")
        + (f": {said}" if said else "")
        + (hint if HIDDEN in said else "")
    )


def safe_text(text: str, sql: str | None) -> str:
    """The first line of a driver's text, without what may be a row's."""
    line = next(iter(text.strip().splitlines()), "")
    words = frozenset(_WORD.findall(sql.lower())) if sql else frozenset()
    if sql and not _MARK.search(_NAME.sub(lambda found: found[0] if not _stands_in(found[2], words) else " ", line)):
        line = _NAME.sub(lambda found: found[1] + _known_parts(found[2], words) + found[3], line)
    elif first := _MARK.search(line):
        line = f"{line[: first.start()]}'{HIDDEN}'{_after_marks(text.strip(), line) if sql else ''}"
    line = _UNQUOTED.sub(HIDDEN, line)
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + HIDDEN


def _after_marks(text: str, line: str) -> str:
    """What follows the last mark, as in 'connection to server at "…", port 5432 failed: Connection refused'.

    Of the whole text, since a value may itself hold marks and line breaks; nothing where the driver cut the text off.
    """
    marks = list(_MARK.finditer(text))
    return line[marks[-1].end() :] if len(marks) % 2 == 0 and not text[marks[-1].end() :][:1].isalnum() else ""


def _stands_in(name: str, words: frozenset[str]) -> bool:
    return " " in name or name.rpartition(".")[2].lower() in words


def _known_parts(name: str, words: frozenset[str]) -> str:
    # MySQL puts the database's name in front of a table's.
    return name if " " in name else ".".join(part if part.lower() in words else HIDDEN for part in name.split("."))


def _code_and_text(error: Exception) -> tuple[object, str]:
    """SQLSTATE or number, where there is one, and what the driver says."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    match error.args:
        # MySQL's drivers give a number, ODBC a SQLSTATE; the error as a whole is then a tuple's text.
        case (int() | str() as code, str() as text, *_) if isinstance(code, int) or re.fullmatch(r"\w{5}", code):
            return state or code, text
    return state, str(error)
