"""What a conversion stream does with a row that only the schema refuses."""

from dataclasses import replace

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.events.block import Step
from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.documents import MappingPlan
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef

NOW = 1_795_000_000.0
MOBILE = "user_attributes.mobile"
MAPPING = {
    "user_identities.email": "email",
    MOBILE: "mobile",
    "events[].data.source_message_id": "id",
    "events[].data.timestamp_unixtime_ms": "at",
    "events[].data.custom_attributes.conversiontype": {"literal": "purchase"},
}
COLUMNS = ("email", "mobile", "id", "at")


def raw(step: Step) -> Step:
    return step._replace(normalise=lambda value: value) if step.path == MOBILE else step


def plan_without_rule() -> MappingPlan:
    """As if the mobile's rule let through what the schema does not."""
    plan = compile_mapping(MAPPING, COLUMNS, Rules(now=NOW))
    return replace(plan, sections=tuple((name, tuple(map(raw, steps))) for name, steps in plan.sections))


def test_a_value_taken_out_is_told_counted_and_not_covered() -> None:
    plan = plan_without_rule()
    stream = ConversionStream(plan, now=NOW, batches_per_request=100, bulk=BULK)
    packed = stream.window([("a@example.com", "5" * 5000, "1", NOW), ("b@example.com", "+15551234567", "2", NOW)])
    fault = FieldFault(MOBILE, "longer than 4096 characters")
    assert packed.dropped == [RowFault(RowRef(1, "1"), [fault])]
    assert plan.census.invalid == {fault: 1}
    list(packed.requests)
    (flushed,) = stream.flush()
    (request,) = flushed.requests
    assert [bool(batch.coverage & COVERED[MOBILE]) for batch in request.batches] == [False, True]
    assert b"mobile" not in request.batches[0].body
