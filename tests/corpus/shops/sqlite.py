"""A shop on SQLite, read from a real one: text times without a zone, 0 and 1, '' beside NULL, REAL money."""

ROAD = "sqlite"
COLUMNS = ("InvoiceId", "InvoiceDate", "Total", "Email", "Customer", "Phone", "City", "Newsletter", "Picture")
MAPPING = {
    "user_identities.email": "Email",
    "user_identities.customerid": "Customer",
    "user_attributes.mobile": "Phone",
    "user_attributes.city": "City",
    "user_attributes.newsletter": "Newsletter",
    "user_attributes.picture": "Picture",
    "events[].data.source_message_id": "InvoiceId",
    "events[].data.timestamp_unixtime_ms": "InvoiceDate",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.amount": "Total",
    "events[].data.custom_attributes.currency": {"literal": "USD"},
}
_DAY = "2025-01-01 00:00:00"
_BOB = "bob@example.com"

ROWS = {
    "as Chinook": (1, _DAY, 1.98, "luisg@embraer.com.br", 1, "+55 (12) 3923-5555", "São José dos Campos", 1, None),
    "Chinook's Chilean": (2, _DAY, 5.94, "luisrojas@yahoo.cl", 57, "+56 (0)2 635 4444", "Santiago", 0, None),
    "Chinook's Dane": (3, _DAY, 8.91, "kara.nielsen@jubii.dk", 9, "+453 3331 9991", "Copenhagen", "", None),
    "blanks": (4, _DAY, 13.86, _BOB, "", "", "  ", None, None),
    "seconds": (5, 1735689600, 5.0, _BOB, None, None, None, None, None),
    "milliseconds": (6, 1735689600123, 5, _BOB, None, None, None, None, None),
    "seconds with a fraction": (7, 1735689600.123, "5.00", _BOB, None, None, None, None, None),
    "microseconds": (8, 1735689600123456, "5.00", _BOB, None, None, None, None, None),
    "text with a zone": (9, "2025-01-01T01:00:00.123+01:00", "5.00", _BOB, None, None, None, None, None),
    "a Julian day": (10, 2460676.5, "5.00", _BOB, None, None, None, None, None),
    "a picture": (11, _DAY, "5.00", _BOB, None, None, None, None, b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
    "exponents": (12, _DAY, "1e3", _BOB, None, None, None, None, None),
    "nobody": (13, _DAY, "5.00", "", " ", "555-123-4567", None, 1, None),
}
