"""Phone numbers of every country."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.phones import phone
from airflow_provider_rokt.events.values import BadValue

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
FORMATS = [
    phonenumbers.PhoneNumberFormat.E164,
    phonenumbers.PhoneNumberFormat.INTERNATIONAL,
    phonenumbers.PhoneNumberFormat.NATIONAL,
    phonenumbers.PhoneNumberFormat.RFC3966,
]


@pytest.mark.parametrize("region", REGIONS)
def test_every_spelling_of_every_country_becomes_the_national_number(region: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        national = phonenumbers.national_significant_number(example)
        for spelling in FORMATS:
            assert phone(region)(phonenumbers.format_number(example, spelling)) == national
        assert phone("US")(phonenumbers.format_number(example, FORMATS[0])) == national


@pytest.mark.parametrize(
    "written",
    [
        "5551234567",
        "555-123-4567",
        "(555) 123-4567",
        "(555)123-4567",
        "555.123.4567",
        " 555 123 4567 ",
        "1-555-123-4567",
        "1 (555) 123-4567",
        "15551234567",
        "+15551234567",
        "+1 555 123 4567",
        "001 555 123 4567 ext. 9".replace("001", "011 1"),
        5551234567,
        5551234567.0,
        b"5551234567",
    ],
)
@pytest.mark.parametrize("region", ["US", "CA"])
def test_a_number_of_the_guides_form(written: object, region: str) -> None:
    assert phone(region)(written) == "5551234567"


@pytest.mark.parametrize(
    ("written", "region", "national"),
    [
        ("020 7946 0958", "GB", "2079460958"),
        ("07911 123456", "GB", "7911123456"),
        ("0044 7911 123456", "DE", "7911123456"),
        ("06 12 34 56 78", "FR", "612345678"),
        ("+39 06 698 12345", "US", "0669812345"),
        ("06 698 12345", "IT", "0669812345"),
        ("090-1234-5678", "JP", "9012345678"),
        ("0412 345 678", "AU", "412345678"),
    ],
)
def test_the_national_number_has_no_trunk_prefix_but_keeps_what_belongs_to_it(
    written: str, region: str, national: str
) -> None:
    assert phone(region)(written) == national


@pytest.mark.parametrize("written", ["none", "12", "555-123-45678-9999", "447911123456", "x" * 300, "-"])
def test_what_is_no_number_is_a_fault_that_names_the_region_only(written: str) -> None:
    with pytest.raises(BadValue) as caught:
        phone("US")(written)
    assert caught.value.reason == "not a phone number for region US"


# +52 1 before a mobile number ended in 2019; the library knows it no more.
@pytest.mark.parametrize("written", ["+52 1 55 1234 5678", "+44 1", "+", "＋999 5551234567", "tel:+52-1-55-1234-5678"])
def test_what_names_its_country_is_not_judged_by_the_region(written: str) -> None:
    with pytest.raises(BadValue) as caught:
        phone("US")(written)
    assert caught.value.reason == "not a phone number"


@pytest.mark.parametrize(
    ("written", "region"),
    [("123-4567", "US"), (5551234, "CA"), ("+1 555 1234", "GB"), ("7946 0958", "GB"), ("1234567", "AR")],
)
def test_a_number_that_lacks_its_area_matches_nobody(written: object, region: str) -> None:
    with pytest.raises(BadValue, match="without its area code"):
        phone(region)(written)


@settings(deadline=None)
@given(
    written=st.from_regex(
        r"(\+?1[ .-]?)?\(?[0-9]{3}\)?[ .-]?[0-9]{3}[ .-]?[0-9]{4}",
        fullmatch=True,
    ).filter(str.isascii),
    region=st.sampled_from(["US", "CA"]),
)
def test_the_short_cut_for_north_america_agrees_with_the_library(written: str, region: str) -> None:
    try:
        parsed = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException:
        parsed = None
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        with pytest.raises(BadValue):
            phone(region)(written)
    else:
        assert phone(region)(written) == phonenumbers.national_significant_number(parsed)
