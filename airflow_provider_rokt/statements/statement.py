"""The one statement a source runs, and whether it returns rows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from airflow_provider_rokt.exceptions import RoktSourceError
from airflow_provider_rokt.statements.clauses import CHANGES, QUERIES, read_clauses
from airflow_provider_rokt.statements.dialects import Dialect, dialects_of
from airflow_provider_rokt.statements.lexer import Token, tokens

# Statements that change something or set something and show nothing.
_WITHOUT_ROWS: Final = re.compile(
    "abort|alter|attach|begin|cluster|comment|commit|copy|create|deallocate|declare|detach|discard|do|drop|grant|install"
    "|listen|load|lock|notify|prepare|reassign|refresh|reindex|release|rename|reset|revoke|rollback|savepoint|set|start"
    "|truncate|unlisten|unlock|use|vacuum"
)
_GIVE_ROWS: Final = frozenset(("returning", "output"))


@dataclass(frozen=True)
class Statement:
    """A statement that may return rows.

    :param text: as it was written, without the semicolon behind it, which Oracle and Trino refuse.
    :param is_query: whether it only reads: PostgreSQL declares a cursor for nothing else.
    """

    text: str
    is_query: bool


def one_statement(sql: object, conn_type: str | None) -> Statement:
    """The only statement in ``sql``; semicolons in strings, quoted names and comments do not count.

    Read by a lexer of our own: sqlparse knows one dialect, in which a backslash escapes.

    :param conn_type: the hook's, which tells the dialect.
    :raises RoktSourceError: for anything but one statement, or one that returns no rows by its nature.
    """
    if not isinstance(sql, str):
        raise RoktSourceError(f"sql must be one statement in a string, not a {type(sql).__name__}")
    counts = []
    for dialect in dialects_of(conn_type):
        statements = list(_statements(sql, dialect))
        if len(statements) == 1:
            return _with_rows(statements[0], dialect)
        counts.append(len(statements))
    found = f"{counts[0]} statements" if counts[0] else "no statement"
    raise RoktSourceError(f"sql holds {found}: give one that returns the rows to send")


def _statements(sql: str, dialect: Dialect) -> Iterator[Sequence[Token]]:
    """The tokens of each part between semicolons that holds more than comments."""
    part: list[Token] = []
    for token in (*tokens(sql, dialect), (";", ";")):
        if token[0] != ";":
            part.append(token)
        elif any(kind not in ("space", "comment") for kind, _ in part):
            yield part
            part = []
        else:
            part = []


def _with_rows(part: Sequence[Token], dialect: Dialect) -> Statement:
    clauses = read_clauses(part)
    verb, outside = clauses.verb, {word.text for word in clauses.words}
    if _returns_nothing(verb, outside, dialect):
        what = "a SELECT INTO" if verb == "select" else f"a {verb.upper()}"
        raise RoktSourceError(
            f"sql is {what} statement, which returns no rows by its nature, and was not run: give a SELECT"
            + (", or add RETURNING where the database has it" if verb in CHANGES else "")
        )
    text = "".join(value for _, value in part).strip()
    return Statement(text, verb in QUERIES and not clauses.changes)


def _returns_nothing(verb: str, outside: set[str], dialect: Dialect) -> bool:
    shows_nothing = _WITHOUT_ROWS.fullmatch(verb) is not None
    if dialect.runs_on:
        # SET NOCOUNT ON SELECT … is one text to T-SQL.
        return (shows_nothing or verb in CHANGES) and not outside & {"select", "exec", "execute", *_GIVE_ROWS}
    if verb in CHANGES:
        return not outside & _GIVE_ROWS
    # MariaDB: SET STATEMENT max_statement_time = 1 FOR SELECT …
    return (verb == "select" and "into" in outside) or (shows_nothing and not (verb == "set" and "select" in outside))
