"""Names that say that their value is hashed, however it is written: ``emailsha256``, ``Hashed-Email``, ``phone_hash``.

A raw address under such a name would be sent in clear by somebody who believes that it is not.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

SHA256: Final = "sha256"
# Where a word of camelCase begins.
_HUMP: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_BETWEEN: Final = re.compile(r"[\W_]+")
# Functions stand in no other word, so they need nothing around them: emailsha256. But Natasha 1 is a name.
_FUNCTION: Final = re.compile(r"(?i)md5|sha[\W_]?(?:[23][\W_])?256(?!\d)|(?<![a-z])sha[\W_]?(?:1|224|384|512)(?!\d)")
_FUNCTIONS: Final = frozenset({SHA256, "md5", "sha1", "sha224", "sha384", "sha512", "sha3256"})
# What else is said of a hash, behind it.
_NO_MATTER: Final = re.compile(r"hex|lower|lowercased?|normali[sz]ed|value|digest|v?\d{1,2}")
# A yes or no, or the opposite: is_hashed, unhashed.
_ELSE: Final = frozenset({"is", "was", "has", "not", "non", "no", "un", "pre", "re", "to"})


class Hashed(NamedTuple):
    """What such a name says.

    :param words: its other words, in lower case.
    :param function: by which it is hashed, like ``sha256``; empty where the name leaves that open.
    """

    words: tuple[str, ...]
    function: str


def hashed_name(name: str, is_field: Callable[[str], bool]) -> Hashed | None:
    """What a name says of the hash that it is of; None for a name that speaks of none.

    :param is_field: whether letters and digits mean one of Rokt's fields.
    """
    words = [part for word in _words(name) for part in _parted(word, is_field)]
    while words and _NO_MATTER.fullmatch(words[-1]):
        words.pop()
    first, last = 0, len(words)
    while first < last and _is_mark(words[first]):
        first += 1
    while first < last and _is_mark(words[last - 1]):
        last -= 1
    marks, rest = [*words[:first], *words[last:]], words[first:last]
    if not marks or not _ELSE.isdisjoint(rest) or (_is_vague(marks, words) and not _ends_in_field(rest, is_field)):
        return None
    return Hashed(tuple(rest), next((mark for mark in marks if mark in _FUNCTIONS), ""))


def _words(name: str) -> list[str]:
    marked = _FUNCTION.sub(lambda found: f"_{_BETWEEN.sub('', found[0]).lower()}_", name)
    marked = marked.replace("sha2256", SHA256)
    return [word for word in _BETWEEN.split(_HUMP.sub("_", marked).lower()) if word]


def _parted(word: str, is_field: Callable[[str], bool]) -> list[str]:
    """A word without blanks in its parts: ``emailhash``, but not ``hashtag``."""
    for mark in ("hashed", "hash", "sha"):
        before, behind = word.removesuffix(mark), word.removeprefix(mark)
        if before not in (word, "") and (is_field(before) or (mark == "hashed" and before not in _ELSE)):
            return [before, mark]
        if behind not in (word, "") and (is_field(behind) or mark == "hashed"):
            return [mark, behind]
    return [word]


def _is_mark(word: str) -> bool:
    return word in _FUNCTIONS or word in ("hashed", "hash", "sha")


def _is_vague(marks: Sequence[str], words: Sequence[str]) -> bool:
    """Whether it may speak of something else: hash_type, hash_key, git_sha."""
    return set(marks) <= {"hash", "sha"} and words[-1] != "hash"


def _ends_in_field(words: Sequence[str], is_field: Callable[[str], bool]) -> bool:
    return any(is_field("".join(words[start:])) for start in range(len(words)))
