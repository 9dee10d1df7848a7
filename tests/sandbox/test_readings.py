"""Each guess about Rokt is a setting; under each of its readings the sandbox answers and stores as that one has it."""

import html
import random
import re
import time
from contextlib import suppress

import pytest
import requests

from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.behaviour import Readings, values_of
from airflow_provider_rokt.sandbox.faults import Drip, Redirect, Refuse, Reset, Status
from tests.sandbox.readings import READINGS, each_alone, label, random_combination

HISTORICAL = "/v2/bulkevents/historical"
BAD = {"device_info": {"ios_idfv": "x"}}
DAY = 24 * 3_600_000
RECEIPT = Settings(request_id_remembered="receipt")
KEEP = pytest.mark.parametrize("keep", ["everything", "counts"])


# --- when a source_request_id is remembered


def _bad_then_good(post, batch):
    post([batch("m1", source_request_id="r1", **BAD), batch("m2", source_request_id="r2")])
    return post([batch("m1", source_request_id="r1")])


def test_by_default_a_refused_batch_may_come_again_under_its_id(sandbox, post, batch):
    assert _bad_then_good(post, batch).status_code == 202
    assert sandbox.store.held == {"m1", "m2"}
    assert sandbox.store.counts.swallowed_batches == 0


@KEEP
def test_remembered_from_receipt_a_refused_batch_is_swallowed_when_it_comes_again(sandbox, post, batch, keep):
    sandbox.reset(Settings(request_id_remembered="receipt", keep=keep))
    answer = _bad_then_good(post, batch)
    assert (answer.status_code, answer.content) == (202, b"")
    store = sandbox.store
    assert (store.counts.batches, store.counts.repeated_batches, store.counts.swallowed_batches) == (1, 1, 1)
    assert store.counts.dropped_events == {"repeats a source_request_id": 1}
    assert not store.fate("m1").held
    assert store.fate("m2").held
    if keep == "everything":
        assert store.fate("m1") == (False, "repeats a source_request_id", "r1")
        assert store.held == {"m2"}


@pytest.mark.parametrize("reading", ["acceptance", "receipt"])
def test_what_was_accepted_is_remembered_under_both(sandbox, post, batch, reading):
    sandbox.reset(Settings(request_id_remembered=reading))
    for _ in range(2):
        post([batch("m1", source_request_id="r1")])
    counts = sandbox.store.counts
    assert (counts.batches, counts.repeated_batches, counts.swallowed_batches) == (1, 1, 0)
    assert sandbox.store.held == {"m1"}


UNANSWERED = {"503": Status(503, times=1), "reset": Reset(times=1), "drip": Drip(0.001, bytes_=2, times=1)}
TURNED_AWAY = {
    "429": Status(429, times=1),
    "401": Status(401, times=1),
    "redirect": Redirect("/x", times=1),
    "page": Status(200, body="<html>", times=1),
}


def _struck(sandbox, post, batch, fault):
    sandbox.faults.add(fault)
    body = [batch("m1", source_request_id="r1")]
    with suppress(requests.ConnectionError):
        post(body)
    assert post(body).status_code == 202
    return sandbox.store


@pytest.mark.parametrize("case", UNANSWERED)
def test_a_request_without_an_answer_was_received(sandbox, post, batch, case):
    assert _struck(sandbox, post, batch, UNANSWERED[case]).held == {"m1"}
    sandbox.reset(RECEIPT)
    store = _struck(sandbox, post, batch, UNANSWERED[case])
    assert (store.held, store.counts.swallowed_batches) == (set(), 1)


@pytest.mark.parametrize("case", TURNED_AWAY)
def test_who_is_turned_away_was_not_received(sandbox, post, batch, case):
    sandbox.reset(RECEIPT)
    assert _struck(sandbox, post, batch, TURNED_AWAY[case]).held == {"m1"}


def test_neither_was_who_has_no_credentials_or_no_batches(sandbox, post, batch):
    sandbox.reset(RECEIPT)
    one = batch("m1", source_request_id="r1")
    assert post([one], auth=("a", "b")).status_code == 403
    assert post([one] * 101).status_code == 400
    sandbox.faults.add(Status(503, times=3))
    for body, auth in (([one], ("a", "b")), (b"[", ("sandbox-key", "sandbox-secret")), ([1, {}], None)):
        assert post(body, auth=auth).status_code == 503
    post([one])
    assert sandbox.store.held == {"m1"}


def test_a_batch_that_historical_does_not_process_was_received(sandbox, post, batch):
    sandbox.reset(RECEIPT)
    young = batch("m1", source_request_id="r1")
    young["events"][0]["data"]["timestamp_unixtime_ms"] = int(time.time() * 1000)
    for path in (HISTORICAL, "/v2/bulkevents"):
        assert post([young], path).status_code == 202
    assert (sandbox.store.held, sandbox.store.counts.swallowed_batches) == (set(), 1)


# --- how bad batches are told


def _mixed(post, batch):
    return post([batch("m0"), batch("m1", **BAD), batch("m2")])


@pytest.mark.parametrize(
    ("reading", "status", "taken", "refused"),
    [
        ("202", 202, {"m0", "m2"}, 1),
        ("202_always", 202, {"m0", "m2"}, 1),
        ("400_good_taken", 400, {"m0", "m2"}, 1),
        ("400_none_taken", 400, set(), 3),
    ],
)
def test_the_status_where_one_batch_is_bad(sandbox, post, batch, messages, reading, status, taken, refused):
    sandbox.reset(Settings(errors_status=reading))
    answer = _mixed(post, batch)
    assert answer.status_code == status
    assert "Path &#39;[1].device_info.ios_idfv&#39;" in messages(answer)[0]
    assert (sandbox.store.held, sandbox.store.counts.refused_batches) == (taken, refused)
    assert post([batch("m4")]).status_code == 202


@pytest.mark.parametrize("reading", READINGS["errors_status"])
def test_the_status_where_all_are_bad(sandbox, post, batch, messages, reading):
    sandbox.reset(Settings(errors_status=reading))
    answer = post([batch("m1", **BAD), batch("m2", **BAD)])
    assert (answer.status_code, len(messages(answer))) == (202 if reading == "202_always" else 400, 2)
    assert post(batch("m1", **BAD), "/v2/events").status_code == 400
    assert sandbox.store.held == set()


def _told(messages, answer):
    text = html.unescape(messages(answer)[0])
    index, position = re.search(r"Path '\[(\d+)\].*position (\d+)", text).groups()
    return int(index), int(position)


@pytest.mark.parametrize("base", [0, 1])
def test_batches_are_counted_from(sandbox, post, batch, messages, base):
    sandbox.reset(Settings(index_base=base))
    assert _told(messages, _mixed(post, batch))[0] == 1 + base


@pytest.mark.parametrize("reading", ["array", "batch"])
def test_positions_are_counted_from(sandbox, post, batch, messages, reading):
    sandbox.reset(Settings(position_from=reading))
    answer = _mixed(post, batch)
    body = answer.request.body.decode()
    start = body.index("},{") + 2 if reading == "batch" else 0
    assert body[start:][: _told(messages, answer)[1]].endswith('"ios_idfv":"x"')


@pytest.mark.parametrize(("reading", "listed"), [("all", 7), (1, 1), (5, 5), (9, 7)])
@pytest.mark.parametrize("good", [0, 3])
def test_so_many_errors_are_listed_and_all_are_refused(sandbox, post, batch, messages, reading, listed, good):
    sandbox.reset(Settings(errors_listed=reading))
    answer = post([*(batch(f"bad-{n}", **BAD) for n in range(7)), *(batch(f"m{n}") for n in range(good))])
    assert (answer.status_code, len(messages(answer))) == (202 if good else 400, listed)
    store = sandbox.store
    assert store.counts.refused_batches == 7
    assert store.held == {f"m{n}" for n in range(good)}
    assert store.fate("bad-0") == (False, "refused", None)
    unlisted = 7 - listed if good else 0
    assert store.counts.dropped_events == ({"refused and not listed": unlisted} if unlisted else {})
    assert store.fate("bad-6").reason == ("refused and not listed" if unlisted else "refused")


# --- which events are stored


def _conversion(batch, message_id, reference, kind="purchase", **sections):
    made = batch(message_id, **sections)
    made["events"][0]["data"]["custom_attributes"] |= {"conversiontype": kind, "confirmationref": reference}
    return made


@KEEP
def test_by_default_a_repeated_message_id_is_dropped(sandbox, post, batch, keep):
    sandbox.reset(Settings(keep=keep))
    post([batch("m1"), batch("m2", "m1")])
    post(batch("m2"), "/v2/events")
    assert sandbox.store.counts.dropped_events == {"repeats a source_message_id": 2}
    assert len(sandbox.store.held) == 2
    if keep == "everything":
        assert sandbox.store.dropped == (
            ("/v2/bulkevents", "m1", "repeats a source_message_id", "m1"),
            ("/v2/events", "m2", "repeats a source_message_id", "m2"),
        )


def test_it_may_be_kept(sandbox, post, batch):
    sandbox.reset(Settings(message_id="keep"))
    post([batch("m1"), batch("m1")])
    assert (sandbox.store.dropped, sandbox.store.counts.repeated_messages) == ((), 1)


@KEEP
def test_by_default_a_repeated_confirmationref_is_dropped(sandbox, post, batch, keep):
    sandbox.reset(Settings(keep=keep))
    post([_conversion(batch, "m1", "ORD-1"), _conversion(batch, "m2", "ORD-1"), _conversion(batch, "m3", "ORD-2")])
    post([_conversion(batch, "m4", "ORD-1", kind="refund"), batch("m5"), batch("m6")])
    post([_conversion(batch, "m7", ""), _conversion(batch, "m8", "")])
    store = sandbox.store
    assert store.counts.dropped_events == {"repeats a conversiontype and confirmationref": 1}
    assert not store.fate("m2").held
    if keep == "everything":
        assert store.held == {"m1", "m3", "m4", "m5", "m6", "m7", "m8"}
        assert store.fate("m2") == (False, "repeats a conversiontype and confirmationref", "m1")


def test_a_repeated_confirmationref_may_be_kept(sandbox, post, batch):
    sandbox.reset(Settings(confirmationref="keep"))
    post([_conversion(batch, "m1", "ORD-1"), _conversion(batch, "m2", "ORD-1")])
    assert sandbox.store.held == {"m1", "m2"}


def test_what_historical_holds_is_not_on_the_usual_road(sandbox, post, batch):
    post([_conversion(batch, "m1", "ORD-1", source_request_id="r1")], HISTORICAL)
    assert (sandbox.store.fate("m1", HISTORICAL).held, sandbox.store.fate("m1").held) == (True, False)
    post([_conversion(batch, "m1", "ORD-1", source_request_id="r1")])
    assert sandbox.store.fate("m1") == (False, "repeats a source_request_id", "r1")
    post([_conversion(batch, "m1", "ORD-1", source_request_id="r2")])
    assert sandbox.store.fate("m1").held
    assert (sandbox.store.held, sandbox.store.counts.repeated_messages) == ({"m1"}, 1)


def test_one_request_id_for_two_contents_loses_the_second(sandbox, post, batch):
    post([batch("m1", source_request_id="r1"), batch("m2", source_request_id="r1")])
    assert sandbox.store.held == {"m1"}
    assert sandbox.store.fate("m2") == (False, "repeats a source_request_id", "r1")


def test_what_was_never_seen_was_never_taken(sandbox):
    assert sandbox.store.fate("m1") == (False, "never taken", None)
    assert sandbox.store.fate(None) == (False, "never taken", None)


def _aged(batch, message_id, days):
    made = batch(message_id)
    made["events"][0]["data"]["timestamp_unixtime_ms"] = int(time.time() * 1000) - int(days * DAY)
    return made


@pytest.mark.parametrize(
    ("reading", "held"),
    [("none", {"old", "year", "now", "soon"}), (12, {"year", "now"}), (11, {"now"})],
)
def test_events_of_any_age_are_taken_and_not_all_are_stored(sandbox, post, batch, reading, held):
    sandbox.reset(Settings(age_limit=reading))
    undated = batch("undated")
    del undated["events"][0]["data"]["timestamp_unixtime_ms"]
    ages = {"old": 366, "year": 365, "now": 0, "soon": -1}
    answer = post([undated, *(_aged(batch, name, days) for name, days in ages.items())])
    assert (answer.status_code, answer.content) == (202, b"")
    assert sandbox.store.held == {"undated", *held}
    if reading == 12:
        assert sandbox.store.counts.dropped_events == {"older than the age limit": 1, "in the future": 1}


def test_what_was_lost_may_be_sent_again_and_is_held_then(sandbox, post, batch):
    sandbox.reset(Settings(age_limit=12))
    post([_aged(batch, "m1", 400)])
    assert sandbox.store.fate("m1").reason == "older than the age limit"
    post([_aged(batch, "m1", 30)])
    assert sandbox.store.held == {"m1"}


# --- who is asked for credentials


@pytest.mark.parametrize("reading", ["yes", "no"])
@pytest.mark.parametrize("path", ["/v2/bulkevents", "/v3/import/suppression", "/api/1.0/import/suppression"])
def test_credentials_are_judged_first_or_last(sandbox, post, batch, reading, path):
    sandbox.reset(Settings(auth_first=reading))
    wrong = {"path": path, "auth": ("a", "b")}
    denied = 403 if path.startswith("/v2") else 401
    bad = 400 if reading == "no" else denied
    assert post(b"{", **wrong).status_code == bad
    assert post([batch("m1", **BAD)] if path.startswith("/v2") else {"action": "include"}, **wrong).status_code == bad
    good = [batch("m1")] if path.startswith("/v2") else {"action": "include", "accountId": "x", "email": "a@b.cd"}
    assert post(good, **wrong).status_code == denied
    assert not (sandbox.store.held or sandbox.store.audiences or sandbox.store.counts.refused_batches)


def test_judged_last_they_still_let_the_good_in(sandbox, post, batch):
    sandbox.reset(Settings(auth_first="no", errors_status="400_good_taken"))
    assert _mixed(post, batch).status_code == 400
    assert post([], auth=None).status_code == 400
    assert post([batch("m4")], auth=None).status_code == 401
    assert sandbox.store.held == {"m0", "m2"}


# --- the readings themselves


def test_the_matrix_has_every_reading_and_the_default_first():
    assert list(READINGS) == list(Readings.__dataclass_fields__)
    for name, values in READINGS.items():
        named, counted = values_of(name)
        assert values[0] == getattr(Settings(), name)
        assert set(named) <= set(values)
        assert counted == any(value not in named for value in values)


def test_a_misspelt_reading_is_an_error():
    with pytest.raises(ValueError, match="index_base is 2; it may be 0, 1"):
        Settings(index_base=2)
    with pytest.raises(ValueError, match="age_limit is 0; it may be none or a number from 1"):
        Settings(age_limit=0)


def test_combinations_are_repeatable_and_meet_every_reading():
    some = [random_combination(random.Random(seed)) for seed in range(100)]
    assert some == [random_combination(random.Random(seed)) for seed in range(100)]
    for name, values in READINGS.items():
        assert {combination[name] for combination in some} == set(values)


@pytest.mark.parametrize("reading", each_alone(), ids=label)
def test_under_every_reading_what_is_right_is_taken_and_held(sandbox, post, batch, reading):
    sandbox.reset(Settings(**reading))
    now = int(time.time() * 1000)
    batches = [batch(f"m{number}", source_request_id=f"r{number}") for number in range(10)]
    for each in batches:
        each["events"][0]["data"]["timestamp_unixtime_ms"] = now
    answer = post(batches)
    assert (answer.status_code, answer.content) == (202, b"")
    assert sandbox.store.held == sandbox.store.message_ids == {f"m{number}" for number in range(10)}
    summary = requests.get(f"{sandbox.url}/sandbox/summary").json()
    assert summary["readings"].items() >= reading.items()


def test_refusals_are_read_like_any_bad_batch(sandbox, post, batch, messages):
    sandbox.reset(Settings(errors_listed=1, index_base=1))
    sandbox.faults.add(Refuse(frozenset({"m1", "m2"})))
    answer = post([batch("m0"), batch("m1"), batch("m2")])
    assert _told(messages, answer)[0] == 2
    assert sandbox.store.held == {"m0"}
