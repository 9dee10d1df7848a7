"""The audience import in both its forms, asked over HTTP."""

import hashlib
import json

import pytest
import requests

from airflow_provider_rokt.sandbox import Settings

V1, V3 = "/api/1.0/import/suppression", "/v3/import/suppression"
CHECK_V1, CHECK_V3 = "/api/1.0/auth-check", "/v3/auth-check"


def _digest(address):
    return hashlib.sha256(address.encode()).hexdigest()


JANE, JOHN = _digest("jane@example.com"), _digest("john@example.com")


@pytest.fixture
def v1(sandbox, post):
    def send(body, key=None, path=V1):
        headers = {"Authorization": key or sandbox.settings.audience_key, "Content-Type": "application/json"}
        return post(body, path, auth=None, headers=headers)

    return send


@pytest.fixture
def v3(sandbox, post):
    def send(body, auth=("rpub-sandbox", "rsec-sandbox"), path=V3):
        return post({"accountId": "sandbox-account", **body}, path, auth=auth)

    return send


@pytest.mark.parametrize("form", ["v1", "v3"])
@pytest.mark.parametrize(
    "members",
    [
        {"email": "jane@example.com"},
        {"emails": ["jane@example.com"]},
        {"sha256": JANE},
        {"sha256s": [JANE.upper()]},
        {"emails": [], "sha256s": [JANE]},
        {"emails": ["jane@example.com"], "sha256s": []},
        {"email": None, "emails": [" Jane@example.com"[1:]]},
    ],
)
def test_members_are_included(request, sandbox, form, members):
    answer = request.getfixturevalue(form)({"action": "include", "list": "VIP", **members})
    assert answer.status_code == 201
    assert sandbox.store.audiences == {"VIP": {JANE}}


def test_members_are_excluded(sandbox, v1):
    v1({"action": "include", "list": "VIP", "emails": ["jane@example.com", "john@example.com"]})
    v1({"action": "include", "list": "Other", "sha256s": [JANE]})
    v1({"action": "exclude", "list": "VIP", "sha256s": [JANE, _digest("nobody@example.com")]})
    assert sandbox.store.audiences == {"VIP": {JOHN}, "Other": {JANE}}


def test_the_list_has_a_default(sandbox, v3):
    v3({"action": "include", "sha256": JANE})
    assert sandbox.store.audiences == {"AdvertiserDatabase": {JANE}}


def test_what_was_posted_is_kept(sandbox, v1, v3):
    v1({"action": "include", "list": "VIP", "emails": ["jane@example.com", "john@example.com"]})
    v3({"action": "exclude", "sha256": JANE})
    first, second = sandbox.store.imports
    assert first[:5] == (V1, "include", "VIP", "emails", 2)
    assert json.loads(first.body)["emails"] == ["jane@example.com", "john@example.com"]
    assert second[:5] == (V3, "exclude", "AdvertiserDatabase", "sha256", 1)


BAD = {
    "no member": {"action": "include"},
    "two kinds": {"action": "include", "emails": ["a@example.com"], "sha256s": [JANE]},
    "two forms of one kind": {"action": "include", "email": "a@example.com", "emails": ["b@example.com"]},
    "empty arrays": {"action": "include", "emails": [], "sha256s": []},
    "an empty address": {"action": "include", "email": ""},
    "no address": {"action": "include", "emails": ["a@example.com", "jane"]},
    "a space in an address": {"action": "include", "email": "jane @example.com"},
    "a newline after an address": {"action": "include", "email": "jane@example.com\n"},
    "a digest as an address": {"action": "include", "emails": [JANE]},
    "an address as a digest": {"action": "include", "sha256s": ["jane@example.com"]},
    "too short a digest": {"action": "include", "sha256": JANE[:63]},
    "no hexadecimal": {"action": "include", "sha256": "g" * 64},
    "a newline after a digest": {"action": "include", "sha256": JANE + "\n"},
    "an array for one": {"action": "include", "email": ["a@example.com"]},
    "one for an array": {"action": "include", "emails": "a@example.com"},
    "no action": {"email": "a@example.com"},
    "an unknown action": {"action": "remove", "email": "a@example.com"},
    "no name for a list": {"action": "include", "list": 5, "email": "a@example.com"},
}


@pytest.mark.parametrize("form", ["v1", "v3"])
@pytest.mark.parametrize("case", BAD)
def test_a_bad_body_is_400_and_changes_nothing(request, sandbox, form, case):
    answer = request.getfixturevalue(form)(BAD[case])
    assert answer.status_code == 400
    assert "example.com" not in answer.text
    assert not sandbox.store.audiences


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b'"\xff"'])
def test_malformed_json_is_400(sandbox, post, body):
    assert post(body, V3, auth=("rpub-sandbox", "rsec-sandbox")).status_code == 400


@pytest.mark.slow
def test_a_million_members_fit_and_no_more(sandbox, post, v1):
    digest = b'"%s"' % JANE.encode()
    head = b'{"action":"include","sha256s":['
    answer = v1(head + b",".join([digest] * 1_000_000) + b"]}")
    assert answer.status_code == 201
    answer = v1(head + b",".join([digest] * 1_000_001) + b"]}")
    assert answer.status_code == 400
    assert [change.members for change in sandbox.store.imports] == [1_000_000]


@pytest.mark.parametrize("key", ["wrong", "Basic sandbox-audience-key", "Bearer sandbox-audience-key"])
def test_v1_takes_the_bare_key_only(sandbox, v1, key):
    assert v1({"action": "include", "sha256": JANE}, key=key).status_code == 401
    assert requests.get(sandbox.url + CHECK_V1, headers={"Authorization": key}).status_code == 401


def test_v1_without_a_key_is_401(sandbox, post):
    assert post({"action": "include", "sha256": JANE}, V1, auth=None).status_code == 401
    assert requests.get(sandbox.url + CHECK_V1).status_code == 401


@pytest.mark.parametrize(
    "auth", [None, ("rpub-sandbox", "x"), ("x", "rsec-sandbox"), ("sandbox-key", "sandbox-secret")]
)
def test_v3_takes_its_pair_only(v3, auth):
    assert v3({"action": "include", "sha256": JANE}, auth=auth).status_code == 401
    assert v3({}, auth=auth, path=CHECK_V3).status_code == 401


def test_v3_wants_its_account_id(sandbox, v3):
    assert v3({"accountId": "another", "action": "include", "sha256": JANE}).status_code == 401
    assert v3({"accountId": None, "action": "include", "sha256": JANE}).status_code == 400
    assert v3({"accountId": "another"}, path=CHECK_V3).status_code == 401
    assert v3({"accountId": 7}, path=CHECK_V3).status_code == 400
    assert not sandbox.store.audiences


def test_the_checks_answer_200_to_good_credentials(sandbox, v3):
    assert v3({}, path=CHECK_V3).status_code == 200
    headers = {"Authorization": sandbox.settings.audience_key}
    assert requests.get(sandbox.url + CHECK_V1, headers=headers).status_code == 200


def test_credentials_follow_the_settings(sandbox, v1, v3):
    sandbox.reset(Settings(audience_key="k", rpub="p", rsec="s", account_id="a"))
    body = {"action": "include", "sha256": JANE}
    assert v1(body, key="k").status_code == 201
    assert v1(body, key="sandbox-audience-key").status_code == 401
    assert v3({**body, "accountId": "a"}, auth=("p", "s")).status_code == 201
    assert v3({**body, "accountId": "sandbox-account"}, auth=("p", "s")).status_code == 401


# --- readings


def _change(v1, action, members, audience="VIP"):
    return v1({"action": action, "list": audience, **members})


@pytest.mark.parametrize(("reading", "left"), [("yes", set()), ("no", {"jane@example.com", JOHN})])
def test_a_hash_and_an_address_are_one_person_or_two(sandbox, v1, reading, left):
    sandbox.reset(Settings(join_hash_and_address=reading))
    _change(v1, "include", {"email": "Jane@example.com"})
    _change(v1, "include", {"sha256": JOHN})
    assert sandbox.store.members == {"VIP": {"jane@example.com", JOHN}}
    assert sandbox.store.audiences == {"VIP": {JANE, JOHN}}
    _change(v1, "exclude", {"sha256": JANE})
    _change(v1, "exclude", {"email": "john@example.com"})
    assert sandbox.store.members == {"VIP": left}
    assert sandbox.store.audiences == {"VIP": {JANE, JOHN} if left else set()}
    _change(v1, "exclude", {"email": "jane@example.com"})
    _change(v1, "exclude", {"sha256": JOHN})
    assert sandbox.store.members == {"VIP": set()}


@pytest.mark.parametrize(("reading", "count"), [("yes", 1), ("no", 2)])
def test_counts_alone_hold_no_address(sandbox, v1, reading, count):
    sandbox.reset(Settings(join_hash_and_address=reading, keep="counts"))
    _change(v1, "include", {"email": "jane@example.com"})
    _change(v1, "include", {"sha256": JANE})
    assert (sandbox.store.members, sandbox.store.audiences) == ({"VIP": {JANE}}, {"VIP": {JANE}})
    _change(v1, "exclude", {"sha256": JANE})
    assert sandbox.store.audiences == {"VIP": {JANE} if count == 2 else set()}


def test_who_is_added_again_keeps_the_first_name(sandbox, v1):
    _change(v1, "include", {"email": "jane@example.com"})
    _change(v1, "include", {"sha256": JANE})
    assert sandbox.store.members == {"VIP": {"jane@example.com"}}


def test_by_default_an_import_says_nothing(v1):
    answer = _change(v1, "include", {"sha256": JANE})
    assert (answer.status_code, answer.content) == (201, b"")


def test_an_import_may_say_that_it_succeeded(sandbox, v1):
    sandbox.reset(Settings(import_body="success"))
    answer = _change(v1, "include", {"sha256": JANE})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert sandbox.store.audiences == {"VIP": {JANE}}


@pytest.mark.parametrize("form", ["v1", "v3"])
@pytest.mark.parametrize("field", ["emails", "sha256s"])
def test_an_import_may_not_take_everybody(request, sandbox, form, field):
    sandbox.reset(Settings(import_body="unprocessed"))
    send = request.getfixturevalue(form)
    addresses = [f"person-{number}@example.com" for number in range(100)]
    given = addresses if field == "emails" else [_digest(address) for address in addresses]
    answer = _change(send, "include", {field: given})
    assert answer.status_code == 200
    left = set(answer.json()["data"]["unprocessedRecords"])
    assert 10 < len(left) < 40
    assert sandbox.store.members == {"VIP": set(given) - left}
    assert (sandbox.store.counts.imports, sandbox.store.counts.dropped_members) == (1, len(left))
    assert sandbox.store.imports[0].members == 100
    again = _change(send, "exclude", {field: given})
    assert set(again.json()["data"]["unprocessedRecords"]) == left


def test_an_import_may_know_one_list_only(sandbox, v1):
    sandbox.reset(Settings(import_body="known_lists"))
    answer = _change(v1, "include", {"sha256s": [JANE, JOHN]})
    assert (answer.status_code, answer.json()) == (200, {"success": False})
    assert (sandbox.store.audiences, sandbox.store.imports) == ({}, ())
    assert (sandbox.store.counts.imports, sandbox.store.counts.dropped_members) == (0, 2)
    answer = _change(v1, "include", {"sha256": JANE}, "AdvertiserDatabase")
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    assert sandbox.store.audiences == {"AdvertiserDatabase": {JANE}}
