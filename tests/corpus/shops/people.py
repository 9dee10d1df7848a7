"""Customers of the whole world: names in many scripts, what nobody sees in them, odd addresses of both kinds, money."""

from datetime import datetime
from ipaddress import IPv6Address

COLUMNS = ("id", "email", "first", "last", "ip", "amount", "currency", "at")
MAPPING = {
    "ip": "ip",
    "user_identities.email": "email",
    "user_identities.customerid": "id",
    "user_attributes.firstname": "first",
    "user_attributes.firstnamesha256": "first",
    "user_attributes.lastnamesha256": "last",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
    "events[].data.custom_attributes.amount": "amount",
    "events[].data.custom_attributes.currency": "currency",
}
_PEOPLE = {
    # row: e-mail, first name, last name, IP address, amount, currency
    "Spanish": ("jose@example.es", "José", " MUÑOZ ", None, "9.99", "eur"),
    "German": ("käthe@bücher.example", "KÄTHE", "Weiß", None, None, None),
    "Japanese": ("taro@example.jp", "太郎", "山田", None, 12800, "JPY"),
    "Greek": (None, "ΕΛΈΝΗ", None, None, "9.99", "EUR"),
    "Russian": (None, "Ольга", None, None, "9.99", None),
    "Arabic": (None, "محمد", None, None, 12.345000267028809, "KWD"),
    "Hebrew": (None, "\u200fדוד\u200f", None, None, None, None),
    "Thai": (None, "สมชาย", None, None, None, None),
    "Irish": (None, "Seán", "O'Neill", None, None, None),
    "a zero-width space": (None, "John\u200b", "Smith", None, None, None),
    "a byte order mark": (None, "\ufeffJohn", None, None, None, None),
    "a Hangul filler": (None, "John\u3164", None, None, None, None),
    "a Braille blank": (None, "John\u2800", None, None, None, None),
    "a variation selector": (None, "John\ufe0f", None, None, None, None),
    "a Mongolian separator": (None, "J\u180eohn", None, None, None, None),
    "a soft hyphen": (None, "Jo\u00adhn", None, None, None, None),
    "nothing to be seen": (None, "\u200b\u3164", None, None, None, None),
    "half a character": (None, "John\ud83d", None, None, None, None),
    "no-break spaces around": ("\u00a0Ann@Example.com\u00a0", None, None, None, None, None),
    "a plus in the address": ("ann+rokt@example.com", None, None, None, None, None),
    "an invisible one in the address": ("ann\u200b@example.com", None, None, None, None, None),
    "name and address": ("Ann <ann@example.com>", None, None, None, None, None),
    "a link": ("mailto:ann@example.com", None, None, None, None, None),
    "two addresses": ("ann@example.com;bob@example.com", None, None, None, None, None),
    "a blank in the address": ("ann lee@example.com", None, None, None, None, None),
    "no domain": ("ann@example", None, None, None, None, None),
    "IPv6": (None, None, None, "2001:DB8:0:0::1", None, None),
    "IPv4 in IPv6": (None, None, None, "::ffff:203.0.113.42", None, None),
    "IPv4 in IPv6, as an object": (None, None, None, IPv6Address("::ffff:cb00:712a"), None, None),
    "forwarded": (None, None, None, "203.0.113.42, 10.0.0.1", None, None),
    "forwarded from inside": (None, None, None, "192.168.1.5, 203.0.113.42,10.0.0.1", None, None),
    "forwarded inside only": (None, None, None, "192.168.1.5, 10.0.0.1", None, None),
    "no IP address": (None, None, None, "203.0.113.256", None, None),
    "an unknown IP address": (None, None, None, "unknown", None, None),
    "a sign for a currency": (None, None, None, None, "9.99", "€"),
    "a coin": (None, None, None, None, "9.99", "BTC"),
}
ROWS = {name: (name, *person, datetime(2025, 1, 1)) for name, person in _PEOPLE.items()}
