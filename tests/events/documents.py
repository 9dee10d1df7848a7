"""Single-event batches for the tests: Rokt's own example, and generated ones of every shape the schema allows."""

from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

Document = dict[str, Any]

# The complete example of Rokt's guide, as printed there.
EXAMPLE: Document = {
    "environment": "production",
    "ip": "203.0.113.42",
    "device_info": {"http_header_user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X)"},
    "user_identities": {
        "email": "jane.smith@example.com",
        "customerid": "cust_123456",
        "other2": "rokt-click-id-from-url-param",
    },
    "user_attributes": {
        "firstname": "Jane",
        "lastname": "Smith",
        "zip": "10001",
        "city": "New York",
        "state": "NY",
    },
    "events": [
        {
            "event_type": "custom_event",
            "data": {
                "event_name": "conversion",
                "custom_event_type": "transaction",
                "source_message_id": "order_789012",
                "timestamp_unixtime_ms": 1735689600000,
                "custom_attributes": {
                    "conversiontype": "purchase",
                    "confirmationref": "ORD-789012",
                    "amount": "149.99",
                    "currency": "USD",
                },
            },
        }
    ],
}

MEMBERSHIP: Document = {
    "environment": "production",
    "user_identities": {"email": "jane.smith@example.com"},
    "user_attributes": {"segment_lapsed": True},
    "events": [
        {
            "event_type": "custom_event",
            "data": {
                "event_name": "audiencemembershipupdate",
                "custom_event_type": "other",
                "source_message_id": "aud_1",
                "timestamp_unixtime_ms": 1735689600000,
                "custom_attributes": {"audience_name": "lapsed", "status": "add"},
            },
        }
    ],
}


def with_value(document: Document, path: tuple[str | int, ...], value: object) -> Document:
    """A copy with one value set; sections on the way are made where they are missing."""
    copy = deepcopy(document)
    place: Any = copy
    for step in path[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[path[-1]] = value
    return copy


def without(document: Document, path: tuple[str | int, ...]) -> Document:
    """A copy that lacks one member."""
    copy = deepcopy(document)
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return copy


def _optional(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries({}, optional=members)


names = st.text(min_size=1, max_size=12).filter(lambda name: not name.endswith("sha256"))
texts = st.text(max_size=30)
labels = st.text(min_size=1, max_size=30)
numbers = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
scalars = texts | numbers | st.booleans()
timestamps = st.integers(10**11, 253402300799999)
sha256s = st.binary(min_size=32, max_size=32).map(bytes.hex)
guids = st.uuids().map(str) | st.uuids().map(lambda guid: str(guid).upper())
emails = st.tuples(st.from_regex(r"[a-z0-9.é+-]{1,9}", fullmatch=True), st.sampled_from(["x.org", "exämple.com"])).map(
    "@".join
)
ips = st.ip_addresses().map(str)
consents = st.fixed_dictionaries(
    {"consented": st.booleans(), "timestamp_unixtime_ms": timestamps},
    optional={"document": texts, "location": texts, "hardware_id": texts},
)
user_attributes = st.builds(
    lambda custom, known: custom | known,
    st.dictionaries(names, scalars | st.lists(texts, max_size=3), max_size=4),
    _optional(firstnamesha256=sha256s, dob=st.dates().map(lambda day: day.isoformat().replace("-", ""))),
)
conversion_attributes = st.builds(
    lambda custom, known: custom | known,
    st.dictionaries(names, scalars, max_size=3),
    st.fixed_dictionaries(
        {"conversiontype": labels},
        optional={
            "confirmationref": texts,
            "amount": st.decimals(-(10**6), 10**6, places=2).map(str),
            "currency": st.sampled_from(["USD", "EUR", "JPY"]),
        },
    ),
)


def _events(name: str, kind: str, attributes: st.SearchStrategy[Document]) -> st.SearchStrategy[list[Document]]:
    data = st.fixed_dictionaries(
        {
            "event_name": st.just(name),
            "custom_event_type": st.just(kind),
            "source_message_id": labels,
            "timestamp_unixtime_ms": timestamps,
            "custom_attributes": attributes,
        }
    )
    return st.fixed_dictionaries({"event_type": st.just("custom_event"), "data": data}).map(lambda event: [event])


def _batches(events: st.SearchStrategy[list[Document]]) -> st.SearchStrategy[Document]:
    return st.fixed_dictionaries(
        {
            "environment": st.sampled_from(["production", "development"]),
            "user_identities": st.fixed_dictionaries(
                {"customerid": labels}, optional={"email": emails, "other": sha256s, "other2": labels}
            ),
            "events": events,
        },
        optional={
            "ip": ips,
            "mpid": st.integers(-(2**63), 2**63 - 1),
            "device_info": _optional(
                http_header_user_agent=texts,
                ios_advertising_id=guids,
                android_advertising_id=guids,
                android_uuid=labels,
            ),
            "user_attributes": user_attributes,
            "deleted_user_attributes": st.lists(names, max_size=3),
            "integration_attributes": st.dictionaries(names, st.dictionaries(names, texts, max_size=2), max_size=2),
            "consent_state": _optional(
                gdpr=st.dictionaries(names, consents, max_size=2), ccpa=_optional(data_sale_opt_out=consents)
            ),
        },
    )


conversions = _batches(_events("conversion", "transaction", conversion_attributes))
memberships = _batches(
    _events(
        "audiencemembershipupdate",
        "other",
        st.fixed_dictionaries({"audience_name": labels, "status": st.sampled_from(["add", "drop"])}),
    )
)


def reordered(value: Any) -> Any:
    """The same JSON with the names of every object in reverse."""
    if isinstance(value, dict):
        return {name: reordered(value[name]) for name in reversed(value)}
    return [reordered(item) for item in value] if isinstance(value, list) else value
