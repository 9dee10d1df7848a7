"""Templates: what holds none stays the text that was written, also where Airflow renders to native objects."""

from datetime import datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.task.failures import RoktTaskFailed

TEXTS = ["2026", "1e5", "[1, 2]", "True", "None", "007", "{'a': 1}", "(1,)", "3.50"]
LEAST = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
}


def rendered(kind: type[BaseOperator], *, native: bool = True, **arguments: Any) -> Any:
    with DAG("d", start_date=datetime(2026, 1, 1), schedule=None, render_template_as_native_obj=native) as dag:
        task = kind(task_id="t", **{"sql": "SELECT 1", "sql_conn_id": "shop"} | arguments)
    task.render_template_fields(
        {"number": 2026, "rows": [1, 2], "result": {"delivery_id": "d"}, "nothing": None}, dag.get_template_env()
    )
    return task


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_that_was_written_stays_one(text: str, native: bool) -> None:
    path = "events[].data.custom_attributes.conversiontype"
    task = rendered(RoktConversionOperator, native=native, mapping=LEAST | {path: {"literal": text}})
    assert task.mapping[path] == {"literal": text}
    assert rendered(RoktAudienceOperator, native=native, audience=text).audience == text


def test_an_audience_may_be_a_number(sandbox, rokt, shop) -> None:
    shop([{"email": "a@example.com"}])
    task = rendered(RoktAudienceOperator, audience="{{ number }}", sql="SELECT email FROM orders")
    assert task.audience == 2026
    assert task.execute({})["members_added"] == 1
    assert set(sandbox.store.audiences) == {"2026"}


def test_a_sync_s_name_may_be_a_number(sandbox, rokt, shop) -> None:
    shop([{"email": "a@example.com"}])
    task = rendered(RoktAudienceOperator, audience="vip", sync="{{ number }}", sql="SELECT email FROM orders")
    assert task.sync == 2026
    assert task.execute({})["sync"] == "2026"


@pytest.mark.parametrize(("native", "says"), [(True, "it renders to nothing"), (False, "must be the sync's name")])
def test_a_sync_s_name_that_renders_to_nothing_is_refused(sandbox, rokt, shop, native: bool, says: str) -> None:
    shop([{"email": "a@example.com"}])
    task = rendered(RoktAudienceOperator, native=native, audience="vip", sync="{{ nothing }}")
    assert task.sync == (None if native else "None")
    with pytest.raises(RoktTaskFailed, match=says):
        task.execute({})
    assert not sandbox.store.requests


def test_a_comment_is_no_part_of_what_is_rendered() -> None:
    assert rendered(RoktAudienceOperator, native=False, audience="vip{# of spring #}").audience == "vip"


def test_a_template_is_rendered_as_the_dag_says() -> None:
    task = rendered(RoktConversionOperator, parameters="{{ rows }}", resend_from="{{ result }}")
    assert (task.parameters, task.resend_from) == ([1, 2], {"delivery_id": "d"})
    task = rendered(RoktConversionOperator, native=False, sql="SELECT {{ number }}", parameters={"n": "{{ number }}"})
    assert (task.sql, task.parameters) == ("SELECT 2026", {"n": "2026"})


@pytest.mark.parametrize("native", [True, False])
def test_a_dag_may_have_its_own_signs_for_templates(native: bool) -> None:
    signs = {"variable_start_string": "[[", "variable_end_string": "]]"}
    with DAG("d", schedule=None, render_template_as_native_obj=native, jinja_environment_kwargs=signs) as dag:
        task = RoktConversionOperator(task_id="t", sql="SELECT [[ number ]]", sql_conn_id="{{ shop }}", mapping=LEAST)
    task.render_template_fields({"number": 2026}, dag.get_template_env())
    assert (task.sql, task.sql_conn_id) == ("SELECT 2026", "{{ shop }}")


def test_a_time_rendered_as_an_object_is_a_time(sandbox, rokt, shop) -> None:
    shop([{"email": "a@example.com", "id": "1"}])
    with DAG("d", start_date=datetime(2026, 1, 1), schedule=None, render_template_as_native_obj=True) as dag:
        mapping = LEAST | {"events[].data.timestamp_unixtime_ms": {"literal": "{{ start }}"}}
        task = RoktConversionOperator(task_id="t", sql="SELECT * FROM orders", sql_conn_id="shop", mapping=mapping)
    task.render_template_fields({"start": datetime(2026, 3, 1)}, dag.get_template_env())
    assert task.execute({})["rows_accepted"] == 1
    (event,) = sandbox.store.events
    assert event["data"]["timestamp_unixtime_ms"] == 1772323200000
