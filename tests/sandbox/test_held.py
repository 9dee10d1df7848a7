"""The assertion that other tests rest on fails where it should: a row that counts as accepted and is nowhere."""

from hashlib import sha256

import pytest

from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.records import RequestRecord, VerdictRecord
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.sandbox import Settings
from tests.sandbox.held import accepted_keys, assert_held, assert_members, look_up

KEYS = ["m1", "m2", "m3", "m4"]
ACCEPTED, REJECTED = VerdictRecord(Outcome.ACCEPTED, 202, 1), VerdictRecord(Outcome.REJECTED, 202, 1)


@pytest.fixture
def account(begin, ledger):
    """Writes what a delivery of four rows would: row 2 was rejected, all others accepted."""
    writer = begin()
    tally = Tally(read=4, accepted=3)
    rejected = [RowFault(RowRef(2, "m2"), (FieldFault("ip", "is wrong"),))]
    writer.rows(Outcome.REJECTED, rejected)
    tally.reject(rejected)
    report = tally.report(writer.delivery_id, writer.uri)
    writer.finish(report, complete=True)
    return report.summary(), ledger.open(writer.delivery_id)


def test_what_is_held_is_well(sandbox, post, batch, account):
    post([batch("m1"), batch("m3"), batch("m4")])
    found = assert_held(*account, sandbox.store, KEYS)
    assert (found.held, found.repeats, found.lost) == ({"m1", "m3", "m4"}, {}, {})


def test_a_row_that_is_nowhere_is_not(sandbox, post, batch, account):
    post([batch("m1"), batch("m3")])
    with pytest.raises(AssertionError, match=r"1 of 3 rows count as accepted and are not held.*'m4': 'never taken'"):
        assert_held(*account, sandbox.store, KEYS)


def test_neither_is_one_that_was_swallowed(sandbox, post, batch, account):
    sandbox.reset(Settings(request_id_remembered="receipt"))
    post([batch("m1"), batch("m3"), batch("m4", source_request_id="r1", ip={})])
    post([batch("m4", source_request_id="r1")])
    with pytest.raises(AssertionError, match="repeats a source_request_id"):
        assert_held(*account, sandbox.store, KEYS)


def test_nor_one_that_only_another_road_holds(sandbox, post, batch, account):
    post([batch("m1"), batch("m3"), batch("m4")], "/v2/bulkevents/historical")
    assert_held(*account, sandbox.store, KEYS, "/v2/bulkevents/historical")
    with pytest.raises(AssertionError, match="3 of 3 rows"):
        assert_held(*account, sandbox.store, KEYS)


def test_a_repeat_of_what_is_held_is_well(sandbox, post, batch, account):
    same = {"conversiontype": "t", "confirmationref": "ORD-1"}
    made = [batch(key) for key in ("m1", "m3", "m4")]
    for each in made[1:]:
        each["events"][0]["data"]["custom_attributes"] = same
    post([*made, batch("m1")])
    found = assert_held(*account, sandbox.store, KEYS)
    assert (found.held, found.repeats) == ({"m1", "m3"}, {"m4": "m3"})


def test_unconfirmed_rows_may_be_missing(sandbox, post, batch, account):
    post([batch("m1"), batch("m3")])
    report, ledger = account
    assert assert_held({**report, "rows_unconfirmed": 1}, ledger, sandbox.store, KEYS).lost == {"m4": "never taken"}


def test_ledger_and_report_must_agree(sandbox, account):
    report, ledger = account
    with pytest.raises(AssertionError, match="do not say the same"):
        assert_held({**report, "rows_accepted": 4}, ledger, sandbox.store, KEYS)


def test_of_a_killed_delivery_whole_requests_are_looked_up(begin, ledger):
    writer = begin()
    for number, (rows, batches) in enumerate({(1, 2): (ACCEPTED,) * 2, (3, 4): (ACCEPTED, REJECTED)}.items(), 1):
        writer.request(RequestRecord(number, "v2/bulkevents", 202, 1, 100, 1.0, *rows, batches))
    assert accepted_keys(KEYS, ledger.open(writer.delivery_id)) == ["m1", "m2"]


def test_members_are_held_against_their_list(sandbox, post):
    headers = {"Authorization": sandbox.settings.audience_key, "Content-Type": "application/json"}
    body = {"action": "include", "list": "VIP", "sha256s": ["a" * 64, "b" * 64]}
    post(body, "/api/1.0/import/suppression", headers=headers, auth=None)
    assert_members(sandbox.store, "VIP", {"a" * 64, "b" * 64})
    assert_members(sandbox.store, "VIP", {"a" * 64, "c" * 64}, unconfirmed=2)
    with pytest.raises(AssertionError, match="1 are not in VIP, 1 still are"):
        assert_members(sandbox.store, "VIP", {"a" * 64, "c" * 64})


def test_members_by_events_are_held_against_their_audience(sandbox, post, batch):
    john = sha256(b"john@example.com").hexdigest()
    made = batch("a1", user_identities={"email": "jane@example.com"}), batch("a2", user_identities={"other": john})
    for each in made:
        each["user_attributes"] = {"segment_VIP": True}
        each["events"][0]["data"] |= {
            "event_name": "audiencemembershipupdate",
            "custom_event_type": "other",
            "custom_attributes": {"audience_name": "VIP", "status": "add"},
        }
    post(made)
    assert_members(sandbox.store, "VIP", {sha256(b"jane@example.com").hexdigest(), john}, "events")
    with pytest.raises(AssertionError, match="0 are not in VIP, 1 still are"):
        assert_members(sandbox.store, "VIP", {john}, "events")


def test_nothing_accepted_is_nothing_lost(sandbox):
    assert look_up([], sandbox.store).lost == {}
