"""One normaliser for each kind of field: a raw SQL value to the value Rokt wants.

Each takes whatever a SQL driver returns and gives the value to send, or None when there is nothing to send, and
raises :class:`~airflow_provider_rokt.events.values.BadValue` for what cannot be sent. Phone numbers and times have
modules of their own.
"""

import re
from decimal import Decimal
from hashlib import sha256
from ipaddress import ip_address
from typing import Final

from airflow_provider_rokt.events.currencies import CURRENCIES
from airflow_provider_rokt.events.values import BadValue, Normaliser, number, plain, scalar, text, whole

# What no unquoted address holds: separators ("Jane <jane@x.org>", "mailto:", lists), blanks, controls, the
# invisible characters that copying from a page leaves behind, and surrogates, which cannot be written as UTF-8. One of
# them would change the hash, so the address would be sent and never match.
_NEVER: Final = r"\s@<>()\[\]\\,;:\"\x00-\x20\x7f-\xa0\xad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff"
# Conversions and audiences both go by this. RFC 5321 §4.5.3.1.3: a path of 256 octets with its angle brackets, hence
# at most 254 for the address.
is_address: Final = re.compile(rf"(?!.{{255}})[^{_NEVER}]+@[^.{_NEVER}]+(?:\.[^.{_NEVER}]+)+").fullmatch
_DIGEST_LENGTH: Final = 64
_DIGEST: Final = re.compile(r"[0-9a-fA-F]{64}")
# ipaddress takes 4 µs an address; most are this, and it leaves them as they are.
_IPV4: Final = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}")
_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What iOS and Android report when the user allows no tracking: every such phone has it.
_NO_TRACKING: Final = "00000000-0000-0000-0000-000000000000"
# Bounded, because int() and Decimal() of text take the square of its length.
_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})")
# What Decimal would give back unchanged, and ten times slower.
_PLAIN: Final = re.compile(r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?")
_OLDEST: Final = 150
# MySQL's BIT(1) comes as one byte.
_YES: Final = ("true", "t", "yes", "y", "on", "1", "\x01")
_NO: Final = ("false", "f", "no", "n", "off", "0", "\x00")


def digest(value: object) -> str | None:
    """The SHA-256 that `value` already is, as 64 lower-case hex digits, or None when it is no digest.

    A digest also comes as 32 raw bytes: BigQuery's ``SHA256()`` and PostgreSQL's ``sha256()`` return those. Bytes that
    are text are read as text; that a digest happens to be valid UTF-8 is too unlikely to matter.
    """
    if type(value) is str and len(value) < _DIGEST_LENGTH:
        return None
    if isinstance(value, (bytes, bytearray, memoryview)) and len(bytes(value)) == 32 and not _is_text(value):
        return bytes(value).hex()
    written = text(value)
    return written.lower() if written is not None and _DIGEST.fullmatch(written) else None


def hashed(clean: Normaliser) -> Normaliser:
    """A normaliser to the SHA-256 of what `clean` makes of a raw value, lower-cased; a digest is never hashed again.

    :param clean: the rule of the field's readable twin.
    """

    def hexadecimal(value: object) -> str | None:
        ready = digest(value)
        if ready is not None:
            return ready
        cleaned = clean(value)
        return None if cleaned is None else sha256(str(cleaned).lower().encode()).hexdigest()

    return hexadecimal


def email(value: object) -> str | None:
    """An address in lower case; a SHA-256 digest is let through, for the mapping to move to ``other``.

    :raises BadValue: if it is neither.
    """
    ready = digest(value)
    if ready is not None:
        return ready
    address = text(value)
    if address is None:
        return None
    address = address.lower()
    if not is_address(address):
        raise BadValue("not an e-mail address")
    return address


def ip(value: object) -> str | None:
    """An IPv4 or IPv6 address, from text or from the address objects some drivers return.

    :raises BadValue: if it is neither, or a network.
    """
    written = text(value)
    if written is None or _IPV4.fullmatch(written):
        return written
    # PostgreSQL writes an inet as text with its /32 or /128.
    host, slash, prefix = written.partition("/")
    try:
        address = ip_address(host)
    except ValueError:
        raise BadValue("not an IPv4 or IPv6 address") from None
    if "%" in host or (slash and prefix != str(address.max_prefixlen)):
        raise BadValue("not the IPv4 or IPv6 address of one host")
    return str(address)


def guid(value: object) -> str | None:
    """An advertising or vendor id as ``xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx``; the all-zero one is nothing.

    Rokt refuses any other spelling, and 32 digits without dashes may be a hashed id.

    :raises BadValue: if it is no GUID.
    """
    written = text(value)
    if written is None:
        return None
    lowered = written.lower()
    if not _GUID.fullmatch(lowered):
        raise BadValue("not a GUID (8-4-4-4-12 hex digits)")
    return None if lowered == _NO_TRACKING else lowered


def amount(value: object) -> str | None:
    """A plain decimal number as text, like ``99.99``: zero and a decimal's scale are kept, no exponent, no symbol.

    :raises BadValue: if it is anything else.
    """
    if type(value) is str and _PLAIN.fullmatch(value):
        return value
    exact = _decimal(value)
    if exact is None:
        return None
    # A float has no scale of its own: 100.0 is 100, while a NUMERIC's 100.00 is meant so.
    integer = whole(exact) if isinstance(value, float) else None
    return plain(exact) if integer is None else str(integer)


def quantity(value: object) -> int | float | str | None:
    """A number as it comes, a decimal with a fraction or text as plain decimal text.

    :raises BadValue: if it is no number.
    """
    exact = _decimal(value)
    if exact is None:
        return None
    if isinstance(value, (int, float, Decimal)):
        return scalar(value)
    return plain(exact)


def age(value: object) -> int | None:
    """Whole years, 0 to 150.

    :raises BadValue: if it is anything else.
    """
    exact = _decimal(value)
    if exact is None:
        return None
    years = whole(exact)
    if years is None or not 0 <= years <= _OLDEST:
        raise BadValue(f"not an age: whole years, 0 to {_OLDEST}")
    return years


def currency(value: object) -> str | None:
    """An ISO 4217 code in capitals.

    :raises BadValue: if it is no active code.
    """
    code = text(value)
    if code is None:
        return None
    code = code.upper()
    if code not in CURRENCIES:
        raise BadValue("not an ISO 4217 currency code, like USD")
    return code


def flag(value: object) -> bool | None:
    """A yes or no, in the spellings databases have for it.

    :raises BadValue: if it is neither.
    """
    if isinstance(value, bool):
        return value
    written = text(value)
    if written is None:
        return None
    word = written.lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise BadValue("neither true nor false")


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool):
        raise BadValue("a number is wanted, not a true or false")
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    written = text(value)
    if written is None:
        return None
    if not _DECIMAL.fullmatch(written):
        raise BadValue("not a plain decimal number, like 1234.50")
    return Decimal(written)


def _is_text(value: bytes | bytearray | memoryview) -> bool:
    try:
        bytes(value).decode()
    except UnicodeDecodeError:
        return False
    return True
