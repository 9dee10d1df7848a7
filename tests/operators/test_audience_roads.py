"""The two roads read a row alike, and what each of them makes of names: of audiences and of flags."""

import pytest

from airflow_provider_rokt.exceptions import RoktMappingError, RoktSettingsError
from airflow_provider_rokt.hooks.rokt import RoktHook
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


def test_a_mirror_of_addresses_removes_the_profile_it_added(sandbox):
    """Added as an address alone, a person could not be found again by the hash, all that is remembered."""
    mirror = {"via": "events", "mode": "mirror", "hash_emails": False, "max_removed": 1.0}
    send([{"email": A}, {"email": B}], **mirror)
    assert [document["user_identities"] for document in sandbox.store.documents] == [
        {"email": person, "other": hashed(person)} for person in sorted((A, B), key=hashed)
    ]
    send([{"email": B}], **mirror)
    assert sandbox.store.documents[-1]["user_identities"] == {"other": hashed(A)}


# --- names


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


@pytest.mark.parametrize("option", ["group_by_user", "historical"])
def test_conversions_want_true_or_false_too(sandbox, option):
    with pytest.raises(RoktTaskFailed, match=f"{option} must be True or False"):
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
