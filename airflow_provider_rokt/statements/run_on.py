"""Whether a text gives rows that may hold several statements with nothing between them, as T-SQL's do.

What stands behind ODBC and JDBC may be T-SQL or not. So a SELECT is one of its own unless it is what an INSERT, a
CREATE or a cursor takes its rows from; the database judges what is a statement at all.
"""

from collections.abc import Iterable
from typing import Final

from airflow_provider_rokt.statements.clauses import Word

# Their rows come from the query behind them.
_TAKERS: Final = frozenset(("insert", "replace", "create", "alter"))
_DEFINERS: Final = frozenset(("create", "alter"))
_STARTS: Final = _TAKERS | {"update", "delete", "merge", "drop", "truncate"}
# Behind one of these a SELECT goes on with another one, or names a right.
_GOES_ON: Final = frozenset(("union", "all", "except", "intersect", "minus", "grant", "revoke", "deny", ","))


def gives_rows(words: Iterable[Word]) -> bool:
    """Whether one of the statements does.

    :param words: those outside of brackets.
    """
    reading = _Reading()
    for word in words:
        if word.text == "as" and reading.taker in _DEFINERS:
            # All the rest is what it defines.
            break
        reading.read(word)
    return reading.earlier or reading.now


class _Reading:
    """What is known of the statements read so far.

    :ivar earlier: whether one before the last gives rows.
    :ivar now: whether the last one does.
    :ivar taker: the last one's verb, while a query is still to come that gives its rows to it.
    """

    def __init__(self) -> None:
        self.earlier = self.now = False
        self.taker = ""
        self._cursor = False

    def read(self, word: Word) -> None:
        text, before = word
        if before in _GOES_ON:
            return
        # A trigger is created AFTER INSERT; CREATE TABLE ends with its columns; replace() is a function.
        if text in _STARTS and (self.taker not in _DEFINERS or before == ")") and (text != "replace" or not before):
            self._begin(text)
        elif text == "select":
            self._select(before)
        elif text == "values" and self.taker == "insert":
            self.taker = ""
        elif text in ("exec", "execute") and before != "with":
            self.now, self.taker = self.now or self.taker != "insert", ""
        elif text in ("returning", "output"):
            self.now = True
        elif text == "into" and before != "as":
            self.now = False
        elif text == "cursor":
            self._cursor = True
        elif text == "fetch" and self._cursor:
            self.earlier = True

    def _begin(self, verb: str, gives: bool = False) -> None:
        self.earlier, self.now = self.earlier or self.now, gives
        self.taker = verb if verb in _TAKERS else ""

    def _select(self, before: str) -> None:
        if self._cursor and before == "for":
            return
        if self.taker and not (self.taker in _DEFINERS and before == ")"):
            self.taker = ""
            return
        self._begin("select", gives=True)
