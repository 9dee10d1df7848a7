"""One member of an audience: the e-mail address or the SHA-256 hash a row holds, made ready to send."""

import re
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple

from airflow_provider_rokt.events.normalize import digest, flag, is_address
from airflow_provider_rokt.events.values import BadValue, text
from airflow_provider_rokt.flow.row import FieldFault

_HASH: Final = re.compile("[0-9a-f]{64}").fullmatch

_IN: Final = ("in", "add", "include")
_OUT: Final = ("out", "drop", "exclude")


class Member(NamedTuple):
    """A person in an audience.

    :param person: the SHA-256 of the normalised address, 64 lower-case hex digits. It is the person's identity
        here: an address and its own hash are the same person. It is kept whole, not shortened, because it is all
        that is remembered of a member and the only thing an exclude can later be sent with.
    :param address: the normalised address where it is to be sent as it is; empty where the hash is sent.
    """

    person: str
    address: str = ""


# A third of the time of the constructor a named tuple generates, at one member per row.
_member: Final = partial(tuple.__new__, Member)


def member_reader(*, hash_emails: bool, path: str = "user_identities.email") -> Callable[[object], Member | FieldFault]:
    """Returns the function that reads one value as a member.

    Whitespace is removed and letters are lowered before hashing (Rokt's page on the import). A value that is a
    hash already is taken as it is, never hashed twice.

    :param hash_emails: send an address as its SHA-256.
    :param path: the field that a fault names.
    """

    def read(value: object) -> Member | FieldFault:
        clean = "".join((value if type(value) is str else _text(value)).split()).lower()
        if is_address(clean):
            return _member((sha256(clean.encode()).hexdigest(), "" if hash_emails else clean))
        if _HASH(clean):
            return _member((clean, ""))
        return FieldFault(path, _why_unusable(clean))

    return read


def _text(value: object) -> str:
    """What drivers return besides text: bytes that are text, or the 32 bytes of a hash.

    Empty for nothing, and a question mark for what cannot be text, which is no address either.
    """
    try:
        return digest(value) or text(value) or ""
    except BadValue:
        return "?"


def _why_unusable(clean: str) -> str:
    if not clean:
        return "has no value"
    return "is neither an e-mail address nor a SHA-256 hash (64 hex digits)"


def read_wanted(value: object, path: str) -> bool | FieldFault:
    """Whether a row says that its person belongs in the audience.

    :param value: a boolean in any spelling databases have for it, or ``in``/``out``, ``add``/``drop``,
        ``include``/``exclude``.
    :param path: the field that a fault names.
    """
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in _IN or word in _OUT:
        return word in _IN
    try:
        wanted = flag(value)
    except BadValue:
        wanted = None
    return FieldFault(path, "must say true or false (or in/out, add/drop, 1/0)") if wanted is None else wanted
