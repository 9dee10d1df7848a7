"""Membership events are judged: what is not as documented is counted, and the others say who is in which audience."""

import hashlib

import pytest
import requests

from airflow_provider_rokt.sandbox import Settings

JANE = "jane@example.com"
DIGEST = hashlib.sha256(JANE.encode()).hexdigest()
MISSED = "membership: the drop lacks identities that the add carried"


def _membership(message_id, status="add", identities=None, **changes):
    """A membership event as another sender writes it; ``changes`` replace fields, ``...`` leaves one out."""
    data = {
        "event_name": "audiencemembershipupdate",
        "custom_event_type": "other",
        "source_message_id": message_id,
        "custom_attributes": {"audience_name": "VIP", "status": status},
    }
    flag = changes.pop("flag", status == "add")
    attributes = {"audience_name", "status"} & changes.keys()
    data["custom_attributes"] |= {name: changes.pop(name) for name in attributes}
    data |= changes
    data = {name: value for name, value in data.items() if value is not ...}
    data["custom_attributes"] = {name: value for name, value in data["custom_attributes"].items() if value is not ...}
    return {
        "user_identities": {"email": JANE} if identities is None else identities,
        "user_attributes": {} if flag is ... else {"segment_VIP": flag},
        "events": [{"event_type": "custom_event", "data": data}],
    }


def _members(sandbox):
    return {frozenset(person) for person in sandbox.store.memberships.get("VIP", ())}


def test_members_come_and_go(sandbox, post):
    john = {"customerid": "c1", "other2": "click"}
    assert post([_membership("a1"), _membership("a2", identities=john)]).status_code == 202
    assert _members(sandbox) == {frozenset({("email", JANE)}), frozenset(john.items())}
    assert requests.get(f"{sandbox.url}/sandbox/summary").json()["memberships"] == {"VIP": 2}
    post([_membership("d1", "drop"), _membership("d2", "drop", john | {"email": "john@example.com"})])
    assert _members(sandbox) == set()
    assert sandbox.store.held == {"a1", "a2", "d1", "d2"}
    assert not sandbox.store.counts.dropped_events


UNRECOGNISED = {
    "another event name": ({"event_name": "conversion"}, "event_name is not audiencemembershipupdate"),
    "a draft's attributes": (
        {"event_name": "update", "custom_attributes": {"audiencemembership": True}},
        "event_name is not audiencemembershipupdate",
    ),
    "another type": ({"custom_event_type": "transaction"}, "custom_event_type is not other"),
    "no type": ({"custom_event_type": ...}, "custom_event_type is not other"),
    "no audience": ({"audience_name": ...}, "audience_name is missing"),
    "no status": ({"status": ...}, "status is neither add nor drop"),
    "another status": ({"status": "remove"}, "status is neither add nor drop"),
    "no flag": ({"flag": ...}, "the flag segment_<audience_name> is missing or says otherwise"),
    "the other flag": ({"flag": False}, "the flag segment_<audience_name> is missing or says otherwise"),
    "nobody": ({"identities": {}}, "nobody is named"),
}


@pytest.mark.parametrize("case", UNRECOGNISED)
def test_what_is_not_as_documented_is_answered_202_and_changes_nothing(sandbox, post, case):
    changes, reason = UNRECOGNISED[case]
    answer = post([_membership("a1", **changes)])
    assert (answer.status_code, answer.content) == (202, b"")
    assert sandbox.store.counts.dropped_events == {f"membership: {reason}": 1}
    assert sandbox.store.fate("a1") == (False, f"membership: {reason}", None)
    assert not sandbox.store.memberships


@pytest.mark.parametrize("case", UNRECOGNISED)
def test_under_the_other_reading_anything_goes(sandbox, post, case):
    sandbox.reset(Settings(membership="any"))
    post([_membership("a1", **UNRECOGNISED[case][0])])
    assert sandbox.store.held == {"a1"}
    assert not sandbox.store.counts.dropped_events


@pytest.mark.parametrize("flag", ["True", "true"])
def test_a_flag_may_be_text(sandbox, post, flag):
    post([_membership("a1", flag=flag)])
    assert sandbox.store.held == {"a1"}


@pytest.mark.parametrize("keep", ["everything", "counts"])
@pytest.mark.parametrize(
    ("added", "dropped"),
    [
        ({"email": JANE}, {"other": DIGEST}),
        ({"email": JANE, "other": DIGEST}, {"other": DIGEST}),
        ({"email": JANE, "customerid": "c1"}, {"email": JANE}),
    ],
)
def test_a_drop_carries_what_the_add_carried(sandbox, post, keep, added, dropped):
    sandbox.reset(Settings(keep=keep))
    post([_membership("a1", identities=added)])
    post([_membership("d1", "drop", dropped)])
    assert sandbox.store.counts.dropped_events == {MISSED: 1}
    assert len(_members(sandbox)) == 1
    assert JANE not in str(sandbox.store.memberships) or keep == "everything"
    post([_membership("d2", "drop", added)])
    assert _members(sandbox) == set()
    assert (sandbox.store.fate("d1").held, sandbox.store.fate("d2").held) == (False, True)


def test_under_the_other_reading_any_identity_will_do(sandbox, post):
    sandbox.reset(Settings(membership="any"))
    post([_membership("a1", identities={"email": JANE, "customerid": "c1"})])
    post([_membership("d1", "drop", {"other": DIGEST})])
    assert _members(sandbox) == set()


def test_a_drop_of_nobody_is_no_fault(sandbox, post):
    post([_membership("d1", "drop"), _membership("a1"), _membership("d2", "drop"), _membership("d3", "drop")])
    assert sandbox.store.held == {"d1", "a1", "d2", "d3"}
    assert _members(sandbox) == set()


def test_devices_are_identities_too(sandbox, post):
    device = {"device_info": {"ios_idfv": "3F2504E0-4f89-11d3-9a0c-0305e82c3301", "http_header_user_agent": "x"}}
    post([_membership("a1", identities={}) | device])
    assert _members(sandbox) == {frozenset({("ios_idfv", "3F2504E0-4f89-11d3-9a0c-0305e82c3301")})}


def test_a_repeated_membership_event_changes_nothing(sandbox, post):
    post([_membership("a1"), _membership("d1", "drop"), _membership("a1")])
    assert _members(sandbox) == set()
    sandbox.reset(Settings(message_id="keep"))
    post([_membership("a1"), _membership("d1", "drop"), _membership("a1")])
    assert len(_members(sandbox)) == 1


def test_other_events_are_no_membership_events(sandbox, post, batch):
    post([batch("m1"), batch(events=[{"event_type": "custom_event", "data": {"custom_attributes": None}}])])
    assert not (sandbox.store.counts.dropped_events or sandbox.store.memberships)
