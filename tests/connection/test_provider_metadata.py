"""What Airflow knows of this provider: metadata, the connection's form, and operators that map and template."""

import inspect
import json
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import airflow
import jsonschema
import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, task
from airflow.providers_manager import ProvidersManager

from airflow_provider_rokt.get_provider_info import get_provider_info
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator

INFO = get_provider_info()
(CONNECTION,) = INFO["connection-types"]
SCHEMAS = Path(airflow.__file__).parent
AIRFLOW = tuple(int(part) for part in airflow.__version__.split(".")[:2])

TASKS = [RoktConversionOperator, RoktAudienceOperator, RoktBatchStatusSensor, RoktDeliveryToSqlOperator]
WANTED = {"sql": "SELECT 1", "sql_conn_id": "shop", "audience": "VIPs", "delivery": "20260101T000000Z-0123456789ab"}


def schema(name: str) -> dict[str, Any]:
    return json.loads((SCHEMAS / name).read_text())


def dotted(value: object) -> Iterator[str]:
    """Every string of the metadata that names a module, class or function."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from dotted(item)
    elif isinstance(value, str) and re.fullmatch(r"[a-z_]\w*(\.[A-Za-z_]\w*)+", value):
        yield value


def test_the_metadata_fits_what_airflow_reads_at_run_time() -> None:
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


def test_the_metadata_has_no_key_that_airflow_does_not_know() -> None:
    """The run-time schema lets any key pass, so a misspelt one would do nothing, without a word."""
    if AIRFLOW < (3, 3):
        pytest.skip("the form's metadata is known in full from Airflow 3.3 on")
    strict = schema("provider.yaml.schema.json")
    known = strict["properties"]
    assert set(INFO) <= set(known)
    known["connection-types"]["items"]["additionalProperties"] = False
    # What it wants besides (dates, source versions) is for providers released by Airflow itself.
    jsonschema.validate(INFO, {**strict, "required": []})


def test_the_package_is_named_like_the_distribution() -> None:
    assert INFO["package-name"] == distribution("airflow-provider-rokt").name


@pytest.mark.parametrize("path", sorted(set(dotted(INFO))))
def test_every_path_in_the_metadata_leads_into_this_package(path: str) -> None:
    assert path.startswith("airflow_provider_rokt.")
    assert pkgutil.resolve_name(path)


def test_airflow_lists_the_provider_and_its_connection_type() -> None:
    manager = ProvidersManager()
    assert manager.providers["airflow-provider-rokt"].version == distribution("airflow-provider-rokt").version
    hook = manager.hooks["rokt"]
    assert hook is not None
    assert (hook.hook_name, hook.connection_id_attribute_name) == ("Rokt", "rokt_conn_id")
    assert hook.package_name == "airflow-provider-rokt"


@pytest.fixture(scope="module")
def form() -> dict[str, Any]:
    """The connection's form: ``standard`` field -> label, ``extras`` -> label, ``masked`` extras."""
    if AIRFLOW == (3, 0):
        pytest.importorskip("flask_appbuilder", reason="without it Airflow 3.0 draws no provider's form")
    return _form_of_the_api_server() if AIRFLOW >= (3, 0) else _form_of_the_webserver()


def _form_of_the_api_server() -> dict[str, Any]:
    """Asked in another process: on most versions the server replaces modules to ask hooks for their widgets."""
    code = (
        "from airflow.api_fastapi.core_api.services.ui.connections import HookMetaService as Service\n"
        "print(*[hook.model_dump_json() for hook in Service.hook_meta_data() if hook.connection_type == 'rokt'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shown = json.loads(done.stdout.splitlines()[-1])
    fields = {name: field["schema"] for name, field in shown["extra_fields"].items()}
    return {
        "name": shown["hook_name"],
        "standard": {name: field["title"] for name, field in shown["standard_fields"].items() if field},
        "extras": {name: field["title"] for name, field in fields.items()},
        "masked": {name for name, field in fields.items() if field.get("format") == "password"},
    }


def _form_of_the_webserver() -> dict[str, Any]:
    manager = ProvidersManager()
    prefix = "extra__rokt__"
    widgets = {
        name.removeprefix(prefix): one for name, one in manager.connection_form_widgets.items() if prefix in name
    }
    behaviour = manager.field_behaviours["rokt"]
    return {
        "name": manager.hooks["rokt"].hook_name,
        "standard": behaviour["relabeling"],
        "extras": {name: widget.field.args[0] for name, widget in widgets.items()},
        "masked": {name for name, widget in widgets.items() if widget.is_sensitive},
    }


def test_the_form_shows_our_name_and_labels(form: dict[str, Any]) -> None:
    assert form["name"] == CONNECTION["hook-name"]
    labels = CONNECTION["ui-field-behaviour"]["relabeling"]
    assert {name: label for name, label in form["standard"].items() if label} == labels


def test_the_form_shows_the_extras_and_masks_the_secrets(form: dict[str, Any]) -> None:
    fields = CONNECTION["conn-fields"]
    assert form["extras"] == {name: field["label"] for name, field in fields.items()}
    assert form["masked"] == {name for name, field in fields.items() if field["schema"].get("format") == "password"}


def test_the_hook_agrees_with_the_metadata() -> None:
    assert RoktHook.conn_type == CONNECTION["connection-type"]
    assert RoktHook.hook_name == CONNECTION["hook-name"]
    assert f"{RoktHook.__module__}.{RoktHook.__name__}" == CONNECTION["hook-class-name"]
    assert next(iter(inspect.signature(RoktHook).parameters)) == RoktHook.conn_name_attr
    behaviour = {key.replace("_", "-"): value for key, value in RoktHook.get_ui_field_behaviour().items()}
    assert behaviour == CONNECTION["ui-field-behaviour"]


def arguments(kind: type[BaseOperator]) -> dict[str, inspect.Parameter]:
    """The arguments that the task's own class declares."""
    found = inspect.signature(kind.__init__).parameters
    return {name: one for name, one in found.items() if name not in ("self", "kwargs")}


def wanted(kind: type[BaseOperator]) -> dict[str, Any]:
    """The arguments a task cannot do without."""
    return {name: WANTED[name] for name, one in arguments(kind).items() if one.default is inspect.Parameter.empty}


def serialised(dag: Any) -> str:
    """The DAG as the scheduler stores it; Airflow 3.2 moved the function."""
    module = import_module("airflow.serialization.serialized_objects")
    serializer = getattr(module, "DagSerialization", None) or module.SerializedDAG
    return json.dumps(serializer.to_dict(dag))


def test_every_task_class_is_tested_here() -> None:
    public = {
        value
        for module in ("operators.rokt", "sensors.rokt", "transfers.rokt_to_sql")
        for name, value in vars(import_module(f"airflow_provider_rokt.{module}")).items()
        if name.startswith("Rokt") and isinstance(value, type) and issubclass(value, BaseOperator)
    }
    assert public == set(TASKS)


@pytest.mark.parametrize("kind", TASKS)
def test_arguments_are_given_by_name(kind: type[BaseOperator]) -> None:
    assert {one.kind for one in arguments(kind).values()} == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize("kind", TASKS)
def test_connections_and_renderers_are_about_templated_fields(kind: type[BaseOperator]) -> None:
    connections = {name for name in arguments(kind) if name.endswith("_conn_id")}
    assert connections | set(kind.template_fields_renderers) <= set(kind.template_fields)


@pytest.mark.parametrize("kind", TASKS)
def test_the_constructor_keeps_every_argument_as_it_is(kind: type[BaseOperator]) -> None:
    """On a mapped task it runs before templates are rendered, so it must not look into anything."""
    given = {name: f"{{{{ params.{name} }}}}" for name in arguments(kind)}
    made = kind(task_id="send", **given)
    assert {name: getattr(made, name) for name in given} == given
    assert set(kind.template_fields) <= set(given)


@pytest.mark.parametrize("kind", TASKS)
def test_every_argument_can_be_mapped_over(kind: type[BaseOperator]) -> None:
    for name in arguments(kind):
        fixed = {key: value for key, value in wanted(kind).items() if key != name}
        with DAG("mapped", start_date=datetime(2026, 1, 1), schedule=None) as dag:
            kind.partial(task_id="send", **fixed).expand(**{name: ["1", "2"]})
        assert name in serialised(dag)


@pytest.mark.parametrize("kind", TASKS)
def test_results_of_other_tasks_are_taken_as_arguments(kind: type[BaseOperator]) -> None:
    with DAG("chained", start_date=datetime(2026, 1, 1), schedule=None) as dag:

        @task
        def before() -> dict[str, Any]:
            return {}

        result = before()
        chained = kind(task_id="send", **dict.fromkeys(kind.template_fields, result))
    assert chained.upstream_task_ids == {"before"}
    assert "before" in serialised(dag)
