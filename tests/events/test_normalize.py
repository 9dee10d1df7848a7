"""The normalisers: one row of a table for each rule, and what holds for every value."""

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from hashlib import sha256
from ipaddress import ip_address, ip_interface
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events import normalize, timestamps, values
from airflow_provider_rokt.events.phones import phone
from airflow_provider_rokt.events.placeholders import NOTHING, PLACEHOLDERS, is_digest_of_nothing
from airflow_provider_rokt.events.values import BadValue
from tests.events.driver_values import driver_values, telling

FAULT = object()
# What Unicode says nobody sees, and the Braille blank.
INVISIBLE = (
    "".join(
        map(chr, [0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), *range(0x200B, 0x2010)])
    )
    + "".join(
        map(
            chr,
            [*range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x2800, 0x3164, *range(0xFE00, 0xFE10), 0xFEFF, 0xFFA0],
        )
    )
    + "".join(
        map(chr, [*range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B), *range(0xE0000, 0xE1000)])
    )
)
GUID = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"
JOHN = "96d9632f363564cc3032521409cf22a852f2032eec099ed5967c0d000cec607a"
PHONE = "3c95277da5fd0da6a1a44ee3fdf56d20af6c6d242695a40e18e6e90dc3c5872c"
NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()

email_hash = normalize.hashed(normalize.email)
text_hash = normalize.hashed(values.text)
phone_hash = normalize.hashed(phone("US"))


def hexadecimal(clean: str) -> str:
    return sha256(clean.encode()).hexdigest()


class NotATime(datetime):
    """Like pandas' NaT: a datetime equal to nothing."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    __hash__ = None


class Status(str, Enum):  # noqa: UP042 - unlike a StrEnum's, its str() is not its value
    PAID = " paid "


class Level(IntEnum):
    GOLD = 3


ALL = {
    "text": values.text,
    "scalar": values.scalar,
    "attribute": values.attribute,
    "email": normalize.email,
    "email_hash": email_hash,
    "text_hash": text_hash,
    "phone": phone("US"),
    "phone_gb": phone("GB"),
    "phone_hash": phone_hash,
    "ip": normalize.ip,
    "guid": normalize.guid,
    "amount": normalize.amount,
    "quantity": normalize.quantity,
    "age": normalize.age,
    "currency": normalize.currency,
    "flag": normalize.flag,
    "identity": normalize.identity(PLACEHOLDERS),
    "event_id": normalize.event_id,
    "timestamp": timestamps.timestamp("auto", NOW),
    "timestamp_s": timestamps.timestamp("s", NOW),
    "birthday": timestamps.birthday(NOW),
}

RULES = [
    ("text", " Jane ", "Jane"),
    ("text", "\u00a0Łódź\n", "Łódź"),
    ("text", 10001, "10001"),
    ("text", 12.0, "12"),
    ("text", 12.5, "12.5"),
    ("text", 1e22, "1" + "0" * 22),
    ("text", 1e-7, "0.0000001"),
    ("text", Decimal("7.00"), "7"),
    ("text", Decimal("1E+2"), "100"),
    ("text", Decimal("7.50"), "7.50"),
    ("text", UUID(GUID.upper()), GUID),
    ("text", Status.PAID, "paid"),
    ("text", Level.GOLD, "3"),
    ("text_hash", Status.PAID, hexadecimal("paid")),
    ("scalar", Status.PAID, "paid"),
    ("scalar", Level.GOLD, 3),
    ("attribute", {"happy", "sad"}, ["happy", "sad"]),
    ("attribute", frozenset(), None),
    ("attribute", [Status.PAID, Level.GOLD], ["paid", "3"]),
    ("text", b" caf\xc3\xa9", "café"),
    ("text", bytearray(b"x"), "x"),
    ("text", memoryview(b"x"), "x"),
    ("text", date(2025, 1, 2), "2025-01-02"),
    ("text", datetime(2025, 1, 2, 3, 4, 5), "2025-01-02T03:04:05"),
    ("text", time(3, 4), "03:04:00"),
    ("text", ip_address("203.0.113.1"), "203.0.113.1"),
    ("text", True, FAULT),
    ("text", ["a"], FAULT),
    ("text", {"a": 1}, FAULT),
    ("text", {"a"}, FAULT),
    ("text", b"\xff\xfe", FAULT),
    ("text", math.inf, FAULT),
    ("text", Decimal("-Infinity"), FAULT),
    ("text", Decimal("1E+100000"), FAULT),
    pytest.param("text", 10**5000, FAULT, id="text-of-5000-digits"),
    ("text", "\udcff", FAULT),
    ("text", timedelta(1), FAULT),
    ("text", timedelta(days=-1, hours=23), FAULT),
    ("text", timedelta(hours=23, minutes=59, seconds=59, microseconds=5), "23:59:59.000005"),
    ("scalar", timedelta(0), "00:00:00"),
    ("attribute", timedelta(hours=10, minutes=30), "10:30:00"),
    ("attribute", [timedelta(hours=1), None], ["01:00:00"]),
    ("attribute", timedelta(hours=25), FAULT),
    ("amount", timedelta(seconds=5), FAULT),
    ("flag", timedelta(0), FAULT),
    ("text", object(), FAULT),
    ("scalar", " x ", "x"),
    ("scalar", True, True),
    ("scalar", False, False),
    ("scalar", 0, 0),
    ("scalar", 2.5, 2.5),
    ("scalar", Decimal("5.00"), "5.00"),
    ("scalar", Decimal("5"), "5"),
    ("scalar", Decimal("5E+2"), "500"),
    ("scalar", Decimal("5.10"), "5.10"),
    ("scalar", 2**63 - 1, 2**63 - 1),
    ("scalar", 2**63, str(2**63)),
    ("scalar", Decimal(10**37), str(10**37)),
    ("scalar", date(2025, 1, 2), "2025-01-02"),
    ("scalar", ["a"], FAULT),
    ("scalar", math.inf, FAULT),
    ("attribute", ["a", " b ", None, "", 3, Decimal("1.0"), True, False], ["a", "b", "3", "1", "true", "false"]),
    ("attribute", ("a",), ["a"]),
    ("attribute", [], None),
    ("attribute", [None, " ", math.nan], None),
    ("attribute", [["a"]], FAULT),
    ("attribute", [{"a": 1}], FAULT),
    ("attribute", {"a": 1}, FAULT),
    ("attribute", "a", "a"),
    ("email", "  Jane.Smith@Example.COM\n", "jane.smith@example.com"),
    ("email", b"Jane@example.com", "jane@example.com"),
    ("email", "jane smith@example.com", FAULT),
    ("email", "jane.example.com", FAULT),
    ("email", "jane\x00@example.com", FAULT),
    ("email", "@example.com", FAULT),
    ("email", "jane@", FAULT),
    ("email", "jane@localhost", FAULT),
    ("email", "jane@example..com", FAULT),
    ("email", "jane@doe@example.com", FAULT),
    ("email", "jane@example.com,bob@example.org", FAULT),
    ("email", "mailto:jane@example.com", FAULT),
    ("email", "Jane <jane@example.com>", FAULT),
    ("email", "\u200bjane@example.com", FAULT),
    ("email", "\ufeffjane@example.com", FAULT),
    ("email", "ja\u00adne@example.com", FAULT),
    ("email", "jane\u3000smith@example.com", FAULT),
    ("email", "x" * 242 + "@example.com", "x" * 242 + "@example.com"),
    pytest.param("email", "x" * 243 + "@example.com", FAULT, id="email-of-255-characters"),
    ("email", "jörg.O'Neil+shop@exämple.co.uk", "jörg.o'neil+shop@exämple.co.uk"),
    ("email", hexadecimal("a").upper(), hexadecimal("a")),
    ("email", 5, FAULT),
    ("email", b"\xff", FAULT),
    ("email_hash", "test@example.com", "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"),
    ("email_hash", " TEST.email@test.com ", "d2a904f42a7f3632a0b9df96d33071b7ea31517d38fe3a8b1333f1ccec475f8c"),
    ("email_hash", "jane", FAULT),
    ("email_hash", f" {JOHN.upper()} ", JOHN),
    ("email_hash", bytes.fromhex(JOHN), JOHN),
    ("email_hash", memoryview(bytes.fromhex(JOHN)), JOHN),
    ("email", bytes.fromhex(JOHN), JOHN),
    ("text_hash", "\tJohn ", JOHN),
    ("text_hash", JOHN, JOHN),
    ("text_hash", b"john", JOHN),
    ("text_hash", 10001, hexadecimal("10001")),
    ("text_hash", b"A" * 32, hexadecimal("a" * 32)),
    ("text_hash", JOHN[:-1], hexadecimal(JOHN[:-1])),
    ("phone_hash", "+1 (555) 123-4567", PHONE),
    ("phone_hash", 5551234567, PHONE),
    ("phone_hash", PHONE.upper(), PHONE),
    ("ip", " 203.0.113.42 ", "203.0.113.42"),
    ("ip", "255.255.255.255", "255.255.255.255"),
    ("ip", "2001:0DB8::0001", "2001:db8::1"),
    ("ip", ip_address("2001:db8::1"), "2001:db8::1"),
    ("ip", "203.0.113.42/32", "203.0.113.42"),
    ("ip", ip_interface("2001:db8::1"), "2001:db8::1"),
    ("ip", "203.0.113.0/24", FAULT),
    ("ip", "256.0.0.1", FAULT),
    ("ip", "1.2.3", FAULT),
    ("ip", "1.2.3.4.", FAULT),
    ("ip", "01.2.3.4", FAULT),
    ("ip", "fe80::1%eth0", FAULT),
    ("ip", 3405803818, FAULT),
    ("guid", GUID.upper(), GUID),
    ("guid", UUID(GUID), GUID),
    ("guid", "00000000-0000-0000-0000-000000000000", None),
    ("guid", UUID(int=0), None),
    ("guid", GUID.replace("-", ""), FAULT),
    ("guid", f"{{{GUID}}}", FAULT),
    ("guid", "not-a-guid", FAULT),
    ("amount", 0, "0"),
    ("amount", 0.0, "0"),
    ("amount", "0", "0"),
    ("amount", Decimal("0.00"), "0.00"),
    ("amount", Decimal("-0.00"), "0.00"),
    ("amount", Decimal("1E+2"), "100"),
    ("amount", Decimal("99.90"), "99.90"),
    ("amount", 149.99, "149.99"),
    ("amount", 100.0, "100"),
    ("amount", 1e-5, "0.00001"),
    ("amount", " 149.99 ", "149.99"),
    ("amount", "-5.00", "-5.00"),
    ("amount", "+5", "5"),
    ("amount", ".5", "0.5"),
    ("amount", "5.", "5"),
    ("amount", b"5.10", "5.10"),
    ("amount", Decimal("12345678901234567890123456789012345.678"), "12345678901234567890123456789012345.678"),
    ("amount", "1,234.50", FAULT),
    ("amount", "$5", FAULT),
    ("amount", "1e3", FAULT),
    ("amount", "٣", FAULT),
    ("amount", "NaN", FAULT),
    ("amount", True, FAULT),
    ("amount", Decimal("Infinity"), FAULT),
    ("amount", date(2025, 1, 1), FAULT),
    ("quantity", 12, 12),
    ("quantity", 12.5, 12.5),
    ("quantity", Decimal("12.00"), "12.00"),
    ("quantity", Decimal("12"), "12"),
    ("quantity", Decimal("12.50"), "12.50"),
    ("quantity", "012.50", "12.50"),
    ("quantity", "high", FAULT),
    ("quantity", False, FAULT),
    ("age", 42, 42),
    ("age", " 42 ", 42),
    ("age", 42.0, 42),
    ("age", Decimal("42"), 42),
    ("age", 0, 0),
    ("age", 150, 150),
    ("age", 151, FAULT),
    ("age", -1, FAULT),
    ("age", 42.5, FAULT),
    ("age", "old", FAULT),
    ("age", True, FAULT),
    ("currency", " usd ", "USD"),
    ("currency", "XCG", "XCG"),
    ("currency", "US", FAULT),
    ("currency", "DEM", FAULT),
    ("currency", "XXX", FAULT),
    ("currency", 840, FAULT),
    # The fifth decimal is no money's, with a double's noise behind it or without.
    ("amount", 1.000010000000001, FAULT),
    ("amount", 1.0001000000000002, "1.0001"),
    ("flag", True, True),
    ("flag", False, False),
    ("flag", 1, True),
    ("flag", 0, False),
    ("flag", Decimal("1"), True),
    ("flag", Decimal("0"), False),
    ("flag", 1.0, True),
    ("flag", 0.0, False),
    *(("flag", word, True) for word in ("true", "t", "yes", "y", "on", "1", "TRUE", " T ", "Yes", "ON")),
    *(("flag", word, False) for word in ("false", "f", "no", "n", "off", "0", "FALSE", " F ", "No", "Off")),
    # MySQL's BIT(1), as bytes and as text.
    *(("flag", byte, True) for byte in (b"\x01", "\x01")),
    *(("flag", byte, False) for byte in (b"\x00", "\x00")),
    ("flag", 2, FAULT),
    ("flag", -1, FAULT),
    ("flag", "ja", FAULT),
    ("flag", "maybe", FAULT),
]


@pytest.mark.parametrize(("name", "raw", "expected"), RULES)
def test_rule(name: str, raw: object, expected: object) -> None:
    if expected is FAULT:
        with pytest.raises(BadValue):
            ALL[name](raw)
        return
    normalised = ALL[name](raw)
    assert normalised == expected
    assert type(normalised) is type(expected)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    "nothing",
    [None, "", " \t\n\u00a0", math.nan, Decimal("NaN"), Decimal("sNaN"), b"", b"  ", NotATime(2025, 1, 1)],
    ids=repr,
)
def test_what_is_nothing_is_neither_sent_nor_hashed(name: str, nothing: object) -> None:
    assert ALL[name](nothing) is None


@pytest.mark.parametrize("name", ALL)
@settings(deadline=None)
@given(value=driver_values())
def test_any_value_is_normalised_or_refused_and_normalising_again_changes_nothing(name: str, value: object) -> None:
    try:
        normalised = ALL[name](value)
    except BadValue:
        return
    assert normalised is None or isinstance(normalised, (str, int, float, list))
    assert normalised != ""
    # A decimal with more digits than a float's is money when it comes as a Decimal, and noise when it comes as text.
    exact = name == "amount" and isinstance(value, Decimal)
    # A name may be written "-1"; a ready hash of that is more likely a placeholder's.
    shared = isinstance(normalised, str) and is_digest_of_nothing(normalised)
    again = normalised is not None and not (exact or shared or name.startswith("phone"))
    if again and name != "timestamp_s":
        assert ALL[name](normalised) == normalised


@pytest.mark.parametrize("name", ALL)
@settings(deadline=None)
@given(value=telling() | telling().map(str.encode) | st.lists(telling()) | st.dictionaries(telling(), telling()))
def test_a_reason_never_quotes_the_value(name: str, value: object) -> None:
    try:
        ALL[name](value)
    except BadValue as bad:
        assert bad.reason.isascii()
        assert str(bad) == bad.reason
        assert bad.__cause__ is None


def test_the_reason_says_what_is_wrong_with_a_true_or_false() -> None:
    with pytest.raises(BadValue) as caught:
        values.text(True)
    assert caught.value.reason == "a true or false cannot be sent here"


@settings(deadline=None)
@given(value=st.integers(min_value=10**12) | st.floats(min_value=1e12))
@pytest.mark.parametrize("name", ["ip", "guid", "age", "currency", "flag", "timestamp", "phone", "email"])
def test_a_reason_never_quotes_a_number(name: str, value: float) -> None:
    try:
        ALL[name](value)
    except BadValue as bad:
        assert str(value) not in bad.reason


@settings(deadline=None)
@given(
    core=st.text(st.characters(exclude_categories=["Cc", "Cf", "Cs"], exclude_characters=INVISIBLE), min_size=1).filter(
        lambda core: any(map(str.isalnum, core)) and core.strip().lower() not in NOTHING
    ),
    before=st.text(" \t\r\n\u00a0", max_size=3),
    after=st.text(" \t\r\n\u00a0", max_size=3),
)
def test_the_hash_of_dirty_text_is_the_hash_of_the_clean(core: str, before: str, after: str) -> None:
    clean = core.strip().lower()
    dirty = before + core.strip() + after
    if normalize.digest(dirty) is None:
        assert text_hash(dirty) == hexadecimal(clean)


@settings(deadline=None)
@given(local=st.from_regex(r"[A-Za-z0-9.]{1,9}", fullmatch=True), blank=st.text(" \n", max_size=3))
def test_the_hash_of_a_dirty_address_is_the_hash_of_the_clean(local: str, blank: str) -> None:
    assert email_hash(f"{blank}{local}@Example.com{blank}") == hexadecimal(f"{local.lower()}@example.com")


@settings(deadline=None)
@given(
    digest=st.binary(min_size=32, max_size=32).filter(lambda raw: raw not in (bytes(32), b"\xff" * 32)),
    upper=st.booleans(),
)
@pytest.mark.parametrize("hasher", [email_hash, text_hash, phone_hash])
def test_a_hash_is_never_hashed(hasher: values.Normaliser, digest: bytes, upper: bool) -> None:
    written = digest.hex().upper() if upper else digest.hex()
    assert hasher(f" {written} ") == digest.hex()
    assert hasher(written.encode()) == digest.hex()


@settings(deadline=None)
@given(value=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30))
def test_an_amount_is_the_same_number_without_exponent(value: Decimal) -> None:
    if abs(value.adjusted()) > 100:
        return
    written = normalize.amount(value)
    assert Decimal(written) == value
    assert set(written) <= set("-0123456789.")


@settings(deadline=None)
@given(value=st.ip_addresses().filter(lambda address: not getattr(address, "ipv4_mapped", None)))
def test_any_address_is_accepted_as_object_and_as_text(value: object) -> None:
    assert normalize.ip(value) == normalize.ip(str(value)) == str(value)


@settings(deadline=None)
@given(value=st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,4}){3}", fullmatch=True))
def test_the_short_cut_for_ipv4_agrees_with_the_library(value: str) -> None:
    try:
        expected = str(ip_address(value))
    except ValueError:
        with pytest.raises(BadValue):
            normalize.ip(value)
    else:
        assert normalize.ip(value) == expected
