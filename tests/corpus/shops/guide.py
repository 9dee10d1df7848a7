"""Rokt's guide itself: its complete example, its tables of fields, its rule for hashes."""

COLUMNS = (
    *("order_id", "placed", "ref", "email", "hashed", "customer", "click", "ip", "agent", "idfa", "aaid"),
    *("first", "last", "phone", "age", "born", "gender", "city", "state", "zip", "title", "language", "value", "ltv"),
    "amount",
)
MAPPING = {
    "ip": "ip",
    "device_info.http_header_user_agent": "agent",
    "device_info.ios_advertising_id": "idfa",
    "device_info.android_advertising_id": "aaid",
    "user_identities.email": "email",
    "user_identities.other": "hashed",
    "user_identities.customerid": "customer",
    "user_identities.other2": "click",
    **{f"user_attributes.{name}": name for name in ("age", "gender", "city", "state", "zip", "title", "language")},
    "user_attributes.dob": "born",
    "user_attributes.value": "value",
    "user_attributes.predictedltv": "ltv",
    "user_attributes.firstname": "first",
    "user_attributes.lastname": "last",
    "user_attributes.mobile": "phone",
    "user_attributes.firstnamesha256": "first",
    "user_attributes.lastnamesha256": "last",
    "user_attributes.mobilesha256": "phone",
    "events[].data.source_message_id": "order_id",
    "events[].data.timestamp_unixtime_ms": "placed",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.confirmationref": "ref",
    "events[].data.custom_attributes.amount": "amount",
    "events[].data.custom_attributes.currency": {"literal": "USD"},
}
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"
_IDS = "6d92078a-8246-4ba4-ae5b-76104861e7dc", "38400000-8cf0-11bd-b23e-10b96e40000d"

ROWS = {
    "the complete example": (
        *("order_789012", 1735689600000, "ORD-789012", "jane.smith@example.com", None, "cust_123456"),
        *("rokt-click-id-from-url-param", "203.0.113.42", _IPHONE, None, None),
        *("Jane", "Smith", None, None, None, None, "New York", "NY", "10001", None, None, None, None, "149.99"),
    ),
    "every field": (
        *("order_2", 1735689600, "ORD-2", " Jane.Smith@Example.COM ", "jane.smith@example.com", 123456, "click-2"),
        *("203.0.113.42", _IPHONE, *_IDS, " Jane ", "SMITH", "+1 (555) 123-4567", 34, "1990-07-04", "Female"),
        *("New York", "NY", "10001", "Ms", "en", 12, 250, "99.99"),
    ),
    "the least": ("order_3", 1735689600000, *[None] * 2, "A" * 64, *[None] * 19, None),
    "no identity": ("order_4", 1735689600000, *[None] * 20, 12, None, "1.00"),
}
