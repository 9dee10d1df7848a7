"""What of a foreign text may be shown: its first line, cut, without quoted words that the statement does not hold."""

import re
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_rokt.exceptions import short_name

HIDDEN: Final = "…"

_MOST_CHARACTERS: Final = 200
_LEAST_PRIVATE: Final = 3
# Servers quote in their own language too: PostgreSQL in German says »relation«.
_MARKS: Final = "'\"`´‘’‚“”„«»‹›"
# Not the apostrophe inside a word, as in "doesn't exist".
_MARK: Final = re.compile(rf"(?<!\w)[{_MARKS}]|[{_MARKS}](?!\w)")
_NAME: Final = re.compile(rf"(?<!\w)([{_MARKS}])([A-Za-z_][A-Za-z0-9_.]*)([{_MARKS}])(?!\w)")
_WORD: Final = re.compile(r"[a-z_][a-z0-9_]*")
# What may be private without quotes: addresses, phone numbers, what BigQuery reads ("Bad int64 value: x"), passwords.
_UNQUOTED: Final = re.compile(r"\S*@\S*|\d{7,}|(?<=value: ).+|(?<=password=)\S+|(?<=pwd=)\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Hidden:
    """What must not be shown.

    :param sql: the statement, whose words are no row's; None where they may be, once rows are fetched.
    :param private: texts that are hidden wherever they stand.
    """

    sql: str | None
    private: tuple[str, ...] = ()
    words: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", frozenset(_WORD.findall(self.sql.lower())) if self.sql else frozenset())

    def known(self, name: str) -> str:
        """A name as it may be shown: of its parts those that stand in the statement, cut."""
        # MySQL puts the database's name in front of a table's.
        return ".".join(short_name(part) if part.lower() in self.words else HIDDEN for part in name.split("."))


def opened(text: str, hidden: Hidden) -> str:
    """The first line of a text that no row can be in."""
    return finished(next(iter(text.strip().splitlines()), ""), hidden)


def without_quoted(text: str, hidden: Hidden) -> str:
    """The first line of a text, whose quoted parts may be a row's unless they are names in the statement."""
    line = next(iter(text.strip().splitlines()), "")
    if hidden.sql and not _MARK.search(
        _NAME.sub(lambda found: found[0] if not _stands(found[2], hidden) else " ", line)
    ):
        line = _NAME.sub(lambda found: found[1] + hidden.known(found[2]) + found[3], line)
    elif first := _MARK.search(line):
        # And what follows: a value may itself hold marks, and some servers cut their texts off.
        line = f"{line[: first.start()]}'{HIDDEN}'"
    return finished(line, hidden)


def finished(line: str, hidden: Hidden) -> str:
    """A line without what is private, cut."""
    for private in sorted(hidden.private, key=len, reverse=True):
        if len(private) >= _LEAST_PRIVATE:
            line = line.replace(private, HIDDEN)
    line = _UNQUOTED.sub(HIDDEN, line)
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + HIDDEN


def _stands(name: str, hidden: Hidden) -> bool:
    return name.rpartition(".")[2].lower() in hidden.words
