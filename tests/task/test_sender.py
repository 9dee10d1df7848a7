"""Which task is sending, as its ledger names it."""

from datetime import datetime
from types import SimpleNamespace

import jinja2
import pytest
from airflow.providers.common.compat.sdk import DAG

from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.task.sender import current_sender
from tests.syncs.tries import set_current_context

TI = {"dag_id": "shop", "task_id": "send", "run_id": "r1", "map_index": 2, "try_number": 1, "max_tries": 3}


def sender(template, **dag):
    with DAG("shop", start_date=datetime(2024, 1, 1), schedule=None, **dag):
        task = RoktConversionOperator(task_id="send", sql="SELECT 1", sql_conn_id="shop", parameters={"part": 2})
    context = {"ti": SimpleNamespace(**TI), "task": task, "map_index_template": template}
    with set_current_context(context):
        return current_sender("rokt_default")


def test_outside_of_a_task_it_is_the_connection_alone():
    assert current_sender("rokt_default") == {"connection": "rokt_default"}


@pytest.mark.parametrize(
    ("template", "dag", "name"),
    [
        ("part {{ task.parameters.part + 1 }} of 4", {}, "part 3 of 4"),
        ("{{ task.parameters.part }}", {"render_template_as_native_obj": True}, "2"),
        (" {{ 'x' * 300 }} ", {}, "x" * 199 + "…"),
    ],
)
def test_a_part_has_the_name_that_its_template_gives(template, dag, name):
    assert sender(template, **dag) == {"connection": "rokt_default", **TI, "partition": name}


@pytest.mark.parametrize(
    ("template", "dag"),
    [
        (None, {}),
        ("", {}),
        (" {{ later }} ", {}),
        ("{{ later }}", {"template_undefined": jinja2.StrictUndefined}),
        ("{{ task.parameters.part / 0 }}", {}),
        ("{% if", {}),
    ],
)
def test_what_cannot_be_rendered_by_now_names_none(template, dag):
    assert sender(template, **dag) == {"connection": "rokt_default", **TI}
