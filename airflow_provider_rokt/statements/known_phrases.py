"""What databases say of a wrong statement, as they are known to say it: nothing else of their texts is shown.

A database's function may raise any text under any code, so that a code alone proves nothing. A phrase is fixed words
and slots, and what stands in a slot is shown only where it stands in the statement too.
"""

import re
from functools import cache
from itertools import count
from typing import Final

from airflow_provider_rokt.statements.hiding import HIDDEN, Hidden, finished

_MOST_PHRASES: Final = 3
_MOST_READ: Final = 4000
# {name}: a name, quoted or not. {near}: a piece of the statement. {at}: a place in the statement. {args}: the types of
# a function's arguments. {value}: never shown, and so not read.
_SLOTS: Final = {
    "name": r"""["'`\[]?[A-Za-z_][\w$.]*["'`\]]?""",
    "near": r"""(?:"[^"\n]{0,100}"|'.{0,100}'(?= at line)|'[^'\n]{0,100}')""",
    "at": r"\d{1,6}",
    "args": r"\([^()\n]{0,200}\)",
    "value": "",
}
_SLOT: Final = re.compile(rf"\{{({'|'.join(_SLOTS)})\}}")
_KIND: Final = "(?:table|view|column|function|procedure|sequence|schema|database|type|language|materialized view)"
_MYSQL_TYPE: Final = "(?:DOUBLE|INTEGER|DECIMAL|BINARY|CHAR|integer|decimal|double|datetime|date|time|timestamp|string)"
_PG_TYPE: Final = (
    "(?:integer|bigint|smallint|numeric|real|double precision|boolean|date|interval|jsonb?|uuid|inet|cidr|bytea|xml|"
    "time(?:stamp)?(?: with(?:out)? time zone)?)"
)
_CLAUSE: Final = "(?:WHERE|GROUP BY|HAVING|ORDER BY|JOIN conditions|FROM|LIMIT|VALUES|RETURNING)"
_PHRASES: Final = (
    # Names
    r"no such (?:table|column|function|view|index|module|collation sequence): {name}",
    r"ambiguous column name: {name}",
    r"(?:relation|column|schema|database|role|type|table|view|function) {name} does not exist",
    r"column reference {name} is ambiguous",
    rf"(?:missing FROM-clause entry for table|permission denied for {_KIND}) {{name}}",
    r"invalid reference to FROM-clause entry for table {name}",
    r"function {name}{args} (?:does not exist|is not unique)",
    r"operator (?:does not exist|is not unique)",
    r"(?:table name|column|alias) {name} specified more than once",
    r"column {name} must appear in the GROUP BY clause or be used in an aggregate function",
    r"subquery uses ungrouped column {name} from outer query",
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
    r"You have an error in your SQL syntax; check the manual that corresponds to your (?:MySQL|MariaDB) server version "
    r"for the right syntax to use near {near} at line {at}",
    r"Incorrect syntax near(?: the keyword)? {near}",
    r"syntax error at end of input",
    r"unterminated (?:quoted string|quoted identifier|/\* comment|dollar-quoted string)(?: at or near {near})?",
    r"Syntax error(?:: Unexpected (?:identifier|end of (?:script|statement)|(?:string|integer) literal|keyword {name}))"
    r"?(?: {near})? at \[{at}:{at}\]",
    r"syntax error line {at} at position {at}",
    r"SQL compilation error",
    r"line {at}:{at}",
    rf"(?:aggregate|window|set-returning) functions are not allowed in {_CLAUSE}",
    r"more than one row returned by a subquery used as an expression",
    r"subquery (?:must return only one column|has too (?:many|few) columns|in FROM must have an alias)",
    r"each (?:UNION|INTERSECT|EXCEPT) query must have the same number of columns",
    rf"argument of {_CLAUSE} must be type boolean",
    r"could not determine (?:data|polymorphic|interpretable) type",
    r"Operand should contain {at} column\(s\)",
    r"Subquery returns more than 1 row",
    r"Invalid use of group function",
    r"Every derived table must have its own alias",
    r"The used SELECT statements have a different number of columns",
    r"wrong number of arguments to function {name}\(\)",
    r"SQL command not properly ended",
    # Placeholders
    r"not (?:all arguments converted|enough arguments)(?: during (?:string|bytes) formatting| for format string)?",
    r"unsupported format character",
    r"incomplete format(?: key)?",
    r"Not (?:all|enough) parameters were used in the SQL statement",
    r"Values were not provided for the following (?:prepared statement )?parameters: {name}",
    r"Incorrect number of bindings supplied",
    r"there is no parameter \${at}",
    r"The SQL contains {at} parameter markers, but {at} parameters were supplied",
    # A statement without a result
    r"No results\. +Previous SQL was not a query",
    r"[Tt]he last operation didn't produce (?:a result|records)",
    r"no results to fetch",
    # Programs: names are shown that stand in the program
    r"{name} object (?:has no attribute {name}|is not (?:callable|iterable|subscriptable|an iterator))",
    r"(?:module|type object) {name} has no attribute {name}",
    r"{name}\(\) got an unexpected keyword argument {name}",
    r"{name}\(\) missing {at} required (?:positional|keyword-only) arguments?",
    r"{name}\(\) takes (?:no|{at}|from {at} to {at}) (?:positional )?arguments?",
    r"name {name} is not defined",
    r"(?:tuple|list|string) index out of range",
    r"No module named {name}",
    # Access, connection, state
    r"Access denied",
    r"permission denied",
    r"(?:password|peer|ident) authentication failed",
    r"remaining connection slots are reserved",
    r"sorry, too many clients already",
    r"Too many connections",
    r"terminating connection due to (?:administrator command|conflict with recovery|idle-in-transaction timeout)",
    r"canceling statement due to (?:statement timeout|lock timeout|user request|conflict with recovery)",
    r"deadlock detected",
    r"could not (?:serialize access|obtain lock|extend file|resize shared memory segment|write to file)",
    r"out of (?:shared )?memory",
    r"No space left on device",
    r"cannot execute (?:INSERT|UPDATE|DELETE|MERGE|CREATE|DROP|ALTER|TRUNCATE|nextval\(\)) in a read-only "
    r"transaction",
    r"current transaction is aborted",
    r"the database system is (?:starting up|shutting down|in recovery mode)",
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
    rf"(?:Incorrect|Truncated incorrect) {_MYSQL_TYPE} value: {{value}}",
    rf"invalid input syntax for type {_PG_TYPE}: {{value}}",
    r"invalid input value for enum",
    r"value too long for type",
    r"(?:date/time field value|timestamp|date|time|interval|integer|bigint|smallint|value) out of range",
    r"invalid (?:regular expression|byte sequence for encoding|value for parameter)",
    r"(?:malformed array|malformed record|malformed range) literal",
    r"(?:duplicate key value violates unique|violates (?:foreign key|check|not-null|exclusion)) constraint",
    r"null value in column",
    r"Data too long for column",
    r"Duplicate entry",
    r"Column {name} cannot be null",
    r"(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed",
    r"cannot take (?:logarithm|square root) of",
    r"cannot cast type",
    r"Overflow in (?:addition|subtraction|multiplication|division)",
    r"Illegal mix of collations",
    r"Could not decode to UTF-8 column {value}",
    r"Could not convert string {value}",
    r"Bad (?:int64|double|float64|bool|numeric|date|timestamp|datetime|time) value: {value}",
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
    if kind.startswith("at"):
        # No more than the statement's length, which is no row's value.
        return value if hidden.sql and int(value) <= len(hidden.sql) else HIDDEN
    return f"({HIDDEN})" if kind.startswith("args") else value.replace(bare, hidden.known(bare))
