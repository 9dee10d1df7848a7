"""What a database or its driver says about a failed query, without the values of rows it may quote.

What may be shown is decided by who speaks and when. Before there is a connection, and where a driver refuses a
statement itself, no row can be meant: their own words are shown. Of a server's words only the phrases are shown that
are known to hold no value, for a function of a user can write any text under any code. A code is a few fixed letters
and digits.
"""

import builtins
import re
from collections.abc import Sequence
from dataclasses import replace
from types import TracebackType
from typing import Final

from airflow_provider_rokt.exceptions import RoktQueryError, RoktSourceError
from airflow_provider_rokt.sources.decoding import driver_of
from airflow_provider_rokt.statements.hiding import HIDDEN, Hidden, names_quoted, opened
from airflow_provider_rokt.statements.known_phrases import known_phrases

# Raised by code about code: a missing attribute, an argument too many. ValueError may quote what was to be read.
_PROGRAM_ERRORS: Final = (AttributeError, ImportError, IndexError, NameError, NotImplementedError, TypeError)
# Shorter ones are in any text.
_LEAST_TEXT: Final = 4
_BUILTIN: Final = frozenset(name.lower() for name in (*vars(builtins), "NoneType"))
# PostgreSQL's classes of SQLSTATE whose texts are the server's own. Not P0 (RAISE) or 38, 39 (functions), HV (another
# server's), XX (internal).
_ABOUT_THE_STATEMENT: Final = re.compile(r"03|08|0[AB]|2[568D]|34|3[DF]|4[02]|5[34578]|72|F0")
# Drivers whose errors carry a code when a server spoke: psycopg's and ODBC's SQLSTATE, MySQL's number, SQLite's name.
_CODED: Final = frozenset(("psycopg", "psycopg2", "pyodbc", "sqlite3", "MySQLdb", "mysql"))
# SQLSTATE, as ODBC gives it: its class begins with a digit, or is one of these.
_SQLSTATE: Final = re.compile(r"(?:\d[0-9A-Z]|F0|H[VYZ]|IM|P0|S[01]|XX)[0-9A-Z]{3}")
_MOST_MYSQL_NUMBER: Final = 65_535
_CODE: Final = re.compile(r"\b(?:ORA|DPY|DPI|PLS|TNS)-\d{4,5}\b")
_ODBC_NUMBER: Final = re.compile(r"\((\d{5,9})\)")
# A decoder's error names the column in quotes, as SQLite does.
_IN_COLUMN: Final = re.compile(r"(?<=UTF-8 column ')[^'\n]{1,60}(?=' with)")


def query_error(
    error: Exception,
    origin: str,
    sql: str | None,
    *,
    connecting: bool = False,
    rows: int = 0,
    private: Sequence[str] = (),
) -> RoktQueryError:
    """The error to raise instead of the driver's, which may quote a row, or SQLAlchemy's, which quotes parameters.

    :param origin: the connection or hook, for the message.
    :param sql: the statement while no row was fetched: names that stand in it are safe to repeat, and what a
        user needs in 'relation "ordrs" does not exist'. None afterwards, when they may be a row's.
    :param connecting: whether it was raised before there was a connection.
    :param rows: how many rows were read before.
    :param private: texts that are never shown.
    """
    error = _innermost(error)
    code, text = _code_and_text(error)
    hidden = Hidden(sql, tuple(private))
    said = opened(text, hidden) if connecting else _said(error, code, text, hidden)
    hint = f" ({HIDDEN} may be a row's: run the query in the database's own client to see it)"
    return RoktQueryError(
        f"{origin}: the query failed{f' after {rows:,} rows' if rows else ''} with {_kind(error)}"
        + (f" ({code})" if code else "")
        + (f": {said}" if said else f": {HIDDEN}" if text else "")
        + (hint if HIDDEN in said or (text and not said) else "")
    )


def undecodable(error: Exception, origin: str, rows: int, names: Hidden) -> RoktSourceError | None:
    """The error to raise for a value that the driver cannot represent, if it is that; a retry would meet it again.

    :param names: knows the columns' names.
    """
    error = _innermost(error)
    text = str(error)
    decodes = isinstance(error, ValueError | ArithmeticError) or "Could not decode to UTF-8" in text
    if not decodes and not (
        type(error).__name__ == "DataError" and not _state(error) and driver_of(error) == "psycopg"
    ):
        return None
    found = _IN_COLUMN.search(text)
    column = names.known(found[0]) if found else HIDDEN
    return RoktSourceError(
        f"{origin}: after {rows:,} rows the driver cannot represent a value"
        + (f" of column '{column}'" if HIDDEN not in column else "")
        + f" ({_kind(error)}). Select such a column as text, as in CAST(born AS VARCHAR(40)): dates before the year 1 "
        "or after 9999, times of 24:00 and text in another character set are what drivers fail on"
    )


def _said(error: Exception, code: object, text: str, hidden: Hidden) -> str:
    if _is_a_users(error, code, text):
        return ""
    if isinstance(error, _PROGRAM_ERRORS):
        return _program_said(error, text, hidden)
    if hidden.sql and _is_the_drivers(error, code):
        return opened(text, hidden)
    if hidden.sql and isinstance(error, KeyError):
        # A placeholder that has no parameter.
        return f"'{hidden.known(text[1:-1])}'"
    said = known_phrases(text, hidden)
    # A server of another language quotes the same names.
    return said or (names_quoted(text, hidden) if _ABOUT_THE_STATEMENT.match(_state(error)) else "")


def _program_said(error: Exception, text: str, hidden: Hidden) -> str:
    """A program's words about itself, as far as they stand in it: a hook may put what it was reading into them."""
    names, texts = _written_in(error.__traceback__)
    if said := known_phrases(text, replace(hidden, names=_BUILTIN | names)):
        return said
    if not (parts := [re.escape(part) for part in sorted(texts, key=len, reverse=True) if part in text]):
        return ""
    pieces = re.split(f"({'|'.join(parts)})", text)
    return opened("".join(piece if place % 2 else HIDDEN[: len(piece)] for place, piece in enumerate(pieces)), hidden)


def _written_in(traceback: TracebackType | None) -> tuple[frozenset[str], frozenset[str]]:
    """The names, in lower case, and the texts in the code of the functions that an error came through."""
    names: set[str] = set()
    texts: set[str] = set()
    while traceback is not None:
        code = traceback.tb_frame.f_code
        names.update(name.lower() for name in (*code.co_names, *code.co_varnames))
        texts.update(text for text in code.co_consts if isinstance(text, str) and len(text) >= _LEAST_TEXT)
        traceback = traceback.tb_next
    return frozenset(names), frozenset(texts)


def _is_the_drivers(error: Exception, code: object) -> bool:
    """Whether the error was raised on this side of the wire, before a server answered."""
    own = ("DataError", "InterfaceError", "NotSupportedError", "ProgrammingError")
    return code is None and type(error).__name__ in own and driver_of(error) in _CODED


def _is_a_users(error: Exception, code: object, text: str) -> bool:
    """Whether the code is one that functions and triggers give to the texts they raise."""
    state = _state(error) or (code if isinstance(code, str) else "")
    if state[:2] in ("P0", "38", "39") or state == "45000" or state.startswith("ORA-20"):
        return True
    if isinstance(code, int) and (code == 1644 or code >= 50_000):
        return True
    if getattr(error, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_TRIGGER":
        return True
    return any(int(number) >= 50_000 for number in _ODBC_NUMBER.findall(text))


def _innermost(error: Exception) -> Exception:
    """The driver's error: SQLAlchemy's holds it, and a hook raises its own because of it."""
    while True:
        inner = getattr(error, "orig", None)
        if not isinstance(inner, Exception) and driver_of(error) not in _CODED:
            inner = error.__cause__
        if not isinstance(inner, Exception):
            return error
        error = inner


def _kind(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")


def _state(error: Exception) -> str:
    """PostgreSQL's SQLSTATE, or that of a driver which gives it in the same way."""
    state = str(getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or "")
    return state if _is_a_drivers(error) and re.fullmatch(r"[0-9A-Z]{5}", state) else ""


def _code_and_text(error: Exception) -> tuple[object, str]:
    """SQLSTATE, number or name, where there is one, and what the driver says."""
    state, text = _state(error) or None, str(error)
    match error.args if _is_a_drivers(error) else ():
        # MySQL's drivers give a number, ODBC a SQLSTATE; the error as a whole is then a tuple's text.
        # mysql-connector's own errors have the number -1.
        case (int() as number, str() | bytes() as said, *_):
            known = state or (number if 0 <= number <= _MOST_MYSQL_NUMBER else None)
            return known, said if isinstance(said, str) else said.decode(errors="replace")
        case (str() as given, str() as said, *_) if _SQLSTATE.fullmatch(given):
            return state or given, said
    if found := _CODE.search(text):
        return found[0], text
    name = str(getattr(error, "sqlite_errorname", ""))
    # SQLite says no more than that with these two.
    return state or (name if name not in ("SQLITE_ERROR", "SQLITE_SCHEMA") else "") or None, text


def _is_a_drivers(error: Exception) -> bool:
    """Whether it is an error as Python's standard for drivers has it; a hook's own may hold anything for a code."""
    return any(base.__name__ == "Error" for base in type(error).__mro__)
