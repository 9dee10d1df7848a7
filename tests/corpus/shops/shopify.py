"""An order export as Shopify writes it: all of it text, times with the shop's offset, phones as people type them."""

COLUMNS = ("Id", "Name", "Email", "Created at", "Currency", "Total", "Phone", "Billing City", "Billing Zip")
MAPPING = {
    "user_identities.email": "Email",
    "user_attributes.mobile": "Phone",
    "user_attributes.city": "Billing City",
    "user_attributes.zip": "Billing Zip",
    "events[].data.source_message_id": "Id",
    "events[].data.timestamp_unixtime_ms": "Created at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.confirmationref": "Name",
    "events[].data.custom_attributes.amount": "Total",
    "events[].data.custom_attributes.currency": "Currency",
}
_NOON = "2025-03-14 12:00:00 +0000"

ROWS = {
    "a usual order": (
        *("5471000000001", "#1001", "Jane.Smith@Example.com", "2025-03-14 09:26:53 -0400"),
        *("USD", "149.99", "+1 555-123-4567", "New York", "10001"),
    ),
    "paid by gift card": ("5471000000002", "#1002", "ann@example.com", _NOON, "USD", "0.00", "", "", "07030"),
    "a refund": ("5471000000003", "#1003", "bob@example.com", _NOON, "USD", "-24.50", "555.123.4567", "", ""),
    "from Germany": (
        *("5471000000004", "#1004", "kaethe@example.de", "2025-03-14T09:26:53+01:00"),
        *("EUR", "12.5", "+49 (0)30 901820", "Köln", "50667"),
    ),
    "from the UK": (
        *("5471000000005", "#1005", "CHRIS@example.co.uk", "2025-07-01 10:00:00 +0100"),
        *("gbp", "80", "+44 (0)20 7946 0958", "London ", "EC1A 1BB"),
    ),
    "from Japan": ("5471000000006", "#1006", "taro@example.jp", _NOON, "JPY", "12800", "+81 90-1234-5678", "大阪", ""),
    "phone in words": ("5471000000007", "#1007", "eve@example.com", _NOON, "USD", "5.00", "call my wife", "", ""),
    "phone without its area": ("5471000000008", "#1008", "eve@example.com", _NOON, "USD", "5.00", "123-4567", "", ""),
    "sold at the counter": ("5471000000009", "#1009", "", _NOON, "USD", "5.00", "(555) 123-4567", "", ""),
    "with a symbol": ("5471000000010", "#1010", "dan@example.com", _NOON, "USD", "$19.99", "", "", ""),
    "with thousands": ("5471000000011", "#1011", "dan@example.com", _NOON, "USD", "1,249.00", "", "", ""),
    "decimal comma": ("5471000000012", "#1012", "dan@example.com", _NOON, "EUR", "19,99", "", "", ""),
    "no such currency": ("5471000000013", "#1013", "dan@example.com", _NOON, "EURO", "19.99", "", "", ""),
    "an American day": ("5471000000014", "#1014", "dan@example.com", "03/14/2025", "USD", "19.99", "", "", ""),
    "without a number": ("", "#1015", "dan@example.com", _NOON, "USD", "19.99", "", "", ""),
}
