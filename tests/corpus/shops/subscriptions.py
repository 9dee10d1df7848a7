"""A subscription business: signups, birthdays, consent as five databases spell it, click and device ids."""

from datetime import UTC, date, datetime
from decimal import Decimal

COLUMNS = ("id", "at", "type", "email", "user", "click", "idfa", "agent", "age", "born", "ads", "ads_at", "optout")
MAPPING = {
    "device_info.http_header_user_agent": "agent",
    "device_info.ios_advertising_id": "idfa",
    "user_identities.email": "email",
    "user_identities.customerid": "user",
    "user_identities.other2": "click",
    "user_attributes.age": "age",
    "user_attributes.dob": "born",
    "consent_state.gdpr.ads.consented": "ads",
    "consent_state.gdpr.ads.timestamp_unixtime_ms": "ads_at",
    "consent_state.ccpa.data_sale_opt_out.consented": "optout",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": "type",
}
_NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
_EVE = "eve@example.com"
_IDFA = "6d92078a-8246-4ba4-ae5b-76104861e7dc"

ROWS = {
    "a signup": (
        *("s-1", _NOON, "signup", _EVE, "u1", "click-1", _IDFA, "Mozilla/5.0", Decimal("42"), datetime(1983, 5, 6)),
        *("yes", "2025-05-31 12:00:00+00", b"\x00"),
    ),
    "consent in numbers": ("s-2", _NOON, "trial", _EVE, "u1", *[None] * 3, 42.0, "19830506", 1, None, 0),
    "no consent asked": ("s-3", _NOON, "renewal", _EVE, "u1", *[None] * 3, "42", "1983-05-06", None, _NOON, None),
    "consent in letters": ("s-4", _NOON, "trial", _EVE, "u1", *[None] * 5, "f", None, "T"),
    "perhaps": ("s-5", _NOON, "trial", _EVE, "u1", *[None] * 5, "perhaps", None, None),
    "consent in the future": ("s-6", _NOON, "trial", _EVE, "u1", *[None] * 5, True, "2999-01-01", None),
    "no type": ("s-7", _NOON, " ", _EVE, "u1", *[None] * 8),
    "not yet born": ("s-8", _NOON, "signup", _EVE, "u1", *[None] * 4, date(2999, 1, 1), *[None] * 3),
    "born in either month": ("s-9", _NOON, "signup", _EVE, "u1", *[None] * 4, "07/04/1990", *[None] * 3),
    "too old": ("s-10", _NOON, "signup", _EVE, "u1", *[None] * 3, 151, *[None] * 4),
    "age in words": ("s-11", _NOON, "signup", _EVE, "u1", *[None] * 3, "thirty", *[None] * 4),
    "no tracking": ("s-12", _NOON, "signup", _EVE, "u1", None, "00000000-0000-0000-0000-000000000000", *[None] * 6),
    "no advertising id": ("s-13", _NOON, "signup", _EVE, "u1", None, "not-a-guid", *[None] * 6),
    "an advertising id alone": ("s-14", _NOON, "signup", None, None, None, _IDFA, *[None] * 6),
    "a click alone": ("s-15", _NOON, "signup", None, None, "click-15", *[None] * 7),
    "a bad address beside an id": ("s-16", _NOON, "signup", "eve at example.com", "u1", *[None] * 8),
    "a bad address alone": ("s-17", _NOON, "signup", "eve at example.com", *[None] * 9),
}
