"""A shop on PostgreSQL, some rows as psycopg 3 returns them and some as psycopg2 does."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address
from uuid import UUID
from zoneinfo import ZoneInfo

COLUMNS = ("id", "placed_at", "total", "email", "customer", "ip", "dob", "first", "hash", "moods", "vip", "credit")
MAPPING = {
    "ip": "ip",
    "user_identities.email": "email",
    "user_identities.other": "hash",
    "user_identities.customerid": "customer",
    "user_attributes.dob": "dob",
    "user_attributes.firstnamesha256": "first",
    "user_attributes.moods": "moods",
    "user_attributes.vip": "vip",
    "user_attributes.credit": "credit",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "placed_at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.amount": "total",
    "events[].data.custom_attributes.currency": {"literal": "EUR"},
    "events[].data.custom_attributes.emailsha256": "email",
}
_ID = UUID("7f0f2c7e-5f0b-4a5e-9c43-0d6c3c2f1a10")
_NOON = datetime(2025, 6, 1, 14, 0, tzinfo=ZoneInfo("Europe/Berlin"))
_OLD = timezone(timedelta(hours=-5))
_ANN = "ann@example.com"
# SELECT sha256('ann@example.com'): 32 bytes
_DIGEST = bytes.fromhex("71d4f55f72fa128dfb468a1a3901507c804b74316488744d769d7f4b16696476")
_NO = (None,) * 4
_ONE = Decimal("1.00")

ROWS = {
    "psycopg 3": (
        *(_ID, _NOON, Decimal("149.90"), "Ann@Example.com", 17, IPv4Address("203.0.113.42"), date(1990, 7, 4)),
        *("Zoë ", _DIGEST, ["glad", None, "calm"], True, Decimal("100.00")),
    ),
    "psycopg2": (
        *("b-2", datetime(2025, 6, 1, 7, 0, 0, 123456, _OLD), Decimal("0.00"), _ANN, "17", "2001:db8::1/128", None),
        *("ZOË", memoryview(_DIGEST), '{glad,"very calm"}', False, Decimal("99.99")),
    ),
    "numeric without scale": ("b-3", _NOON, Decimal("1E+2"), _ANN, *_NO, *_NO[:3], Decimal("100")),
    "born at infinity": ("b-4", _NOON, _ONE, _ANN, None, None, "infinity", None, *_NO),
    "born before time": ("b-5", _NOON, _ONE, _ANN, None, None, "-infinity", None, *_NO),
    "born before Christ": ("b-6", _NOON, _ONE, _ANN, None, None, "0044-03-15 BC", None, *_NO),
    "born in year one": ("b-7", _NOON, _ONE, _ANN, None, None, date(1, 1, 1), None, *_NO),
    "born under SQL Server": ("b-8", _NOON, _ONE, _ANN, None, None, date(1753, 1, 1), None, *_NO),
    "name still in JSON": ("b-9", _NOON, _ONE, _ANN, None, None, None, '"Jane"', *_NO),
    "name a JSON null": ("b-10", _NOON, _ONE, _ANN, None, None, None, "null", *_NO),
    "customer still in JSON": ("b-11", _NOON, _ONE, _ANN, '"c-17"', None, None, None, *_NO),
    "inet with its network": (
        "b-12",
        _NOON,
        _ONE,
        _ANN,
        None,
        IPv4Interface("203.0.113.42/24"),
        *_NO[:2],
        *_NO,
    ),
    "cidr of one host": ("b-13", _NOON, _ONE, _ANN, None, IPv4Network("203.0.113.42/32"), *_NO, *_NO[:2]),
    "cidr of a network": ("b-14", _NOON, _ONE, _ANN, None, "203.0.113.0/24", *_NO, *_NO[:2]),
    "mapped into IPv6": (
        "b-15",
        _NOON,
        _ONE,
        _ANN,
        None,
        IPv6Address("::ffff:203.0.113.42"),
        *_NO[:2],
        *_NO,
    ),
    "placed at infinity": ("b-16", "infinity", _ONE, _ANN, *_NO, *_NO),
    "placed in 1970": ("b-17", datetime(1970, 1, 1, tzinfo=UTC), _ONE, _ANN, *_NO, *_NO),
    "a price without end": ("b-18", _NOON, Decimal("Infinity"), _ANN, *_NO, *_NO),
}
