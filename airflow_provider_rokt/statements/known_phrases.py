"""What databases say of a wrong statement, as they are known to say it: nothing else of their texts is shown.

A database's function may raise any text under any code, so that a code alone proves nothing on most drivers. A phrase
is fixed words and names, and a name is shown only where it stands in the statement.
"""

import re
from functools import cache
from itertools import count
from typing import Final

from airflow_provider_rokt.statements.hiding import HIDDEN, Hidden, finished

_MOST_PHRASES: Final = 3
_MOST_READ: Final = 4000
# {name}: a name, quoted or not. {near}: a piece of the statement. {value}: never shown, and so not read.
_SLOTS: Final = {
    "name": r"""["'`\[]?[A-Za-z_][\w$.]*["'`\]]?""",
    "near": r"""(?:"[^"\n]{0,100}"|'.{0,100}'(?= at line)|'[^'\n]{0,100}')""",
    "value": "",
}
_SLOT: Final = re.compile(r"\{(name|near|value)\}")
_PHRASES: Final = (
    # Names
    r"no such (?:table|column|function|view|index|module|collation sequence): {name}",
    r"ambiguous column name: {name}",
    r"(?:relation|column|schema|database|role|type|table|view|function) {name} does not exist",
    r"column reference {name} is ambiguous",
    r"(?:missing FROM-clause entry for table|permission denied for \w+) {name}",
    r"Table {name} doesn't exist",
    r"Unknown column {name} in '(?:field list|group statement|(?:where|on|order|having|from|order by) clause|SELECT)'",
    r"Column {name} in (?:field list|where clause|'field list'|'where clause') is ambiguous",
    r"Unknown (?:table|database) {name}",
    r"(?:FUNCTION|PROCEDURE) {name} does not exist",
    r"Table with name {name} does not exist",
    r"Referenced (?:column|table) {name} not found(?: in FROM clause)?",
    r"(?:Scalar|Table|Macro) Function with name {name} does not exist",
    r"Invalid (?:object|column) name {name}",
    r"invalid identifier {name}",
    r"(?:Object|Schema|Database|Table|View|Function) {name} does not exist or not authorized",
    r"Unrecognized name: {name}",
    r"Not found: (?:Table|Dataset|Project) {name}",
    r"The table or view {name} cannot be found",
    r"A column, variable, or function parameter with name {name} cannot be resolved",
    r"Column {name} cannot be resolved",
    r"(?:Table|Schema|Catalog) {name} does not exist",
    r"(?:{name}: )?invalid identifier",
    r"table or view (?:{name} )?does not exist",
    # Syntax
    r"near {near}: syntax error",
    r"syntax error at or near {near}",
    r"unrecognized token: {near}",
    r"incomplete input",
    r"You have an error in your SQL syntax; .{0,160}? near {near} at line \d{1,6}",
    r"Incorrect syntax near(?: the keyword)? {near}",
    r"Syntax error(?:: Unexpected \w+)?(?: {near})? at \[\d{1,6}:\d{1,6}\]",
    r"syntax error line \d{1,6} at position \d{1,6}",
    r"SQL compilation error",
    r"line \d{1,6}:\d{1,6}",
    r"wrong number of arguments to function {name}\(\)",
    r"SQL command not properly ended",
    # Placeholders
    r"not (?:all arguments converted|enough arguments)(?: during (?:string|bytes) formatting| for format string)?",
    r"unsupported format character",
    r"incomplete format(?: key)?",
    r"Not (?:all|enough) parameters were used in the SQL statement",
    r"Values were not provided for the following (?:prepared statement )?parameters: {name}",
    r"Incorrect number of bindings supplied",
    # Access, connection, state
    r"Access denied",
    r"permission denied",
    r"Lost connection to (?:MySQL )?server during query",
    r"(?:MySQL )?[Ss]erver has gone away",
    r"server closed the connection unexpectedly",
    r"Lock wait timeout exceeded",
    r"Deadlock found",
    r"Query execution was interrupted(?:, maximum statement execution time exceeded| \(max_statement_time exceeded\))?",
    r"Got a packet bigger than 'max_allowed_packet' bytes",
    r"interrupted",
    r"unable to open database file",
    r"(?:database|database table|database schema) is locked",
    r"database disk image is malformed",
    r"file is not a database",
    r"attempt to write a readonly database",
    r"(?:UPDATE|SELECT|INSERT|DELETE|TRIGGER|EXECUTE)(?: command)? denied to user",
    # Data, whose values are never shown
    r"[Dd]ivision by (?:zero|0)",
    r"XPATH syntax error: {value}",
    r"(?:Incorrect|Truncated incorrect) \w{1,12} value: {value}",
    r"Illegal mix of collations",
    r"Could not decode to UTF-8 column {value}",
    r"Could not convert string {value}",
    r"Bad \w{1,12} value: {value}",
    r"invalid number",
    r"Conversion failed",
    r"malformed JSON",
    r"out of range",
)


def known_phrases(text: str, hidden: Hidden) -> str:
    """The known phrases of a text, or nothing."""
    found = [_shown(phrase, hidden) for phrase in _any_phrase().finditer(text[:_MOST_READ])]
    return finished("; ".join(dict.fromkeys(found[:_MOST_PHRASES])), hidden)


@cache
def _any_phrase() -> re.Pattern[str]:
    numbers = count()

    def slot(found: re.Match[str]) -> str:
        # Each in a group of its own name, which tells its kind.
        return f"(?P<{found[1]}{next(numbers)}>{_SLOTS[found[1]]})"

    alternatives = "|".join(_SLOT.sub(slot, phrase) for phrase in _PHRASES)
    return re.compile(rf"(?<!\w)(?:{alternatives})", re.DOTALL)


def _shown(phrase: re.Match[str], hidden: Hidden) -> str:
    said, offset = phrase[0], phrase.start()
    slots = [(phrase.span(name), name) for name, value in phrase.groupdict().items() if value is not None]
    for (start, end), name in sorted(slots, reverse=True):
        shown = _slot(name, phrase[name], hidden)
        said = said[: start - offset] + shown + said[end - offset :]
    return said


def _slot(kind: str, value: str, hidden: Hidden) -> str:
    if kind.startswith("value"):
        return f"'{HIDDEN}'"
    bare = value.strip("\"'`[]")
    if kind.startswith("near"):
        return value if hidden.sql and bare in hidden.sql else f"'{HIDDEN}'"
    return value.replace(bare, hidden.known(bare))
