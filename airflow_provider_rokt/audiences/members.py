"""One member of an audience: the e-mail address or the SHA-256 hash a row holds, made ready to send."""

import re
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from typing import Final, NamedTuple

from airflow_provider_rokt.events.emails import digest, is_address, is_nobodys, why_no_address
from airflow_provider_rokt.events.invisible import visible
from airflow_provider_rokt.events.normalize import flag
from airflow_provider_rokt.events.values import BadValue, trimmed, unreadable
from airflow_provider_rokt.flow.row import FieldFault

_HASH: Final = re.compile("[0-9a-f]{64}").fullmatch

_UNREADABLE: Final = "neither"

_IN: Final = ("in", "add", "include")
_OUT: Final = ("out", "drop", "exclude")


class Member(NamedTuple):
    """A person in an audience.

    :param person: the SHA-256 of the normalised address, 64 lower-case hex digits. It is the person's identity
        here: an address and its own hash are the same person. It is kept whole, not shortened, because it is all
        that is remembered of a member and the only thing an exclude can later be sent with.
    :param address: the normalised address where it is to be sent as it is; empty where the hash is sent.
    :param lost: what could not be read beside it: the address or the hash, where the other one tells who it is.
    """

    person: str
    address: str = ""
    lost: FieldFault | None = None


# A third of the time of the constructor a named tuple generates, at one member per row.
_member: Final = partial(tuple.__new__, Member)


def member_reader(*, hash_emails: bool, path: str = "user_identities.email") -> Callable[[object], Member | FieldFault]:
    """Returns the function that reads one value as a member.

    It is trimmed and its letters are lowered before hashing. A value that is a hash already is taken as it is, never
    hashed twice. White space inside is a fault, as it is in a conversion: Rokt's page on the import has it removed, but
    of ``jane doe@example.com`` nobody knows whether it was jane.doe, doe or janedoe, and to guess is to target, or to
    keep out, a stranger.

    :param hash_emails: send an address as its SHA-256.
    :param path: the field that a fault names.
    """

    def read(value: object) -> Member | FieldFault:
        try:
            clean = (value if type(value) is str else _text(value)).strip().lower()
        except Exception:  # a type no rule was prepared for must not end the delivery
            return FieldFault(path, unreadable(value))
        if is_address(clean):
            return _member((sha256(clean.encode()).hexdigest(), "" if hash_emails else clean, None))
        if _HASH(visible(clean)) and not is_nobodys(visible(clean)):
            return _member((visible(clean), "", None))
        return FieldFault(path, _why_unusable(clean))

    return read


def _text(value: object) -> str:
    """What drivers return besides text: bytes that are text, or the 32 bytes of a hash.

    Empty for nothing; what cannot be text is no address either.
    """
    try:
        return digest(value) or trimmed(value) or ""
    except BadValue:
        return _UNREADABLE


def _why_unusable(clean: str) -> str:
    if not visible(clean):
        return "has no value"
    if _HASH(visible(clean)):
        return "is the hash of an empty text or of a placeholder"
    if why := why_no_address(clean):
        return f"is {why}"
    return "is neither an e-mail address nor a SHA-256 hash (64 hex digits)"


def read_wanted(value: object, path: str) -> bool | FieldFault:
    """Whether a row says that its person belongs in the audience.

    :param value: a boolean in any spelling databases have for it, or ``in``/``out``, ``add``/``drop``,
        ``include``/``exclude``.
    :param path: the field that a fault names.
    """
    try:
        word = visible(value.strip()).lower() if isinstance(value, str) else ""
        wanted = word in _IN if word in _IN or word in _OUT else flag(value)
    except Exception:  # BadValue, or a type no rule was prepared for
        wanted = None
    return FieldFault(path, "must say true or false (or in/out, add/drop, 1/0)") if wanted is None else wanted
