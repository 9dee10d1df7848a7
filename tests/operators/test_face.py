"""What users import says of itself: every argument with its type and its one default, and what is wrong at once."""

import inspect
import subprocess
import sys
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, BaseSensorOperator

from airflow_provider_rokt.connection.form import DEFAULT_CONN_ID
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.runs.options import (
    AudienceArguments,
    AudienceOptions,
    ConversionArguments,
    ConversionOptions,
)
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor
from airflow_provider_rokt.task.base_arguments import SensorArguments, TaskArguments
from airflow_provider_rokt.task.failures import RoktArgumentsError
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator

OPERATORS = [(RoktConversionOperator, ConversionOptions), (RoktAudienceOperator, AudienceOptions)]
ARGUMENTS = [
    (ConversionArguments, ConversionOptions, {"mapping"}),
    (AudienceArguments, AudienceOptions, {"mapping", "audience"}),
]
GOOD = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
}


def parameters(kind: type) -> dict[str, inspect.Parameter]:
    found = inspect.signature(kind).parameters
    return {name: one for name, one in found.items() if one.kind is not inspect.Parameter.VAR_KEYWORD}


def conversions(**arguments: Any) -> RoktConversionOperator:
    return RoktConversionOperator(**{"task_id": "send", "sql": "SELECT 1", "sql_conn_id": "shop"} | arguments)


def audience(**arguments: Any) -> RoktAudienceOperator:
    given = {"task_id": "send", "sql": "SELECT 1", "sql_conn_id": "shop", "audience": "vip"}
    return RoktAudienceOperator(**given | arguments)


@pytest.mark.parametrize(
    "kind", [RoktConversionOperator, RoktAudienceOperator, RoktBatchStatusSensor, RoktDeliveryToSqlOperator]
)
def test_every_argument_is_written_out_with_its_type_and_documented(kind: type) -> None:
    for name, parameter in parameters(kind).items():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.annotation is not inspect.Parameter.empty
        assert f":param {name}:" in (kind.__doc__ or "")


@pytest.mark.parametrize(("kind", "options"), OPERATORS)
def test_an_operators_defaults_and_types_are_those_of_the_options(kind: type, options: type) -> None:
    declared, hints, types = parameters(kind), get_type_hints(kind.__init__), get_type_hints(options)
    for field in fields(options):
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        assert declared[field.name].default == default, field.name
        # What another task returns may stand for the one, a number that a template was rendered to for the other.
        if field.name not in ("resend_from", "audience"):
            assert hints[field.name] == types[field.name], field.name
    of_the_query = {"sql", "sql_conn_id", "parameters", "sql_hook_params", "rokt_conn_id"}
    assert set(declared) == {field.name for field in fields(options)} | of_the_query
    assert declared["rokt_conn_id"].default == DEFAULT_CONN_ID


@pytest.mark.parametrize(("arguments", "options", "own"), ARGUMENTS)
def test_the_hooks_options_are_those_of_the_options(arguments: Any, options: type, own: set[str]) -> None:
    types = get_type_hints(options)
    expected = {field.name: types[field.name] for field in fields(options) if field.name not in own}
    assert get_type_hints(arguments) == expected
    assert not arguments.__required_keys__


@pytest.mark.parametrize(("base", "written"), [(BaseOperator, TaskArguments), (BaseSensorOperator, SensorArguments)])
def test_no_argument_of_airflows_own_is_forgotten(base: type, written: Any) -> None:
    taken = inspect.signature(base.__init__).parameters
    names = {name for name, one in taken.items() if one.kind is not inspect.Parameter.VAR_KEYWORD} - {"self"}
    assert names <= set(written.__annotations__) | set(TaskArguments.__annotations__)


def test_what_is_wrong_is_said_in_the_dag_file_in_one_error() -> None:
    wrong = GOOD | {"user_attributes.mobil": {"column": "phone", "defualt": ""}, "events[].data.when": "at"}
    with pytest.raises(RoktArgumentsError) as caught:
        conversions(task_id="orders", mapping=wrong, concurrency=99, environment="prod", group_by_user="no")
    said = str(caught.value)
    assert isinstance(caught.value, RoktSettingsError)
    for part in (
        "'orders'",
        "concurrency",
        "environment",
        "group_by_user",
        "user_attributes.mobil:",
        "events[].data.when",
    ):
        assert part in said, part
    assert len(caught.value.problems) == 5


def test_an_attribute_in_the_wrong_section_is_told_in_the_dag_file() -> None:
    with pytest.warns(UserWarning, match=r"'orders': user_attributes\.email is an attribute .* user_identities\.email"):
        conversions(task_id="orders", mapping=GOOD | {"user_attributes.email": "email"})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"mapping": {"user_identities.emial": "email"}}, "close: user_identities.email"),
        (
            {"mapping": {"user_identities.email": "email"}},
            "required and not mapped: events[].data.custom_attributes.conversiontype, events[].data.so",
        ),
        ({"mapping": {path: source for path, source in GOOD.items() if "email" not in path}}, "no identity"),
        ({"mapping": GOOD | {"events[].data.custom_attributes.currency": {"literal": "EURO"}}}, "the literal does not"),
        ({"mapping": ["email"]}, "mapping must be a dict"),
        ({"fetch_size": 0}, "fetch_size must be a whole number of rows, 1 or more"),
        ({"fetch_size": 10.0}, "fetch_size"),
        ({"fetch_size": True}, "fetch_size"),
        ({"concurrency": 0}, "concurrency must be a whole number from 1 to 32"),
        ({"concurrency": 33}, "concurrency"),
        ({"max_rejected": 1.5}, "max_rejected must be a whole number of rows"),
        ({"phone_region": "USA"}, "phone_region"),
        ({"phone_region": "UK"}, "phone_region"),
        ({"timestamp_unit": "days"}, "timestamp_unit must be one of 'auto', 's'"),
        ({"historical": "false"}, "historical must be True or False"),
    ],
)
def test_what_can_be_known_of_conversions_is_said_at_once(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(RoktSettingsError) as caught:
        conversions(**arguments)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            {"mode": "mirrow", "via": "mail", "max_removed": 2},
            "mode must be one of 'include', 'exclude', 'mirror'; via",
        ),
        ({"audience": "x" * 101}, "audience must be a name of 1 to 100 characters"),
        ({"flag": "member"}, "flag must be a name with {audience}"),
        ({"members_per_request": 0}, "members_per_request must be a whole number from 1 to 1000000"),
        ({"members_per_request": 1_000_001}, "members_per_request"),
        ({"mode": "mirror", "resend_from": "x"}, "resend_from is not for mode='mirror'"),
        ({"hash_emails": "no"}, "hash_emails"),
        ({"mode": "mirror", "hash_emails": False}, "hash_emails=False cannot go with mode='mirror'"),
        ({"mapping": {"user_identities.mail": "email"}}, "user_identities.mail is no field"),
        ({"mapping": {"user_identities.email": "e", "events[].data.custom_attributes.status": 1}}, "status: map it to"),
        ({"mapping": {"user_identities.email": "e", "events[].data.custom_attributes.amount": "a"}}, "for conversions"),
    ],
)
def test_what_can_be_known_of_an_audience_is_said_at_once(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(RoktSettingsError) as caught:
        audience(**arguments)
    assert says in str(caught.value)


def test_what_is_only_known_when_the_task_runs_is_not_judged() -> None:
    templated = "{{ params.it }}"
    mapping = GOOD | {
        "user_identities.email": {"column": templated, "default": "no address"},
        "events[].data.custom_attributes.currency": {"literal": templated},
        "user_attributes.mobile": "{% if params.it %}phone{% endif %}",
    }
    conversions(mapping=mapping, environment=templated, resend_from=templated)
    conversions(mapping=templated)
    audience(audience=templated, mode="mirror", resend_from=templated)
    with DAG("chained", start_date=datetime(2026, 1, 1), schedule=None):
        before = conversions(task_id="before")
        conversions(resend_from=before.output, parameters=before.output, mapping=before.output)


@pytest.mark.parametrize("mark", ["{{ it }}", "{% if it %}{% endif %}", "{# later #}"])
def test_each_mark_of_jinjas_makes_a_template(mark: str) -> None:
    mapping = GOOD | {"user_attributes.city": {"literal": mark}, "events[].data.custom_attributes.currency": mark}
    conversions(environment=mark, mapping=mapping | {"user_attributes.age": {"literal": mark}})
    audience(audience=f" {mark}", environment=mark)


@pytest.mark.parametrize("concurrency", [1, 32])
def test_the_bounds_of_an_argument_are_allowed(concurrency: int) -> None:
    assert conversions(concurrency=concurrency).delivery_options().concurrency == concurrency


@pytest.mark.parametrize("name", [True, 1.0])
def test_of_an_audiences_name_a_whole_number_alone_becomes_text(name: Any) -> None:
    assert audience(audience=2026).delivery_options().audience == "2026"
    with pytest.raises(RoktSettingsError, match="audience must be a name"):
        audience(audience=name)


def test_a_path_is_no_template_and_is_judged_beside_one() -> None:
    with pytest.raises(RoktSettingsError, match=r"user_identities\.emial"):
        conversions(mapping=GOOD | {"user_identities.emial": "{{ params.column }}"})


def test_a_dag_file_fails_to_import_with_one_message(airflow_db: None, tmp_path: Path) -> None:
    try:
        from airflow.dag_processing.dagbag import DagBag
    except ImportError:  # before Airflow 3.2
        from airflow.models.dagbag import DagBag
    (tmp_path / "wrong.py").write_text(
        "from datetime import datetime\n"
        "from airflow.providers.common.compat.sdk import DAG\n"
        "from airflow_provider_rokt.operators.rokt import RoktAudienceOperator\n"
        "with DAG('wrong', start_date=datetime(2026, 1, 1), schedule=None):\n"
        "    RoktAudienceOperator(task_id='t', sql='q', sql_conn_id='c', audience='a', concurrency=99, mode='mirrow',\n"
        "                         mapping={'user_identities.emial': 'email'})\n"
    )
    (error,) = DagBag(str(tmp_path)).import_errors.values()
    assert all(part in error for part in ("concurrency", "mode must be one of", "user_identities.emial"))


def test_a_task_without_surprises_imports_no_phone_library() -> None:
    code = (
        "import sys\n"
        "from airflow_provider_rokt.operators.rokt import RoktConversionOperator\n"
        f"RoktConversionOperator(task_id='t', sql='q', sql_conn_id='c', mapping={GOOD!r})\n"
        "assert not {'phonenumbers', 'jsonschema_rs', 'jsonschema', 'tenacity'} & {*sys.modules} - early\n"
    )
    early = "from airflow.providers.common.compat.sdk import BaseOperator\nimport sys\n"
    # What Airflow imports for any task is Airflow's.
    early += "BaseOperator(task_id='any')\nearly = {*sys.modules}\n"
    subprocess.run([sys.executable, "-c", early + code], check=True)


def test_the_hook_says_which_option_is_close() -> None:
    with pytest.raises(Exception, match=r"'concurency' is no option, did you mean 'concurrency'\?"):
        RoktHook().send_conversions([], concurency=3)  # type: ignore[call-arg]
