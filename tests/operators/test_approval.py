"""A person decides whether a run that a guard stopped is sent, by Airflow's own human-in-the-loop."""

import importlib.util
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_provider_rokt.events.destinations import CONVERSION
from airflow_provider_rokt.exceptions import RoktAudienceError, RoktDroppedError, RoktTooFewRowsError
from airflow_provider_rokt.flow.census import Excess
from airflow_provider_rokt.flow.gate import Question
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.runs.options import ConversionOptions
from airflow_provider_rokt.sources import mapped_rows
from airflow_provider_rokt.task.approval import MOST_QUESTIONS, Asker
from airflow_provider_rokt.task.failures import RoktTaskFailed
from airflow_provider_rokt.task.question_text import body_of
from tests.audiences.people import address, hashed
from tests.operators.person import NEVER, Person

try:
    from airflow.sdk.exceptions import TaskAwaitingInput
except ImportError:  # before Airflow 3.3
    TaskAwaitingInput = None

DAG_FILE = Path(__file__).parents[1] / "dags" / "deciding.py"
LISTS = ("sent", "stopped", "unanswered", "changed")
WHO = {"id": "7", "name": "jane"}
SENT = """\
**Nothing was sent yet.** What speaks against it:

- Would remove 6 of 10 members (60.0%), more than max\\_removed=0.3 allows
- 1 of 5 rows name nobody who can be mirrored, and max\\_rejected is 0

| What was found | Count |
| --- | --- |
| Rows read | 5 |
| Members to add | 0 |
| Members to remove | 6 |
| Members who stay as they are | 4 |
| Rows that cannot be used | 1 |

**Send it** sends this alone. The query is read again then: unless the same people join and leave, nothing is sent, \
but for a result that nothing speaks against any more.

**Stop** fails the task, without a retry. So does no answer within 24 hours."""


def order(number, list_="", mobile="not a number", **changes):
    fixed = {"conversiontype": "buy", "timestamp_unixtime_ms": 1.7e9, "list": list_, "mobile": mobile}
    return {"id": str(number), "email": address(number), **fixed} | changes


def remembered(name):
    """What the mirror would do for the four who stayed, without its guards."""
    rows = [{"email": address(n)} for n in range(4)]
    found = RoktHook().preview_audience(rows, name, mode="mirror", sync=f"{name} list")
    return found["members_removed"], found["members_unchanged"]


def question(plan="a", facts=None, losses=(), error=None):
    return Question("conversions", (error or RoktAudienceError("no"),), facts or {"Rows read": 3}, losses, plan)


def decided(instance):
    from airflow.utils.session import create_session

    from airflow_provider_rokt.plugin.task_instances import TaskInstances

    names = ("dag_id", "run_id", "task_id", "map_index", "try_number")
    with create_session() as session:
        return TaskInstances(session).decision({name: getattr(instance, name) for name in names})


def told(caplog):
    """What is said of the asking."""
    return [record.getMessage() for record in caplog.records if record.name.endswith("task.approval")]


@pytest.mark.skipif(TaskAwaitingInput is None, reason="dag.test() before Airflow 3.3 loses what a task goes on with")
def test_a_person_lets_pass_exactly_what_was_shown_or_nothing(airflow_db, sandbox, rokt, shop, tmp_path, said):
    for name in LISTS:
        RoktHook().send_audience([{"email": address(n)} for n in range(10)], name, mode="mirror", sync=f"{name} list")
    # Four of ten stay: more leave than max_removed allows, and one row is nobody's.
    stay = [order(n, name) for name in LISTS for n in range(4)]
    shop([*stay, order(99, "sent", email="nobody"), *(order(n) for n in range(150))])

    def before(task):
        if task == "changed":
            with sqlite3.connect(tmp_path / "shop.sqlite") as database:
                database.execute("DELETE FROM orders WHERE list = 'changed' AND id = '0'")

    answers = dict.fromkeys(("sent", "changed", "conversions"), "Send it") | {"stopped": "Stop", "unanswered": NEVER}
    spec = importlib.util.spec_from_file_location("deciding", DAG_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with Person(answers, before) as person:
        ended = {one.task_id: one for one in module.dag.test().get_task_instances()}

    failed = dict.fromkeys(("stopped", "unanswered", "changed"), ("failed", 1))
    tries = {name: (one.state, one.try_number) for name, one in ended.items()}
    assert tries == failed | dict.fromkeys(("sent", "conversions"), ("success", 1))
    log = said()
    assert "jane decided to stop, so nothing was sent" in log
    assert "Nobody decided within 24 hours whether to send it, so nothing was sent" in log
    assert "Nobody was asked: Airflow goes on showing the first question of a task instance" in log
    assert "jane decided to send it: exactly what was shown goes to Rokt" in log

    # The page tells it by what Airflow's database keeps.
    assert {name: str(decided(ended[name])) for name in ("stopped", "unanswered", "sent")} == {
        "stopped": "A person decided to stop it, so nothing was sent",
        "unanswered": "Nobody decided in time, so nothing was sent",
        "sent": "A person let it pass, and this delivery itself sent nothing",
    }

    (sent,) = person.shown["sent"]
    assert sent == (
        "Mirror of audience 'sent': send although a guard objects?",
        SENT,
        ["Send it", "Stop"],
    )
    # Of what was not let pass, nothing changed; of what was, the memory says so too.
    assert {name: remembered(name) for name in LISTS} == {name: (0, 4) if name == "sent" else (6, 4) for name in LISTS}
    assert ended["sent"].xcom_pull(task_ids="sent")["members_removed"] == 6

    # Both guards are asked about at once, and the end of the run holds neither against it.
    ((_, body, _),) = person.shown["conversions"]
    assert "expected at least 1,000 rows" in body and "100 % of user\\_attributes.mobile" in body
    assert "| user\\_attributes.mobile | 150 | 150 | not a phone number for region US |" in body
    report = ended["conversions"].xcom_pull(task_ids="conversions")
    assert (report["rows_accepted"], report["dropped"]) == (150, {"user_attributes.mobile": 150})
    everything = "".join(body for asked in person.shown.values() for _, body, _ in asked)
    assert not [
        number for number in range(150) if address(number) in everything or hashed(address(number)) in everything
    ]


@pytest.mark.parametrize(
    ("event", "says"),
    [
        ({"chosen_options": ["Stop"], "responded_by_user": WHO}, "jane decided to stop"),
        ({"chosen_options": ["Stop"], "responded_by_user": {"id": "7"}}, "7 decided to stop"),
        ({"chosen_options": ["Stop"], "responded_by_user": None, "timedout": True}, "Nobody decided within 24 hours"),
        ({"error": "The timeout has passed", "error_type": "timeout"}, "Nobody decided within 24 hours"),
        ({"error": "x is no option", "error_type": "validation"}, "no answer to what was shown"),
        ({"chosen_options": ["Send it", "Stop"], "responded_by_user": WHO}, "no answer to what was shown"),
        ({"chosen_options": [], "responded_by_user": WHO}, "no answer to what was shown"),
        ({}, "no answer to what was shown"),
    ],
)
def test_whatever_is_no_yes_stops(event, says):
    with pytest.raises(RoktTaskFailed, match=says):
        Asker.answered(event, "a", 1)


def test_a_yes_to_what_airflow_lost_stops():
    operator = RoktConversionOperator(task_id="t", sql="q", sql_conn_id="c", on_guard="ask")
    with pytest.raises(RoktTaskFailed, match="no answer to what was shown"):
        operator.execute_complete({}, {"chosen_options": ["Send it"], "responded_by_user": WHO})


def test_a_yes_is_one_to_that_plan_alone():
    asker = Asker.answered({"chosen_options": ["Send it"], "responded_by_user": None}, "a", 1)
    asker(question("a"))
    with pytest.raises(RoktAudienceError, match="no"):
        asker(question("b"))


def test_nobody_is_asked_for_ever():
    with pytest.raises(RoktTaskFailed, match="The result changed each of the 3 times") as given_up:
        Asker("a", "jane", MOST_QUESTIONS).ask(question("b"), "id")
    assert [len(line) <= 100 for line in str(given_up.value).splitlines()] == [True] * 3


def test_no_name_is_taken_for_markdown():
    losses = (Excess("user_attributes.a|b<i>`", 3, 100, "is _odd_"),)
    (row,) = [line for line in body_of(question(losses=losses), 24).splitlines() if "odd" in line]
    assert row == r"| user\_attributes.a\|b\<i\>\` | 100 | 3 | is \_odd\_ |"


def test_of_many_fields_some_are_shown():
    losses = tuple(Excess(f"f{n}", 1, 100, "odd") for n in range(13))
    assert body_of(question(losses=losses), 24).count("| odd |") == 10
    assert "| and 3 more |" in body_of(question(losses=losses), 24)


def test_where_no_task_runs_it_fails_as_ever_and_says_why(rokt, shop, caplog):
    shop([order(n) for n in range(150)])
    operator = RoktConversionOperator(
        task_id="t",
        sql="SELECT id AS source_message_id, email, mobile, conversiontype, timestamp_unixtime_ms FROM orders",
        sql_conn_id="shop",
        on_guard="ask",
    )
    with pytest.raises(RoktTaskFailed, match="Is it the right column") as caught:
        operator.execute({"ti": SimpleNamespace(id="no task's")})
    assert isinstance(caught.value.__cause__, RoktDroppedError)
    assert told(caplog) == [
        "on_guard='ask' does as 'fail': to ask a person takes a task of Airflow 3.1 or newer, and "
        "apache-airflow-providers-standard"
    ]


def test_a_call_of_the_hook_fails_as_ever_and_says_why(rokt, ledger, caplog):
    with pytest.raises(RoktTooFewRowsError, match="expected at least 9 rows"):
        RoktHook().send_audience([{"email": "a@example.com"}], "vip", min_rows=9, on_guard="ask")
    assert told(caplog) == [
        "on_guard='ask' does as 'fail': only an operator's task can wait for a person, a call of the hook cannot"
    ]


@pytest.mark.parametrize("grouped", ["result", True])
def test_conversions_tell_how_many_rows_were_looked_at(rokt, ledger, sandbox, grouped):
    orders = [order(n) | {"source_message_id": f"o{n}"} for n in range(150)]
    rows = [{name: row[name] for name in row if name not in ("id", "list")} for row in orders]
    rows[0]["conversiontype"] = None
    size = 40
    options = ConversionOptions(on_guard="ask", group_by_user=grouped, fetch_size=size)
    asked = []
    report = RoktHook().deliver_conversions(mapped_rows(rows, None, CONVERSION, size), options, decide=asked.append)
    assert [one.facts for one in asked] == [{"Rows read": 150, "Rows that cannot be used": 1}]
    assert report.judged(1, 0.2).rows_accepted == 149


@pytest.mark.parametrize("kind", [RoktConversionOperator, RoktAudienceOperator])
def test_what_it_may_be_is_known_in_the_dag_file(kind):
    audience = {"audience": "vip"} if kind is RoktAudienceOperator else {}
    with pytest.raises(RoktTaskFailed, match="on_guard must be one of 'fail', 'ask'"):
        kind(task_id="t", sql="q", sql_conn_id="c", on_guard="aks", **audience)
