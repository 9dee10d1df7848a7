"""``airflow rokt syncs``: real commands on real memories and Airflow's own database, some in processes of their own."""

import importlib.util
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml

from airflow_provider_rokt.events.grouping import remembered_id
from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.flow.threads import THREADS
from airflow_provider_rokt.runs.place import anchor_of, syncs_of
from airflow_provider_rokt.syncs.sync import today
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from airflow_provider_rokt.syncs.trails import TrailName, TrailWriter
from airflow_provider_rokt.task.register import AirflowVariables
from airflow_provider_rokt.turns.turn import Turn
from tests.commands.commands import order, process

DAG_FILE = Path(__file__).parents[1] / "dags" / "renewing.py"
NAME = "shop.orders"
LITERAL_ID = '{"events[].data.source_message_id": {"literal": "x"}}'
FORGET = ("syncs", "forget", NAME)
MARK = ("syncs", "mark", "--sync", NAME, "--sql-conn-id", "shop", "--sql", "SELECT * FROM orders")


@pytest.fixture
def variables(airflow_db):
    """Airflow's variables, from its database; those of this provider are gone after the test."""
    from airflow.models.variable import Variable
    from airflow.utils.session import create_session

    yield AirflowVariables(Variable)
    with create_session() as session:
        session.query(Variable).filter(Variable.key.like("rokt_%")).delete(synchronize_session=False)


@pytest.fixture
def sync(ledger):
    return syncs_of(ledger).sync("rokt_default", NAME)


@pytest.fixture
def run(ledger, variables, begin, finish):
    """One run of send="new" in which Rokt takes so many orders; returns its delivery's id."""

    def take(rows=3, run_id="monday", name=NAME, connection="rokt_default"):
        sync, writer = syncs_of(ledger).sync(connection, name), begin()
        sync.note_delivery(writer.delivery_id)
        sender = {"dag_id": "shop", "task_id": "orders", "run_id": run_id, "connection": connection}
        with SyncDelivery(sync, sender, anchor_of(ledger, sync, variables), 90) as delivery:
            delivery.begin(writer.delivery_id)
            delivery.remember(b"".join(mark(f"order-{number}", 7) for number in range(rows)))
            delivery.succeeded()
        finish(writer, accepted=rows)
        return writer.delivery_id

    return take


@pytest.fixture
def recalled(ledger, sync, variables):
    """What a run would be told of some ids."""

    def recall(*ids):
        sender = {"dag_id": "shop", "task_id": "orders", "run_id": "later"}
        with SyncDelivery(sync, sender, anchor_of(ledger, sync, variables), 90) as delivery:
            return [delivery.recall(mark(one, 9)) for one in ids]

    return recall


@pytest.fixture
def at_work(sync):
    """A run of the sync, at work for as long as the test lasts."""
    with Turn(sync.turns, "shop/orders/tuesday", "t-1", NAME, THREADS.flag()):
        yield


def files(tmp_path):
    return sorted(str(path) for path in (tmp_path / "ledger").rglob("*"))


# --- list


def test_list_tells_of_each_sync(rokt_cli, run, tmp_path):
    run(rows=3)
    second = run(rows=5, run_id="tuesday")
    run(rows=1, name="crm.users", connection="rokt_eu")
    before = files(tmp_path)
    status, out, err = rokt_cli("syncs", "list", "-o", "json")
    assert (status, err) == (0, "")
    users, orders = json.loads(out)
    assert (users["sync"], users["connection"], users["rows"]) == ("crm.users", "rokt_eu", 1)
    day, time = second[:8], second[9:15]
    assert orders == {
        "sync": NAME,
        "connection": "rokt_default",
        "rows": 8,
        "since": f"{day[:4]}-{day[4:6]}-{day[6:]}",
        "mirrors": [],
        "newest": f"{day[:4]}-{day[4:6]}-{day[6:]}T{time[:2]}:{time[2:4]}:{time[4:]}+00:00",
        "deliveries": 2,
        "state": "complete",
    }
    assert files(tmp_path) == before, "it only reads"


def test_list_is_a_command_and_shows_people_no_none(run, sync, tmp_path):
    delivery = run()
    shutil.rmtree(tmp_path / "ledger" / delivery[:8])
    syncs = process("syncs", "list")
    assert (syncs.returncode, syncs.stderr) == (0, "")
    assert re.search(rf"{NAME} +\| rokt_default +\| 3 ", syncs.stdout)
    assert "gone" in syncs.stdout
    assert "None" not in syncs.stdout


def test_list_of_nothing_makes_nothing(rokt_cli, ledger, tmp_path):
    assert rokt_cli("syncs", "list") == (0, f"No syncs under {ledger.uri}\n", "")
    assert json.loads(rokt_cli("syncs", "list", "-o", "json")[1]) == []
    assert files(tmp_path) == []


# --- show


def test_show_tells_of_the_memory_who_is_at_work_and_what_the_database_knows(rokt_cli, run, sync, at_work, tmp_path):
    delivery = run_over(run)
    before = files(tmp_path)
    status, out, err = rokt_cli("syncs", "show", NAME)
    assert (status, err) == (0, "")
    head, deliveries = out.strip().split("\n\n")
    assert head.splitlines()[0] == f"Sync '{NAME}'"
    assert f"  folder      {sync.folder.uri}\n" in head
    assert "  remembers   3 rows, from 20" in head
    assert "  number      1\n" in head
    assert "0 sorted files and 1 trails, 0 of which may go on" in head
    assert "  at work     shop/orders/tuesday, until 20" in head
    assert f"Airflow's database knows of memory 1 in {tmp_path.as_uri()}/ledger of " in head
    assert deliveries.splitlines()[0] == "The last 1 of 1 deliveries"
    assert deliveries.splitlines()[2].split()[0] == delivery
    assert deliveries.splitlines()[2].split()[2:] == ["complete", "3", "3", "0", "0", "0"]
    assert files(tmp_path) == before, "it only reads"


def run_over(run):
    """A run that had its turn before the one that is at work: the same one, so that it need not wait."""
    return run(run_id="tuesday")


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_show_as_data_is_complete(rokt_cli, run, sync, output, read, tmp_path):
    ids = [run(run_id=f"run {number}", rows=number) for number in range(1, 13)]
    shutil.rmtree(tmp_path / "ledger" / ids[-1][:8] / ids[-1])
    shown = read(rokt_cli("syncs", "show", NAME, "-o", output)[1])
    contents = sync.contents()
    assert (shown["sync"], shown["connection"], shown["number"]) == (NAME, "rokt_default", 12)
    assert (shown["rows"], shown["at_work"], shown["deliveries"]) == (contents.rows, [], 12)
    assert shown["database"].pop("place").startswith(tmp_path.as_uri())
    assert shown["database"] == {"number": 12, "problem": None}
    assert {one["name"] for one in shown["trails"]} == {str(one.name) for one in contents.trails}
    assert {one["name"] for one in shown["files"]} == {one.text for one in contents.folds}
    assert contents.folds, "eight trails were folded"
    last = shown["last_deliveries"]
    assert {one["delivery_id"] for one in last} <= set(ids)
    assert len(last) == 10
    gone = [one for one in last if one["delivery_id"] == ids[-1]]
    assert [(one["state"], one["read"]) for one in gone] == [("gone", None)] * len(gone)


def test_an_unknown_name_is_told_with_the_close_one(rokt_cli, run):
    run()
    status, out, err = rokt_cli("syncs", "show", "shop.order")
    assert (status, out) == (2, "")
    assert f"(close: '{NAME}')" in err
    assert f"(there is: '{NAME}')" in rokt_cli("syncs", "show", "quite another")[2]
    status, _, err = rokt_cli("syncs", "show", NAME, "--rokt-conn-id", "rokt_eu")
    assert status == 2
    assert "over connection 'rokt_eu'" in err


def test_a_name_over_several_connections_asks_for_one(rokt_cli, run):
    run()
    run(connection="rokt_eu", rows=7)
    status, _, err = rokt_cli("syncs", "show", NAME)
    assert status == 2
    assert "add --rokt-conn-id, one of rokt_default, rokt_eu" in err
    assert json.loads(rokt_cli("syncs", "show", NAME, "--rokt-conn-id", "rokt_eu", "-o", "json")[1])["rows"] == 7


def test_show_says_why_a_memory_would_not_be_believed(rokt_cli, run, tmp_path):
    run()
    shutil.rmtree(tmp_path / "ledger")
    status, out, _ = rokt_cli("syncs", "show", NAME)
    assert status == 0
    assert "  remembers   no rows\n" in out
    assert "cannot be believed: nothing is remembered in" in out
    assert files(tmp_path) == []


# --- mark


def test_marked_ids_count_as_sent_whatever_their_rows_say(rokt_cli, shop, recalled, variables):
    shop([{"source_message_id": one} for one in ["order-1", " order-2 ", 3, "order-1", None, None, '"order-4"']])
    status, out, err = rokt_cli(*MARK, "--yes")
    assert (status, err) == (1, ""), "a row without an id is told"
    assert out.splitlines()[0] == "7 rows read: 3 ids, 1 rows repeat one, 3 have none"
    assert out.splitlines()[1] == "  2 x events[].data.source_message_id: required, but the row has none"
    assert out.splitlines()[2].startswith("  1 x events[].data.source_message_id: still wrapped in JSON: select")
    assert f"in sync '{NAME}' over connection 'rokt_default'" in out
    assert out.endswith("Marked 3 ids.\n")
    assert recalled("order-1", "order-2", "3", "order-9") == [Skip.SENT, Skip.SENT, Skip.SENT, None]


def test_what_is_marked_counts_in_its_task_s_environment(rokt_cli, shop, recalled, variables):
    shop([order(1)])
    status, out, _ = rokt_cli(*MARK, "--yes", "--environment", "development")
    assert (status, out.endswith("Marked 1 ids.\n")) == (0, True)
    assert "over connection 'rokt_default', environment development, whatever" in out
    assert recalled("order-1", remembered_id("order-1", "development")) == [None, Skip.SENT]
    status, _, err = rokt_cli(*MARK, "--yes", "--environment", "staging")
    assert status == 2
    assert "environment must be" in err


def test_mark_asks_and_does_what_is_agreed_to(rokt_cli, shop, sync, variables, terminal):
    shop([order(1), order(2)])
    terminal(b"y\n")
    assert rokt_cli(*MARK)[:2] == (2, "Nothing was marked.\n")
    assert not sync.is_here()
    terminal(b"yes\n")
    status, out, err = rokt_cli(*MARK)
    assert (status, out) == (0, "Marked 2 ids.\n")
    assert err.startswith("2 rows read: 2 ids, 0 rows repeat one, 0 have none\n")
    assert err.endswith("Mark them? Only yes does: ")
    assert sync.contents().rows == 2


def test_a_dry_run_of_mark_only_tells(rokt_cli, shop, ledger, tmp_path, variables):
    shop([order(1), order(2)])
    status, out, _ = rokt_cli(*MARK, "--dry-run")
    assert (status, out.splitlines()[-1]) == (0, "Nothing was marked.")
    assert files(tmp_path) == []
    told = json.loads(rokt_cli(*MARK, "--dry-run", "-o", "json")[1])
    assert (told["rows_read"], told["ids"], told["marked"]) == (2, 2, 0)


def test_without_a_terminal_nothing_is_marked_or_forgotten(run, shop, sync):
    run()
    shop([order(9)])
    for command in (MARK, FORGET):
        done = process(*command)
        assert done.returncode == 2
        assert "there is no terminal to ask at: add --yes, or --dry-run" in done.stderr
    assert sync.contents().rows == 3


def test_mark_needs_the_column_of_the_id_alone(rokt_cli, shop, recalled, variables):
    shop([{"number": 4}])
    mapping = {"user_identities.email": "mail", "events[].data.source_message_id": "number"}
    told = json.loads(rokt_cli(*MARK, "--yes", "--mapping", json.dumps(mapping), "-o", "json")[1])
    assert (told["ids"], told["marked"]) == (1, 1)
    assert recalled("4") == [Skip.SENT]
    status, _, err = rokt_cli(*MARK, "--yes")
    assert status == 2
    assert "no column is named after events[].data.source_message_id (the query returns 'number')" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sql-conn-id", "shop", "--sql", "SELECT 1"], "give --dag-id and --task-id, or the name of a --sync"),
        (["--sync", "s", "--sql", "SELECT 1"], "give --sql-conn-id"),
        (["--sync", "s", "--sql-conn-id", "shop"], "give either --sql or --sql-file"),
        (["--dag-id", "shop", "--sync", "s"], "give --dag-id and --task-id together"),
        (["--dag-id", "d", "--task-id", "t", "--sync", "s"], "--sync is said by the task: leave it out"),
        (["--dag-id", "d", "--task-id", "t", "--environment", "development"], "--environment is said by the task"),
        (["--dag-id", "d", "--task-id", "t", "--parameters", "[]"], "--parameters is for another query than the task"),
        (["--sync", " ", "--sql-conn-id", "shop", "--sql", "SELECT 1"], "sync must be the sync's name"),
        (
            ["--sync", "s", "--sql-conn-id", "shop", "--sql", "SELECT 1", "--mapping", LITERAL_ID],
            "is mapped to a literal",
        ),
    ],
)
def test_what_is_wrong_with_a_marking_is_told(rokt_cli, shop, sync, arguments, told):
    shop([order(1)])
    status, out, err = rokt_cli("syncs", "mark", "--yes", *arguments)
    assert (status, out) == (2, "")
    assert told in err
    assert not sync.is_here()


def test_nothing_is_marked_or_forgotten_while_a_run_is_at_work(rokt_cli, shop, sync, at_work, run, terminal):
    run_over(run)
    shop([order(9)])
    for command in (MARK, FORGET):
        status, out, err = rokt_cli(*command, "--yes")
        assert (status, out) == (2, "")
        assert f"'shop/orders/tuesday' is at work on sync '{NAME}'" in err
    assert sync.contents().rows == 3


def test_nothing_is_marked_in_a_memory_that_is_not_believed(rokt_cli, shop, run, tmp_path):
    run()
    shutil.rmtree(tmp_path / "ledger")
    shop([order(9)])
    status, _, err = rokt_cli(*MARK, "--yes")
    assert status == 2
    assert "cannot be believed" in err
    assert files(tmp_path) == []


# --- forget


def test_forget_starts_over(rokt_cli, run, recalled, sync, ledger, variables):
    delivery = run()
    assert recalled("order-1") == [Skip.CHANGED]
    status, out, err = rokt_cli(*FORGET, "--yes")
    assert (status, err) == (0, "")
    assert f"Sync '{NAME}' over connection 'rokt_default' remembers 3 rows\n" in out
    assert "the next run with send='new' sends every row that its query returns" in out
    assert out.endswith("Forgotten.\n")
    assert not sync.is_here()
    assert json.loads(variables[f"rokt_{sync.key}"])["number"] == 0
    assert "knows that it was forgotten, and may begin again in" in rokt_cli("syncs", "show", NAME)[1]
    assert ledger.open(delivery).report(), "what was sent stays told"
    assert recalled("order-1") == [None]


@pytest.mark.parametrize("answer", [b"no\n", b"\n"])
def test_forget_asks(rokt_cli, run, sync, terminal, answer):
    run()
    terminal(answer)
    status, out, err = rokt_cli(*FORGET)
    assert (status, out) == (2, "Nothing was forgotten.\n")
    assert err.endswith("Forget it for good? Only yes does: ")
    assert rokt_cli(*FORGET, "--dry-run")[0] == 0
    assert json.loads(rokt_cli(*FORGET, "--dry-run", "-o", "json")[1])["forgotten"] is False
    assert sync.contents().rows == 3
    terminal(b"yes\n")
    assert rokt_cli(*FORGET)[:2] == (0, "Forgotten.\n")
    assert not sync.is_here()


def test_forget_is_the_way_out_of_a_memory_that_is_gone(rokt_cli, run, recalled, sync, tmp_path):
    run()
    shutil.rmtree(tmp_path / "ledger")
    assert rokt_cli(*FORGET, "--dry-run")[0] == 0
    assert files(tmp_path) == [], "a dry run makes nothing"
    status, out, _ = rokt_cli(*FORGET, "--yes")
    assert status == 0
    assert "What still lies in that place stays refused" in out
    assert not sync.is_here(), "nothing is made where nothing was"
    assert recalled("order-1") == [None]
    assert rokt_cli("syncs", "forget", "shop.order", "--yes")[0] == 2


def test_forget_is_the_way_out_of_a_variable_that_was_changed(rokt_cli, run, sync, variables):
    run()
    variables[f"rokt_{sync.key}"] = "{}"
    assert "was changed by hand" in rokt_cli("syncs", "show", NAME)[1]
    status, out, _ = rokt_cli(*FORGET, "--yes")
    assert status == 0
    assert "was changed by hand" in out
    assert json.loads(variables[f"rokt_{sync.key}"])["number"] == 0


def test_what_was_never_forgotten_is_told_to_be_none(rokt_cli, ledger, variables, tmp_path):
    status, _, err = rokt_cli(*FORGET, "--yes")
    assert status == 2
    assert "there is none in" in err
    assert files(tmp_path) == []


def test_a_try_that_may_go_on_is_counted(rokt_cli, sync, variables):
    sync.introduce()
    TrailWriter(sync.folder, TrailName(1, today(), "0" * 12, -1, 0), "d", {}, b"salt").close()
    assert "1 trails, 1 of which may go on" in rokt_cli("syncs", "show", NAME)[1]


# --- with a DAG's task


@pytest.fixture
def dags(tmp_path, shop, monkeypatch):
    """A folder with the DAG of ``renewing.py``."""
    folder = tmp_path / "dags"
    folder.mkdir()
    shutil.copy(DAG_FILE, folder)
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(folder))
    monkeypatch.setattr("airflow.settings.DAGS_FOLDER", str(folder))  # what this process read of it when it began


OF_TASK = ("syncs", "mark", "--dag-id", "renewing", "--task-id")


@pytest.mark.parametrize(
    ("task", "more", "ids", "name"),
    [
        ("send", [], 4, "renewing.send"),
        ("send", ["--sql", "SELECT source_message_id FROM orders WHERE rowid < ?", "--parameters", "[3]"], 2, None),
        ("named", [], 4, "orders of the shop"),
        ("unrenderable", ["--sql", "SELECT 'order-7' AS source_message_id"], 1, "renewing.unrenderable"),
        ("narrowed", ["--sql", "SELECT source_message_id FROM orders"], 4, "renewing.narrowed"),
    ],
)
def test_the_ids_of_a_tasks_query_or_of_another_one(rokt_cli, dags, shop, ledger, task, more, ids, name):
    shop([order(n) for n in range(4)])
    status, out, err = rokt_cli(*OF_TASK, task, *more, "--dry-run", "-o", "json")
    assert (status, err) == (0, "")
    told = json.loads(out)
    assert (told["ids"], told["sync"]) == (ids, name or f"renewing.{task}")
    assert told["connection"] == ("rokt_eu" if task == "named" else "rokt_default")


def test_a_task_that_does_not_ask_for_what_is_remembered_is_told(rokt_cli, dags, shop, ledger):
    shop([order(1)])
    assert "Its task has send='all'" in rokt_cli(*OF_TASK, "everything", "--dry-run")[1]
    assert "Its task has send='all'" not in rokt_cli(*OF_TASK, "send", "--dry-run")[1]
    status, _, err = rokt_cli(*OF_TASK, "audience", "--dry-run")
    assert status == 2
    assert "it sends no events: name a RoktConversionOperator" in err


def test_a_task_that_is_narrowed_can_be_checked(rokt_cli, dags, shop):
    shop([order(1)])
    assert rokt_cli("check", "--dag-id", "renewing", "--task-id", "narrowed")[0] == 0


def test_marked_rows_are_left_out_by_a_run_and_sent_once_they_are_forgotten(variables, sandbox, rokt, shop):
    shop([order(n) for n in range(20)])
    spec = importlib.util.spec_from_file_location("renewing", DAG_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def report():
        ended = {one.task_id: one for one in module.one.test().get_task_instances()}
        assert ended["send"].state == "success"
        return ended["send"].xcom_pull(task_ids="send")

    marked = process("syncs", "mark", "--sync", "renewing_one.send", *MARK[4:], "--yes")
    assert (marked.returncode, marked.stderr) == (0, "")
    first = report()
    assert (first["rows_accepted"], first["skipped"]) == (0, {"sent before": 20})
    assert sandbox.store.counts.events == 0
    forgotten = process("syncs", "forget", "renewing_one.send", "--yes")
    assert (forgotten.returncode, forgotten.stderr) == (0, "")
    second = report()
    assert (second["rows_accepted"], second["skipped"]) == (20, {})
    assert sandbox.store.counts.events == 20
