"""What systems write where an identity is missing: strangers who shared one would become one person at Rokt."""

COLUMNS = ("id", "email", "customer", "click", "device", "at")
MAPPING = {
    "device_info.android_uuid": "device",
    "user_identities.email": "email",
    "user_identities.customerid": "customer",
    "user_identities.other2": "click",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "signup"},
}
_ANN = "ann@example.com"
_ODD = {  # row: e-mail, customer, click, device
    "the word null": (_ANN, "null", None, None),
    "the word None": (_ANN, "None", None, None),
    "the word NaN": (_ANN, "NaN", None, None),
    "the word undefined": (_ANN, "undefined", None, None),
    "the word n/a": (_ANN, "N/A", None, None),
    "the word unknown": (_ANN, " unknown ", None, None),
    "a dash": (_ANN, "-", None, None),
    "zero": (_ANN, "0", None, None),
    "zero, a number": (_ANN, 0, None, None),
    "zeros": (_ANN, "000000", None, None),
    "no UUID": (_ANN, "00000000-0000-0000-0000-000000000000", None, None),
    "a click": (_ANN, None, "undefined", None),
    "a device": (_ANN, None, None, "null"),
    "an address": ("null", "c-7", None, None),
    "two strangers, the first": (None, "null", None, None),
    "two strangers, the second": (None, "null", None, None),
    "all of them": ("n/a", "0", "null", "unknown"),
    # None of these is a placeholder.
    "seven": (_ANN, "007", None, None),
    "ten": (_ANN, 10, None, None),
    "a name that holds one": (_ANN, "nullmann", None, None),
}
ROWS = {name: (name, *identities, 1735689600000) for name, identities in _ODD.items()}
ROWS["an event"] = ("null", _ANN, None, None, None, 1735689600000)
