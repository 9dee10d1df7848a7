"""``airflow rokt init``: the DAG that it writes is one that runs."""

import ast
import importlib.util
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import RoktSettingsError
from tests.commands.commands import process
from tests.runs.variables import variables_beside_the_ledger
from tests.syncs.tries import in_try

SHOPS = {
    "order_id": "A-1",
    "Customer_ID": "c-1",
    "email_address": "person@example.com",
    "ordered_at": int(time.time() * 1000),
    "order_total": "12.50",
    "first_name": "Ann",
    "Phone": "2025550123",
    "zip_code": "10001",
    '"remarks ""of"" them"': "none",
}
INIT = ("init", "--sql-conn-id", "shop")
QUERY = "SELECT * FROM orders\nWHERE order_total > 1"


@pytest.fixture
def written(tmp_path, shop, rokt_cli):
    """Writes a DAG for a row; gives the DAG, the status and what was said."""

    def write(*arguments, row=SHOPS):
        shop([row])
        path = tmp_path / "written.py"
        path.unlink(missing_ok=True)
        status, _, said = rokt_cli(*INIT, *arguments, "--to", str(path))
        spec = importlib.util.spec_from_file_location("written", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.dag, status, said

    with variables_beside_the_ledger():
        yield write


def test_its_dag_sends_what_a_shop_calls_by_its_own_names(written, rokt, sandbox, tmp_path):
    dag, status, said = written("--sql", QUERY)
    assert (status, dag.dag_id) == (0, "rokt_conversions")
    # Its schedule stays in UTC where Airflow's default timezone is another.
    assert "tzinfo=UTC" in (tmp_path / "written.py").read_text()
    with in_try("monday"):
        report = dag.get_task("send").execute({})
    assert report["rows_accepted"] == len(sandbox.store.events) == 1
    batch = json.dumps(sandbox.store.batches, default=str)
    assert all(value in batch for value in ("A-1", "c-1", "person@example.com", "12.50", "Ann", "purchase", "10001"))
    assert "airflow rokt check --dag-id rokt_conversions --task-id send" in said
    assert 'Columns that are not sent: remarks "of" them' in said
    # What Rokt has is not sent again by the next run.
    with in_try("tuesday"):
        assert dag.get_task("send").execute({})["skipped"] == {"sent before": 1}


def test_its_dag_changes_an_audience(written, rokt, sandbox):
    options = ("--audience", "VIP 1", "--mode", "mirror", "--dag-id", "vips", "--rokt-conn-id", "rokt_default")
    dag, status, _ = written("--sql", QUERY, *options)
    assert (status, dag.dag_id) == (0, "vips")
    with in_try("monday"):
        assert dag.get_task("send").execute({})["members_added"] == 1


def test_a_column_named_as_rokt_names_the_field_goes_before_one_named_alike(rokt_cli, shop):
    shop([{"mail": "a", "email": "b", "orderid": 1, "order_number": 2, "transaction_id": 3, "event_time": 4}])
    told = json.loads(rokt_cli(*INIT, "--sql", "SELECT * FROM orders", "--output", "json")[1])
    assert told["mapping"]["user_identities.email"] == "email"
    assert told["mapping"]["events[].data.source_message_id"] == "orderid"
    assert told["mapping"]["events[].data.custom_attributes.confirmationref"] == "order_number"
    assert told["unmapped"] == ["mail", "transaction_id"]
    assert told["missing"] == []
    # No amount wants no currency.
    assert "events[].data.custom_attributes.currency" not in told["mapping"]


def test_what_no_column_seems_to_be_is_said_and_left_to_a_person(written):
    # So that a DAG with a gap says at parse time what it wants, and nothing is sent by mistake.
    with pytest.raises(RoktSettingsError, match="required and not mapped: "):
        written("--sql", "SELECT 1 AS size", row={"size": 1})


def test_its_status_tells_of_what_is_missing(rokt_cli, shop):
    shop([{"size": 1}])
    status, out, said = rokt_cli(*INIT, "--sql", "SELECT * FROM orders")
    assert status == 1
    for path in ("user_identities.email", "events[].data.source_message_id", "events[].data.timestamp_unixtime_ms"):
        assert f"No column seems to be {path}" in said
        assert f"# required, and no column seems to be it: {path}" in out
    status, _, said = rokt_cli(*INIT, "--sql", "SELECT * FROM orders", "--audience", "vip")
    assert status == 1
    assert "user_identities.email or user_identities.other" in said


def test_a_file_that_is_there_stays(rokt_cli, shop, tmp_path):
    shop([SHOPS])
    (tmp_path / "mine.py").write_text("mine")
    status, out, said = rokt_cli(*INIT, "--sql", QUERY, "--to", str(tmp_path / "mine.py"))
    assert (status, out) == (2, "")
    assert "File exists" in said
    assert (tmp_path / "mine.py").read_text() == "mine"


def test_a_mode_wants_an_audience(rokt_cli, shop):
    shop([SHOPS])
    status, _, said = rokt_cli(*INIT, "--sql", QUERY, "--mode", "mirror")
    assert status == 2
    assert "--mode is for audiences" in said


def test_it_shows_no_value(rokt_cli, shop):
    shop([SHOPS])
    status, out, said = rokt_cli(*INIT, "--sql", QUERY)
    assert status == 0
    assert not [value for value in SHOPS.values() if str(value) in (out + said).replace("none", "")]


@given(st.text(st.characters() | st.sampled_from("\n\t\"'\\\f ")))
def test_any_text_is_written_as_it_is(text):
    from airflow_provider_rokt.commands.beginning import _written

    # Before and behind a query of several lines stands a line's end.
    assert ast.literal_eval(_written(text)) in (text, f"\n{text}\n")


def test_it_is_a_command_of_its_own(shop):
    shop([SHOPS])
    done = process(*INIT, "--sql", QUERY)
    assert done.returncode == 0
    ast.parse(done.stdout)
