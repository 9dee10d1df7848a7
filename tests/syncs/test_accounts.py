"""What one account took, another one has none of: a connection that was changed is seen, and nothing is lost."""

import json

import pytest

from airflow_provider_rokt.exceptions import RoktAuthError, RoktIncompleteError, RoktMemoryError
from airflow_provider_rokt.sandbox import Sandbox
from airflow_provider_rokt.sandbox.faults import Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from airflow_provider_rokt.turns.uses import RoktAccount
from tests.operators.test_conversions import orders
from tests.syncs.tries import send


@pytest.fixture(autouse=True)
def _impatient(monkeypatch, rokt, ledger, register):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")


@pytest.fixture
def another():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def moved(rokt, another):
    """Changes the connection to another sandbox."""
    return lambda: rokt(extra={"events_url": events_url(another)})


def events_url(sandbox):
    return sandbox.connection("v1")["extra"]["events_url"]


def new(run_id="monday", **options):
    return send(run_id, send="new", **options)


def refusal(**options):
    with pytest.raises(RoktTaskFailed) as failed:
        new("tuesday", **options)
    assert isinstance(failed.value.__cause__, RoktMemoryError)
    return str(failed.value.__cause__)


def test_what_one_account_took_does_not_pass_for_sent_at_another(sandbox, shop, another, moved, rokt):
    shop(orders(50))
    new()
    moved()
    text = refusal()
    assert f"was accepted at {events_url(sandbox)}, and this run sends to {events_url(another)}" in text
    assert "airflow rokt syncs forget shop.orders --rokt-conn-id rokt_default" in text
    assert not another.store.requests
    assert new("tuesday", sync="other")["rows_accepted"] == another.store.counts.events == 50
    rokt()
    assert new("tuesday")["skipped"] == {"sent before": 50}


def test_what_all_sent_elsewhere_does_not_pass_for_sent_either(sandbox, shop, another, moved):
    shop(orders(50))
    send()
    moved()
    assert send("tuesday")["rows_accepted"] == another.store.counts.events == 50
    assert "another account's" in refusal()


def test_a_retry_after_the_connection_was_changed_sends_every_row(sandbox, shop, another, moved, said):
    shop(orders(2_000))
    sandbox.faults.add(Status(503, probability=0.5))
    with pytest.raises(RoktIncompleteError) as failed:
        send()
    assert failed.value.report["rows_accepted"]
    moved()
    result = send(number=2)
    assert (result["rows_resumed"], result["rows_accepted"]) == (0, another.store.counts.events) == (0, 2_000)
    text = said()
    assert f"this one sends to {events_url(another)}" in " ".join(text.split())
    assert "nothing can be resumed" not in text
    # It succeeded: both tries are over.
    assert send(number=3)["rows_resumed"] == 0


def test_an_account_that_took_nothing_keeps_none_out(sandbox, shop, another, moved, rokt):
    """As where the first run's pod was the wrong one."""
    shop(orders(50))
    another.faults.add(Status(403))
    moved()
    with pytest.raises(RoktTaskFailed) as failed:
        new()
    assert isinstance(failed.value.__cause__, RoktAuthError)
    rokt()
    assert new("tuesday")["rows_accepted"] == 50


def test_a_rotated_key_is_the_same_account(sandbox, shop, rokt):
    shop(orders(50))
    new()
    rokt(login="another", password="another", extra={"events_url": f"{events_url(sandbox)}/"})
    assert new("tuesday")["skipped"] == {"sent before": 50}


def test_an_account_id_that_is_exchanged_is_another_account(sandbox, shop, rokt):
    shop(orders(50))
    new()
    rokt(extra={"account_id": "1"})
    assert new("tuesday")["skipped"] == {"sent before": 50}
    shop(orders(60))
    assert new("wednesday")["rows_accepted"] == 10
    rokt(extra={"account_id": "2"})
    assert f"accepted at {events_url(sandbox)}, account 1, and this run sends to {events_url(sandbox)}" in refusal()


def test_a_memory_that_does_not_say_whose_it_is_is_believed_once(sandbox, shop, moved, tmp_path):
    """As releases wrote it before accounts were noted."""
    shop(orders(50))
    new()
    uses = list(tmp_path.glob("ledger/_syncs/*/uses/account-*"))
    assert [json.loads(path.read_text())["account"]["address"] for path in uses] == [events_url(sandbox)]
    uses[0].unlink()
    (marks,) = tmp_path.glob("ledger/_syncs/*/t*/marks-00000")
    line, _, held = marks.read_bytes().partition(b"\n")
    marks.write_bytes(json.dumps({**json.loads(line), "account": None}).encode() + b"\n" + held)
    assert new("tuesday")["skipped"] == {"sent before": 50}
    moved()
    assert "another account's" in refusal()


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (("EVENTS", "https://s2s.us1.mparticle.com"), ("EVENTS", "https://S2S.us1.mparticle.com:443/"), False),
        (("EVENTS", "http://localhost:80"), ("EVENTS", "http://localhost"), False),
        (("EVENTS", "https://s2s.us1.mparticle.com"), ("EVENTS", "https://s2s.us2.mparticle.com"), True),
        (("EVENTS", "http://localhost:81"), ("EVENTS", "http://localhost:82"), True),
        (("EVENTS", "http://localhost/a"), ("EVENTS", "http://localhost/b"), True),
        (("EVENTS", "http://localhost", "1"), ("EVENTS", "http://localhost"), False),
        (("EVENTS", "http://localhost", "1"), ("EVENTS", "http://localhost", "2"), True),
        (("EVENTS", "http://localhost"), ("AUDIENCE_IMPORT", "http://localhost"), True),
    ],
)
def test_accounts_are_told_apart_by_what_matters(one, other, differs):
    assert (
        RoktAccount(*one).is_another(RoktAccount(*other))
        is RoktAccount(*other).is_another(RoktAccount(*one))
        is differs
    )
