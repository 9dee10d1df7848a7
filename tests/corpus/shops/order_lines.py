"""Order lines instead of orders: one order number in several rows; a customer's events travel together."""

from datetime import datetime

OPTIONS = {"group_by_user": True}
COLUMNS = ("order", "at", "line_total", "email", "first", "last", "ip")
MAPPING = {
    "ip": "ip",
    "user_identities.email": "email",
    "user_attributes.firstname": "first",
    "user_attributes.lastname": "last",
    "events[].data.source_message_id": "order",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.amount": "line_total",
}
_NOON = datetime(2025, 6, 1, 12)

ROWS = {
    "the first line": ("A3", _NOON, 168, "ann@example.com", "Ann", None, "203.0.113.1"),
    "the second line": ("A3", _NOON, 98, "ann@example.com", "Ann", None, "203.0.113.1"),
    "the third line": ("A3", _NOON, 174, "ann@example.com", "Ann", None, "203.0.113.1"),
    "a row": ("A4", _NOON, "5.00", "bob@example.com", None, None, None),
    "the same row": ("A4", _NOON, "5.00", "bob@example.com", None, None, None),
    "the same row but for blanks": ("A4 ", _NOON, "5.00", " BOB@example.com", "", None, None),
    "Ann again, her name complete": ("A5", _NOON, 10, "ann@example.com", "Ann", "Lee", "203.0.113.1"),
    "Ann from elsewhere": ("A6", _NOON, 11, "ann@example.com", "Ann", "Lee", "203.0.113.2"),
    "Ann under another name": ("A7", _NOON, 12, "ann@example.com", "Anne", "Lee", "203.0.113.2"),
    "another time": ("A4", datetime(2025, 6, 2, 12), "5.00", "bob@example.com", None, None, None),
}
