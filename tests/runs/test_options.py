"""What a run is told, and what of it the ledger may keep."""

import json
from dataclasses import fields

import pytest

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.runs.options import MAX_CONCURRENCY, AudienceOptions, ConversionOptions, DeliveryOptions

SECRET = "a value that is in the DAG file alone"
MAPPING = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": SECRET},
}
MEMBERS = {"user_identities.email": {"column": "email", "default": SECRET}}


@pytest.mark.parametrize(
    "options", [ConversionOptions(mapping=MAPPING), AudienceOptions(audience="v", mapping=MEMBERS)]
)
def test_all_but_the_mapping_is_recorded(options: DeliveryOptions) -> None:
    recorded = options.recorded()
    assert recorded.keys() == {field.name for field in fields(options)} - {"mapping"}
    assert SECRET not in json.dumps(recorded)


def test_the_ledger_holds_no_literal(sandbox, rokt, ledger, tmp_path) -> None:
    result = RoktHook().send_conversions([{"email": "a@example.com", "id": "1", "at": 1735689600}], MAPPING)
    assert SECRET in sandbox.store.batches[0].body.decode()
    written = "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
    assert result["delivery_id"] in written
    assert SECRET not in written


def test_as_many_connections_as_allowed_and_no_more() -> None:
    assert MAX_CONCURRENCY == 32
    for concurrency in (1, MAX_CONCURRENCY):
        assert ConversionOptions(concurrency=concurrency).concurrency == concurrency
    for concurrency in (0, MAX_CONCURRENCY + 1):
        with pytest.raises(RoktSettingsError, match="concurrency must be a whole number from 1 to 32"):
            ConversionOptions(concurrency=concurrency)
