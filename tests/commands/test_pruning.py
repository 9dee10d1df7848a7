"""``airflow rokt deliveries prune``: it tells what would go, asks, removes, and names what it could not."""

import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from airflow_provider_rokt.runs.place import syncs_of
from tests.commands.commands import process
from tests.ledger.aging import ago, begun, ended, id_of, killed

PRUNE = ("deliveries", "prune")


@pytest.fixture
def root(ledger, tmp_path) -> Path:
    """The ledger's folder, with two deliveries that are old, one that never ended, one that runs and one of today."""
    root = tmp_path / "ledger"
    ended(root, id_of(50, "old"), 49)
    ended(root, id_of(60, "older"), 59, direct=True)
    killed(root, id_of(70, "killed"), 69)
    begun(root, id_of(80, "running"))
    ended(root, id_of(1, "young"), 1)
    return root


def left(root):
    return {path.parent.name.rpartition("-")[2] for path in root.rglob("part-00000.jsonl")}


def day(days):
    return f"{ago(days):%Y-%m-%d}"


ALL = {"old", "older", "killed", "running", "young"}
KEPT = {"running", "young"}


def test_prune_is_a_command(root):
    done = process(*PRUNE, "--days", "30", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"2 ended from {day(59)} to {day(49)}; 1 never ended and wrote last on {day(69)}\n" in done.stdout
    assert done.stdout.endswith("Removed 3 deliveries.\n")
    assert left(root) == KEPT
    again = process(*PRUNE, "--days", "30")
    assert again.returncode == 2
    assert "there is no terminal to ask at: add --yes, or --dry-run" in again.stderr


def test_days_are_those_of_the_configuration_unless_given(rokt_cli, root, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_DAYS", "55")
    status, out, _ = rokt_cli(*PRUNE, "--dry-run")
    assert status == 0
    assert out.startswith(f"2 deliveries under {root.as_uri()} of more than 55 days ago: 1 ended on {day(59)}; 1 never")
    assert "ended more than 65 days ago" in rokt_cli(*PRUNE, "--dry-run", "--days", "65")[1]
    assert rokt_cli(*PRUNE, "--yes")[1].endswith("Removed 2 deliveries.\n")
    assert left(root) == {"old", *KEPT}


def test_a_sync_forgets_the_deliveries_that_are_gone(rokt_cli, root, ledger):
    syncs = syncs_of(ledger)
    syncs.store()
    sync = syncs.sync("rokt_default", "shop.orders")
    sync.introduce()
    for delivery_id in (id_of(50, "old"), id_of(1, "young")):
        sync.note_delivery(delivery_id)
    assert rokt_cli(*PRUNE, "--days", "30", "--yes")[0] == 0
    assert sync.deliveries() == [id_of(1, "young")]


@pytest.mark.parametrize("configured", [None, "", "0"])
def test_without_days_nothing_is_done_and_it_says_so(rokt_cli, root, monkeypatch, configured):
    if configured is not None:
        monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_DAYS", configured)
    status, out, err = rokt_cli(*PRUNE, "--yes")
    assert (status, out) == (2, "")
    assert "give --days, or set [rokt] ledger_days" in err
    assert left(root) == ALL


@pytest.mark.parametrize("days", ["0", "-1", "soon", "1.5"])
def test_days_are_a_whole_number_of_at_least_one(rokt_cli, root, monkeypatch, days):
    assert rokt_cli(*PRUNE, "--yes", "--days", days)[0] == 2
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_DAYS", days)
    status, _, err = rokt_cli(*PRUNE, "--yes")
    assert status == 2
    assert "[rokt] ledger_days" in err
    assert left(root) == ALL


def test_a_dry_run_tells_and_removes_nothing(rokt_cli, root):
    status, out, err = rokt_cli(*PRUNE, "--days", "30", "--dry-run", "--yes")
    assert (status, err) == (0, "")
    assert out.splitlines()[0].startswith("3 deliveries under ")
    assert out.endswith("Nothing was removed.\n")
    assert left(root) == ALL


@pytest.mark.parametrize("answer", [b"yes\n", b" YES \n"])
def test_it_asks_and_does_what_is_agreed_to(rokt_cli, root, terminal, answer):
    terminal(answer)
    status, out, err = rokt_cli(*PRUNE, "--days", "30")
    assert (status, out) == (0, "Removed 3 deliveries.\n")
    assert err.startswith("3 deliveries under ")
    assert err.endswith("Remove them for good? Only yes does: ")
    assert left(root) == KEPT


@pytest.mark.parametrize("answer", [b"no\n", b"y\n", b"\n", b"\x04"])
def test_anything_but_yes_removes_nothing(rokt_cli, root, terminal, answer):
    terminal(answer)
    status, out, _ = rokt_cli(*PRUNE, "--days", "30")
    assert (status, out) == (2, "Nothing was removed.\n")
    assert left(root) == ALL


def test_where_nothing_is_old_it_does_not_ask(rokt_cli, root, terminal):
    terminal(b"")
    status, out, err = rokt_cli(*PRUNE, "--days", "200")
    assert (status, err) == (0, "")
    assert f"No deliveries under {root.as_uri()} ended more than 200 days ago" in out


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_as_data_it_tells_of_each(rokt_cli, root, terminal, output, read):
    terminal(b"yes\n")
    status, out, err = rokt_cli(*PRUNE, "--days", "30", "-o", output)
    assert status == 0
    assert "Only yes does" in err
    told = read(out)
    assert told.pop("before")[:10] == day(30)
    assert [one.pop("at")[:10] for one in told["deliveries"]] == [day(69), day(59), day(49)]
    assert told == {
        "days": 30,
        "removed": 3,
        "deliveries": [
            {"delivery_id": id_of(70, "killed"), "ended": False, "state": "removed", "failure": ""},
            {"delivery_id": id_of(60, "older"), "ended": True, "state": "removed", "failure": ""},
            {"delivery_id": id_of(50, "old"), "ended": True, "state": "removed", "failure": ""},
        ],
        "unreadable": [],
    }


def test_as_data_a_dry_run_tells_what_is_due(rokt_cli, root):
    told = json.loads(rokt_cli(*PRUNE, "--days", "30", "--dry-run", "-o", "json")[1])
    assert told["removed"] == 0
    assert {one["state"] for one in told["deliveries"]} == {"due"}
    assert json.loads(rokt_cli(*PRUNE, "--days", "900", "--yes", "-o", "json")[1])["deliveries"] == []


def test_what_cannot_be_removed_is_named_and_the_rest_goes(rokt_cli, root, monkeypatch):
    unlink = os.unlink

    def refuse(path, **options):
        if "older" in str(path):
            raise PermissionError(1, "Operation not permitted")
        unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "unlink", refuse)
        status, out, _ = rokt_cli(*PRUNE, "--days", "30", "--yes")
        told = json.loads(rokt_cli(*PRUNE, "--days", "30", "--yes", "-o", "json")[1])
    assert status == 1
    assert f"Not removed: {id_of(60, 'older')}: PermissionError: Operation not permitted\n" in out
    assert out.endswith("Removed 2 deliveries.\n")
    assert [(one["state"], one["failure"]) for one in told["deliveries"]] == [
        ("not removed", "PermissionError: Operation not permitted")
    ]
    assert left(root) == {"older", *KEPT}
    assert rokt_cli(*PRUNE, "--days", "30", "--yes")[0] == 0
    assert left(root) == KEPT


def test_what_cannot_be_looked_at_is_named(rokt_cli, root, monkeypatch):
    listdir = os.listdir

    def refuse(path):
        if "older" in str(path):
            raise PermissionError(13, "Permission denied")
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    status, out, _ = rokt_cli(*PRUNE, "--days", "30", "--yes")
    assert status == 1
    assert f"Not looked at: {root.as_uri()}/{id_of(60, 'older')}: PermissionError: Permission denied\n" in out
    assert left(root) == {"older", *KEPT}


def test_what_wakes_up_before_the_answer_is_kept(rokt_cli, root, terminal, monkeypatch):
    terminal(b"yes\n")
    [part] = root.rglob("*-killed/part-00000.jsonl")
    answer = sys.stdin

    class Slow:
        """Somebody who thinks it over while the delivery goes on."""

        isatty = answer.isatty

        def readline(self):
            os.utime(part)
            return answer.readline()

    monkeypatch.setattr(sys, "stdin", Slow())
    status, out, _ = rokt_cli(*PRUNE, "--days", "30")
    assert (status, out) == (0, "Still running, so kept: 1\nRemoved 2 deliveries.\n")
    assert left(root) == {"killed", *KEPT}


def test_half_of_a_delivery_is_listed_as_damaged(rokt_cli, root):
    [part] = root.rglob("*-old/part-00000.jsonl")
    part.unlink()
    entries = json.loads(rokt_cli("deliveries", "list", "-o", "json")[1])
    assert {one["delivery_id"].rpartition("-")[2]: one["state"] for one in entries}["old"] == "damaged"
    assert len(entries) == 5
    assert rokt_cli(*PRUNE, "--days", "30", "--yes")[0] == 0
    assert len(json.loads(rokt_cli("deliveries", "list", "-o", "json")[1])) == 2
