"""``airflow rokt syncs forget --audience``: a mirror starts over, in the folder and in Airflow's own database."""

import json
from contextlib import suppress

import pytest
from airflow.models.variable import Variable

from airflow_provider_rokt.task.register import AirflowVariables
from tests.runs.test_mirrors import in_task, mirror, people
from tests.runs.variables import known

FORGET = ("syncs", "forget", "--audience", "vip")


@pytest.fixture
def remembered(sandbox, rokt, ledger, airflow_db, tmp_path, monkeypatch):
    """A mirror that has run twice; gives its folder and its variable in the database."""
    monkeypatch.setenv("_AIRFLOW_PROCESS_CONTEXT", "server")
    variables = AirflowVariables(Variable)
    with in_task():
        for count in (3, 5):
            mirror(people(range(count)))
    ((key, text),) = known().items()
    variables[key] = text
    (members,) = tmp_path.glob("ledger/_audiences/*/members")
    yield members.parent, lambda: json.loads(variables[key])
    with suppress(KeyError):
        del variables[key]


def test_it_takes_the_memory_away(rokt_cli, remembered):
    folder, variable = remembered
    status, out, err = rokt_cli(*FORGET, "--yes")
    assert (status, err) == (0, "")
    assert "A mirror's memory of audience 'vip' (via='import', connection 'rokt_default')" in out
    assert "Airflow's database knows of memory 2 in" in out
    assert "the next run then includes everyone, and cannot exclude those who have left since" in out
    assert out.endswith("Forgotten.\n")
    assert not folder.exists()
    assert variable()["number"] == 0
    assert "knows that it was forgotten" in rokt_cli(*FORGET, "--yes")[1]


def test_it_takes_nothing_away_where_it_is_to_tell_alone(rokt_cli, remembered):
    folder, variable = remembered
    status, out, _ = rokt_cli(*FORGET, "--dry-run", "-o", "json")
    told = json.loads(out)
    assert (status, told["forgotten"], told["is_here"], told["audience"]) == (0, False, True, "vip")
    assert folder.exists()
    assert variable()["number"] == 2


def test_it_forgets_nothing_that_a_run_is_changing(rokt_cli, remembered):
    folder, _ = remembered
    (folder / "lock").write_text(json.dumps({"run": "x", "token": "q", "expires": 9e9}))
    status, _, err = rokt_cli(*FORGET, "--yes")
    assert status == 2
    assert "is being changed by another run, 'x'" in err
    assert (folder / "members").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--audience", "vpi"], "audience 'vpi' (via='import', connection 'rokt_default') cannot be used: nothing is"),
        (["--audience", "vip", "--via", "events"], "nothing is remembered of it, neither in"),
        (["--audience", "vip", "--via", "post"], "--via has to be import or events"),
        (["--audience", "vip", "a.b"], "give either the sync's name or --audience"),
        ([], "give either the sync's name or --audience"),
        (["a.b", "--via", "import"], "--via is for audiences: add --audience"),
    ],
)
def test_what_names_no_memory_is_refused(rokt_cli, remembered, arguments, says):
    status, out, err = rokt_cli("syncs", "forget", *arguments, "--yes")
    assert (status, out) == (2, "")
    assert says in err
    assert remembered[0].exists()


def test_a_preview_asks_the_database_too(rokt_cli, remembered, shop, tmp_path, monkeypatch):
    shop(people(range(6)))
    query = ("--sql", "SELECT email FROM orders", "--sql-conn-id", "shop")
    status, out, _ = rokt_cli("preview", "--audience", "vip", "--mode", "mirror", *query)
    assert (status, "Nothing was sent." in out) == (0, True)
    other = tmp_path / "other"
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(other))
    status, out, _ = rokt_cli("preview", "--audience", "vip", "--mode", "mirror", *query)
    assert status == 1
    assert "The run would be stopped: The memory of audience 'vip'" in out
    assert "nothing is remembered in" in out
    assert not other.exists()


# --- what the commands for syncs tell of a mirror


def test_list_and_show_name_the_mirrored_list(rokt_cli, remembered):
    folder, _ = remembered
    (listed,) = json.loads(rokt_cli("syncs", "list", "-o", "json")[1])
    mirrors = [{"audience": "vip", "via": "import", "members": 5, "folder": folder.as_uri()}]
    assert (listed["sync"], listed["rows"], listed["mirrors"]) == ("d.t", None, mirrors)
    assert "audience 'vip' (via='import'), 5 members" in rokt_cli("syncs", "list", "-o", "plain")[1]
    status, out, err = rokt_cli("syncs", "show", "d.t")
    assert (status, err) == (0, "")
    assert "  remembers   no rows\n" in out
    assert f"  mirrors     audience 'vip' (via='import'), 5 members, in {folder.as_uri()}\n" in out
    assert f"to start over with it: airflow rokt {' '.join(FORGET)} --via import --rokt-conn-id rokt_default\n" in out
    assert "  at work     nobody\n" in out
    (folder / "lock").write_text(json.dumps({"run": "d/t/r2/-1", "token": "q", "expires": 9e9}))
    assert "  at work     d/t/r2/-1, until 2255-" in rokt_cli("syncs", "show", "d.t")[1]
    (folder / "lock").write_text("x")
    assert "so another run may be changing the audience" in rokt_cli("syncs", "show", "d.t")[1]


def test_forgetting_its_sync_names_what_stays(rokt_cli, remembered):
    folder, _ = remembered
    status, out, _ = rokt_cli("syncs", "forget", "d.t", "--yes")
    assert status == 0
    assert "It mirrors audience 'vip' (via='import'), 5 members, which this does not forget" in out
    assert f"does not forget: airflow rokt {' '.join(FORGET)} --via import --rokt-conn-id rokt_default\n" in out
    assert (folder / "members").exists()


def test_a_mirror_whose_first_run_never_ended_is_named(rokt_cli, remembered):
    folder, _ = remembered
    (unconfirmed,) = folder.glob("unconfirmed-*")
    unconfirmed.rename(folder / "unconfirmed-none")
    (folder / "members").unlink()
    assert "audience 'vip' (via='import'), members not confirmed yet" in rokt_cli("syncs", "show", "d.t")[1]
    (folder / "unconfirmed-none").write_text("damaged")
    assert json.loads(rokt_cli("syncs", "show", "d.t", "-o", "json")[1])["mirrors"] == []
