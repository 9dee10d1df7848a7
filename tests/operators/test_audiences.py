"""Audiences, whole: rows of a real SQL database, through the operator and both roads, to a local Rokt's lists."""

import json
import sqlite3
import time
from contextlib import suppress
from hashlib import sha256
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import (
    RoktAudienceError,
    RoktIncompleteError,
    RoktMappingError,
    RoktRejectedError,
)
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator
from airflow_provider_rokt.sandbox.faults import Refuse, Reset, Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.audiences.people import hashed


def digest(text):
    return sha256(text.encode()).hexdigest()


def people(numbers):
    return [{"email": f" Person{number}@Example.com"} for number in numbers]


def digests(numbers):
    return {digest(f"person{number}@example.com") for number in numbers}


def send(audience="vip", sql="SELECT * FROM orders", **options):
    return RoktAudienceOperator(task_id="send", sql=sql, sql_conn_id="shop", audience=audience, **options).execute({})


def members(sandbox, audience="vip"):
    """Who is in an audience at Rokt, by either road: the import's lists, and what the events say, in order."""
    imported = set(sandbox.store.audiences.get(audience, ()))
    for document in sandbox.store.documents:
        identities = document["user_identities"]
        person = identities.get("other") or digest(identities["email"])
        for event in document["events"]:
            attributes = event["data"]["custom_attributes"]
            if attributes["audience_name"] == audience:
                (imported.add if attributes["status"] == "add" else imported.discard)(person)
    return imported


@pytest.mark.parametrize("form", ["v1", "v3"])
@pytest.mark.parametrize("hash_emails", [True, False])
def test_include_and_exclude_over_both_forms_of_the_import(sandbox, rokt, shop, form, hash_emails):
    rokt(via=form)
    shop(people(range(10)))
    result = send(hash_emails=hash_emails)
    assert members(sandbox) == digests(range(10))
    assert result == result | {"rows_read": 10, "rows_accepted": 10, "members_added": 10, "members_removed": 0}
    (change,) = sandbox.store.imports
    assert (change.action, change.field) == ("include", "sha256s" if hash_emails else "emails")
    shop(people(range(4)))
    result = send(hash_emails=hash_emails, mode="exclude")
    assert members(sandbox) == digests(range(4, 10))
    assert result["members_removed"] == 4


def test_raw_and_hashed_members_never_share_a_request(sandbox, rokt, shop):
    shop([*people(range(5)), *({"email": person.upper()} for person in digests(range(5, 8)))])
    send(hash_emails=False)
    assert members(sandbox) == digests(range(8))
    for change in sandbox.store.imports:
        body = json.loads(change.body)
        assert len(body.keys() & {"email", "emails", "sha256", "sha256s"}) == 1
    assert sorted((change.field, change.members) for change in sandbox.store.imports) == [("emails", 5), ("sha256s", 3)]


def test_events_carry_the_membership(sandbox, rokt, shop):
    shop([{"email": "A@Example.com", "customerid": "c1", "firstname": "Ann"}])
    before = time.time() * 1000
    result = send(via="events", hash_emails=False)
    (document,) = sandbox.store.documents
    assert document["user_identities"] == {"email": "a@example.com", "customerid": "c1"}
    assert document["user_attributes"] == {"firstname": "Ann", "segment_vip": True}
    (event,) = document["events"]
    data = event["data"]
    assert (data["event_name"], data["custom_event_type"]) == ("audiencemembershipupdate", "other")
    assert data["custom_attributes"] == {"audience_name": "vip", "status": "add"}
    assert data["source_message_id"].startswith("aud_")
    assert data["timestamp_unixtime_ms"] >= before - 1
    assert result["rows_accepted"] == result["members_added"] == 1
    send(via="events", mode="exclude", flag="in_{audience}")
    document = sandbox.store.documents[-1]
    assert document["user_identities"] == {"other": digest("a@example.com"), "customerid": "c1"}
    assert document["user_attributes"]["in_vip"] is False
    assert document["events"][0]["data"]["custom_attributes"]["status"] == "drop"


def test_events_take_any_identity(sandbox, rokt, shop):
    shop([{"customerid": "c1"}, {"customerid": "c2"}, {"customerid": None}, {"customerid": "c1"}])
    result = send(via="events", max_rejected=1)
    assert (result["rows_accepted"], result["rows_rejected"], result["rows_skipped"]) == (2, 1, 1)
    assert {document["user_identities"]["customerid"] for document in sandbox.store.documents} == {"c1", "c2"}


def test_several_audiences_of_one_person_share_a_batch(sandbox, rokt, shop):
    rows = [("a@example.com", "vip", "add"), ("b@example.com", "vip", "add"), ("a@example.com", "lapsed", "drop")]
    shop([dict(zip(("email", "audience_name", "status"), row, strict=True)) for row in rows])
    result = send(via="events")
    assert (result["rows_accepted"], result["batches"]) == (3, 2)
    (both,) = [document for document in sandbox.store.documents if len(document["events"]) == 2]
    assert both["user_attributes"] == {"segment_vip": True, "segment_lapsed": False}
    ids = [event["data"]["source_message_id"] for document in sandbox.store.documents for event in document["events"]]
    assert len(set(ids)) == 3


def test_a_membership_id_never_is_a_conversions(sandbox, rokt, shop):
    shop([{"email": "a@example.com", "source_message_id": "order-1"}])
    send(via="events")
    (message_id,) = sandbox.store.message_ids
    assert message_id.startswith("aud_order-1_")


def test_one_id_of_its_own_does_not_make_memberships_repeats(sandbox, rokt, shop):
    row = {"email": "a@example.com", "source_message_id": "customer-1"}
    shop([row | {"audience_name": "vip", "status": "add"}, row | {"audience_name": "lapsed", "status": "drop"}])
    send(via="events")
    shop([row])
    for mode in ("exclude", "include"):
        send(via="events", mode=mode)
    assert sandbox.store.counts.repeated_messages == 0
    assert len(sandbox.store.message_ids) == 4
    assert members(sandbox) == {digest("a@example.com")}


def test_joining_again_is_not_taken_for_a_repeat(sandbox, rokt, shop):
    shop(people([1]))
    for mode in ("include", "exclude", "include"):
        send(via="events", mode=mode)
    assert members(sandbox) == digests([1])
    assert sandbox.store.counts.repeated_messages == 0


def test_rows_say_themselves_who_is_in_and_out(sandbox, rokt, shop):
    shop(people(range(6)))
    send()
    shop([row | {"status": "drop" if number < 2 else "add"} for number, row in enumerate(people(range(8)))])
    result = send()
    assert members(sandbox) == digests(range(2, 8))
    assert (result["members_added"], result["members_removed"]) == (6, 2)


@pytest.mark.parametrize("via", ["import", "events"])
def test_conflicting_rows_for_one_person_are_rejected_with_the_reason(sandbox, rokt, shop, via):
    rows = [row | {"status": "add"} for row in people(range(5))]
    shop([*rows, {"email": "PERSON3@example.com", "status": "drop"}])
    result = send(via=via, max_rejected=2)
    assert (result["rows_accepted"], result["rows_rejected"]) == (4, 2)
    assert all("opposite" in rejection["reason"] for rejection in result["rejections"])
    assert members(sandbox) == digests([0, 1, 2, 4])


def test_duplicates_and_unusable_addresses_are_counted_not_sent(sandbox, rokt, shop):
    shop([*people(range(5)), {"email": "person1@EXAMPLE.com"}, {"email": "nobody"}, {"email": " "}])
    with pytest.raises(RoktTaskFailed) as failed:
        send()
    assert isinstance(failed.value.__cause__, RoktRejectedError)
    result = send(max_rejected=2)
    assert (result["rows_accepted"], result["rows_rejected"], result["rows_skipped"]) == (5, 2, 1)
    assert [rejection["row"] for rejection in result["rejections"]] == ["row 7", "row 8"]


@pytest.mark.parametrize("via", ["import", "events"])
@pytest.mark.parametrize("mode", ["include", "exclude", "mirror"])
def test_an_empty_query_sends_nothing_and_says_how_to_allow_it(sandbox, rokt, shop, via, mode):
    shop(people([1]))
    with pytest.raises(RoktTaskFailed) as failed:
        send(via=via, mode=mode, sql="SELECT * FROM orders WHERE 1 = 0")
    assert isinstance(failed.value.__cause__, RoktAudienceError)
    assert "allow_empty=True" in str(failed.value)
    assert not sandbox.store.requests
    assert send(via=via, mode=mode, sql="SELECT * FROM orders WHERE 1 = 0", allow_empty=True)["rows_read"] == 0


@pytest.mark.parametrize("mapping", [None, {"user_identities.email": "mail"}])
@pytest.mark.parametrize("via", ["import", "events"])
def test_no_rows_of_python_mirror_to_nobody_only_when_allowed(sandbox, rokt, ledger, via, mapping):
    hook = RoktHook()
    name = "mail" if mapping else "email"
    hook.send_audience([{name: person["email"]} for person in people(range(5))], "vip", mapping, mode="mirror", via=via)
    for rows in ([], iter([])):
        with pytest.raises(RoktTaskFailed, match="allow_empty=True"):
            hook.send_audience(rows, "vip", mapping, mode="mirror", via=via)
    assert members(sandbox) == digests(range(5))
    result = hook.send_audience([], "vip", mapping, mode="mirror", via=via, allow_empty=True)
    assert (result["rows_read"], result["members_removed"]) == (0, 5)
    assert members(sandbox) == set()


@pytest.mark.parametrize("via", ["import", "events"])
def test_removing_more_than_allowed_sends_nothing(sandbox, rokt, shop, via):
    shop(people(range(100)))
    send(via=via, mode="mirror")
    before = len(sandbox.store.requests)
    shop(people(range(31, 100)))
    with pytest.raises(RoktTaskFailed) as failed:
        send(via=via, mode="mirror", max_removed=0.3)
    assert "max_removed=0.31" in str(failed.value)
    assert len(sandbox.store.requests) == before
    assert members(sandbox) == digests(range(100))
    assert send(via=via, mode="mirror", max_removed=0.31)["members_removed"] == 31
    assert members(sandbox) == digests(range(31, 100))
    shop(people(range(52, 100)))
    assert send(via=via, mode="mirror", max_removed=0.31)["members_removed"] == 21


@pytest.mark.parametrize("via", ["import", "events"])
def test_a_mirror_counts_what_it_adds_removes_and_leaves(sandbox, rokt, shop, via):
    shop(people(range(10)))
    first = send(via=via, mode="mirror")
    assert (first["members_added"], first["rows_accepted"]) == (10, 10)
    shop(people(range(2, 15)))
    second = send(via=via, mode="mirror")
    assert (second["members_added"], second["members_removed"], second["members_unchanged"]) == (5, 2, 8)
    assert (second["rows_read"], second["rows_accepted"], second["rows_skipped"]) == (13, 5, 8)
    assert members(sandbox) == digests(range(2, 15))
    assert send(via=via, mode="mirror")["requests"] == 0


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), via=st.sampled_from(["import", "events"]))
def test_after_every_run_the_list_equals_the_query(sandbox, rokt, tmp_path_factory, monkeypatch, data, via):
    sandbox.reset()
    folder = tmp_path_factory.mktemp("mirror")
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(folder / "ledger"))
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.01")
    hook = RoktHook()
    for _ in range(5):
        wanted = data.draw(st.sets(st.integers(0, 40), min_size=1))
        options = {"mode": "mirror", "via": via, "max_removed": 1.0}
        if data.draw(st.booleans(), label="fails first"):
            # Some requests are taken, some are not, and of some it is not known.
            sandbox.faults.add(Status(status=503, probability=0.6), Reset(probability=0.5, after=True))
            before = data.draw(st.sets(st.integers(0, 40), min_size=1))
            with suppress(RoktIncompleteError):
                hook.send_audience(people(before), "vip", members_per_request=7, **options)
            sandbox.faults.clear()
        result = hook.send_audience(people(wanted), "vip", members_per_request=7, **options)
        assert members(sandbox) == digests(wanted)
        assert result["rows_read"] == len(wanted)


def test_rows_that_cannot_be_read_do_not_count_as_gone(sandbox, rokt, shop):
    shop(people(range(20)))
    send(mode="mirror")
    before = len(sandbox.store.requests)
    shop([*people(range(19)), {"email": "person19@"}])
    with pytest.raises(RoktTaskFailed, match="max_rejected"):
        send(mode="mirror")
    assert len(sandbox.store.requests) == before
    assert send(mode="mirror", max_rejected=1)["members_removed"] == 1


def test_a_failed_mirror_remembers_nothing_and_the_next_run_repairs(sandbox, rokt, shop, monkeypatch):
    shop(people(range(20)))
    send(mode="mirror")
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.05")
    sandbox.faults.add(Status(status=503))
    shop(people(range(5, 25)))
    with pytest.raises(RoktIncompleteError):
        send(mode="mirror")
    sandbox.faults.clear()
    result = send(mode="mirror")
    assert (result["members_added"], result["members_removed"]) == (5, 5)
    assert members(sandbox) == digests(range(5, 25))


def test_a_changed_argument_is_an_error_not_a_wrong_list(sandbox, rokt, shop):
    shop(people(range(20)))
    send(mode="mirror", via="events")
    with pytest.raises(RoktTaskFailed, match=r"this run has flag='in_{audience}'\. .* Change that back"):
        send(mode="mirror", via="events", flag="in_{audience}")


def test_whom_rows_exclude_goes_under_the_name_that_they_give(sandbox, rokt, ledger):
    rows = [{"email": "jane@example.com", "other": None}, {"email": None, "other": hashed("joe@example.com")}]
    for mode in ("include", "exclude"):
        RoktHook().send_audience(rows, "vip", mode=mode, hash_emails=False)
    sent = [(change.action, change.field, change.members) for change in sandbox.store.imports]
    assert sorted(sent) == [(mode, field, 1) for mode in ("exclude", "include") for field in ("emails", "sha256s")]


def test_each_road_has_a_memory_of_its_own(sandbox, rokt, shop):
    shop(people(range(20)))
    send(mode="mirror")
    result = send(mode="mirror", via="events")
    assert result["members_added"] == 20


@pytest.mark.parametrize(
    ("rows", "options", "kind", "says"),
    [
        ([{"customerid": "c1"}], {}, RoktMappingError, "via='events'"),
        ([{"customerid": "c1"}], {"via": "events", "mode": "mirror"}, RoktMappingError, "include"),
        ([{"email": "a@example.com", "audience_name": "x"}], {}, RoktMappingError, "expand"),
        ([{"emial": "a@example.com"}], {}, RoktMappingError, "email"),
    ],
)
def test_bad_input_is_met_before_anything_is_sent(sandbox, rokt, shop, rows, options, kind, says):
    shop(rows)
    with pytest.raises(RoktTaskFailed) as failed:
        send(**options)
    assert isinstance(failed.value.__cause__, kind)
    assert says in str(failed.value)
    assert not sandbox.store.requests


def test_missing_audience_credentials_are_named(sandbox, rokt, shop):
    rokt(extra={"audience_api_key": None})
    shop(people([1]))
    with pytest.raises(RoktTaskFailed, match="account_id"):
        send()


def test_a_small_audience_warns(sandbox, rokt, shop, said):
    shop(people(range(3)))
    send()
    assert "1,000" in said()


class Beginning(frozenset):
    """The ids that begin like one of these: an event's own ends with a digest."""

    def __contains__(self, message_id):
        return message_id.startswith(tuple(self))


def test_a_refused_member_costs_only_itself(sandbox, rokt, shop):
    sandbox.faults.add(Refuse(message_ids=Beginning({"aud_m7_"})))
    shop([row | {"source_message_id": f"m{number}"} for number, row in enumerate(people(range(50)))])
    result = send(via="events", max_rejected=1)
    assert (result["rows_accepted"], result["rows_rejected"]) == (49, 1)
    assert members(sandbox) == digests(set(range(50)) - {7})


def test_no_address_is_kept_anywhere(sandbox, rokt, shop, said, tmp_path):
    for via, mode, hash_emails in product(("import", "events"), ("include", "mirror"), (True, False)):
        if mode == "mirror" and not hash_emails:
            continue
        options = {"audience": f"{via}{hash_emails}", "via": via, "mode": mode, "hash_emails": hash_emails}
        shop(people(range(200)))
        results = [send(**options)]
        shop([*people(range(20, 220)), {"email": "person7 at example.com"}])
        results.append(send(**options, max_rejected=1))
        written = (said() + json.dumps(results)).lower()
        assert "delivery" in written
        assert "@example" not in written and "example.com" not in written and "person" not in written
    kept = b"".join(path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file()).lower()
    assert b"example" not in kept and b"person" not in kept.replace(b'"persons"', b"")


def test_resend_sends_only_who_was_not_delivered(sandbox, rokt, shop):
    rows = [row | {"source_message_id": f"m{number}"} for number, row in enumerate(people(range(10)))]
    shop(rows)
    sandbox.faults.add(Refuse(message_ids=Beginning({"aud_m7_"})))
    first = send(via="events", max_rejected=1)
    sandbox.faults.clear()
    again = send(via="events", resend_from=first["delivery_id"])
    assert (again["rows_accepted"], again["rows_skipped"], again["members_added"]) == (1, 9, 1)
    assert members(sandbox) == digests(range(10))


def test_resend_sends_all_where_a_row_named_nobody(sandbox, rokt, shop):
    shop([*people(range(10)), {"email": "nobody"}])
    first = send(max_rejected=1)
    shop(people(range(11)))
    again = send(resend_from=first["delivery_id"])
    assert (again["rows_accepted"], again["rows_skipped"]) == (11, 0)
    assert members(sandbox) == digests(range(11))


def test_preview_tells_and_sends_nothing(sandbox, rokt, shop, ledger):
    hook = RoktHook()
    hook.send_audience(people(range(10)), "vip", mode="mirror")
    before = len(sandbox.store.requests)
    preview = hook.preview_audience(people(range(6, 12)), "vip", mode="mirror")
    assert preview == preview | {"members_added": 2, "members_removed": 6, "members_unchanged": 4, "rows_read": 6}
    assert "max_removed" in preview["stopped_by"]
    assert len(sandbox.store.requests) == before
    assert hook.preview_audience(people(range(12)), "vip", mode="mirror")["stopped_by"] is None


@pytest.mark.slow
def test_a_million_members_take_ten_requests_though_a_third_fails_once(sandbox, rokt, tmp_path, monkeypatch, ledger):
    path = tmp_path / "many.sqlite"
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", json.dumps({"conn_type": "sqlite", "host": str(path)}))
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE orders (email)")
        database.execute(
            "WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < 999999) "
            "INSERT INTO orders SELECT 'person' || x || '@example.com' FROM n"
        )
    sandbox.faults.add(Status(status=503, times=3))
    result = send()
    assert (result["rows_accepted"], result["members_added"], result["batches"]) == (1_000_000, 1_000_000, 1_000)
    assert result["status_codes"]["503"] == 3
    assert len(sandbox.store.imports) == 10
    assert len(members(sandbox)) == 1_000_000
