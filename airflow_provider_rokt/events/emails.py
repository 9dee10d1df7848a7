"""E-mail addresses and their digests: what one is, and how an address or any other value becomes its SHA-256."""

import re
from functools import cache
from hashlib import sha256
from typing import Final

from airflow_provider_rokt.events.identifiers import PLACEHOLDER, WRAPPED, is_wrapped
from airflow_provider_rokt.events.invisible import INVISIBLE, visible
from airflow_provider_rokt.events.placeholders import digests_of, is_digest_of_nothing, is_nothing, is_placeholder
from airflow_provider_rokt.events.values import BadValue, Normaliser, text, trimmed

# What no unquoted address holds: separators ("Jane <jane@x.org>", "mailto:", lists), blanks, controls, the
# invisible characters that copying from a page leaves behind, and surrogates, which cannot be written as UTF-8. One of
# them would change the hash, so the address would be sent and never match. A name is matched by what can be seen of it
# (invisible.py); an address is exact, and nobody can say whether it was typed with that character or without.
_NEVER: Final = rf"\s@<>()\[\]\\,;:\"\x00-\x20\x7f-\xa0\u2028-\u202f\ud800-\udfff{INVISIBLE}"
# Nobody's address: the name of nothing before the @, or a placeholder on both sides of it, as in test@test.com; and the
# domain that RFC 2606 makes sure nobody has. Words as in placeholders.py, few of them, since people may be called so.
_NOBODY: Final = (
    r"(?:(?:null|none|nil|nan|undefined|unknown|anonymous|n/a|not[-_.]?(?:set|available|provided)|"
    r"no[-_.]?(?:e-?mail|reply)|do[-_.]?not[-_.]?reply)@"
    r"|(test|testing|guest|anon|na|n\.a|temp|dummy|void|default|email|mail|user|no|xxx+)@\1\.)"
)
# Of the same addresses, whose hash cannot be read, those that are met most.
_NAMES: Final = ("null", "none", "nil", "nan", "undefined", "unknown", "anonymous", "noemail", "no-email", "no_email")
_SENDERS: Final = (
    "noreply",
    "no-reply",
    "no_reply",
    "donotreply",
    "do-not-reply",
    "notset",
    "not-available",
    "no.email",
)
_DOMAINS: Final = (
    *("example.com", "test.com", "email.com", "mail.com", "gmail.com", "domain.com", "null.com", "none.com"),
    *("noemail.com", "unknown.com", "undefined.com", "anonymous.com", "nomail.com", "nowhere.com", "na.com"),
)
_TWICE: Final = (
    "test",
    "testing",
    "guest",
    "anon",
    "na",
    "temp",
    "dummy",
    "void",
    "default",
    "email",
    "mail",
    "user",
    "no",
)
_ENDINGS: Final = ("com", "net", "org", "de", "fr", "es", "it", "nl", "co.uk", "com.au", "io")
NOBODYS: Final = (
    *(f"{name}@{domain}" for name in (*_NAMES, *_SENDERS) for domain in _DOMAINS),
    *(f"{name}@{name}.{ending}" for name in (*_TWICE, "xxx", "xxxx", *_NAMES[:7]) for ending in _ENDINGS),
)
_NO_DOMAIN: Final = r"\.invalid"
# Conversions and audiences both go by this. RFC 5321 §4.5.3.1.3: a path of 256 octets with its angle brackets, hence
# at most 254 for the address.
is_address: Final = re.compile(
    rf"(?!.{{255}})(?!{_NOBODY})[^{_NEVER}]+@[^.{_NEVER}]+(?:\.[^.{_NEVER}]+)+(?<!{_NO_DOMAIN})"
).fullmatch
_names_nobody: Final = re.compile(_NOBODY).match
_DIGEST_LENGTH: Final = 64
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
# MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512; databases and chains write 0x before one.
_ANY_DIGEST: Final = re.compile(r"(?:0x)?(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|(?:[0-9a-fA-F]{32}){2,4}|[0-9a-fA-F]{56})")


def digest(value: object) -> str | None:
    """The SHA-256 that `value` already is, as 64 lower-case hex digits, or None when it is no digest.

    A digest also comes as 32 raw bytes: BigQuery's ``SHA256()`` and PostgreSQL's ``sha256()`` return those. Bytes that
    are text are read as text; that a digest happens to be valid UTF-8 is too unlikely to matter.

    :raises BadValue: if it is the digest of nothing, as SQL makes it of an empty text.
    """
    if type(value) is str and len(value) < _DIGEST_LENGTH:
        return None
    if isinstance(value, (bytes, bytearray, memoryview)) and len(bytes(value)) == 32 and not _is_text(value):
        return _of_somebody(bytes(value).hex())
    written = trimmed(value)
    if written is None or not _DIGEST.fullmatch(written := visible(written)):
        return None
    return _of_somebody(written.lower())


def some_digest(value: object) -> str | None:
    """The hex digits of a hash by MD5 or any SHA, in lower case.

    :raises BadValue: for anything else: its field's name says that it is a hash.
    """
    written = text(value)
    if written is None or _ANY_DIGEST.fullmatch(written):
        return written and written.lower()
    raise BadValue("no hash, as the name of its attribute says: hash it in the query")


def hashed(clean: Normaliser, *, any_digest: bool = False) -> Normaliser:
    """A normaliser to the SHA-256 of what `clean` makes of a raw value, lower-cased; a digest is never hashed again.

    :param clean: the rule of the field's readable twin.
    :param any_digest: that of another function passes too.
    """

    def hexadecimal(value: object) -> str | None:
        ready = digest(value)
        if ready is None and any_digest and isinstance(value, str) and _ANY_DIGEST.fullmatch(value.strip()):
            ready = value.strip().lower()
        if ready is not None:
            return ready
        if type(value) is str and not value[:1].isalnum() and is_wrapped(value.strip()):
            raise BadValue(WRAPPED)
        cleaned = clean(value)
        if cleaned is None:
            return None
        written = str(cleaned)
        # Nan is a name; "nan" is what pandas makes of an empty cell.
        if not written.isdigit() and written != "Nan" and is_nothing(written):
            raise BadValue(PLACEHOLDER)
        return sha256(written.lower().encode()).hexdigest()

    return hexadecimal


def email(value: object) -> str | None:
    """An address in lower case; a SHA-256 digest is let through, for the mapping to move to ``other``.

    :raises BadValue: if it is neither.
    """
    # A digest is no address, so nearly every value needs no other look.
    if type(value) is str and is_address(address := value.strip().lower()):
        return address
    ready = digest(value)
    if ready is not None:
        return ready
    written = trimmed(value)
    if written is None:
        return None
    written = written.lower()
    if is_address(written):
        return written
    if not visible(written):
        return None
    raise BadValue(why_no_address(written) or "not an e-mail address")


def why_no_address(written: str) -> str | None:
    """What else a trimmed, lower-case text is that is no address, where that can be told."""
    if is_wrapped(written):
        return WRAPPED
    nobody = is_placeholder(written) or _names_nobody(written) or written.endswith(".invalid")
    return PLACEHOLDER if nobody else None


def is_nobodys(digest: str) -> bool:
    """Whether a SHA-256 is that of an empty text, of a placeholder or of nobody's address."""
    return is_digest_of_nothing(digest) or digest in _digests_of_nobody()


def _of_somebody(digest: str) -> str:
    if is_nobodys(digest):
        raise BadValue("the hash of an empty text or of a placeholder")
    return digest


@cache
def _digests_of_nobody() -> frozenset[str]:
    return digests_of(NOBODYS)


def _is_text(value: bytes | bytearray | memoryview) -> bool:
    try:
        text(value)
    except BadValue:
        return False
    return True
