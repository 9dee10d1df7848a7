"""What of a foreign text may be shown: the names that stand in the statement, and where no row can be in it, a line."""

import re
from dataclasses import dataclass, field
from typing import Final

from airflow_provider_rokt.exceptions import short_name

HIDDEN: Final = "…"

_MOST_CHARACTERS: Final = 200
_LEAST_PRIVATE: Final = 3
# Servers quote in their own language too: PostgreSQL in German says »relation«.
_MARKS: Final = "'\"`´‘’‚“”„«»‹›"
_NAME: Final = re.compile(rf"(?<!\w)([{_MARKS}])([A-Za-z_][A-Za-z0-9_.]*)([{_MARKS}])(?!\w)")
_WORD: Final = re.compile(r"[a-z_][a-z0-9_]*")
# What may be private without quotes: addresses, phone numbers, what BigQuery reads ("Bad int64 value: x"), passwords.
_UNQUOTED: Final = re.compile(r"\S*@\S*|\d{7,}|(?<=value: ).+|(?<=password=)\S+|(?<=pwd=)\S+", re.IGNORECASE)


@dataclass(frozen=True)
class Hidden:
    """What must not be shown.

    :param sql: the statement, whose words are no row's; None where they may be, once rows are fetched.
    :param private: texts that are hidden wherever they stand.
    :param names: what else is no row's, in lower case.
    """

    sql: str | None
    private: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()
    words: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", self.names.union(_WORD.findall(self.sql.lower() if self.sql else "")))

    def known(self, name: str) -> str:
        """A name as it may be shown: of its parts those that stand in the statement, cut."""
        # MySQL puts the database's name in front of a table's.
        return ".".join(short_name(part) if part.lower() in self.words else HIDDEN for part in name.split("."))


def opened(text: str, hidden: Hidden) -> str:
    """The first line of a text that no row can be in."""
    return finished(next(iter(text.strip().splitlines()), ""), hidden)


def names_quoted(text: str, hidden: Hidden) -> str:
    """The quoted names in a text's first line that stand in the statement: they are known in whatever language."""
    line = next(iter(text.strip().splitlines()), "")
    names = (found[2] for found in _NAME.finditer(line) if found[2].rpartition(".")[2].lower() in hidden.words)
    return finished(", ".join(f'"{hidden.known(name)}"' for name in dict.fromkeys(names)), hidden)


def finished(line: str, hidden: Hidden) -> str:
    """A line without what is private, cut."""
    for private in sorted(hidden.private, key=len, reverse=True):
        if len(private) >= _LEAST_PRIVATE:
            line = line.replace(private, HIDDEN)
    line = _UNQUOTED.sub(HIDDEN, line)
    return line if len(line) <= _MOST_CHARACTERS else line[: _MOST_CHARACTERS - 1] + HIDDEN
