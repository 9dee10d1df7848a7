"""Phone numbers of every country."""

from hashlib import sha256

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.normalize import hashed
from airflow_provider_rokt.events.phones import phone
from airflow_provider_rokt.events.values import BadValue

RUN = "01234567890123456789"
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


@pytest.mark.parametrize("raw", ["447911123456.0", "+447911123456.0", "07911123456.0"])
def test_a_float_as_text_is_its_number(raw: str) -> None:
    assert phone("GB")(raw) == "7911123456"


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
        "5551234567.0",
        "+15551234567.00",
        "15551234567,0",
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
    digits = "" if parsed is None else phonenumbers.national_significant_number(parsed)
    if digits and (len(set(digits)) == 1 or digits in RUN or digits in RUN[::-1] or digits.endswith("0" * 7)):
        with pytest.raises(BadValue):
            phone(region)(written)
        return
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        with pytest.raises(BadValue):
            phone(region)(written)
    else:
        assert phone(region)(written) == phonenumbers.national_significant_number(parsed)


@given(
    written=st.from_regex(r"\(?[2-9][0-9]{1,3}\)?[ .-]?[2-9][0-9]{1,3}[ .-]?[0-9]{2,5}", fullmatch=True).filter(
        str.isascii
    ),
    region=st.sampled_from(["US", "CA"]),
)
def test_north_america_has_ten_digits_not_nine_and_not_eleven(written: str, region: str) -> None:
    digits = "".join(filter(str.isdigit, written))
    try:
        assert phone(region)(written) == digits
    except BadValue as bad:
        assert len(digits) != 10 or bad.reason.startswith("a placeholder")
    else:
        assert len(digits) == 10


@pytest.mark.parametrize(
    ("written", "national"),
    [
        ("+56 (0)2 635 4444", "26354444"),
        ("+48 (0) 22 512 1234", "225121234"),
        ("+30 (0)210 1234567", "2101234567"),
        ("+44 (0)20 7946 0958", "2079460958"),
        ("0044 (0) 20 7946 0958", "2079460958"),
        ("+49(0)30 901820", "30901820"),
        ("(+49)(0)30 901820", "30901820"),
        ("+49 [0]30 901820", "30901820"),
        ("+49 （0）30 901820", "30901820"),
        ("+33 (0)1 42 68 53 00", "142685300"),
        ("+34 (0) 912 345 678", "912345678"),
        ("+351 (0) 21 123 4567", "211234567"),
        ("+420 (0)2 2422 1111", "224221111"),
        ("+45 (0) 33 12 34 56", "33123456"),
        ("+47 (0) 22 12 34 56", "22123456"),
        ("+46 (0)8 123 456 78", "812345678"),
        ("+31 (0) 20 555 1111", "205551111"),
        ("+41(0)44 668 18 00", "446681800"),
        ("+61 (0)2 9374 4000", "293744000"),
        ("+971 (0)4 391 0000", "43910000"),
        ("+1 (0) 555 123 4567", "5551234567"),
        # The zero stands in brackets with its area.
        ("+48 (022) 512 1234", "225121234"),
        ("+44 (020) 7946 0958", "2079460958"),
        # Other trunk prefixes.
        ("+7 (8) 495 123-45-67", "4951234567"),
        ("+36 (06) 1 234 5678", "12345678"),
        ("+36 (0)1 234 5678", "12345678"),
        ("+52 (01) 55 1234 5678", "5512345678"),
        ("+370 (8) 5 212 3456", "52123456"),
        # It belongs to the number where there is no trunk prefix and numbers begin with a zero.
        ("+39 06 698 12345", "0669812345"),
        ("+39 (0)6 698 12345", "0669812345"),
        ("+39 (0)333 123 4567", "3331234567"),
        ("+225 (0)7 07 12 34 56", "0707123456"),
        ("+378 (0)549 88 2543", "0549882543"),
        # An area in brackets keeps what is no trunk prefix.
        ("+55 (11) 2345-6789", "1123456789"),
        ("+7 (800) 555-35-35", "8005553535"),
    ],
)
def test_a_trunk_zero_in_brackets_is_no_part_of_the_number(written: str, national: str) -> None:
    assert phone("US")(written) == national
    assert hashed(phone("US"))(written) == sha256(national.encode()).hexdigest()


# Countries whose numbers begin with a zero of their own.
ZEROS = {"IT", "SM", "VA", "CG", "CI", "GA"}


@pytest.mark.parametrize("region", [region for region in REGIONS if region not in ZEROS])
def test_a_trunk_zero_in_brackets_is_no_part_of_any_countrys_number(region: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None or example.italian_leading_zero:
            continue
        national = phonenumbers.national_significant_number(example)
        for blank in ("", " "):
            assert phone("US")(f"+{example.country_code}{blank}(0){blank}{national}") == national


@pytest.mark.parametrize("digit", "0123456789")
@pytest.mark.parametrize("region", ["US", "GB", "DE", "IN", "AU"])
@pytest.mark.parametrize("length", [9, 10, 11])
def test_a_digit_over_and_over_is_nobodys_number(digit: str, region: str, length: int) -> None:
    with pytest.raises(BadValue):
        phone(region)(digit * length)


@pytest.mark.parametrize(
    ("written", "region"),
    [
        ("1234567890", "US"),
        ("(123) 456-7890", "US"),
        ("+1 123 456 7890", "DE"),
        ("0123456789", "US"),
        ("9876543210", "IN"),
        ("+91 98765 43210", "US"),
        ("000-000-0000", "US"),
        ("(999) 999-9999", "US"),
        ("1-111-111-1111", "US"),
        ("555-000-0000", "US"),
        ("4567890123", "US"),
        (5555555555, "CA"),
        (0, "US"),
        ("+44 1111111111", "US"),
    ],
)
def test_what_people_type_who_give_no_number_is_refused(written: object, region: str) -> None:
    with pytest.raises(BadValue):
        phone(region)(written)
    with pytest.raises(BadValue):
        hashed(phone(region))(written)


@pytest.mark.parametrize(
    ("written", "region"),
    [("5551234567", "US"), ("1234567890", "AT"), ("090-1234-5678", "JP"), ("+33 1 23 45 67 89", "US")],
)
def test_a_number_that_looks_so_and_is_assigned_is_kept(written: str, region: str) -> None:
    assert phone(region)(written).isdigit()
