"""A value becomes a member, or a reason that does not repeat it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.audiences.members import Member, member_reader, read_wanted
from airflow_provider_rokt.events.normalize import email
from airflow_provider_rokt.events.values import BadValue
from airflow_provider_rokt.flow.row import FieldFault, RowRef
from tests.audiences.people import hashed

HASH = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"  # of test@example.com
READ = {hash_emails: member_reader(hash_emails=hash_emails) for hash_emails in (True, False)}

addresses = st.builds(
    "{}@{}.{}".format,
    st.text("abcXYZ0189._%+-'ÄÖÜßİΣ", min_size=1, max_size=30),
    st.text("abcXYZ01-é", min_size=1, max_size=20),
    st.text("abcXYZ", min_size=2, max_size=6),
)


@pytest.mark.parametrize(
    "raw", ["test@example.com", "  Test@Example.COM\n", "\u00a0test@example.com\u3000", b"test@example.com"]
)
def test_an_address_is_normalised_then_hashed(raw: object) -> None:
    assert READ[True](raw) == Member(HASH)
    assert READ[False](raw) == Member(HASH, "test@example.com")


@pytest.mark.parametrize("raw", [HASH, HASH.upper(), f" {HASH}\n", bytes.fromhex(HASH)])
def test_a_ready_hash_is_the_same_person_and_is_never_hashed_again(raw: object) -> None:
    assert READ[True](raw) == READ[False](raw) == Member(HASH)


@pytest.mark.parametrize("raw", [None, "", " \t ", "\u00a0", float("nan")])
def test_nothing_has_no_value(raw: object) -> None:
    assert READ[True](raw) == FieldFault("user_identities.email", "has no value")


@pytest.mark.parametrize(
    "raw",
    [
        "jane",
        "jane@localhost",
        "@example.com",
        "jane@",
        "jane@.com",
        "jane@example.",
        "jane@example..com",
        "jane@@example.com",
        "a@example.com,b@example.com",
        "Jane <jane@example.com>",
        "mailto:jane@example.com",
        # Whom is it of: jane.doe, doe or janedoe?
        "jane doe@ex.com",
        "te st@exam\tple.com ",
        "jane\u200b@example.com",
        "jane\u3164@example.com",
        "jane@exam\u2800ple.com",
        "jane\ufe0f@example.com",
        "\ufeffjane@example.com",
        "jane\x00@example.com",
        "jane\udc80@example.com",
        "x" * 250 + "@example.com",
        "0cc175b9c0f1b6a831c399e269772661",  # an MD5
        HASH[:-1],
        HASH[:-1] + "g",
        12,
        True,
        ["jane@example.com"],
    ],
)
def test_anything_else_is_unusable_and_not_repeated(raw: object) -> None:
    fault = member_reader(hash_emails=False, path="email")(raw)
    assert fault == FieldFault("email", "is neither an e-mail address nor a SHA-256 hash (64 hex digits)")


@given(addresses)
def test_normalising_twice_changes_nothing(raw: str) -> None:
    once = READ[False](raw)
    assert isinstance(once, Member)
    assert READ[False](once.address) == once
    assert once.person == hashed(once.address)
    assert READ[True](once.person) == READ[True](raw) == Member(once.person)


@given(st.text())
def test_any_text_is_a_member_or_a_fault(raw: str) -> None:
    read = READ[False](raw)
    assert isinstance(read, FieldFault) or read.person == hashed(read.address) or read.person == raw.strip().lower()


@given(addresses | st.text("aZ@.,: \u200b\u3000\n", max_size=12) | st.text() | st.emails())
def test_a_conversion_takes_the_same_addresses(raw: str) -> None:
    try:
        address = email(raw)
    except BadValue:
        address = None
    member = READ[False](raw)
    if address is None:
        assert isinstance(member, FieldFault)
    else:
        assert member == Member(hashed(address), address)


class Odd:
    """A type no rule was prepared for."""

    @property
    def __class__(self) -> type:
        raise OSError("jane@example.com")


def test_a_value_that_cannot_be_read_costs_itself_and_is_not_shown() -> None:
    fault = FieldFault("user_identities.email", "a value of type Odd that cannot be read")
    assert READ[True](Odd()) == fault
    assert isinstance(read_wanted(Odd(), "member"), FieldFault)


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("null", "a placeholder"),
        ("none@none.com", "a placeholder"),
        ("test@test.com", "a placeholder"),
        ("jane@shop.invalid", "a placeholder"),
        ("noemail@shop.example.com", "a placeholder"),
        ('"jane@example.com"', "still wrapped in JSON"),
        (hashed(""), "the hash of an empty text or of a placeholder"),
        (hashed("null").upper(), "the hash of an empty text or of a placeholder"),
        (hashed("test@test.com"), "the hash of an empty text or of a placeholder"),
        ("0" * 64, "the hash of an empty text or of a placeholder"),
    ],
)
def test_what_names_nobody_is_said_to(raw: str, says: str) -> None:
    fault = READ[True](raw)
    assert isinstance(fault, FieldFault)
    assert says in fault.reason
    with pytest.raises(BadValue, match=says):
        email(raw)


def test_a_key_tells_members_apart_without_the_address() -> None:
    assert RowRef.of_member(0, HASH).key == "member 973dfe463ec85785"


@pytest.mark.parametrize("raw", [True, 1, "1", "true", " IN ", "add", "Include", "yes", "t"])
def test_wanted(raw: object) -> None:
    assert read_wanted(raw, "member") is True


@pytest.mark.parametrize("raw", [False, 0, "0", "False", "out", "DROP", "exclude", "no", "f"])
def test_unwanted(raw: object) -> None:
    assert read_wanted(raw, "member") is False


@pytest.mark.parametrize("raw", [None, "", "maybe", 2, "jane@example.com", []])
def test_neither(raw: object) -> None:
    assert read_wanted(raw, "member") == FieldFault("member", "must say true or false (or in/out, add/drop, 1/0)")
