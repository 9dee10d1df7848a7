"""A shop on MySQL: mysqlclient's bytes for BIT, mysql-connector's bytearrays, zero dates, floats for money."""

from datetime import date, datetime
from decimal import Decimal

COLUMNS = ("id", "created", "price", "email", "member", "first", "born", "phone", "zip", "optin", "rights", "visits")
MAPPING = {
    "user_identities.email": "email",
    "user_identities.customerid": "member",
    "user_attributes.firstname": "first",
    "user_attributes.dob": "born",
    "user_attributes.mobile": "phone",
    "user_attributes.zip": "zip",
    "user_attributes.optin": "optin",
    "user_attributes.rights": "rights",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "created",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.amount": "price",
    "events[].data.custom_attributes.currency": {"literal": "USD"},
    "events[].data.custom_attributes.visits": "visits",
}
_NOON = datetime(2025, 6, 1, 12, 0)
_NO = (None,) * 7

ROWS = {
    "mysqlclient": (
        *(4294967295, _NOON, Decimal("149.90"), "Zoe@Example.com", 18446744073709551615, "Zoë", None),
        *(5551234567, 2138, b"\x01", b"\x01\x02", 1),
    ),
    "mysql-connector": (
        *(2, _NOON, Decimal("0.00"), bytearray(b"Zoe@Example.com"), 7, bytearray("Zoë".encode()), date(1990, 7, 4)),
        *("555 123 4567", "02138", 1, 258, 0),
    ),
    "a BIT of no": (3, _NOON, Decimal("1.00"), "zoe@example.com", 7, None, None, None, None, b"\x00", b"\x00\x00", -1),
    "born on a zero day": (4, _NOON, Decimal("1.00"), "zoe@example.com", 7, "Zoë", "0000-00-00", *_NO[:5]),
    "latin1 in a VARBINARY": (5, _NOON, Decimal("1.00"), "zoe@example.com", 7, b"Zo\xeb", *_NO[:6]),
    "member a NUL": (6, _NOON, Decimal("1.00"), "zoe@example.com", b"\x00", *_NO),
    "member with a bell": (7, _NOON, Decimal("1.00"), "zoe@example.com", "m\x077", *_NO),
    "a float's noise": (8, _NOON, 439.99999809265137, "zoe@example.com", 7, *_NO),
    "a sum's noise": (9, _NOON, 0.1 + 0.2, "zoe@example.com", 7, *_NO),
    "a long sum's noise": (15, _NOON, 99.9999999999986, "zoe@example.com", 7, *_NO),
    "a third of something": (10, _NOON, 100 / 3, "zoe@example.com", 7, *_NO),
    "a FLOAT in whole": (11, _NOON, 100.0, "zoe@example.com", 7, *_NO),
    "a zero date as nothing": (12, None, Decimal("1.00"), "zoe@example.com", 7, *_NO),
    "a zero date as text": (13, "0000-00-00 00:00:00", Decimal("1.00"), "zoe@example.com", 7, *_NO),
    "a day as a number": (14, 20250601, Decimal("1.00"), "zoe@example.com", 7, *_NO),
}
