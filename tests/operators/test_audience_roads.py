"""The two roads read a row alike, and what each of them makes of names: of audiences and of flags."""

import logging

import pytest

from airflow_provider_rokt.exceptions import RoktMappingError, RoktSettingsError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.faults import Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.audiences.people import address, hashed

EMAIL, OTHER = "user_identities.email", "user_identities.other"
A, B = "a@example.com", "b@example.com"

pytestmark = pytest.mark.usefixtures("rokt", "ledger")


def send(rows, audience="vip", **options):
    return RoktHook().send_audience(rows, audience, **options)


def members(sandbox, audience="vip"):
    """Whom either road brought in, by hash."""
    found = set(sandbox.store.audiences.get(audience, ()))
    for document in sandbox.store.documents:
        identities = document["user_identities"]
        found.add(identities.get("other") or hashed(identities["email"]))
    return found


# --- who a row means


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize("hash_emails", [True, False])
@pytest.mark.parametrize(
    ("mapping", "rows", "wanted"),
    [
        ({EMAIL: {"column": "e", "default": B}}, [{"e": None}, {"e": A}, {"e": " "}], [A, B]),
        ({OTHER: {"column": "o", "default": hashed(B)}}, [{"o": ""}, {"o": hashed(A)}], [A, B]),
        ({EMAIL: {"literal": B}}, [{"x": 1}], [B]),
        ({OTHER: {"literal": hashed(B).upper()}}, [{"x": 1}], [B]),
        ({OTHER: "o"}, [{"o": A.upper()}, {"o": hashed(B)}], [A, B]),
        (
            {EMAIL: "e", OTHER: "o"},
            [{"e": A, "o": hashed(A)}, {"e": None, "o": B}, {"e": hashed("c@x.org")}],
            [A, B, "c@x.org"],
        ),
        ({EMAIL: "e", OTHER: {"column": "o", "default": hashed(A)}}, [{"e": A, "o": None}, {"e": "", "o": ""}], [A]),
    ],
)
def test_a_person_is_the_same_on_both_roads(sandbox, via, hash_emails, mapping, rows, wanted):
    result = send(rows, via=via, hash_emails=hash_emails, mapping=mapping)
    assert members(sandbox) == {hashed(person) for person in wanted}
    assert (result["rows_rejected"], result["members_added"]) == (0, len(wanted))


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize("hash_emails", [True, False])
@pytest.mark.parametrize(("email", "other"), [(A, hashed(B)), (A, B), (hashed(A), hashed(B))])
def test_an_address_and_another_ones_hash_are_rejected(sandbox, via, hash_emails, email, other):
    rows = [{"email": email, "other": other}, {"email": address(1), "other": hashed(address(1))}]
    result = send(rows, via=via, hash_emails=hash_emails, max_rejected=1)
    assert members(sandbox) == {hashed(address(1))}
    (rejection,) = result["rejections"]
    assert (rejection["row"], rejection["path"]) == ("row 1", OTHER)
    assert "is not the SHA-256 of user_identities.email" in rejection["reason"]


@pytest.mark.parametrize("via", ["import", "events"])
def test_a_row_without_a_person_is_rejected(sandbox, via):
    result = send([{"email": " ", "other": None}, {"email": A, "other": None}], via=via, max_rejected=1)
    assert (result["rows_rejected"], members(sandbox)) == (1, {hashed(A)})


def test_what_an_import_has_no_place_for_is_said_once(sandbox, said):
    send([{"email": address(n), "firstname": "Ann", "customerid": "c"} for n in range(20)], fetch_size=5)
    assert said().count("no place for user_attributes.firstname, user_identities.customerid") in (1, 2)  # log, console


# --- a mirror over events


MIRROR = {"via": "events", "mode": "mirror", "max_removed": 1.0}


def in_by_events(sandbox, audience="vip"):
    return {frozenset(person) for person in sandbox.store.memberships.get(audience, ())}


def test_a_mirror_drops_by_all_identities_that_it_added(sandbox):
    """The sandbox wants each of them, as nobody has published that fewer will do."""
    send(
        [{"email": A, "other": None}, {"email": B, "other": hashed(B)}, {"email": None, "other": hashed("c")}], **MIRROR
    )
    assert in_by_events(sandbox) == {frozenset({("other", hashed(person))}) for person in (A, B, "c")}
    send([{"email": B, "other": None}], **MIRROR)
    assert in_by_events(sandbox) == {frozenset({("other", hashed(B))})}
    assert not sandbox.store.counts.dropped_events


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize("given", [{"email": A}, {"other": hashed(A)}])
def test_a_mirror_sends_no_address_as_it_could_not_remove_it(sandbox, via, given):
    with pytest.raises(RoktTaskFailed, match="hash_emails=False cannot go with mode='mirror'"):
        send([given], mode="mirror", via=via, hash_emails=False)
    assert not sandbox.store.requests


@pytest.mark.parametrize(
    ("via", "mapping"), [("import", {EMAIL: "email"}), ("events", {EMAIL: "email", OTHER: "email"})]
)
def test_the_way_out_of_a_memory_of_raw_addresses_leaves_nobody_behind(sandbox, tmp_path, via, mapping):
    """Mirrors once added over the import by the address, over events by both names."""
    rows = [{"email": A}, {"email": B}]
    send(rows, via=via, mode="mirror")
    (memory,) = tmp_path.glob("**/members")
    memory.write_bytes(memory.read_bytes().replace(b'"hash_emails": true', b'"hash_emails": false'))
    sandbox.reset(Settings(join_hash_and_address="no"))
    send(rows, via=via, hash_emails=False, mapping=mapping)
    assert [*sandbox.store.members.values(), *sandbox.store.memberships.values()] != [frozenset()]
    with pytest.raises(RoktTaskFailed, match=r"once with mode='exclude'.* hash_emails=False") as failed:
        send(rows, via=via, mode="mirror")
    assert ("mapped to both" in str(failed.value)) == (OTHER in mapping)
    send(rows, via=via, mode="exclude", hash_emails=False, mapping=mapping)
    assert [*sandbox.store.members.values(), *sandbox.store.memberships.values()] == [frozenset()]
    assert not sandbox.store.counts.dropped_events


# --- under which name a member goes


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize("mode", ["include", "exclude"])
def test_a_mixture_of_addresses_and_hashes_is_told(caplog, via, mode):
    rows = [{"email": A}, {"email": B}, {"email": hashed("c@example.com")}, {"email": A}]
    send(rows, via=via, mode=mode, hash_emails=False, members_per_request=1)
    assert caplog.text.count("2 members go by their address and 1 by its SHA-256") == 1


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize(
    ("rows", "hash_emails"),
    [
        ([{"email": A}, {"email": hashed(B)}], True),
        ([{"email": A}, {"email": B}], False),
        ([{"email": hashed(A)}], False),
    ],
)
def test_one_kind_of_name_is_no_mixture(caplog, via, rows, hash_emails):
    send(rows, via=via, hash_emails=hash_emails)
    assert "go by their address" not in caplog.text


def test_who_carries_both_is_known_by_either(caplog):
    send([{"email": A, "other": hashed(A)}, {"email": B, "other": None}], via="events", hash_emails=False)
    assert "go by their address" not in caplog.text


UNCONFIRMED = "Rokt has published no answer that confirms membership events"


@pytest.mark.parametrize("mode", ["include", "exclude"])
def test_every_run_over_events_says_that_nothing_confirms_it(caplog, mode):
    caplog.set_level(logging.INFO)
    for told in (1, 2):
        send([{"email": A}], via="events", mode=mode)
        assert caplog.text.count(UNCONFIRMED) == told


def test_a_mirror_over_events_says_so_until_a_run_succeeded(caplog, sandbox):
    caplog.set_level(logging.INFO)
    sandbox.faults.add(Status(401, times=1))
    with pytest.raises(RoktTaskFailed):
        send([{"email": A}], **MIRROR)
    for rows in ([{"email": A}], [{"email": B}]):
        send(rows, **MIRROR)
    assert caplog.text.count(UNCONFIRMED) == 2


def test_the_import_says_nothing_of_events(caplog):
    for mode in ("include", "mirror"):
        send([{"email": A}], mode=mode)
    assert UNCONFIRMED not in caplog.text


# --- names


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize(("audience", "told"), [("US_Customers - 2", 0), ("Käufer", 1), ("vip!", 1), ("a/b", 1)])
def test_a_name_beyond_letters_and_digits_is_told_once(caplog, via, audience, told):
    send([{"email": A}], audience, via=via)
    assert caplog.text.count(f"name {audience!r} holds more than letters a to z, digits, _, - and blanks") == told
    seen = RoktHook().preview_audience([{"email": A}], audience, via=via)
    assert [warning["kind"] for warning in seen["warnings"]] == ["name"] * told


def test_what_all_events_may_lose_is_told_of_memberships_too(caplog):
    row = {"email": A, "consent_state.gdpr.ads.consented": "true"}
    send([row], via="events", environment="development")
    assert caplog.text.count("always production") == caplog.text.count("whether Rokt honours it") == 1
    seen = RoktHook().preview_audience([row], "vip", via="events", environment="development")
    assert [warning["kind"] for warning in seen["warnings"]] == ["environment", "consent"]
    caplog.clear()
    send([row], environment="development")
    assert "always production" not in caplog.text and "honours" not in caplog.text


def test_names_in_rows_are_looked_at_and_not_shown(caplog):
    rows = [{"email": A, "audience_name": name} for name in ("Käufer-1", "vip", "VIP", "Käufer-2", "Vip", "other")]
    send(rows, via="events")
    said = [record.getMessage() for record in caplog.records if "Rows name" in record.getMessage()]
    assert [text.partition(":")[0] for text in said] == [
        "Rows name an audience whose name holds more than letters a to z, digits, _, - and blanks",
        "Rows name audiences whose names differ by case alone",
    ]
    assert "Käufer" not in caplog.text


@pytest.mark.parametrize(
    ("flag", "name"),
    [
        ("{audience}_{x}", "vip_{x}"),
        ("{audience}{", "vip{"),
        ("{audience}{0}", "vip{0}"),
        ("{{audience}}", "{vip}"),
        ("in_{audience}", "in_vip"),
    ],
)
def test_a_flags_other_braces_are_its_own(sandbox, flag, name):
    send([{"email": A}], via="events", flag=flag)
    assert sandbox.store.documents[0]["user_attributes"] == {name: True}


def test_an_audience_may_be_called_like_the_placeholder(sandbox):
    send([{"email": A}], "{audience}", via="events")
    assert sandbox.store.documents[0]["user_attributes"] == {"segment_{audience}": True}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"flag": "{audience.foo}"}, "flag must be a name with {audience} in it"),
        ({"flag": None}, "flag must be a name with {audience} in it"),
        ({"flag": "f" * 254 + "{audience}"}, "longer than 256 characters"),
        ({"flag": " {audience}"}, "flag must not begin or end with a blank"),
        ({"flag": "\0{audience}"}, "flag must not hold control characters"),
        ({"audience": "vip "}, "audience must not begin or end with a blank"),
        ({"audience": "\ud800"}, "audience must not hold"),
        ({"hash_emails": "false"}, "hash_emails must be True or False"),
        ({"allow_empty": "no"}, "allow_empty must be True or False"),
        ({"allow_empty": 1}, "allow_empty must be True or False"),
    ],
)
def test_bad_arguments_send_nothing(sandbox, options, says):
    with pytest.raises(RoktTaskFailed) as failed:
        send([{"email": A}], **{"audience": "vip", "via": "events", **options})
    assert isinstance(failed.value.__cause__, RoktSettingsError)
    assert says in str(failed.value)
    assert not sandbox.store.requests


@pytest.mark.parametrize(
    ("option", "says"), [("group_by_user", "must be True, False or 'result'"), ("historical", "must be True or False")]
)
def test_conversions_want_true_or_false_too(sandbox, option, says):
    with pytest.raises(RoktTaskFailed, match=f"{option} {says}"):
        RoktHook().send_conversions([{"email": A}], **{option: "false"})


def test_a_flag_named_like_a_mapped_attribute_is_refused(sandbox):
    with pytest.raises(RoktTaskFailed, match=r"user_attributes\.firstname is mapped, .*choose another flag") as failed:
        send([{"email": A, "firstname": "Ann"}], "firstname", via="events", flag="{audience}")
    assert isinstance(failed.value.__cause__, RoktMappingError)
    assert not sandbox.store.requests


def test_a_rows_audience_has_the_same_rules_and_is_not_repeated(sandbox, said, tmp_path):
    secret = "secret.person@example.com"
    names = [secret + "x" * 100, secret + "x" * 300, "a\0" + secret, "firstname", "y" * 100, " lapsed ", None]
    rows = [{"email": address(n), "firstname": "Ann", "audience_name": name} for n, name in enumerate(names)]
    result = send(rows, via="events", flag="{audience}", max_rejected=4)
    assert (result["rows_rejected"], result["rows_accepted"]) == (4, 3)
    assert [(rejection["row"], rejection["reason"]) for rejection in result["rejections"]] == [
        ("row 1", "must be a name of 1 to 100 characters"),
        ("row 2", "must be a name of 1 to 100 characters"),
        ("row 3", "must not hold control characters or halves of surrogate pairs"),
        ("row 4", "makes the flag's name that of a mapped attribute"),
    ]
    flags = [set(document["user_attributes"]) - {"firstname"} for document in sandbox.store.documents]
    assert {name for names in flags for name in names} == {"y" * 100, "lapsed", "vip"}
    written = said() + str(result) + "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
    assert "secret" not in written


def test_a_rows_audience_cannot_make_the_flags_name_too_long(sandbox):
    rows = [{"email": A, "audience_name": "x" * 100}, {"email": B, "audience_name": None}]
    result = send(rows, via="events", flag="f" * 200 + "{audience}", max_rejected=1)
    (rejection,) = result["rejections"]
    assert rejection["path"] == "events[].data.custom_attributes.audience_name"
    assert "longer than 256" in rejection["reason"]


def test_membership_events_are_sent_in_requests_that_grow_with_the_pace(sandbox, rokt):
    rokt(extra={"batches_per_second": 270})
    assert send([{"email": f"person{number}@example.com"} for number in range(40)], via="events")["requests"] > 5
