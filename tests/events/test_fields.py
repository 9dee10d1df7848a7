"""The table of fields, and the paths and names that find them."""

import pytest

from airflow_provider_rokt.events.destinations import CONVERSION, IDENTITY_PATHS, MEMBERSHIP, automatic, destination
from airflow_provider_rokt.events.fields import FIELDS, Field, Need, markdown
from airflow_provider_rokt.exceptions import RoktMappingError

# The "Map to" column of the guide's five tables, as printed there.
GUIDE = """
user_identities.email user_identities.other user_identities.customerid user_identities.other2
events[].data.timestamp_unixtime_ms events[].data.source_message_id ip
events[].data.custom_attributes.conversiontype events[].data.custom_attributes.confirmationref
events[].data.custom_attributes.amount events[].data.custom_attributes.currency
user_attributes.firstname user_attributes.firstnamesha256 user_attributes.lastname user_attributes.lastnamesha256
user_attributes.mobile user_attributes.mobilesha256 user_attributes.age user_attributes.dob user_attributes.gender
user_attributes.city user_attributes.state user_attributes.zip user_attributes.title user_attributes.language
user_attributes.value user_attributes.predictedltv
device_info.http_header_user_agent device_info.ios_advertising_id device_info.android_advertising_id
"""
PATHS = [field.path for field in FIELDS]


def written(field: Field) -> str:
    """A path a user could write for the field."""
    return field.path.replace("<any>", "Loyalty Tier 1.5").replace("<purpose>", "Ads")


def problem(path: object, profile: object = CONVERSION) -> str:
    with pytest.raises(RoktMappingError) as caught:
        destination(path, profile)
    return str(caught.value)


def test_every_path_of_the_guide_is_a_field() -> None:
    assert set(GUIDE.split()) <= set(PATHS)


def test_every_path_stands_once() -> None:
    assert len(set(PATHS)) == len(PATHS)


def test_no_two_fields_share_the_name_that_automatic_mapping_goes_by() -> None:
    columns = [field.column.lower() for field in FIELDS if not field.is_open]
    assert len(set(columns)) == len(columns)


def test_what_the_guide_requires_is_required() -> None:
    assert CONVERSION.required == {
        "events[].data.custom_attributes.conversiontype",
        "events[].data.timestamp_unixtime_ms",
        "events[].data.source_message_id",
    }
    assert MEMBERSHIP.required == set()
    assert set(IDENTITY_PATHS) == {field.path for field in FIELDS if field.need is Need.IDENTITY}
    assert IDENTITY_PATHS[0] == "user_identities.email"


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
def test_every_field_is_found_by_its_path(field: Field) -> None:
    found = destination(written(field), CONVERSION)
    assert FIELDS[found.place] == found.field == field
    assert found.path == f"{found.section}.{found.key}".lstrip(".") == written(field)


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.path)
@pytest.mark.parametrize("spell", [str, str.upper, str.title])
def test_every_field_is_found_by_a_column_of_its_name_or_path(field: Field, spell: object) -> None:
    if field.is_open:
        assert automatic(written(field), CONVERSION).path == written(field)
        return
    assert automatic(spell(field.column), CONVERSION).path == field.path
    assert automatic(spell(field.path), CONVERSION).path == field.path


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("user_attributes.loyalty.tier", "loyalty.tier"),
        ("events[].data.custom_attributes.a b", "a b"),
        ("user_attributes." + "n" * 256, "n" * 256),
        ("consent_state.gdpr.Ads and more.consented", "consented"),
    ],
)
def test_names_of_the_users_own_are_kept_as_they_are(path: str, key: str) -> None:
    assert destination(path, CONVERSION).key == key


@pytest.mark.parametrize(
    ("path", "close"),
    [
        ("user_identities.emial", "user_identities.email"),
        ("user_identities.customer_id", "user_identities.customerid"),
        ("email", "user_identities.email"),
        ("user.Email", "user_identities.email"),
        ("conversiontype", "events[].data.custom_attributes.conversiontype"),
        ("events[0].data.custom_attributes.amount", "events[].data.custom_attributes.amount"),
        ("events.data.timestamp_unixtime_ms", "events[].data.timestamp_unixtime_ms"),
        ("device_info.user_agent", "device_info.http_header_user_agent"),
        ("consent_state.ccpa.data_sale_opt_out.consent", "consent_state.ccpa.data_sale_opt_out.consented"),
        ("something.else.entirely", "table of fields"),
        ("", "table of fields"),
    ],
)
def test_an_unknown_path_is_told_the_close_ones(path: str, close: str) -> None:
    assert close in problem(path)


@pytest.mark.parametrize(
    "path", ["environment", "events[].event_type", "events[].data.event_name", "events[].data.custom_event_type"]
)
def test_a_fixed_value_is_not_mapped(path: str) -> None:
    assert f"{path} is a fixed value and cannot be mapped" in problem(path)


@pytest.mark.parametrize("column", ["environment", "EVENT_NAME", "custom_event_type", "event_type"])
def test_a_column_named_after_a_fixed_value_is_told_so(column: str) -> None:
    with pytest.raises(RoktMappingError, match="fixed value"):
        automatic(column, CONVERSION)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("user_attributes." + "n" * 257, "at most 256 characters"),
        ("events[].data.custom_attributes." + "n" * 257, "at most 256 characters"),
        ("user_attributes. x", "blank"),
        ("user_attributes.<any>", "a name of your own"),
        ("consent_state.gdpr.<purpose>.consented", "a name of your own"),
        ("user_attributes.FirstName", "write user_attributes.firstname"),
        (
            "events[].data.custom_attributes.conversionType",
            "write events[].data.custom_attributes.conversiontype",
        ),
        ("user_attributes.ios_advertising_id", "write device_info.ios_advertising_id"),
        ("user_attributes.IDFA", "write device_info.ios_advertising_id"),
        ("user_attributes.gaid", "write device_info.android_advertising_id"),
        ("events[].data.custom_attributes.aaid", "write device_info.android_advertising_id"),
        ("user_attributes.ios_idfv", "write device_info.ios_idfv"),
        ("user_attributes.http_header_user_agent", "write device_info.http_header_user_agent"),
        ("user_attributes.$FirstName", "write user_attributes.firstname"),
        ("user_attributes.$zip", "write user_attributes.zip"),
        ("device_info.user_agent", "write device_info.http_header_user_agent"),
        ("user_identities.email_sha256", "write user_identities.other"),
        ("user_identities.emailSha256", "write user_identities.other"),
        ("emailsha256", "write user_identities.other"),
        ("user_identities.mobile_number", "write user_attributes.mobile"),
        ("phoneSha256", "write user_attributes.mobilesha256"),
        ("user_attributes.", "no field"),
        ("consent_state.gdpr..consented", "no field"),
        ("consent_state.gdpr.a.b.consented", "no field"),
        (5, "written as text"),
        (None, "written as text"),
    ],
)
def test_a_name_that_would_be_lost_is_refused(path: object, says: str) -> None:
    assert says in problem(path)


@pytest.mark.parametrize("name", ["conversiontype", "amount", "anything"])
def test_an_audience_has_no_conversion_attributes(name: str) -> None:
    assert "for conversions" in problem(f"events[].data.custom_attributes.{name}", MEMBERSHIP)


@pytest.mark.parametrize("path", [path for path in PATHS if "custom_attributes" not in path and "<" not in path])
def test_an_audience_may_map_all_else(path: str) -> None:
    assert destination(path, MEMBERSHIP).path == path


def test_the_documentation_has_a_row_for_each_field() -> None:
    lines = markdown().splitlines()
    assert lines[0] == "| Map to | Holds | Required | An invalid value costs | Notes |"
    assert len(lines) == len(FIELDS) + 2
    assert {line.count("|") for line in lines} == {6}
    assert [line.split("`")[1] for line in lines[2:]] == PATHS


CLICK_IDS = [
    *("passbackconversiontrackingid", "passbackConversionTrackingId", "rtid", "RTID", "rclid", "roktclickid"),
    *("roktClickId", "rokt_click_id", "Rokt-Click-ID", "RoktTransactionId", "rokt_tracking_id", "other_id_2"),
]


@pytest.mark.parametrize("name", CLICK_IDS)
@pytest.mark.parametrize(
    "section",
    [
        "user_attributes.",
        "events[].data.custom_attributes.",
        "user_identities.",
        "integration_attributes.1277.",
        "device_info.",
        "",
    ],
)
def test_rokts_other_names_of_the_click_id_are_told_the_one_to_write(section: str, name: str) -> None:
    assert "write user_identities.other2" in problem(f"{section}{name}")


@pytest.mark.parametrize("column", [*CLICK_IDS, "EMAILSHA256", "sha256", "hashed_email"])
def test_a_column_of_such_a_name_too(column: str) -> None:
    meant = "other2" if column in CLICK_IDS else "other"
    with pytest.raises(RoktMappingError, match=f"AS {meant}\\).*write user_identities.{meant}$"):
        automatic(column, CONVERSION)


@pytest.mark.parametrize("name", ["click_id", "phone", "emailsha256", "customer_id", "sha256", "useragent"])
@pytest.mark.parametrize("section", ["user_attributes.", "events[].data.custom_attributes."])
def test_a_name_that_may_be_the_users_own_is_theirs(section: str, name: str) -> None:
    assert destination(f"{section}{name}", CONVERSION).key == name
