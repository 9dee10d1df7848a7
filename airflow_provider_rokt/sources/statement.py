"""The one statement a source runs."""

from itertools import chain

from airflow_provider_rokt.exceptions import RoktSourceError


def one_statement(sql: object) -> str:
    """The only statement in ``sql``, without the semicolon behind it, which Oracle and Trino refuse.

    Semicolons in strings and comments do not count. Only sqlparse's lexer is used: its ``format``, and with it
    ``DbApiHook.split_sql_string``, gives up on 10,000 tokens, and a long ``IN`` list has more.

    :raises RoktSourceError: for anything but one statement.
    """
    from sqlparse import lexer, tokens

    if not isinstance(sql, str):
        raise RoktSourceError(f"sql must be one statement in a string, not a {type(sql).__name__}")
    statements, text, has_code = [], "", False
    for kind, value in chain(lexer.tokenize(sql), [(tokens.Punctuation, ";")]):  # type: ignore[no-untyped-call]
        if kind in tokens.Punctuation and value == ";":
            statements += [text.strip()] if has_code else []
            text, has_code = "", False
        else:
            text += value
            has_code = has_code or not (kind in tokens.Whitespace or kind in tokens.Comment)
    if len(statements) != 1:
        found = f"{len(statements)} statements" if statements else "no statement"
        raise RoktSourceError(f"sql holds {found}: give one that returns the rows to send")
    return statements[0]
