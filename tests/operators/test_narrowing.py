"""What narrows a delivery never widens it, in whatever way it is lost before the task runs."""

import importlib.util
from pathlib import Path

import pytest

from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktConversionOperator
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.operators.test_conversions import orders, send


@pytest.mark.parametrize("nothing", ["None", "", "  ", {}, {"delivery_id": None}, {"rows_read": 3}, 7, ["id"], []])
def test_what_names_no_delivery_is_refused(sandbox, rokt, shop, nothing):
    shop(orders(5))
    with pytest.raises(RoktTaskFailed, match=r"resend_from.* names no delivery"):
        send(resend_from=nothing)
    assert not sandbox.store.requests


@pytest.mark.parametrize("nothing", [None, "None", "", {}, {"delivery_id": None}, [], 7])
def test_a_call_is_refused_alike(sandbox, rokt, ledger, nothing):
    hook = RoktHook()
    for call in (hook.send_conversions, hook.preview_conversions):
        with pytest.raises(RoktTaskFailed, match=r"resend_from.* names no delivery"):
            call(orders(5), resend_from=nothing)
    for call in (hook.send_audience, hook.preview_audience):
        with pytest.raises(RoktTaskFailed, match=r"resend_from.* names no delivery"):
            call([{"email": "a@example.com"}], "vip", resend_from=nothing)
    assert not sandbox.store.requests


def test_what_is_not_given_narrows_nothing(sandbox, rokt, shop):
    shop(orders(5))
    assert send(resend_from=None, mapping=None)["rows_accepted"] == 5


@pytest.mark.parametrize(
    ("argument", "says"), [("resend_from", "names no delivery"), ("mapping", "renders to nothing")]
)
def test_a_template_that_renders_to_nothing_is_refused(sandbox, rokt, shop, argument, says):
    shop(orders(5))
    template = {argument: "{{ params.it }}"}
    task = RoktConversionOperator(task_id="send", sql="SELECT * FROM orders", sql_conn_id="shop", **template)
    setattr(task, argument, None)  # as a native object
    with pytest.raises(RoktTaskFailed, match=says):
        task.execute({})
    assert not sandbox.store.requests


def test_inside_airflow_too(airflow_db, sandbox, rokt, shop):
    shop(orders(5))
    spec = importlib.util.spec_from_file_location("narrowing", Path(__file__).parents[1] / "dags" / "narrowing.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    ended = {(one.task_id, one.map_index): one.state for one in module.dag.test().get_task_instances()}
    narrowed = {"result", "of_skipped", "template", "mapping", "mapped", "mapped_result", "mapped_mapping", "kwargs"}
    assert {task: state for task, state in ended.items() if task[0] in narrowed and state != "failed"} == {}
    assert {task for task, _ in ended} >= narrowed
    assert ended["whole", 0] == "success"
    assert (len(sandbox.store.message_ids), sandbox.store.counts.events) == (5, 5)
