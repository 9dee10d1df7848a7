"""Faults strike as they were told to, set from Python and over HTTP."""

import email.utils
import html
import time

import pytest
import requests

from airflow_provider_rokt.sandbox import Settings
from airflow_provider_rokt.sandbox.faults import Delay, Drip, Faults, Redirect, Refuse, Reset, Status


def _statuses(post, batch, count):
    return [post([batch(f"m{number}")]).status_code for number in range(count)]


def test_a_status_strikes_the_next_requests(sandbox, post, batch):
    sandbox.faults.add(Status(503, times=2), Status(429, times=1))
    assert _statuses(post, batch, 4) == [503, 503, 429, 202]
    assert sandbox.store.counts.batches == 1
    assert sandbox.store.counts.requests == {"503": 2, "429": 1, "202": 1}


def test_a_status_strikes_until_it_is_removed(sandbox, post, batch):
    sandbox.faults.add(Status(500))
    assert _statuses(post, batch, 3) == [500] * 3
    sandbox.faults.clear()
    assert _statuses(post, batch, 1) == [202]


def test_a_status_brings_its_headers_and_body(sandbox, post, batch):
    sandbox.faults.add(Status(429, retry_after=2.1, headers={"X-mp-rate-limit-exceeded": "feed"}, body="{}"))
    answer = post([batch("m1")])
    assert (answer.headers["Retry-After"], answer.headers["X-mp-rate-limit-exceeded"]) == ("3", "feed")
    assert answer.text == "{}"


def test_retry_after_may_be_a_date(sandbox, post, batch):
    sandbox.faults.add(Status(503, retry_after=60, as_date=True))
    before = time.time()
    told = email.utils.parsedate_to_datetime(post([batch("m1")]).headers["Retry-After"])
    assert before + 60 <= told.timestamp() <= time.time() + 61


def test_a_status_after_taking_in(sandbox, post, batch):
    sandbox.faults.add(Status(504, times=1, after=True))
    assert _statuses(post, batch, 2) == [504, 202]
    assert sandbox.store.counts.batches == 2


def test_a_redirect(sandbox, post, batch):
    sandbox.faults.add(Redirect("http://elsewhere.invalid/v2/bulkevents"))
    answer = post([batch("m1")])
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://elsewhere.invalid/v2/bulkevents")
    assert not sandbox.store.batches


@pytest.mark.parametrize("after", [False, True])
def test_a_reset_ends_the_connection_before_or_after_taking_in(sandbox, post, batch, after):
    sandbox.faults.add(Reset(times=1, after=after))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        post([batch("m1")])
    assert sandbox.store.counts.batches == int(after)
    assert sandbox.store.counts.requests == {"reset": 1}
    assert post([batch("m2")]).status_code == 202


@pytest.mark.parametrize("after", [False, True])
def test_a_drip_answers_at_once_and_then_hardly(sandbox, post, batch, after):
    sandbox.faults.add(Drip(0.3, bytes_=3, times=1, after=after))
    begin = time.monotonic()
    answer = post([batch("m1")], timeout=30)
    assert (answer.status_code, answer.content) == (202, b"   ")
    assert time.monotonic() - begin >= 0.6
    assert sandbox.store.counts.batches == int(after)


def test_a_reset_ends_one_connection_only(sandbox, post, batch):
    with requests.Session() as other:
        other.get(f"{sandbox.url}/health")
        sandbox.faults.add(Reset(times=1))
        with pytest.raises(requests.ConnectionError):
            post([batch("m1")])
        assert other.get(f"{sandbox.url}/health").status_code == 200


@pytest.mark.parametrize("after", [False, True])
def test_a_delay_outlasts_an_impatient_sender(sandbox, post, batch, after):
    sandbox.faults.add(Delay(30, times=1, after=after))
    with pytest.raises(requests.ReadTimeout):
        post([batch("m1")], timeout=0.2)
    assert sandbox.store.counts.batches == int(after)


def test_a_short_delay_changes_nothing_else(sandbox, post, batch):
    sandbox.faults.add(Delay(0.05), Status(503, times=1))
    assert _statuses(post, batch, 2) == [503, 202]


def test_what_is_under_way_at_a_reset_is_not_counted_after_it(sandbox, post, batch):
    sandbox.faults.add(Delay(0.3))
    with pytest.raises(requests.ReadTimeout):
        post([batch("m1")], timeout=0.1)
    sandbox.reset()
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        assert post([]).status_code == 400
    assert sandbox.store.counts.batches == 0


def test_a_fault_strikes_where_it_is_told_to(sandbox, post, batch):
    sandbox.faults.add(Status(503, path="/v3/import"))
    assert _statuses(post, batch, 1) == [202]
    assert requests.post(f"{sandbox.url}/v3/import/suppression").status_code == 503
    assert requests.post(f"{sandbox.url}/v3/auth-check").status_code == 401


def test_the_sandboxs_own_addresses_are_never_struck(sandbox):
    sandbox.faults.add(Status(503))
    assert requests.get(f"{sandbox.url}/health").status_code == 200
    assert requests.get(f"{sandbox.url}/sandbox/summary").status_code == 200


def test_chance_is_repeatable_and_about_right():
    def struck(seed):
        faults = Faults(seed)
        faults.add(Status(503, probability=0.3))
        return [faults.strike("/v2/events").answer(after=False) is not None for _ in range(1000)]

    assert struck(1) == struck(1) != struck(2)
    assert 250 < sum(struck(1)) < 350


def test_the_seed_is_a_setting(sandbox, post, batch):
    def statuses(seed):
        sandbox.reset(Settings(seed=seed))
        sandbox.faults.add(Status(503, probability=0.5))
        return _statuses(post, batch, 20)

    assert statuses(7) == statuses(7)
    assert set(statuses(7)) == {202, 503}


def test_a_chance_fault_that_misses_keeps_its_times():
    faults = Faults(0)
    faults.add(Status(503, probability=0.5, times=3))
    struck = [faults.strike("/").answer(after=False) is not None for _ in range(100)]
    assert sum(struck) == 3


def test_what_is_left_is_told():
    faults = Faults(0)
    faults.add(Status(503, times=3), Delay(0))
    faults.strike("/")
    assert faults.active == [Status(503, times=2), Delay(0)]


@pytest.mark.parametrize(
    ("locator", "place"),
    [
        ("path", "Path '[1].events[1].data.source_message_id', line 1, position {}."),
        ("position", "Path 'data.source_message_id', line 1, position {}."),
        ("none", ""),
    ],
)
def test_batches_are_refused_by_message_id(sandbox, post, batch, messages, locator, place):
    sandbox.faults.add(Refuse(frozenset({"bad"}), locator))
    answer = post([batch("m1"), batch("m2", "bad"), batch("m3")])
    assert answer.status_code == 202
    (message,) = messages(answer)
    position = answer.request.body.decode().index('"bad"') + len('"bad"')
    reason = "Error converting value \"bad\" to type 'System.String'."
    assert html.unescape(message) == f"{reason} {place.format(position)}".strip()
    assert sandbox.store.message_ids == {"m1", "m3"}


def test_refusals_last_and_add_up(sandbox, post, batch, messages):
    sandbox.faults.add(Refuse(frozenset({"a"})), Refuse(frozenset({"b"}), "none"))
    for _ in range(2):
        assert len(messages(post([batch("a"), batch("m"), batch("b")]))) == 2
    assert post([batch("a"), batch("b")]).status_code == 400


def test_faults_are_set_listed_and_removed_over_http(sandbox, post, batch):
    url = f"{sandbox.url}/sandbox/faults"
    one = {"kind": "status", "status": 503, "times": 1, "retry_after": 2}
    assert requests.post(url, json=one).status_code == 201
    several = [
        {"kind": "reset", "after": True, "times": 1},
        {"kind": "redirect", "location": "/x", "times": 1},
        {"kind": "delay", "seconds": 0.01},
        {"kind": "refuse", "message_ids": ["m9"], "locator": "none"},
    ]
    assert [fault["kind"] for fault in requests.post(url, json=several).json()] == [
        "status",
        "reset",
        "redirect",
        "delay",
        "refuse",
    ]
    assert sandbox.faults.active == [
        Status(503, times=1, retry_after=2),
        Reset(after=True, times=1),
        Redirect("/x", times=1),
        Delay(0.01),
        Refuse(frozenset({"m9"}), "none"),
    ]
    assert requests.get(url).json()[0]["retry_after"] == 2
    assert post([batch("m1")]).status_code == 503
    with pytest.raises(requests.ConnectionError):
        post([batch("m1")])
    assert post([batch("m1")]).status_code == 302
    assert post([batch("m9")]).status_code == 400
    assert requests.delete(url).status_code == 204
    assert sandbox.faults.active == []


@pytest.mark.parametrize(
    "fault",
    [
        {},
        {"kind": "flood"},
        {"kind": "status"},
        {"kind": "status", "status": 99},
        {"kind": "status", "status": 503, "probability": 1.5},
        {"kind": "status", "status": 503, "times": 0},
        {"kind": "status", "status": 503, "tmies": 1},
        {"kind": "delay", "seconds": -1},
        {"kind": "refuse", "message_ids": ["a"], "locator": "index"},
        [{"kind": "reset"}, {"kind": "status"}],
    ],
)
def test_a_misspelt_fault_is_400_and_sets_nothing(sandbox, fault):
    answer = requests.post(f"{sandbox.url}/sandbox/faults", json=fault)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert sandbox.faults.active == []
