"""SQL cut into words, quoted text, comments and the rest, in one pass and in time linear in its length."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from airflow_provider_rokt.statements.dialects import Dialect

# What a token is, and its text.
Token = tuple[str, str]

_COMMENT_MARK: Final = re.compile(r"/\*|\*/")
_CLOSING: Final = {"[": "]"}
# Oracle's q'[it's]': the closing mark is the opening one's pair, or the same.
_Q_STRING: Final = (
    r"[nN]?[qQ]'(?:\[(?:.*?\]'|.*\Z)|\{(?:.*?\}'|.*\Z)|\((?:.*?\)'|.*\Z)|<(?:.*?>'|.*\Z)"
    r"|(?P<closing>[^\s\[{(<])(?:.*?(?P=closing)'|.*\Z))"
)
_DOLLAR_STRING: Final = r"\$(?P<tag>(?:[^\W\d]\w*)?)\$(?:.*?\$(?P=tag)\$|.*\Z)"


def tokens(sql: str, dialect: Dialect) -> Iterator[Token]:
    """The tokens of a text, which together are the text: ``word``, ``quoted``, ``comment``, ``space``, ``other``, or
    for one of ``;()`` itself.

    A string or comment that does not end takes the rest of the text: the database will say so.
    """
    match, place = _pattern(dialect).match, 0
    while place < len(sql) and (found := match(sql, place)):
        kind, end = found.lastgroup or "", found.end()
        if kind == "block":
            kind, end = "comment", _end_of_comment(sql, place, dialect.nests)
            if dialect.hints and sql.startswith(("/*!", "/*M!"), place):
                kind = "other"
        value = sql[place:end]
        yield (value if kind == "mark" else kind), value
        place = end


@cache
def _pattern(dialect: Dialect) -> re.Pattern[str]:
    strings = [_escaped("'" * 3), _escaped('"' * 3)] if dialect.triple else []
    strings += {"e": [rf"[eE]{_escaped(chr(39))}"], "q": [_Q_STRING], "r": ["[rR]'[^']*+(?:'|\\Z)"]}.get(
        dialect.prefixed, []
    )
    strings += [_DOLLAR_STRING] if dialect.dollar else []
    for quote in ("'", '"', *dialect.names):
        strings.append(_escaped(quote) if quote in dialect.backslash else _doubled(quote))
    # The outer groups come last in their alternatives, so that lastgroup names them.
    return re.compile(
        rf"(?P<comment>(?:{dialect.line})[^\n]*)|(?P<block>/\*)|(?P<quoted>{'|'.join(strings)})|(?P<mark>[;()])"
        r"|(?P<space>\s+)|(?P<word>[^\W\d][\w$]*)|(?P<other>\d[\w.]*|.)",
        re.DOTALL,
    )


def _doubled(quote: str) -> str:
    end = re.escape(_CLOSING.get(quote, quote))
    return rf"{re.escape(quote)}(?:[^{end}]++|{end}{end})*+(?:{end}|\Z)"


def _escaped(quote: str) -> str:
    """Inside one of three quotes, fewer are text."""
    one = quote[0]
    inside = rf"{one}(?!{one * 2})" if len(quote) == 3 else one * 2
    return rf"{quote}(?:[^{one}\\]++|\\.|{inside})*+(?:{quote}|\\?\Z)"


def _end_of_comment(sql: str, start: int, nests: bool) -> int:
    depth = 0
    for mark in _COMMENT_MARK.finditer(sql, start):
        if mark[0] == "*/":
            depth -= 1
        elif nests or not depth:
            depth += 1
        if not depth:
            return mark.end()
    return len(sql)
