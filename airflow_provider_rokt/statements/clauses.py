"""What a statement does, by its words and the brackets they stand in: its verb, and what its WITH changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from airflow_provider_rokt.statements.lexer import Token

CHANGES: Final = frozenset(("insert", "update", "delete", "merge", "replace"))
QUERIES: Final = frozenset(("select", "values", "table", "from"))

# Behind one of these stands a name, in WITH: PostgreSQL reserves none of the words that change something.
_BEFORE_A_NAME: Final = frozenset(("with", "recursive", ",", "set", "using"))
# Behind one of these a word is part of a name, a variable or a parameter.
_NAME_MARKS: Final = frozenset(".@#:")


class Word(NamedTuple):
    """A word in lower case, and what stands before it."""

    text: str
    before: str


@dataclass
class Clauses:
    """A statement, or what stands in one pair of its brackets.

    :param is_body: whether it is that of a common table expression.
    :param verb: what it does: its first word, or behind its common table expressions the first that is a verb.
    :param words: those outside of brackets that are part of no name.
    :param changes: whether a common table expression in it changes something.
    """

    is_body: bool = False
    verb: str = ""
    words: list[Word] = field(default_factory=list)
    changes: bool = False
    _is_begun: bool = False
    _is_with: bool = False

    def opened(self, before: str) -> "Clauses":
        """What stands in a bracket that opens in it."""
        of_with = self._is_with and not self.verb
        if of_with and before == ")":
            # WITH … (SELECT …)
            self.verb = "select"
        return Clauses(is_body=of_with and before in ("as", "materialized"))

    def closed(self, inner: "Clauses") -> None:
        """Takes over what stood in a bracket."""
        self.changes |= inner.changes
        if not self._is_begun:
            self._is_begun, self.verb = True, inner.verb

    def read(self, kind: str, word: Word) -> None:
        """Takes a token that is no bracket."""
        is_first, self._is_begun = not self._is_begun, True
        if kind != "word" or word.before in _NAME_MARKS:
            return
        self.words.append(word)
        if is_first:
            self._is_with = word.text == "with"
            self.verb = "" if self._is_with else word.text
            self.changes = self.is_body and word.text in CHANGES
        elif self._is_with and not self.verb and word.text in QUERIES | CHANGES and word.before not in _BEFORE_A_NAME:
            self.verb = word.text
            self.changes |= self.is_body and word.text in CHANGES


def read_clauses(part: Sequence[Token]) -> Clauses:
    """What the tokens of one statement say."""
    said = [(kind, value.lower()) for kind, value in part if kind not in ("space", "comment")]
    open_ = [Clauses()]
    for (_, before), (kind, value) in zip([("", ""), *said], said, strict=False):
        if kind == "(":
            open_.append(open_[-1].opened(before))
        elif kind == ")" and len(open_) > 1:
            inner = open_.pop()
            open_[-1].closed(inner)
        else:
            open_[-1].read(kind, Word(value, before))
    return open_[0]
