"""One normaliser for each kind of field: a raw SQL value to the value Rokt wants.

Each takes whatever a SQL driver returns and gives the value to send, or None when there is nothing to send, and
raises :class:`~airflow_provider_rokt.events.values.BadValue` for what cannot be sent. The small ones are here; the
others have a module each and are handed on, but for phone numbers and times, which depend on a delivery's rules.
"""

import re
from typing import Final

from airflow_provider_rokt.events.amounts import amount, as_decimal, quantity
from airflow_provider_rokt.events.currencies import CURRENCIES
from airflow_provider_rokt.events.dataframes import unboxed
from airflow_provider_rokt.events.emails import digest, email, hashed, is_address, some_digest
from airflow_provider_rokt.events.identifiers import PLACEHOLDER, WRAPPED, event_id, identity, is_wrapped
from airflow_provider_rokt.events.invisible import visible
from airflow_provider_rokt.events.ips import ip
from airflow_provider_rokt.events.placeholders import is_placeholder
from airflow_provider_rokt.events.values import BadValue, text, trimmed, whole

__all__ = [
    "age",
    "amount",
    "currency",
    "digest",
    "email",
    "event_id",
    "flag",
    "guid",
    "hashed",
    "identity",
    "ip",
    "is_address",
    "quantity",
    "some_digest",
]

_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# What iOS and Android report when the user allows no tracking: every such phone has it.
_NO_TRACKING: Final = "00000000-0000-0000-0000-000000000000"
_OLDEST: Final = 150
# MySQL's BIT(1) comes as one byte.
_YES: Final = ("true", "t", "yes", "y", "on", "1", "\x01")
_NO: Final = ("false", "f", "no", "n", "off", "0", "\x00")


def guid(value: object) -> str | None:
    """An advertising or vendor id as ``xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx``; the all-zero one is nothing.

    Rokt refuses any other spelling, and 32 digits without dashes may be a hashed id.

    :raises BadValue: if it is no GUID.
    """
    written = text(value)
    if written is None:
        return None
    lowered = written.lower()
    if lowered == _NO_TRACKING:
        return None
    if _GUID.fullmatch(lowered) and lowered.strip(lowered[0] + "-"):
        return lowered
    if is_wrapped(lowered):
        raise BadValue(WRAPPED)
    # One digit over and over, too: ffffffff-ffff-...
    nobody = is_placeholder(lowered) or _GUID.fullmatch(lowered)
    raise BadValue(PLACEHOLDER if nobody else "not a GUID (8-4-4-4-12 hex digits)")


def age(value: object) -> int | None:
    """Whole years, 0 to 150.

    :raises BadValue: if it is anything else.
    """
    exact = as_decimal(value)
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
    value = unboxed(value)
    if isinstance(value, bool):
        return value
    # Not as text: a BIT's byte is a control character.
    word = visible(trimmed(value) or "").lower()
    if not word:
        return None
    if word in _YES or word in _NO:
        return word in _YES
    raise BadValue("neither true nor false")
