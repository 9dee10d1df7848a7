"""Ids that name somebody, and what stands where there is none."""

from hashlib import md5, sha1, sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.events.destinations import IDENTITY_PATHS
from airflow_provider_rokt.events.emails import NOBODYS
from airflow_provider_rokt.events.fields import FIELDS
from airflow_provider_rokt.events.identifiers import is_quoted
from airflow_provider_rokt.events.normalize import age, amount, email, event_id, flag, guid, hashed, identity
from airflow_provider_rokt.events.placeholders import NOTHING, PLACEHOLDERS, is_nothing
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.events.values import BadValue, text
from tests.events.test_normalize import INVISIBLE

RULES = Rules(now=1767225600)
customer = identity(PLACEHOLDERS)
IDS = [
    field.kind.normaliser(RULES)
    for field in FIELDS
    if field.path in IDENTITY_PATHS or field.name in ("source_message_id", "confirmationref")
]

# Written out once more: a word that is lost from the list is missed here.
NOBODY = """
null None NONE nil NaN nan NaT undefined UNDEFINED n/a N/A #N/A (null) <null> <nil> <NA> \\N unknown UNKNOWN Unknown -
-- --- . ? ... [] {} '' "" * _ # 0 00 000 0.0 0000000000 00000000-0000-0000-0000-000000000000 0-0 -1 anonymous
Anonymous anon guest Guest GUEST test Test TEST temp void true false distinct_id id email not_authenticated unassigned
pending na none null 9774d56d682e549c lmy47d [object#Object] [object#Undefined] (not#set) not#set guest#user
<none> [object#null] (none) (not#provided) #null! #ref! #value! #name? #div/0! (unknown) unidentified unauthenticated
not#available anonymous#user anonymous_user guest_user visitor testing test#user test_user testuser dummy default tbd
n.a. missing empty blank no#id invalid distinctid userid user_id customerid customer_id android n.a xxx
guest#checkout guest#customer guest#order anonymous#customer no#customer no#user unset unspecified undisclosed
not#specified not#applicable not#given not#known not#found not#defined not#disclosed no#data no#value no#email no#name
null#value none#given none#provided placeholder unavailable not#exist deleted deleted#user redacted removed erased
anonymized anonymised masked hidden unbekannt k.A. k.a k.#A keine#Angabe nicht#angegeben nicht#verfügbar
nicht#vorhanden Gast Gastbestellung anonym gelöscht kein#Kunde onbekend okänd ukjent ukendt gäst inconnu inconnue
non#renseigné non#disponible invité anonyme supprimé aucun desconocido desconocida no#disponible invitado anónimo
anonimo eliminado ninguno desconhecido desconhecida não#informado nao#informado convidado anônimo nenhum sconosciuto
sconosciuta non#disponibile ospite nessuno nieznany gość brak#danych неизвестно Неизвестный гость bilinmiyor misafir
不明 未設定 未登録 なし ゲスト 匿名 未知 无 無 访客 游客 알수없음 알#수#없음 없음
""".replace("\n", " ").split(" ")
# A number sign is a blank, but where a spreadsheet writes one.
NOBODY = [word if word.startswith("#") else word.replace("#", " ") for word in NOBODY if word]
# What programs write for nothing; no event or order is called so either.
NO_EVENT = [
    *("null", "none", "nil", "nan", "nat", "undefined", "n/a", "#n/a", "(null)", "<null>", "<nil>", "<na>", "<none>"),
    *("[object object]", "[object undefined]", "[object null]", "(none)", "(not set)", "(not provided)", "not set"),
    *("\\n", "#null!", "#ref!", "#value!", "#name?", "#div/0!"),
]


TEMPLATES = ["{rclid}", "{{ click_id }}", "${click_id}", "%ROKT_CLICK_ID%", "<your id>", "[clickid]", "*|UNIQID|*"]
# The words again, joined otherwise, in brackets or twice; the hash of nothing; one letter or digit.
FOLDED = [
    *(
        "not_available",
        "not-available",
        "NotAvailable",
        "notset",
        "NOT-SET",
        "not__set",
        "(blank)",
        "[unset]",
        "-null-",
    ),
    *("guest_checkout", "None None", "null-null", "nan|nan", "none, none", "Guest Test", "null.", "N/A;", "n / a"),
    *(sha256(b"").hexdigest(), md5(b"").hexdigest(), sha256(b"null").hexdigest().upper(), sha1(b"NULL").hexdigest()),
    *(
        md5(b"Guest").hexdigest(),
        sha256(b"unknown").hexdigest(),
        "f" * 64,
        "0" * 32,
        "xxxxxxxx",
        "XXX",
        "aaaa",
        "zzzz-zz",
    ),
    *("99999999", "11111111111", "ffffffff-ffff-ffff-ffff-ffffffffffff", "99999999-9999-9999-9999-999999999999"),
]
QUOTED = ["'null'", "`NULL`", "'Unknown'", "ｎｕｌｌ"]


@pytest.mark.parametrize("raw", [*NOBODY, *TEMPLATES, *QUOTED, *FOLDED, " null ", "\u200bnull", b"null", 0, 0.0, -1])
def test_a_placeholder_is_no_identity(raw: object) -> None:
    with pytest.raises(BadValue):
        customer(raw)
    # A column of texts is looked at as a whole; the answer is the same.
    assert not (isinstance(raw, str) and customer.leaves(["c1", None, raw, "c2"]))


@pytest.mark.parametrize("raw", ["null", "None", "n/a", "undefined", "(null)", "-", "[object Object]"])
@pytest.mark.parametrize("rule", [*IDS, guid], ids=lambda rule: type(rule).__name__)
def test_the_reason_says_so_whichever_id_it_is(rule: object, raw: str) -> None:
    with pytest.raises(BadValue, match="a placeholder"):
        rule(raw)


@pytest.mark.parametrize("written", NO_EVENT)
def test_what_programs_write_for_nothing_is_nothing(written: str) -> None:
    assert is_nothing(written) and is_nothing(written.upper())
    with pytest.raises(BadValue):
        event_id(written)


def test_there_are_no_other_words_for_nothing() -> None:
    assert frozenset(NO_EVENT) == NOTHING
    assert {word.lower() for word in NOBODY} >= PLACEHOLDERS - NOTHING


@pytest.mark.parametrize("raw", ["0", "test", "guest", "anonymous", "1", "00012", "true"])
def test_an_event_or_order_may_be_called_so(raw: str) -> None:
    assert event_id(raw) == raw


@pytest.mark.parametrize(
    "raw",
    [
        "1",
        "7",
        "cust_123456",
        "nullable",
        "test_17",
        "guest-42",
        "0001",
        "10",
        "x",
        "a8f9c0",
        "Null Island",
        "日本",
        "é",
        # No spreadsheet's number: it has no point.
        "1E17",
        "7e12",
        "50%",
        "a{b}",
        # Like a placeholder, and short or not quite one.
        *("9999999", "aaa", "AAA", "x", "xx", "xxy", "te-st", "na-n", "not-set-7", "guestnot", "Null-Island"),
        *("99999998", "deadbeef" * 4, sha256(b"jane").hexdigest(), md5(b"1").hexdigest()),
    ],
)
def test_an_id_is_sent_as_it_is(raw: str) -> None:
    assert customer(f" {raw}\n") == event_id(raw) == raw


@given(raw=st.sampled_from(sorted(PLACEHOLDERS)), blank=st.text(" \t\n\u00a0", max_size=2), data=st.data())
def test_neither_case_nor_blanks_make_a_person_of_it(raw: str, blank: str, data: st.DataObject) -> None:
    spelled = "".join(data.draw(st.sampled_from([letter.lower(), letter.upper()])) for letter in raw)
    with pytest.raises(BadValue):
        customer(blank + spelled + blank)


@given(raw=st.text("0-. _/", min_size=1).filter(str.strip))
def test_zeros_and_punctuation_name_nobody(raw: str) -> None:
    with pytest.raises(BadValue, match="a placeholder"):
        customer(raw)


def test_the_list_is_the_users_to_choose() -> None:
    (field,) = [field for field in FIELDS if field.path == "user_identities.customerid"]
    own = field.kind.normaliser(Rules(now=0, placeholders=frozenset({"walk-in"})))
    assert own("guest") == "guest"
    for raw in ("Walk-In", "walk_in", "walkin", sha256(b"walk-in").hexdigest()):
        with pytest.raises(BadValue, match="a placeholder"):
            own(raw)
        assert not own.leaves([raw])
    for raw in ("unbekannt", "not_available", "xxxxxxxx", "99999999", sha256(b"guest").hexdigest()):
        assert own(raw) == raw


def test_the_users_own_words_hold_in_any_case() -> None:
    rules = Rules(now=0, placeholders=["WALK-IN", "Ghost"])
    assert rules.no_identities == {"walk-in", "ghost"}
    assert Rules(now=0).no_identities == PLACEHOLDERS


@pytest.mark.parametrize(
    ("value", "quoted"),
    [('""', True), ('"a"', True), (' "a" ', True), ('"', False), ("", False), ("a", False), ('"a', False), (5, False)],
)
def test_a_text_with_its_quotes_is_told(value: object, quoted: bool) -> None:
    assert is_quoted(value) is quoted


def test_the_users_own_identities_are_named_before_the_devices() -> None:
    of_device = [path.startswith("device_info.") for path in IDENTITY_PATHS]
    assert of_device == sorted(of_device) and not of_device[0] and of_device[-1]


def test_the_words_are_in_lower_case_and_trimmed() -> None:
    assert all(word == word.lower().strip() for word in PLACEHOLDERS)
    assert NOTHING < PLACEHOLDERS


@pytest.mark.parametrize(
    "raw", ['"Jane"', '"cust_1"', ' "cust_1" ', '\\"x\\"', '["a"]', '{"id": 1}', b'"cust_1"', '""']
)
@pytest.mark.parametrize("rule", IDS)
def test_json_around_an_id_is_told(rule: object, raw: object) -> None:
    with pytest.raises(BadValue, match="still wrapped in JSON"):
        rule(raw)


@pytest.mark.parametrize("address", NOBODYS)
def test_the_hash_of_nobodys_address_is_nobodys(address: str) -> None:
    for raw in (address, sha256(address.encode()).hexdigest()):
        for rule in (email, hashed(email)):
            with pytest.raises(BadValue):
                rule(raw)


@pytest.mark.parametrize("raw", ["0" * 64, "F" * 64, b"\xff" * 32])
def test_a_digest_of_one_digit_is_none(raw: object) -> None:
    for rule in (email, hashed(email), hashed(text)):
        with pytest.raises(BadValue, match="the hash of an empty text or of a placeholder"):
            rule(raw)


@pytest.mark.parametrize("raw", ["NA", "na-n", "test-test", "xxxxxxxx", "99999999", "unbekannt", "not_available"])
def test_an_order_may_be_called_what_no_person_is(raw: str) -> None:
    assert event_id(raw) == raw


@pytest.mark.parametrize("raw", ["not_set", "NotSet", "None None", "null-null", "'null'"])
def test_no_order_is_called_nothing_however_it_is_joined(raw: str) -> None:
    with pytest.raises(BadValue, match="a placeholder"):
        event_id(raw)
    assert not event_id.leaves([raw])


@pytest.mark.parametrize("raw", ['"Jane"', '"5551234567"', "null"])
def test_json_around_what_is_hashed_is_told(raw: str) -> None:
    with pytest.raises(BadValue):
        hashed(text)(raw)
    with pytest.raises(BadValue):
        hashed(email)(raw)


def test_a_name_is_not_what_pandas_makes_of_nothing() -> None:
    assert hashed(text)("Nan")
    for raw in ("nan", "NaN", "NULL", "-", "N/A"):
        with pytest.raises(BadValue, match="a placeholder"):
            hashed(text)(raw)


@pytest.mark.parametrize(
    "raw",
    [
        143349558619761320.0,
        2.0**53,
        -(2.0**60),
        1e300,
        "1.43349558619761E+17",
        "9E+15",
        "1.43E17",
        "1,43E+17",
        "1,43E17",
        "-1.43E+17",
        "143349558619761310.0",
        "9007199254740992,00",
    ],
)
def test_a_number_that_a_float_has_blurred_is_no_id(raw: object) -> None:
    for rule in (customer, event_id):
        with pytest.raises(BadValue, match="no longer exact"):
            rule(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (2.0**53 - 1, "9007199254740991"),
        (143349558619761320, "143349558619761320"),
        (17.0, "17"),
        ("12E4", "12E4"),
        ("9007199254740991.0", "9007199254740991.0"),
        ("17.0", "17.0"),
        ("1433495586197613.5", "1433495586197613.5"),
    ],
)
def test_what_is_exact_stays(raw: object, expected: str) -> None:
    assert customer(raw) == event_id(raw) == expected


def test_a_float32_is_blurred_earlier() -> None:
    np = pytest.importorskip("numpy")
    assert customer(np.float32(2**24 - 1)) == "16777215"
    with pytest.raises(BadValue, match="no longer exact"):
        customer(np.float32(2**24))


@pytest.mark.parametrize("control", ["\x00", "\x01", "\x07", "\x1b", "\x7f", "\x80", "\t", "\n", "\r"])
@pytest.mark.parametrize("rule", [customer, event_id, text, hashed(text)])
def test_a_control_character_is_part_of_nothing_that_is_matched(rule: object, control: str) -> None:
    for raw in (f"a{control}b", f"a{control}b".encode()):
        with pytest.raises(BadValue):
            rule(raw)


@pytest.mark.parametrize("invisible", sorted(set(INVISIBLE[:120])), ids=lambda character: f"U+{ord(character):04X}")
def test_what_nobody_sees_makes_no_difference(invisible: str) -> None:
    for raw in (f"{invisible}John", f"Jo{invisible}hn", f"John{invisible}", f" {invisible} John {invisible} "):
        assert text(raw) == customer(raw) == event_id(raw) == "John"
        assert hashed(text)(raw) == hashed(text)("john")
    assert text(invisible) is customer(invisible) is hashed(text)(invisible) is None
    for raw in (f"ja{invisible}ne@example.com", f"jane@exam{invisible}ple.com", f"{invisible}jane@example.com"):
        with pytest.raises(BadValue):
            email(raw)


@pytest.mark.parametrize("invisible", sorted(set(INVISIBLE[:120])), ids=lambda character: f"U+{ord(character):04X}")
def test_nor_in_a_number_or_a_yes(invisible: str) -> None:
    for around in ("{}{}", "{1}{0}", " {1}{0}{1} "):
        assert amount(around.format("12.5", invisible)) == "12.5"
        assert age(around.format("42", invisible)) == 42
        assert flag(around.format("true", invisible)) is flag(around.format("1", invisible)) is True
    assert amount(invisible) is age(invisible) is flag(invisible) is None


@given(character=st.sampled_from(INVISIBLE))
def test_that_holds_for_all_of_them(character: str) -> None:
    assert text(f"J{character}ohn") == "John"
    with pytest.raises(BadValue):
        email(f"j{character}ohn@example.com")
