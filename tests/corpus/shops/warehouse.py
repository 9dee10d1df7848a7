"""Tables of warehouses: Snowflake's UPPERCASE columns, BigQuery's hashes in bytes, DuckDB's lists and structs."""

from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

COLUMNS = ("ORDER_ID", "ORDERED_AT", "TOTAL", "EMAIL_SHA256", "CUSTOMER", "CLICK", "BORN", "ADDRESS", "TAGS", "SCORE")
MAPPING = {
    "user_identities.other": "email_sha256",
    "user_identities.customerid": "customer",
    "user_identities.other2": "click",
    "user_attributes.dob": "born",
    "user_attributes.address": "address",
    "user_attributes.tags": "tags",
    "user_attributes.predictedltv": "score",
    "events[].data.source_message_id": "order_id",
    "events[].data.timestamp_unixtime_ms": "ordered_at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.amount": "total",
    "events[].data.custom_attributes.currency": {"literal": "USD"},
}
_NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
_HASH = sha256(b"ann@example.com")
_NO = (None,) * 4

ROWS = {
    "Snowflake": (
        *(Decimal("90071992547409931"), _NOON, Decimal("149.90"), _HASH.hexdigest().upper(), Decimal("17"), "click-1"),
        *(date(1990, 7, 4), '{"city": "Berlin"}', '["a", "b"]', Decimal("1250.50")),
    ),
    "BigQuery": ("2", _NOON, Decimal("0"), _HASH.digest(), 17, None, date(1990, 7, 4), None, ["a", "b"], 1250.5),
    "DuckDB": (
        *(UUID(int=3), datetime(2025, 6, 1, 12), Decimal("5.00"), " Ann@Example.com", 17, None, "1990-07-04"),
        *({"city": "Berlin"}, ["a"], 10**30),
    ),
    "Redshift's nanoseconds": ("4", 1748779200123456789, "5.00", _HASH.hexdigest(), 17, *_NO, None),
    "a joined id as a float": ("5", _NOON, "5.00", _HASH.hexdigest(), 143349558619761320.0, *_NO, None),
    "an id as Spark writes it": ("15", _NOON, "5.00", _HASH.hexdigest(), "1.4334955861976131E17", *_NO, None),
    "an order id as a float": (143349558619761320.0, _NOON, "5.00", _HASH.hexdigest(), 17, *_NO, None),
    "a small id as a float": (7.0, _NOON, "5.00", _HASH.hexdigest(), 17.0, *_NO, None),
    "a click id still a VARIANT": ("8", _NOON, "5.00", _HASH.hexdigest(), 17, '"click-8"', *_NO),
    "a click id of nothing": ("9", _NOON, "5.00", _HASH.hexdigest(), 17, "null", *_NO),
    "the hash of nothing": ("10", _NOON, "5.00", sha256(b"").digest(), 17, *_NO, None),
    "half a hash": ("11", _NOON, "5.00", _HASH.hexdigest()[:32], 17, *_NO, None),
    "hashed with MD5 alone": ("12", _NOON, "5.00", _HASH.hexdigest()[:32], None, *_NO, None),
    "NaN for a score": ("13", _NOON, "5.00", None, 17, *_NO, float("nan")),
    "a score without end": ("14", _NOON, "5.00", None, 17, *_NO, float("inf")),
}
