"""What the pages tell, asked for over HTTP."""

import json
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest

from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.storage.folder import digest_name
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.plugin.conftest import needs_places
from tests.plugin.history import AMOUNT, EMAIL, PHONE, SILENCE, TIME, sender_of

pytestmark = needs_places

NOW = datetime.now(UTC)
YESTERDAY = NOW.replace(hour=9, minute=30) - timedelta(days=1)
SYNC = f"/syncs/{digest_name('rokt_default', 'shop.orders')}"
ORDERS = [{"source_message_id": f"o-{n}", "timestamp": NOW.isoformat(), "email": f"u{n}@example.com"} for n in range(9)]
MAPPING = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "source_message_id",
    "events[].data.timestamp_unixtime_ms": "timestamp",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
}
MAIN = re.compile(r"<main.*</main>", re.DOTALL)


def words(page: str) -> str:
    """What a page reads like: the text of its main part, blanks as one."""
    found = MAIN.search(page)
    assert found
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", found[0]))).strip()


def test_without_deliveries_it_says_how_to_get_one(ask, ledger) -> None:
    text = words(ask("/").text)
    assert "Nothing was delivered. There are no deliveries yet." in text
    assert f"Looked at: {ledger.uri} , as [rokt] ledger_path says. This API server must reach" in text
    assert "RoktConversionOperator" in text


def test_one_look_answers_what_arrived_what_did_not_why_and_what_to_do(ask, history) -> None:
    history.add(YESTERDAY, sender_of("a"), 11_000, {EMAIL: 30, TIME: 12, AMOUNT: 4}, {SILENCE: 1_400})
    history.add(YESTERDAY, sender_of("b", task_id="vip"), 1_340, {EMAIL: 1, AMOUNT: 2}, skipped=5)
    history.add(YESTERDAY - timedelta(days=1), sender_of("before"), 77_777, {PHONE: 9})
    text = words(ask("/").text)
    assert "12,340 rows arrived 1,449 did not 49 rejected, 1,400 failed; 5 skipped on purpose, in 2 runs" in text
    assert (
        "Commonest reasons 1,400 rows not sent: Rokt did not answer 31 rows user_identities.email is no e-mail address "
        "12 rows events[].data.timestamp_unixtime_ms is missing What to do Clear the failed task" in text
    )
    assert "77,777" not in text.partition("Syncs")[0]


def test_a_day_on_which_all_went_well_wants_nothing(ask, history) -> None:
    history.add(YESTERDAY, sender_of("a"), 12)
    text = words(ask("/").text)
    assert "12 rows arrived 0 did not" in text
    assert "None: nothing was rejected, nothing failed. What to do Nothing." in text


def test_what_an_earlier_try_sent_is_not_counted_twice(ask, history) -> None:
    history.add(YESTERDAY, sender_of("a"), 700, {}, {SILENCE: 300})
    again = history.add(YESTERDAY + timedelta(minutes=5), sender_of("a", try_number=2), 1_000)
    assert "1,000 rows arrived 0 did not 0 rejected, 0 failed, in 1 run " in words(ask("/").text)
    text = words(ask(SYNC).text)
    assert "1 earlier try" in text
    assert "delivered 1,000 1,000 0 0 0 0 a" in text
    assert "1,000 rows arrived" in words(ask(f"/deliveries/{again}").text)


def test_a_run_is_told_on_the_day_it_began_by_its_last_try(ask, history) -> None:
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    history.add(midnight - timedelta(minutes=5), sender_of("a"), 700, {}, {SILENCE: 300})
    history.add(midnight, sender_of("a", try_number=2), 1_000)
    history.add(midnight, sender_of("b"), 5)
    text = words(ask("/").text).partition("Syncs")[0]
    assert "1,000 rows arrived 0 did not 0 rejected, 0 failed, in 1 run" in text
    assert "What to do Nothing." in text
    assert "Today so far: 5 arrived, 0 did not" in text


def test_of_many_parts_no_run_is_told_by_half(ask, history) -> None:
    for hour in range(1, 12):
        for part in range(23):
            began = NOW - timedelta(hours=hour, seconds=-part)
            history.add(began, sender_of(f"r{hour:02}", part=part), 1, coverage={})
    text = words(ask(SYNC).text)
    assert "Runs the last 10" in text
    assert "23 23 0 0 0 0 r10, 23 parts" in text
    # Ten runs in the last 11 hours, and since these tests were collected; of the one before 13 parts are not read.
    hours = 11 + (datetime.now(UTC) - NOW) / timedelta(hours=1)
    (rows,) = re.findall(r"Rows a day (\d+) ", text)
    assert int(rows) == pytest.approx(10 * 23 / hours * 24, rel=0.01)


def test_what_has_more_parts_than_are_read_is_more_than_is_told(ask, history) -> None:
    for part in range(241):
        history.add(YESTERDAY, sender_of("a", part=part), 1, coverage={})
    for path in ("/", SYNC):
        assert re.search(r"more than [12]?\d\d ", words(ask(path).text))


def test_the_list_is_narrowed_by_dag_state_and_day(ask, history) -> None:
    history.add(YESTERDAY, sender_of("a"), 10)
    history.add(NOW, sender_of("b", dag_id="loyalty", task_id="vip"), 10, {}, {SILENCE: 1})

    def listed(query: str) -> list[str]:
        return re.findall(r'<th scope="row"><a[^>]*>([^<]*)</a>', ask(f"/?{query}").text)

    assert listed("") == ["loyalty.vip", "shop.orders"]
    assert listed("dag=shop") == listed("state=delivered") == listed(f"day={YESTERDAY:%Y-%m-%d}") == ["shop.orders"]
    assert listed("dag=loyalty&state=failed") == listed(f"day={NOW:%Y-%m-%d}") == ["loyalty.vip"]
    assert listed("dag=loyalty&state=delivered") == listed("day=2020-01-01") == []
    assert listed("state=nonsense&day=tomorrow") == ["loyalty.vip", "shop.orders"]
    assert ask("/?page=0").status_code == 422


def test_a_page_behind_the_last_is_the_last(ask, history) -> None:
    assert "There are no deliveries yet." in words(ask("/?page=999").text)
    for number in range(27):
        history.add(YESTERDAY, sender_of("r", task_id=f"t{number:02}"), 1)
    for page in (2, 999, 10**30):
        answer = ask(f"/?page={page}")
        assert re.findall(r'<th scope="row"><a[^>]*>([^<]*)</a>', answer.text) == ["shop.t25", "shop.t26"]
        assert '<span aria-current="page">2</span>' in answer.text
        assert "page=1&amp;dag=" in answer.text


def test_a_sync_tells_its_runs_beside_their_own_history(ask, history) -> None:
    for day in range(30, 0, -1):
        rejected = {EMAIL: 50} if day == 1 else {EMAIL: 2}
        coverage = {"user_identities.email": 0.5 if day == 1 else 0.9}
        accepted = 950 if day == 1 else 998
        history.add(NOW - timedelta(days=day), sender_of(f"r{day}"), accepted, rejected, coverage=coverage)
    text = words(ask(SYNC).text)
    assert "Rejected rows 5.0 % usually 0.2 %" in text
    assert "user_identities.email 50.0 % usually 90.0 %" in text
    assert "Runs the last 30" in text
    assert "1,000 950 50 0 0 0 r1 " in text
    page = ask(SYNC).text
    (bars,) = re.findall(r'<svg class="bars" role="img" aria-label="([^"]*)"', page)
    assert bars.startswith("The last 30 runs: 30 rejected rows. The newest: ")
    assert page.count('<rect class="accepted"') == page.count('<rect class="rejected"') == 30


def test_a_sync_says_what_it_remembers(ask, shop, rokt) -> None:
    from tests.syncs.tries import send

    shop(ORDERS)
    send(send="all", mapping=MAPPING)
    text = words(ask(SYNC).text)
    assert f"Remembers 9 rows since {NOW:%-d %b %Y}" in text


@pytest.mark.parametrize(
    ("what", "state", "advice"),
    [
        ({"accepted": 5}, "delivered", "Nothing."),
        ({"accepted": 5, "rejected": {EMAIL: 1}}, "rejected rows", "Correct the rejected rows"),
        ({"accepted": 5, "failed": {SILENCE: 1}}, "failed", "Clear the failed task"),
        ({"accepted": 5, "complete": False}, "failed", "Clear the task: its rows were not read to the end."),
        ({"accepted": 5, "degraded": ["5 rows, usually 900"]}, "degraded", "Look at what is degraded"),
        ({"accepted": 5, "ends": False}, "in flight", "Wait: the task is at work."),
    ],
)
def test_a_delivery_says_how_it_stands_and_what_to_do(ask, history, what, state, advice) -> None:
    page = ask(f"/deliveries/{history.add(YESTERDAY, sender_of('a'), **what)}").text
    text = words(page)
    assert text.startswith(f"Conversions {state} ")
    assert f"What to do {advice}" in text
    is_live = state == "in flight"
    assert ("data-live" in page) == ('http-equiv="refresh"' in page) == is_live
    assert "5 rows arrived" in text


def failed(kind: str, text: str = "") -> dict[str, Any]:
    """What a report says of the error that its task failed with."""
    return {"failure": {"kind": kind, "text": text}}


STOPPED = {"accepted": 0, "complete": False, "rows_read": 150, "rows_failed": 150}
MIRROR = {"options": {"audience": "vip", "mode": "mirror"}}


@pytest.mark.parametrize(
    ("what", "reason", "advice"),
    [
        (
            STOPPED | MIRROR | failed("RoktAudienceError", "The run would remove 9 of 10 members\nNothing was sent"),
            "150 rows The run would remove 9 of 10 members",
            "Look whether the query is right.",
        ),
        (
            {"complete": False, **failed("RoktTooFewRowsError", "The query returned 0 rows")},
            "The query returned 0 rows",
            "Look why the query returned so few rows",
        ),
        (
            {"accepted": 5, **failed("RoktDroppedError", "9 of 10 values of mobile are invalid")},
            "9 of 10 values of mobile are invalid",
            "Map another column to the field",
        ),
        (
            {"accepted": 5, "rejected": {EMAIL: 2}, **failed("RoktRejectedError", "2 of 7 rows were rejected")},
            "2 rows user_identities.email is no e-mail address",
            "Correct the rejected rows at their source, then send them again",
        ),
        (
            {
                "accepted": 5,
                "failed_without_row": 3,
                **MIRROR,
                **failed("RoktIncompleteError", "0 of 5 rows and 3 removals"),
            },
            "3 rows 0 of 5 rows and 3 removals",
            "Clear the failed task",
        ),
        (
            STOPPED | failed("AirflowTaskTimeout"),
            "150 rows the task ended with AirflowTaskTimeout",
            "Clear the task: it goes on where it ended.",
        ),
        (STOPPED | failed("RoktQueryError", "No such table"), "150 rows No such table", "Do what the reason says"),
    ],
)
def test_what_a_task_failed_with_is_the_reason_and_says_what_to_do(ask, history, what, reason, advice) -> None:
    found = history.add(YESTERDAY, sender_of("a"), **what)
    text = words(ask(f"/deliveries/{found}").text)
    assert re.match("(Conversions|vip) failed ", text)
    for told in (text, words(ask("/").text)):
        assert f"Commonest reasons {reason}" in told
        assert f"What to do {advice}" in told
        assert ("it sends only the rows that failed" in told) == ("IncompleteError" in str(what))
    assert "Last succeeded never" in words(ask(SYNC).text)
    assert ("failed, and 3 removals" in text) == ("removals" in reason)


def test_what_a_guard_says_is_what_the_page_says(ask, shop, rokt) -> None:
    from tests.syncs.tries import change, send

    shop([row | {"source_message_id": f"o-{n}", "mobile": "x"} for n, row in enumerate(ORDERS * 20)])
    mapping = MAPPING | {"user_attributes.mobile": "mobile"}
    with pytest.raises(RoktTaskFailed):
        send(mapping=mapping, max_dropped=0.2)
    with pytest.raises(RoktTaskFailed):
        change(mode="mirror", sql="SELECT email FROM orders WHERE 1 = 0")
    told = []
    for name in ("shop.orders", "shop.vip"):
        (path,) = re.findall('/deliveries/[^"]+', ask(f"/syncs/{digest_name('rokt_default', name)}").text)
        text = words(ask(path).text)
        assert " failed What arrived" in text
        told.append(text)
    assert "Commonest reasons 180 rows " in told[0]
    assert "What to do Map another column" in told[0]
    assert "Commonest reasons The query returned no rows" in told[1]
    assert "What to do Look whether the query is right." in told[1]


def test_what_succeeded_by_its_task_did(ask, history) -> None:
    """A person let pass more than the arguments allow."""
    history.add(YESTERDAY, sender_of("a"), 5, {EMAIL: 3}, failure=None)
    assert re.search(r"Last succeeded (1 day|\d+ hours) ago", words(ask(SYNC).text))


def test_what_waits_for_a_decision_is_not_told_as_lost(ask, history) -> None:
    waits = STOPPED | failed("RoktDecisionNeeded", "The run would remove 9 of 10 members")
    page = ask(f"/deliveries/{history.add(YESTERDAY, sender_of('a'), **waits)}").text
    text = words(page)
    assert text.startswith("Conversions waits for a decision ")
    assert "150 wait for a decision" in text
    assert "What to do Answer Airflow's required action of this task, and do not clear it" in text
    assert "data-live" in page
    text = words(ask("/").text)
    assert "0 rows arrived 0 did not 0 rejected, 0 failed, in 1 run. 1 delivery waits for a decision" in text
    assert "What to do Answer Airflow's required action" in text


def test_what_is_not_as_usual_is_told_beside_the_counts(ask, history) -> None:
    found = history.add(YESTERDAY, sender_of("a"), 5, degraded=["5 rows, usually <b>900</b>"])
    assert "Not as usual: 5 rows, usually &lt;b&gt;900" in ask(f"/deliveries/{found}").text
    text = words(ask("/").text)
    assert "Look at what is degraded: it succeeded" in text
    assert re.search(r"degraded (1 day|\d+ hours) ago", text)
    assert "never" not in text


def test_a_delivery_tells_reasons_values_left_out_pace_and_answers(ask, history) -> None:
    found = history.add(
        YESTERDAY,
        sender_of("a"),
        4_000,
        {EMAIL: 31, TIME: 2},
        {SILENCE: 40},
        {PHONE: 9},
        attempts=3,
        took=timedelta(seconds=80),
    )
    text = words(ask(f"/deliveries/{found}").text)
    assert "whole row not sent: Rokt did not answer (failed) 40 order-00034 (row 34)" in text
    assert "user_identities.email is no e-mail address 31 order-00001" in text
    assert "events[].data.timestamp_unixtime_ms is missing 2 order-00032 (row 32) , order-00033 (row 33) " in text
    assert "user_attributes.mobile is no phone number 9 " in text
    # 4,040 batches in 80 seconds; requests 3, 10, 17, 24, 31, 38 were sent three times each.
    assert "Batches a second 50.5 18.7 % of at most 270" in text
    assert "Sent again 12 attempts" in text
    assert "user_identities.email 97.3 %" in text
    assert f"resend_from='{found}'" in text


def test_how_to_send_again_names_the_audience_and_no_mirror(ask, history) -> None:
    for mode, told in (("include", True), ("mirror", False)):
        options = {"audience": "vip", "mode": mode}
        found = history.add(YESTERDAY, sender_of(mode), 5, {EMAIL: 1}, options=options)
        text = words(ask(f"/deliveries/{found}").text)
        assert (f"resend_from='{found}', audience='vip', mode='{mode}'" in text) == told
        assert text.startswith("vip rejected rows")


def test_how_to_send_again_names_all_that_says_where_rows_go(ask, history) -> None:
    sender = sender_of("r", connection="rokt_eu")
    options = {"audience": "vip", "mode": "include", "via": "events", "environment": "development", "concurrency": 2}
    found = history.add(YESTERDAY, sender, 5, {EMAIL: 1}, options=options)
    told = "audience='vip', mode='include', via='events', environment='development', rokt_conn_id='rokt_eu' "
    assert f"resend_from='{found}', {told}" in words(ask(f"/deliveries/{found}").text)
    usual = {"environment": "production", "historical": True, "sync": None}
    found = history.add(YESTERDAY, sender, 5, {EMAIL: 1}, options=usual)
    told = f"resend_from='{found}', historical=True, rokt_conn_id='rokt_eu' "
    assert told in words(ask(f"/deliveries/{found}").text)


def test_an_audience_tells_who_joined_and_who_left(ask, history) -> None:
    told = {"members_added": 1_020, "members_removed": 5, "members_unchanged": 84_000}
    found = history.add(YESTERDAY, sender_of("a"), 5, options={"audience": "vip", "mode": "mirror"}, **told)
    for path in (f"/deliveries/{found}", SYNC):
        assert "1,020 added, 5 removed, 84,000 unchanged" in words(ask(path).text)
    history.add(YESTERDAY, sender_of("b", task_id="conversions"), 5, members_added=0)
    assert "added" not in words(ask(f"/syncs/{digest_name('rokt_default', 'shop.conversions')}").text)


def test_a_mirror_is_told_by_its_members_and_remembers_no_rows(ask, history) -> None:
    vip = {"options": {"audience": "vip", "mode": "mirror"}}
    page = f"/syncs/{digest_name('rokt_default', 'shop.vip')}"
    history.add(NOW - timedelta(days=3), sender_of("a", task_id="vip"), 0, failed={SILENCE: 1}, **vip)
    assert "Members not known as no run that was read has succeeded Deliveries 1 " in words(ask(page).text)
    told = {"members_added": 1_020, "members_removed": 5, "members_unchanged": 84_000}
    history.add(NOW - timedelta(days=2), sender_of("b", task_id="vip"), 1_025, **vip, **told)
    history.add(NOW - timedelta(days=1), sender_of("c", task_id="vip"), 0, failed={SILENCE: 7}, **vip, members_added=7)
    text = words(ask(page).text)
    assert "Members 85,020 as of the last run that succeeded Deliveries 3 " in text
    assert "Remembers" not in text


def test_ten_thousand_batches_come_a_page_at_a_time(ask, history) -> None:
    path = f"/deliveries/{history.add(YESTERDAY, sender_of('a'), 9_960, {}, {SILENCE: 40})}"
    numbers = re.compile(r'<tr><td class="n">([\d,]+)</td>')
    assert "Batches 10,000" in words(ask(path).text)
    assert numbers.findall(ask(f"{path}?page=2").text) == [str(n) for n in range(51, 101)]
    last = ask(f"{path}?page=200").text
    assert numbers.findall(last) == numbers.findall(ask(f"{path}?page=999").text)
    assert numbers.findall(last)[-1] == "10,000"
    assert "Next" not in last
    failed = ask(f"{path}?outcome=failed").text
    assert numbers.findall(failed) == [f"{n:,}" for n in range(9_961, 10_001)]
    assert 100 < last.count('<rect class="accepted"') <= 240


def test_parts_stand_together(ask, history) -> None:
    for part in range(8):
        history.add(YESTERDAY + timedelta(seconds=part), sender_of("a", part=part), 100 + part, {EMAIL: part})
    text = words(ask(SYNC).text)
    assert "856 828 28 0 0 0 a, 8 parts" in text
    assert "828 rows arrived 28 did not 28 rejected, 0 failed, in 1 run " in words(ask("/").text)


def test_what_came_from_elsewhere_is_text(ask, history) -> None:
    evil = '<script>alert("x")</script>'
    sender = sender_of(evil, dag_id="shop", sync=evil, connection=evil)
    found = history.add(YESTERDAY, sender, 1, {FieldFault(evil, evil): 1}, options={"audience": evil})
    pages = ["/", f"/?dag={evil}", f"/deliveries/{found}", f"/syncs/{digest_name(evil, evil)}"]
    for path in pages:
        page = ask(path).text
        assert "<script>alert" not in page
        assert unescape(page).count("<script>alert") > 0, path


def test_a_damaged_ledger_costs_itself(ask, history, tmp_path) -> None:
    good, torn, headless = (history.add(YESTERDAY, sender_of(name), 500) for name in "abc")
    for name, damage in ((torn, lambda text: text.replace(b'"request"', b'"request', 1)), (headless, lambda _: b"x\n")):
        (file,) = (tmp_path / "ledger").glob(f"*/{name}/part-00000.jsonl")
        file.write_bytes(damage(file.read_bytes()))
    assert "1 damaged line in part-00000.jsonl" in words(ask(f"/deliveries/{torn}").text)
    text = words(ask(f"/deliveries/{headless}").text)
    assert text.startswith("Delivery damaged")
    assert "500 rows arrived" in words(ask(f"/deliveries/{good}").text)
    assert "shop.orders" in words(ask("/").text)


@pytest.mark.parametrize(
    "odd",
    [
        {"degraded": 5},
        {"degraded": [5]},
        {"rows_read": 10**400},
        {"rows_resumed": "x"},
        {"finished_at": "x"},
        {"finished_at": "0001-01-01T00:00:00+10:00"},
        {"coverage": {"user_identities.email": -1e308}},
        {"failure": "x"},
        {"failure": {"kind": 5}},
        {"failed_without_row": -1},
        {"sender": {"map_index": "x"}},
        {"sender": {"run_id": ["x"]}},
        {"sender": {"sync": {}}},
        {"sender": {"partition": {"a": 1}, "map_index": 3}},
        {"sender": {"batches_per_second": "x"}},
        {"options": {"max_rejected": -5, "mode": {}, "audience": 7}},
    ],
    ids=lambda odd: str(odd)[:60],
)
def test_an_odd_delivery_costs_itself(ask, history, tmp_path, odd) -> None:
    of_header = {"sender", "options"} & odd.keys()
    bad = history.add(YESTERDAY, sender_of("bad"), 500, {EMAIL: 3}, **({} if of_header else odd))
    for what in of_header:
        (file,) = (tmp_path / "ledger").glob(f"*/{bad}/part-00000.jsonl")
        header, _, rest = file.read_text().partition("\n")
        told = json.loads(header)
        told[what] |= odd[what]
        file.write_text(f"{json.dumps(told)}\n{rest}")
    history.add(YESTERDAY - timedelta(seconds=1), sender_of("good"), 77)
    for path in ("/", SYNC):
        answer = ask(path)
        assert answer.status_code == 200
        assert "shop.orders" in answer.text
    assert ask(f"/deliveries/{bad}").status_code == 200
    assert " 77 77 0 0 0 0 good" in words(ask(SYNC).text)


def test_a_task_that_is_not_ours_gets_a_friendly_line(ask) -> None:
    for path in ("/task/other/run/task/{MAP_INDEX}", "/task/other/run/task/3", "/run/other/run"):
        answer = ask(path)
        assert answer.status_code == 200
        assert "to Rokt. What the Rokt operators send is shown here" in words(answer.text)


def test_the_keys_can_be_downloaded(ask, history) -> None:
    found = history.add(YESTERDAY, sender_of("a"), 5, {EMAIL: 2}, {SILENCE: 1})
    answer = ask(f"/deliveries/{found}/rejected.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="rejected-{found}.csv"'
    assert answer.text.splitlines() == [
        "outcome,row,key,field,reason",
        "rejected,1,order-00001,user_identities.email,is no e-mail address",
        "rejected,2,order-00002,user_identities.email,is no e-mail address",
        "failed,3,order-00003,,not sent: Rokt did not answer",
    ]


def test_no_page_shows_a_value_and_every_link_leads_somewhere(ask, shop, rokt) -> None:
    from tests.syncs.tries import send

    shop([*ORDERS, {"source_message_id": "bad", "timestamp": "soon", "email": "not-an-address"}])
    send(mapping=MAPPING, max_rejected=5)
    seen: dict[str, str] = {}
    open_ = ["/"]
    while open_:
        path = open_.pop().split("#")[0]
        if path in seen:
            continue
        answer = ask(path)
        assert answer.status_code == 200, path
        seen[path] = answer.text
        is_page = "html" in answer.headers["content-type"]
        links = re.findall(r'(?:href|src|action)="([^"#]+)', answer.text) if is_page else []
        assert all(link.startswith("/rokt/") for link in links), path
        open_ += [unescape(link).removeprefix("/rokt") for link in links]
    assert len(seen) >= 6
    for path, text in seen.items():
        assert not [value for value in ("example.com", "not-an-address", "soon") if value in text], path
    assert "9 rows arrived 1 did not" in words(next(text for path, text in seen.items() if "/deliveries/" in path))


def test_a_key_is_shown_as_it_is(ask, history) -> None:
    """The page has nothing to hide in a key, however it looks; the ledger's writer digested what tells who it is."""
    writer = history.ledger.begin("conversions", sender_of("a"), {})
    writer.rows(Outcome.REJECTED, [RowFault(RowRef(1, "<b>1&2</b>"), (EMAIL,))])
    page = ask(f"/deliveries/{writer.delivery_id}").text
    assert "<code>&lt;b&gt;1&amp;2&lt;/b&gt; (row 1)</code>" in page
