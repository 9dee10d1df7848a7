"""Forms in which databases and servers hand over single values: money, bits, arrays, IP addresses."""

from decimal import Decimal
from ipaddress import ip_address, ip_interface, ip_network
from struct import pack, unpack
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_rokt.events.normalize import amount, flag, ip
from airflow_provider_rokt.events.values import BadValue, attribute, scalar, text


def real(number: float) -> float:
    """What a `real` column gives."""
    return unpack("f", pack("f", number))[0]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (439.99999809265137, "440.00"),
        ("439.99999809265137", "440.00"),
        (-439.99999809265137, "-440.00"),
        (real(149.99), "149.99"),
        (str(real(149.99)), "149.99"),
        (real(0.1), "0.10"),
        (real(1234.5), "1234.5"),
        (real(99.995), "99.995"),
        (0.1 + 0.2, "0.30"),
        (1.1 * 3, "3.30"),
        (19.99 * 1.19, "23.7881"),
        (1234.5600000000002, "1234.56"),
        (0.1 + 0.2 - 0.3, "0.00"),
        (real(24.95) + real(3.05), "28.00"),
        (sum(real(9.99) for _ in range(10)), "99.90"),
        (99.9999999999986, "100.00"),  # 0.1 added a thousand times
        (100.0000000001, "100.00"),
        # No noise: as somebody wrote it.
        (149.99, "149.99"),
        (1e-5, "0.00001"),
        (0.12345678, "0.12345678"),
        ("0.123456789", "0.123456789"),
        ("149.990000000", "149.990000000"),
        (Decimal("149.9900000000"), "149.9900000000"),
        (Decimal("439.99999809265137"), "439.99999809265137"),
        (1000.0, "1000"),
        # A `real` that has no room for cents has four decimals, or three.
        (real(262144.43), "262144.44"),
        (real(100000.06), "100000.06"),
        (real(131072.88), "131072.88"),
        (-real(131072.88), "-131072.88"),
        (real(1234567.89), "1234567.90"),
        (real(1234567.5), "1234567.5"),
        # Prices of three and four decimals.
        (1234.5625, "1234.5625"),
        (real(32768.4375), "32768.4375"),
        (262144.4321, "262144.4321"),
        (262144.43, "262144.43"),
        ("262144.4375", "262144.4375"),
        (Decimal("262144.4375"), "262144.4375"),
    ],
)
def test_the_noise_of_a_float_is_taken_from_money(raw: object, expected: str) -> None:
    assert amount(raw) == expected


@pytest.mark.parametrize("raw", [100 / 3, real(100 / 3), "33.333333333333336", 2 / 3, 1234.5678912345678])
def test_what_no_noise_explains_is_no_money(raw: object) -> None:
    with pytest.raises(BadValue, match="more decimals than money has"):
        amount(raw)


@given(cents=st.integers(min_value=-(10**9), max_value=10**9))
def test_money_comes_through_a_double_unchanged(cents: int) -> None:
    assert Decimal(amount(cents / 100)) == Decimal(cents) / 100
    assert Decimal(amount(str(cents / 100))) == Decimal(cents) / 100


@given(cents=st.integers(min_value=-999_999, max_value=999_999))
def test_money_comes_through_a_real_unchanged(cents: int) -> None:
    assert Decimal(amount(real(cents / 100))) == Decimal(cents) / 100


@given(cents=st.integers(min_value=100_000, max_value=13_107_199))
def test_money_comes_through_a_real_as_long_as_it_has_room_for_cents(cents: int) -> None:
    assert Decimal(amount(real(cents / 100))) == Decimal(cents) / 100


@given(cents=st.lists(st.integers(min_value=0, max_value=100_000), min_size=1, max_size=20))
def test_a_sum_of_doubles_is_the_sum(cents: list[int]) -> None:
    assert Decimal(amount(sum(cent / 100 for cent in cents))) == Decimal(sum(cents)) / 100


@given(exact=st.floats(min_value=0.01, max_value=1e6))
def test_noise_is_never_more_than_noise(exact: float) -> None:
    try:
        written = Decimal(amount(exact))
    except BadValue:
        return
    assert abs(written - Decimal(repr(exact))) <= Decimal(repr(exact)) / 2**23


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\x01", True),
        (b"\x00", False),
        (bytearray(b"\x01"), True),
        (b"\x02", 2),
        (b"\x05", 5),
        (b"\x0a", 10),
        (b"\xff", 255),
        (b"\x00\x05", 5),
        (b"\x01\x00", 256),
        (b"\x01\x2c", 300),
        (b"\x01A", 321),
        (b"\x80\x00", 32768),
        (b"\x00" * 8, 0),
        (b"\x7f" + b"\xff" * 7, 2**63 - 1),
        (b"\xff" * 8, str(2**64 - 1)),
        (b"gold", "gold"),
        (b"caf\xc3\xa9", "café"),
        (b"A", "A"),
        (b"a\nb", "a\nb"),
    ],
)
def test_bits_are_true_false_or_a_number_and_text_is_text(raw: object, expected: object) -> None:
    for rule in (scalar, attribute):
        found = rule(raw)
        assert found == expected
        assert type(found) is type(expected)


def test_what_psycopg2_has_for_bytea_is_no_number() -> None:
    assert attribute(memoryview(b"gold")) == "gold"
    for raw in (memoryview(b"\x00\xff"), memoryview(b"\x01"), [memoryview(b"\x00")]):
        with pytest.raises(BadValue):
            attribute(raw)


@pytest.mark.parametrize("raw", [b"M\xfcller", b"abc\x00\x00", b"\x00" * 9, bytes(range(16)), "a\x00b", "\x07"])
def test_bytes_that_are_neither_are_refused(raw: object) -> None:
    with pytest.raises(BadValue):
        attribute(raw)


@given(number=st.integers(min_value=0, max_value=31))
def test_a_short_bit_field_is_never_text(number: int) -> None:
    raw = bytes([number])
    assert scalar(raw) == (bool(number) if number < 2 else number)
    if raw.decode().strip():
        with pytest.raises(BadValue):
            text(raw)


def test_bits_in_a_list_and_as_a_flag() -> None:
    assert attribute([b"\x01", b"\x00", b"\x05", b"x"]) == ["true", "false", "5", "x"]
    assert flag(b"\x01") is True


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("{happy,sad}", ["happy", "sad"]),
        (" {happy,sad}\n", ["happy", "sad"]),
        ("{happy}", ["happy"]),
        ('{"very happy",sad}', ["very happy", "sad"]),
        (r'{"a \"b\"","c\\d","e,f"}', ['a "b"', r"c\d", "e,f"]),
        ('{a,NULL,"NULL"}', ["a", "NULL"]),
        ('{"",b}', ["b"]),
        ("{1,2.5,t}", ["1", "2.5", "t"]),
        ("{größer,klein}", ["größer", "klein"]),
        ("{}", None),
        ("{NULL}", None),
        ("[0:1]={happy,sad}", ["happy", "sad"]),
        ("[-1:0]={happy,sad}", ["happy", "sad"]),
        ("{(a),b]}", ["(a)", "b]"]),
    ],
)
def test_an_array_written_as_text_is_a_list(raw: str, expected: object) -> None:
    assert attribute(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        '{"a": 1}',
        '{"a":1,"b":2}',
        '{"a"}',
        "{a, b}",
        "{first name}",
        "{a} and {b}",
        "{a",
        "a}",
        "{a,}",
        "{,a}",
        "{{a},{b}}",
        "[0:1][0:0]={{a},{b}}",
        "[0:1]{a}",
        # Ranges of ranges.
        "{[1,3)}",
        "{[1,3),[5,8)}",
        "{(,3],[5,)}",
        "{:)",
        "{6F9619FF-8B86-D011-B42D-00CF4FC964FF}",
        '{"unfinished}',
        "plain {text}",
    ],
)
def test_text_that_only_begins_so_stays_text(raw: str) -> None:
    assert attribute(raw) == raw


def in_postgres_words(member: str) -> str:
    if not member or member.upper() == "NULL" or any(sign.isspace() or sign in '"\\{},' for sign in member):
        return '"' + member.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return member


@given(members=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf"]), min_size=1), min_size=2))
def test_every_array_that_postgresql_writes_is_read(members: list[str]) -> None:
    assume(all(member.strip() == member and text(member) for member in members))
    assert attribute("{" + ",".join(map(in_postgres_words, members)) + "}") == members


def test_decimals_of_one_column_have_one_type() -> None:
    raws = ("100.00", "99.99", "0.00", "-0.00", "1.0")
    assert [scalar(Decimal(raw)) for raw in raws] == ["100.00", "99.99", "0.00", "0.00", "1.0"]
    # A NUMERIC without a scale gives these beside 99.99.
    assert [scalar(Decimal(raw)) for raw in ("100", "99", "0", "1E+2")] == ["100", "99", "0", "100"]


@given(cents=st.integers(), scale=st.integers(min_value=0, max_value=6))
def test_a_decimal_is_text_whatever_its_value(cents: int, scale: int) -> None:
    assert type(scalar(Decimal(cents).scaleb(-scale))) is str


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("::ffff:203.0.113.42", "203.0.113.42"),
        ("::FFFF:cb00:712a", "203.0.113.42"),
        ("0:0:0:0:0:ffff:203.0.113.42", "203.0.113.42"),
        (ip_address("::ffff:203.0.113.42"), "203.0.113.42"),
        (ip_interface("203.0.113.42/24"), "203.0.113.42"),
        (ip_interface("203.0.113.42"), "203.0.113.42"),
        (ip_interface("2001:db8::1/64"), "2001:db8::1"),
        (ip_network("203.0.113.42/32"), "203.0.113.42"),
        (ip_network("2001:db8::1/128"), "2001:db8::1"),
        ("203.0.113.42/24", "203.0.113.42"),
        ("203.0.113.42, 10.0.0.1", "203.0.113.42"),
        ("203.0.113.42,10.0.0.1,192.168.0.1", "203.0.113.42"),
        ("10.0.0.1, 203.0.113.42", "203.0.113.42"),
        ("unknown, 203.0.113.42", "203.0.113.42"),
        ("127.0.0.1, 172.16.3.4, 100.64.0.9, 198.51.100.7:5000", "198.51.100.7"),
        ("fd00::1, 2001:db8::1", "2001:db8::1"),
        ("::ffff:10.0.0.1, ::ffff:203.0.113.42", "203.0.113.42"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ('For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ("203.0.113.42:443", "203.0.113.42"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[::ffff:203.0.113.42]:80", "203.0.113.42"),
        ("2001:db8::1%eth0", "2001:db8::1"),
        # Alone it is what the database says.
        ("10.0.0.1", "10.0.0.1"),
        ('["203.0.113.42","10.0.0.1"]', "203.0.113.42"),
        ('[ "10.0.0.1", "2001:db8::1" ]', "2001:db8::1"),
        ('["203.0.113.42"]', "203.0.113.42"),
        # As INET6_ATON packs it.
        (bytes([203, 0, 113, 42]), "203.0.113.42"),
        (bytearray([203, 0, 113, 42]), "203.0.113.42"),
        (ip_address("2001:db8::1").packed, "2001:db8::1"),
        (memoryview(ip_address("2001:db8::").packed), "2001:db8::"),
        (ip_address("::ffff:203.0.113.42").packed, "203.0.113.42"),
        (b"1::2", "1::2"),
        (b"203.0.113.42", "203.0.113.42"),
    ],
)
def test_an_address_is_found_in_every_form(raw: object, expected: str) -> None:
    assert ip(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        ip_network("203.0.113.0/24"),
        ip_network("2001:db8::/32"),
        "2001:db8::/32",
        "10.0.0.1, 192.168.0.1",
        "unknown, _hidden",
        ",",
        "203.0.113.42:",
        "203.0.113.42:443:1",
        "203.0.113.42/33",
        "[203.0.113.42",
        "fe80::1%eth0",
        "localhost",
        "for=unknown",
        '"203.0.113.42"',
        *('["10.0.0.1", "192.168.0.1"]', '["a"]', "[]", "[1]", '[["203.0.113.42"]]'),
        # Text, whatever its length, and bytes of another one.
        *(b"none", b"N/A ", b"unknown\0\0\0\0\0\0\0\0\0", b"::1" + b"\0" * 13, bytes([203, 0, 113])),
    ],
)
def test_what_names_no_host_is_refused(raw: object) -> None:
    with pytest.raises(BadValue):
        ip(raw)


def test_psycopg2s_own_object_is_read() -> None:
    extras = pytest.importorskip("psycopg2.extras")
    assert ip(extras.Inet("203.0.113.42/32")) == "203.0.113.42"
    assert ip(extras.Inet("2001:db8::1/64")) == "2001:db8::1"


@given(address=st.ip_addresses())
def test_an_address_comes_through_packed_unless_it_reads_as_text(address: Any) -> None:
    assume(not address.packed.rstrip(b"\0").isascii())
    assert ip(address.packed) == ip(str(address))


@given(address=st.ip_addresses(v=4))
def test_an_ipv4_address_written_as_ipv6_is_itself(address: object) -> None:
    assert ip(f"::ffff:{address}") == ip(f"[::ffff:{address}]:1") == str(address)
