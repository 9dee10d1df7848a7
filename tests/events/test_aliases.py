"""Rokt's other names for its fields, each written out once more: under one that is lost a value is sent in vain."""

import pytest

from airflow_provider_rokt.events.aliases import meant_by, perhaps_meant_by

# Names that mean the field whatever they stand in.
ANYWHERE = {
    "user_identities.other2": """
        passbackconversiontrackingid passbackConversionTrackingId rtid rclid roktclickid rokt_click_id
        rokttransactionid rokttrackingid roktid otherid2 other2 Other_2 roktpassbackconversiontrackingid""",
    "device_info.ios_advertising_id": "idfa IDFA iosidfa iosadvertisingid",
    "device_info.android_advertising_id": "aaid gaid androidadvertisingid",
    "device_info.ios_idfv": "idfv iosidfv",
    "device_info.android_uuid": "androiduuid",
    "events[].data.source_message_id": "source_message_id sourceMessageId",
    "events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms TimestampUnixtimeMs",
    "device_info.http_header_user_agent": "httpheaderuseragent http-header-user-agent",
}
# As an attribute of the user's own these may mean what they say.
ELSEWHERE = {
    "user_identities.other": """
        emailsha256 email_sha256 sha256email emailsha hashedemail emailhash emailhashed sha256 sha256s""",
    "user_identities.email": "emails emailaddress Email_Address",
    "user_attributes.mobilesha256": "phonesha256",
    "user_attributes.mobile": """
        phone phonenumber phone-number mobilenumber mobilephone mobilephonenumber msisdn telephone telephonenumber
        cellphone cellphonenumber""",
    "user_attributes.dob": "dateofbirth date_of_birth birthdate birthday",
    "user_identities.customerid": "customer externalid",
    "events[].data.source_message_id": "clienteventid",
    "events[].data.timestamp_unixtime_ms": "eventtime",
    "device_info.http_header_user_agent": "useragent User-Agent",
}
RESERVED = ["firstname", "lastname", "mobile", "age", "gender", "city", "state", "zip"]


@pytest.mark.parametrize(("path", "name"), [(path, name) for path, names in ANYWHERE.items() for name in names.split()])
def test_a_field_by_another_name_is_meant_wherever_it_stands(path: str, name: str) -> None:
    assert meant_by(name, of_attribute=True) == meant_by(name, of_attribute=False) == path


@pytest.mark.parametrize(
    ("path", "name"), [(path, name) for path, names in ELSEWHERE.items() for name in names.split()]
)
def test_some_names_are_the_users_own_as_an_attribute(path: str, name: str) -> None:
    assert meant_by(name, of_attribute=False) == path
    assert meant_by(name, of_attribute=True) is None
    assert perhaps_meant_by(name) == path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Email", "user_identities.email"),
        ("other", "user_identities.other"),
        ("customer_id", "user_identities.customerid"),
        ("ip", "ip"),
        ("IP-Address", "ip"),
        ("mobile", "user_attributes.mobile"),
        *((name, None) for name in ("loyalty", "title", "value", "firstname", "amount", "")),
    ],
)
def test_a_name_that_rokt_has_in_another_section_is_perhaps_meant_so(name: str, path: str | None) -> None:
    assert meant_by(name, of_attribute=True) is None
    assert perhaps_meant_by(name) == path


@pytest.mark.parametrize("name", RESERVED)
def test_mparticles_reserved_attributes_are_known_by_their_sign(name: str) -> None:
    for spelled in (f"${name}", f"${name.title()}"):
        assert meant_by(spelled, of_attribute=True) == f"user_attributes.{name}"
    for other in (name, f"x{name}", f"${name}x", f"$${name}"):
        assert meant_by(other, of_attribute=True) is None


@pytest.mark.parametrize("name", ["", "$", "loyalty", "email", "customerid", "size"])
def test_any_other_name_means_itself(name: str) -> None:
    assert meant_by(name, of_attribute=False) is None
