"""``airflow rokt check`` as a real command, on arguments and on a DAG's task."""

import json

import pytest
import yaml

from tests.commands.commands import order, process

CHECK = ("check", "--sql-conn-id", "shop", "--sql", "SELECT * FROM orders")
DAGS = """
from datetime import datetime
from airflow.providers.common.compat.sdk import DAG
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor

mapping = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "source_message_id",
    "events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms",
    "events[].data.custom_attributes.conversiontype": {"literal": "{{ params.kind }}"},
    "events[].data.custom_attributes.confirmationref": "source_message_id",
}
with DAG("orders", schedule="@daily", start_date=datetime(2026, 1, 1), catchup=False, params={"kind": "purchase"}):
    send = RoktConversionOperator(
        task_id="send",
        sql="SELECT * FROM orders WHERE '{{ data_interval_end | ds }}' <= '{{ macros.ds_add(ds, 0) }}'",
        sql_conn_id="{{ var.value.warehouse }}",
        mapping=mapping,
        max_rejected=0.5,
    )
    RoktConversionOperator(
        task_id="after", sql="SELECT {{ ti.xcom_pull('send') }}", sql_conn_id="shop", resend_from=send.output
    )
    RoktConversionOperator.partial(task_id="regions", sql="SELECT * FROM orders LIMIT ?", sql_conn_id="shop").expand(
        parameters=[[2], [1]]
    )
    RoktConversionOperator.partial(task_id="unknown", sql="SELECT ?", sql_conn_id="shop").expand(parameters=send.output)
    RoktAudienceOperator(task_id="vips", sql="SELECT email FROM orders", sql_conn_id="shop", audience="vip {{ ds }}")
    RoktBatchStatusSensor(task_id="verdicts", delivery=send.output)
"""


@pytest.fixture
def dags(tmp_path, shop, monkeypatch):
    """A folder with one DAG file, and the table that its tasks read."""
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "orders.py").write_text(DAGS)
    shop([order(1), order(2, email="nobody"), order(3)])
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(folder))
    monkeypatch.setattr("airflow.settings.DAGS_FOLDER", str(folder))  # what this process read of it when it began
    monkeypatch.setenv("AIRFLOW_VAR_WAREHOUSE", "shop")
    return folder


@pytest.fixture
def in_dag(dags, rokt_cli):
    """Checks a task of a DAG file."""
    return lambda *arguments, dag="orders": rokt_cli("check", "--dag-id", dag, *arguments)


def test_it_tells_of_a_query_and_a_mapping(rokt_cli, shop):
    shop([order(n) for n in range(3)])
    status, out, err = rokt_cli(*CHECK)
    assert (status, err) == (0, "")
    assert out.splitlines()[:2] == [
        "Conversions: 3 rows read, all rows of the query",
        "  3 would be sent, 0 rejected, 0 skipped",
    ]
    assert out.splitlines()[-1] == "All is well. Nothing was sent."
    assert "person" not in out


def test_its_status_is_for_machines(rokt_cli, shop):
    shop([order(1), order(2, email="nobody")])
    assert rokt_cli(*CHECK)[0] == 1
    assert rokt_cli(*CHECK, "--max-rejected", "1")[0] == 0
    status, out, _ = rokt_cli(*CHECK, "--mapping", '{"user_identities.emial": "email"}')
    assert status == 1
    assert "user_identities.emial is no field of Rokt's (close: user_identities.email" in out
    assert rokt_cli(*CHECK[:3], "--sql", "SELECT missing")[0] == 2
    assert rokt_cli(*CHECK, "--phone-region", "XX")[0] == 2


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_data_has_every_key_whatever_is_found(rokt_cli, shop, output, read):
    shop([order(1), order(2, email="nobody")])
    found = read(rokt_cli(*CHECK, "--output", output)[1])
    wrong = read(rokt_cli(*CHECK, "--mapping", "{}", "--output", output)[1])
    audience = read(rokt_cli(*CHECK[:3], "--sql", "SELECT email FROM orders", "--audience", "v", "-o", output)[1])
    assert list(found) == list(wrong) == list(audience)
    assert [found["operation"], found["ok"], found["rows_rejected"]] == ["conversions", False, 1]
    assert audience["operation"] == "audience"


def test_it_names_the_order_that_makes_fewer_batches(rokt_cli, shop):
    shop([order(n, email=f"p{n % 5}@example.com") for n in range(40)])
    told = json.loads(rokt_cli(*CHECK, "-o", "json")[1])["batches"]
    assert (told["now"], told["ordered"]) == (5, 5), "one window: no order makes a difference"
    assert "check more rows than fetch_size=5,000" in rokt_cli(*CHECK, "--rows", "20")[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--dag-id", "orders"], "give --dag-id and --task-id together"),
        (["--dag-id", "a", "--task-id", "b", "--sql", "SELECT 1", "--mode", "mirror"], "--sql is said by the task"),
        (["--sql", "SELECT 1"], "give --sql-conn-id"),
        (["--sql-conn-id", "shop", "--sql", "SELECT 1", "--mode", "mirror"], "--mode is for audiences"),
        (["--sql-conn-id", "shop"], "give either --sql or --sql-file"),
    ],
)
def test_what_is_wrong_with_its_arguments_is_told(rokt_cli, shop, arguments, told):
    shop([order(1)])
    status, out, err = rokt_cli("check", *arguments)
    assert (status, out) == (2, "")
    assert told in err


def test_it_is_a_command_of_its_own(dags):
    arguments = ("check", "--dag-id", "orders", "--task-id", "send", "--output", "json")
    done = process(*arguments)
    # Airflow itself may have something to say on stderr.
    assert (done.returncode, json.loads(done.stdout)["rows_read"]) == (0, 3)


def test_a_dags_task_is_checked_as_it_stands(in_dag):
    status, out, err = in_dag("--task-id", "send", "--output", "json")
    assert (status, err) == (0, "")
    result = json.loads(out)
    assert (result["rows_read"], result["rows_rejected"], result["ok"]) == (3, 1, True)
    assert [one["column"] for one in result["unmapped"]] == ["conversiontype"]


def test_a_mapped_task_is_checked_as_its_first(in_dag):
    status, out, _ = in_dag("--task-id", "regions", "--output", "json")
    assert (status, json.loads(out)["rows_read"]) == (1, 2)


def test_an_audiences_task_is_checked(in_dag):
    status, out, _ = in_dag("--task-id", "vips")
    assert status == 1
    assert out.startswith("Audience: 3 rows read")


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ("after", "sql can only be rendered in a run (UndefinedError: 'ti' is undefined)"),
        ("unknown", "it is mapped over what another task returns"),
        ("verdicts", "it is a RoktBatchStatusSensor: name a RoktConversionOperator or a RoktAudienceOperator"),
        ("sned", "the DAG 'orders' has no such task; it has: after, regions, send, unknown, verdicts, vips"),
    ],
)
def test_a_task_that_cannot_be_checked_says_why(in_dag, task, told):
    status, _, err = in_dag("--task-id", task)
    assert status == 2
    assert told in err


def test_a_file_that_cannot_be_imported_says_why(in_dag, dags):
    (dags / "broken.py").write_text(
        "from airflow.providers.common.compat.sdk import DAG\nraise RuntimeError('wrong here')\n"
    )
    status, _, err = in_dag("--task-id", "send", dag="broken")
    assert status == 2
    assert "RuntimeError: wrong here" in err
