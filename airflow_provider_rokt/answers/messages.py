"""What of a message of Rokt's may be shown: that it is one of those known, and nothing of what it quotes.

The allow-list holds the sentences of Newtonsoft's JSON reader, which reads requests at Rokt's, and those published for
the API. A slot of a sentence shows a word only where that is one of a few known words, so that all there is to show is
fixed beforehand.
"""

import re
from collections.abc import Mapping, Set
from functools import cache
from hashlib import sha256
from typing import Final, NamedTuple

HIDDEN: Final = "…"

_UNKNOWN: Final = "a message that may hold values"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TOKENS: Final = _words(
    "None StartObject StartArray StartConstructor PropertyName Comment Raw Integer Float String Boolean Null Undefined "
    "EndObject EndArray EndConstructor Date Bytes"
)
_PLAIN_TYPES: Final = _words(
    "Boolean Byte Char DateTime DateTimeOffset Decimal Double Guid Int16 Int32 Int64 Object Single String TimeSpan Uri "
    "Version"
)
_TYPES: Final = _PLAIN_TYPES | {
    form.format(name)
    for name in (f"System.{plain}" for plain in _PLAIN_TYPES)
    for form in (
        "{}",
        "{}[]",
        "System.Nullable`1[{}]",
        "System.Collections.Generic.List`1[{}]",
        "System.Collections.Generic.Dictionary`2[System.String,{}]",
        "System.Collections.Generic.IDictionary`2[System.String,{}]",
    )
}
_READS: Final = _words("array boolean bytes date decimal double integer number object string DateTime DateTimeOffset")
# What a slot may show. {value} shows nothing, {field} the fields of the request.
_SHOWN: Final[Mapping[str, Set[str]]] = {
    "value": frozenset(),
    "field": frozenset(),
    "type": _TYPES,
    "token": _TOKENS,
    "read": _READS,
    "bits": _words("Int32 Int64"),
}
# No sentence has two slots of any length, which would take quadratic time on a message made for it.
_READ: Final = dict.fromkeys(_SHOWN, r"[^'\"]{1,256}?") | {"value": ".*"}
_SLOT: Final = re.compile(rf"\{{({'|'.join(_SHOWN)})\}}")
# Without the full stop at their end.
_SENTENCES: Final = (
    # Published for the Events API
    'Required event field "{field}" is missing or empty',
    # JsonSerializerInternalReader: a value that does not fit what it is read into
    "Error converting value {value} to type '{type}'",
    "Cannot convert null value to {type}",
    "Cannot convert invalid value to {type}",
    "Could not convert string '{value}' to dictionary key type '{type}'. Create a TypeConverter to convert from the "
    "string to the key type object",
    'Cannot deserialize the current JSON object (e.g. {"name":"value"}) into type \'{type}\' because {value}',
    "Cannot deserialize the current JSON array (e.g. [1,2,3]) into type '{type}' because {value}",
    "Could not create an instance of type {type}. Type is an interface or abstract class and cannot be instantiated",
    "Could not find member '{field}' on object of type '{type}'",
    "Required property '{field}' not found in JSON",
    "Required property '{field}' expects a value but got null",
    "Required property '{field}' expects a non-null value",
    "An undefined token is not a valid {type}",
    "No JSON content found and type '{type}' is not nullable",
    "Integer value {value} is not allowed",
    "Unexpected token {token} when parsing enum",
    "Unexpected token when deserializing object: {token}",
    "Unexpected token while deserializing object: {token}",
    "Unexpected token when deserializing primitive value: {token}",
    "Unexpected token parsing date. Expected String, got {token}",
    "Unexpected token parsing date. Expected Integer or String, got {token}",
    "Unexpected token or value when parsing date. Token: {token}, Value: {value}",
    "Unexpected end when deserializing object",
    "Unexpected end when deserializing array",
    "Unexpected end when setting {field}'s value",
    "Additional text found in JSON string after finishing deserializing object",
    # JsonReader, JsonTextReader: a value of another kind, or no JSON
    "Error reading {read}. Unexpected token: {token}",
    "Could not convert string to {read}: {value}",
    "Could not convert to {read}: {value}",
    "JSON integer {value} is too large or small for an {bits}",
    "JSON integer {value} is too large to parse",
    "Input string '{value}' is not a valid {read}",
    "Unexpected character encountered while parsing value: {value}",
    "Unexpected character encountered while parsing number: {value}",
    "After parsing a value an unexpected character was encountered: {value}",
    "Invalid character after parsing property name. Expected ':' but got: {value}",
    "Invalid property identifier character: {value}",
    "Invalid JavaScript property identifier character: {value}",
    "Invalid Unicode escape sequence: {value}",
    "Bad JSON escape sequence: {value}",
    "Unterminated string. Expected delimiter: {value}",
    "Additional text encountered after finished reading JSON content: {value}",
    "The reader's MaxDepth of {value} has been exceeded",
    "Unexpected end when reading JSON",
    "Unexpected end when reading bytes",
    "Unexpected end while parsing comment",
    "Unexpected end while parsing unquoted property name",
    "Unexpected end while parsing Unicode escape sequence",
    "Unexpected content while parsing JSON",
    "Error parsing boolean value",
    "Error parsing null value",
    "Error parsing undefined value",
    "Error parsing NaN value",
    "Error parsing Infinity value",
    "Error parsing -Infinity value",
    "Cannot read NaN value",
    "Cannot read Infinity value",
    "Cannot read -Infinity value",
    "No JSON content found",
    # Limits of a request, in the words of the local Rokt
    "The request body must be valid JSON: {value}",
    "The request carries no batch",
    "The request carries {value} batches; at most 100 are allowed",
    "The request carries {value} events; at most 100 are allowed",
    "The batch is larger than 128000 bytes",
    "Exactly one of email, emails, sha256 and sha256s must be given",
    "accountId is missing",
)
# Not a part of an address, a hash or a number.
_WORD: Final = re.compile(r"(?<!\S)[^\w\s]*([A-Za-z]{3,})[^\w\s]*(?!\S)")
# Words that errors are made of and nobody is called by; those of the sentences count too.
_MORE_WORDS: Final = """
already attribute attributes audience batch batches between body cannot characters conflict consent contain contains
conversion could custom denied deprecated device disabled does duplicate duplicated email environment error errors event
events exceed exceeded exceeds exist exists expired failed feed forbidden format greater has have header historical
identities identity inactive incorrect input integration internal invalid key larger least length less limit list
malformed maximum member members message minimum missing more most must name names never not number older only order
outside payload permission phone plan production quota range rate rejected request requests required schema server size
source than timeout timestamp too type unable unauthorized unavailable unexpected unique unknown unprocessable
unrecognized unsupported user version was wrong workspace
"""


class _Sentence(NamedTuple):
    """A sentence with empty slots.

    :param parts: fixed text and the kinds of slots in turn.
    """

    pattern: re.Pattern[str]
    parts: tuple[str, ...]

    def filled(self, found: re.Match[str], fields: Set[str]) -> str:
        """The sentence, with those words in its slots that are known."""
        shown = list(self.parts)
        for slot, word in enumerate(found.groups()):
            kind = self.parts[2 * slot + 1]
            known = fields if kind == "field" else _SHOWN[kind] | (fields if kind == "type" else frozenset())
            shown[2 * slot + 1] = word if word in known else HIDDEN
        return "".join(shown)


def shown_message(message: str, fields: Set[str] = frozenset()) -> str:
    """A message without anything that could be a row's value; ``""`` for none.

    :param message: without its place.
    :param fields: names of fields that are no row's value. Rokt names an enumeration after the field that holds it.
    """
    text = " ".join(message.split()).rstrip(",").removesuffix(".")
    if not text:
        return ""
    for sentence in _sentences():
        if found := sentence.pattern.fullmatch(text):
            return sentence.filled(found, fields)
    return f"{_UNKNOWN}: see Rokt's own log (kind {_kind(text)})"


def is_known(shown: str) -> bool:
    """Whether a message, as it is shown, is a known one."""
    return bool(shown) and not shown.startswith(_UNKNOWN)


def _kind(text: str) -> str:
    """Six hex digits that are the same for messages of one kind, so that two can be told to be equal.

    A digest of the text, or of the text less what looks like a value, could be guessed: whoever tries all first names
    finds the one that gives these digits. So it is taken of no word but those of a fixed vocabulary, in their order:
    whatever a row holds beside them, the digits are the same.
    """
    skeleton = " ".join(word for word in _WORD.findall(text.lower()) if word in _vocabulary())
    return sha256(skeleton.encode()).hexdigest()[:6]


@cache
def _sentences() -> tuple[_Sentence, ...]:
    return tuple(map(_compiled, _SENTENCES))


def _compiled(sentence: str) -> _Sentence:
    parts = tuple(_SLOT.split(sentence))
    pattern = "".join(f"({_READ[part]})" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return _Sentence(re.compile(pattern, re.DOTALL), parts)


@cache
def _vocabulary() -> frozenset[str]:
    sentences = " ".join(_SLOT.sub(" ", sentence) for sentence in _SENTENCES)
    return frozenset(_WORD.findall(f"{sentences} {_MORE_WORDS}".lower()))
