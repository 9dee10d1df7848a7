"""Rokt's own other names for its fields: under one of them a value would be sent, and never matched."""

import re
from collections.abc import Mapping
from typing import Final

# The click id: the attribute of mParticle's Rokt module and of Rokt's ads API; the parameters of Rokt's links; the
# cookie that mParticle's web SDK reads; RudderStack's properties; mParticle's own name of the identity.
_CLICK_ID: Final = (
    *("passbackconversiontrackingid", "rtid", "rclid", "roktclickid", "rokttransactionid", "rokttrackingid", "roktid"),
    *("otherid2", "roktpassbackconversiontrackingid"),
)
# Whatever section such a name stands in.
_ANYWHERE: Final[Mapping[str, str]] = {
    **dict.fromkeys(_CLICK_ID, "user_identities.other2"),
    # The guide: "Do not put these in user attributes; they belong in the device_info object."
    **dict.fromkeys(("idfa", "iosidfa", "iosadvertisingid"), "device_info.ios_advertising_id"),
    **dict.fromkeys(("aaid", "gaid", "androidadvertisingid"), "device_info.android_advertising_id"),
    **dict.fromkeys(("idfv", "iosidfv"), "device_info.ios_idfv"),
    "androiduuid": "device_info.android_uuid",
    # Nobody's own words, so they stand in the wrong section.
    "other2": "user_identities.other2",
    "sourcemessageid": "events[].data.source_message_id",
    "timestampunixtimems": "events[].data.timestamp_unixtime_ms",
    "httpheaderuseragent": "device_info.http_header_user_agent",
}
# Where nothing else is meant: a column's name, or a path that is no attribute of the user's own. As an attribute
# ``emailsha256`` is one, hashed like every name that ends so.
_ELSEWHERE: Final[Mapping[str, str]] = {
    **_ANYWHERE,
    # Rokt's connector in Adobe's platform, its import API, and what others call a hashed address.
    **dict.fromkeys(
        ("emailsha256", "sha256email", "emailsha", "hashedemail", "emailhash", "emailhashed", "sha256", "sha256s"),
        "user_identities.other",
    ),
    **dict.fromkeys(("emails", "emailaddress"), "user_identities.email"),
    "phonesha256": "user_attributes.mobilesha256",
    **dict.fromkeys(
        (
            *("phone", "phonenumber", "mobilenumber", "mobilephone", "mobilephonenumber", "msisdn"),
            *("telephone", "telephonenumber", "cellphone", "cellphonenumber"),
        ),
        "user_attributes.mobile",
    ),
    **dict.fromkeys(("dateofbirth", "birthdate", "birthday"), "user_attributes.dob"),
    **dict.fromkeys(("customer", "externalid"), "user_identities.customerid"),
    # The older Event API.
    "clienteventid": "events[].data.source_message_id",
    "eventtime": "events[].data.timestamp_unixtime_ms",
    "useragent": "device_info.http_header_user_agent",
}
# Rokt's own too, though in other sections; as an attribute each may well be one.
_IN_ANOTHER_SECTION: Final[Mapping[str, str]] = {
    **_ELSEWHERE,
    **dict.fromkeys(("ip", "ipaddress"), "ip"),
    **{name: f"user_identities.{name}" for name in ("email", "other", "customerid")},
    "mobile": "user_attributes.mobile",
}
# mParticle's reserved attributes; Rokt knows them without the sign.
_RESERVED: Final = frozenset({"firstname", "lastname", "mobile", "age", "gender", "city", "state", "zip"})
_fold: Final = re.compile(r"[^a-z0-9$]").sub


def meant_by(name: str, *, of_attribute: bool) -> str | None:
    """The path that Rokt has for what goes by `name` elsewhere; case, underscores and dashes do not matter.

    :param of_attribute: whether it is the name of an attribute of the user's own.
    """
    folded = _fold("", name.lower())
    if folded[:1] == "$" and folded[1:] in _RESERVED:
        return f"user_attributes.{folded[1:]}"
    return (_ANYWHERE if of_attribute else _ELSEWHERE).get(folded)


def perhaps_meant_by(name: str) -> str | None:
    """The field that an attribute of the user's own may have been meant for; Rokt matches nobody by the attribute."""
    return _IN_ANOTHER_SECTION.get(_fold("", name.lower()))
