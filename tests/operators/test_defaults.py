"""What happens where nobody says otherwise: as it was released, and as the README promises it.

The values are written here once more on purpose. Who changes one changes what everybody's tasks do, so it shows here.
"""

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_rokt import limits
from airflow_provider_rokt.connection.form import EXTRAS
from airflow_provider_rokt.connection.settings import read_settings
from airflow_provider_rokt.get_provider_info import get_provider_info
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator, RoktConversionOperator
from airflow_provider_rokt.runs.options import AudienceOptions, ConversionOptions
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor
from airflow_provider_rokt.transfers.rokt_to_sql import RoktDeliveryToSqlOperator

README = (Path(__file__).parents[2] / "README.md").read_text()
QUERY = {"mapping": None, "parameters": None, "sql_hook_params": None, "rokt_conn_id": "rokt_default"}
DELIVERY = {
    "environment": "production",
    "timestamp_unit": "auto",
    "phone_region": "US",
    "placeholders": None,
    "on_invalid": None,
    "max_dropped": 0.2,
    "max_rejected": 0,
    "min_rows": 0,
    "concurrency": 4,
    "fetch_size": 5000,
    "resend_from": None,
    "sync": None,
    "on_guard": "fail",
    "record_accepted": False,
    "warn_when": None,
}
CONVERSIONS = DELIVERY | {"group_by_user": True, "historical": False, "send": "all", "remember_days": 90}
AUDIENCE = DELIVERY | {
    "mode": "include",
    "via": "import",
    "hash_emails": True,
    "max_removed": 0.3,
    "allow_empty": False,
    "members_per_request": 100_000,
    "flag": "segment_{audience}",
}
EXTRA = {
    "pod": "us1",
    "events_url": None,
    "audience_url": None,
    "audience_api_key": None,
    "account_id": None,
    "audience_success": None,
    "batches_per_second": 270,
    "timeout_seconds": 30,
    "allow_any_host": False,
}
CONFIGURATION = {"ledger_path": "", "ledger_days": "0", "retry_seconds": "600"}


def defaults(kind: Any) -> dict[str, object]:
    found = inspect.signature(kind).parameters.values()
    return {one.name: one.default for one in found if one.default is not inspect.Parameter.empty}


@pytest.mark.parametrize(
    ("kind", "promised"),
    [
        (RoktConversionOperator, QUERY | CONVERSIONS),
        (RoktAudienceOperator, QUERY | AUDIENCE),
        (ConversionOptions, CONVERSIONS | {"mapping": None}),
        (AudienceOptions, AUDIENCE | {"mapping": None}),
        (RoktBatchStatusSensor, {"max_rejected": 0, "max_failed": 0, "deferrable": False}),
        (
            RoktDeliveryToSqlOperator,
            {"deliveries_table": "rokt_deliveries", "rows_table": "rokt_rows", "sql_hook_params": None},
        ),
        (RoktHook, {"rokt_conn_id": "rokt_default"}),
        (RoktHook.preview_conversions, {"mapping": None, "rows_shown": 5, "show_values": False}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_default_is_the_released_one(kind: Any, promised: dict[str, object]) -> None:
    found = defaults(kind)
    assert found == promised
    # 1 and True are equal, and mean two things.
    assert {name: type(value) for name, value in found.items()} == {n: type(value) for n, value in promised.items()}


def test_a_connection_that_says_nothing_is_read_so() -> None:
    assert {field.name: field.default for field in EXTRAS} == EXTRA
    settings = read_settings("c", login="key", password="secret", host=None, extra={})
    assert (settings.batches_per_second, settings.timeout_seconds, settings.account_id) == (270, 30, None)
    assert settings.addresses == read_settings("c", login="k", password="s", host=None, extra={"pod": "us1"}).addresses
    assert not settings.credentials.audience_api_key


def test_a_configuration_that_says_nothing_is_read_so() -> None:
    options = get_provider_info()["config"]["rokt"]["options"]
    assert {name: option["default"] for name, option in options.items()} == CONFIGURATION


def test_the_limits_are_those_that_rokt_publishes() -> None:
    assert {name: value for name, value in vars(limits).items() if name.isupper()} == {
        "BATCHES_PER_REQUEST": 100,
        "EVENTS_PER_REQUEST": 100,
        "REQUEST_BYTES": 256_000,
        "BATCH_BYTES": 128_000,
        "ATTRIBUTES": 100,
        "BATCHES_PER_SECOND": 270,
        "HISTORICAL_MIN_AGE": 259_200,
        "STALE_AGE": 2_592_000,
        "OLDEST_AGE": 31_536_000,
        "EVENTS_PER_USER": 150,
        "AUDIENCE_NAME_CHARS": 100,
        "MEMBERS_PER_REQUEST": 100_000,
        "MOST_MEMBERS_PER_REQUEST": 1_000_000,
        "RETRY_SECONDS": 600.0,
        "SMALLEST_AUDIENCE": 1_000,
    }


def test_what_the_readme_calls_the_default_is_it() -> None:
    """Wherever it says `name` or `name=value` and then "by default", of an argument."""
    told = re.findall(r"`(\w+)(?:=[^`]*)?`\s+\(by\s+default\s+`?([\w.,]*\w)", README)
    assert len(told) >= 5, told
    wrong = {name: value for name, value in told if value.replace(",", "") != str((CONVERSIONS | AUDIENCE)[name])}
    assert not wrong


@pytest.mark.parametrize(
    "promise",
    ["`max_removed` (30 %)", "270 unless Rokt raised it", "600 by default", '`via="import"` (default)', "20 %"],
)
def test_the_readme_tells_the_other_defaults_so(promise: str) -> None:
    """They are told in passing, so each is looked for as it is worded; its value is pinned above."""
    assert promise in " ".join(README.split())
