"""What the example with alerts tells people: nothing of a usual run."""

import json
import sqlite3
from datetime import timedelta
from email import message_from_string
from email.policy import default

import pytest
from airflow.utils.types import DagRunType

from dags_examples import conversions_alerts
from tests.api.recorder import Recorder
from tests.examples.mail import MailServer
from tests.examples.runs import execute, scheduled
from tests.examples.test_schedules import MIDNIGHT

pytestmark = pytest.mark.slow


@pytest.fixture
def slack(monkeypatch):
    with Recorder(200, b'{"ok": true}', {"Content-Type": "application/json"}) as server:
        extra = {"base_url": f"{server.url}/api/"}
        connection = {"conn_type": "slack", "password": "xoxb-of-a-test", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_API_DEFAULT", json.dumps(connection))
        yield server


@pytest.fixture
def mail(monkeypatch):
    with MailServer() as server:
        extra = {"disable_ssl": True, "disable_tls": True}
        connection = {"conn_type": "smtp", "host": "127.0.0.1", "port": server.port, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        yield server


def test_people_are_told_of_what_is_unusual_and_of_what_failed(airflow_db, connected, sandbox, slack, mail):
    *usual, few, bad = scheduled(conversions_alerts.dag, MIDNIGHT - timedelta(days=4), 5)
    for info in usual:
        execute(conversions_alerts.dag, info)
    assert (slack.seen, mail.letters) == ([], [])

    with sqlite3.connect(connected.shop) as shop:
        day = f"{few.run_after - timedelta(days=1):%Y-%m-%d}"
        shop.execute("DELETE FROM orders WHERE date(ordered_at) = ? AND abs(random()) % 4 <> 0", [day])
    execute(conversions_alerts.dag, few)
    (message,) = slack.seen
    told = json.loads(message.body)["text"]
    assert told.startswith("send_conversions is not as usual: ") and "rows, fewer than 0.5 times the usual 96" in told

    with sqlite3.connect(connected.shop) as shop:
        shop.execute("UPDATE orders SET total = 'free'")
    with pytest.raises(AssertionError):
        execute(conversions_alerts.dag, bad, DagRunType.SCHEDULED)
    (letter,) = mail.letters
    parsed = message_from_string(letter, policy=default)
    assert len(slack.seen) == 1
    assert parsed["Subject"].startswith("rokt_conversions_alerts: 9")
    text = parsed.get_body(("html",)).get_content()
    assert (
        "rows were rejected: events[].data.custom_attributes.amount: " in text
        and "max_rejected is 0.02" in text
        and "resend_from=" in text
    )
    assert "@example.com" not in text
