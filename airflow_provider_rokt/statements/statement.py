"""The one statement a source runs, and whether it returns rows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from airflow_provider_rokt.exceptions import RoktSourceError
from airflow_provider_rokt.statements.clauses import CHANGES, QUERIES, Clauses, read_clauses
from airflow_provider_rokt.statements.dialects import Dialect, dialects_of
from airflow_provider_rokt.statements.lexer import Token, tokens
from airflow_provider_rokt.statements.run_on import gives_rows

# Statements that change something or set something, and show no more than how that went.
_WITHOUT_ROWS: Final = re.compile(
    "abort|alter|attach|audit|backup|begin|bulk|cache|change|checkpoint|clear|close|cluster|comment|commit|copy|create"
    "|deallocate|declare|deny|detach|discard|do|drop|end|exchange|export|flashback|flush|force|grant|import|install"
    "|invalidate|kill|listen|load|lock|move|msck|noaudit|notify|optimize|prepare|purge|put|reassign|reconfigure|refresh"
    "|reindex|release|remove|rename|repair|reset|resignal|restart|restore|resume|revoke|rm|rollback|savepoint|security"
    "|set|shutdown|signal|start|stop|suspend|system|truncate|uncache|undrop|uninstall|unlisten|unlock|upsert|use|vacuum"
    "|xa"
)
# What an EXPLAIN or ANALYZE is of; with ANALYZE it is run.
_EXPLAINS: Final = frozenset(("analyse", "analyze", "desc", "describe", "explain"))
_EXPLAINED: Final = CHANGES | {"select", "values", "create", "refresh"}
_WRITING_PRAGMAS: Final = frozenset(("incremental_vacuum", "optimize", "shrink_memory", "wal_checkpoint"))
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
    if what := _without_rows(clauses, part, dialect):
        raise RoktSourceError(
            f"sql is {what} statement, which returns no rows to send, and was not run: give a SELECT"
            + (", or add RETURNING where the database has it" if clauses.verb in CHANGES else "")
        )
    text = "".join(value for _, value in part).strip()
    return Statement(text, clauses.verb in QUERIES and not clauses.changes)


def _without_rows(clauses: Clauses, part: Sequence[Token], dialect: Dialect) -> str:
    """What the statement is, if by its nature it gives no rows; else ``""``."""
    verb, outside = clauses.verb, {word.text for word in clauses.words}
    if verb in _EXPLAINS:
        return _analyzed(clauses, part)
    if verb == "pragma":
        return "a PRAGMA" if _sets(clauses, part) else ""
    into = any(word.text == "into" and word.before != "as" for word in clauses.words)
    if verb == "select":
        return "a SELECT INTO" if into and not (dialect.runs_on and gives_rows(clauses.words)) else ""
    if verb not in CHANGES and not _WITHOUT_ROWS.fullmatch(verb):
        return ""
    if dialect.runs_on:
        # SET NOCOUNT ON SELECT … is one text to T-SQL.
        shows = gives_rows(clauses.words)
    elif verb in CHANGES:
        shows = bool(outside & _GIVE_ROWS)
    else:
        # MariaDB: SET STATEMENT max_statement_time = 1 FOR SELECT …
        shows = verb == "set" and "select" in outside
    return "" if shows else f"{'an' if verb[0] in 'aeiou' else 'a'} {verb.upper()}"


def _analyzed(clauses: Clauses, part: Sequence[Token]) -> str:
    """An EXPLAIN that runs what changes something, or an ANALYZE that shows nothing."""
    runs = any(kind == "word" and value.lower() in ("analyze", "analyse") for kind, value in part)
    of = next((word.text for word in clauses.words if word.text in _EXPLAINED), "")
    if runs and of in _EXPLAINED - {"select", "values"}:
        return f"an {clauses.verb.upper()} of {of.upper()}"
    return "an ANALYZE" if clauses.verb in ("analyze", "analyse") and not of else ""


def _sets(clauses: Clauses, part: Sequence[Token]) -> bool:
    """Whether a PRAGMA sets something: ``x = 1`` and ``x(1)``, but not ``table_info(orders)``."""
    name = clauses.words[-1].text
    if name in _WRITING_PRAGMAS:
        return True
    values = [value for kind, value in part if kind == "other"]
    return "=" in values or (not name.endswith("_check") and any(value[0].isdigit() for value in values))
