"""What the schema refuses of a mapped row is taken out of it and counted, unless it costs the row."""

from typing import Any

import pytest

from airflow_provider_rokt.events.documents import MappingPlan
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.validation import Validator
from airflow_provider_rokt.flow.row import FieldFault
from tests.events.test_mapping import ATTRIBUTES, LEAST, LEAST_ROW, RULES

LONG = "longer than 4096 characters"
NOTE = f"{ATTRIBUTES}note"
EXTRA = {
    "device_info.http_header_user_agent": "agent",
    "user_identities.other2": "click",
    "user_attributes.city": "city",
    "user_attributes.a.b": "dotted",
    NOTE: "note",
    f"{ATTRIBUTES}a.b": "dotted",
}
ROW = LEAST_ROW | {"agent": "curl", "click": "c", "city": "Bonn", "dotted": "d", "note": "n"}


def made(**sources: Any) -> tuple[MappingPlan, dict[str, Any]]:
    """A plan and the document of its one row."""
    plan = compile_mapping(LEAST | EXTRA | sources, tuple(ROW), RULES)
    (block,) = plan.apply([tuple(ROW.values())], 1)
    return plan, block[0].document


class Refusing(Validator):
    """Finds these faults at first, whatever is wrong."""

    def __init__(self, faults: list[FieldFault]) -> None:
        super().__init__("conversion")
        self._found = faults

    def faults(self, document: object) -> list[FieldFault]:
        return self._found


def held(document: dict[str, Any]) -> dict[str, Any]:
    """What it has in the sections, by name; the event's attributes too."""
    attributes = document["events"][0]["data"].get("custom_attributes")
    names = ("device_info", "user_identities", "user_attributes", "integration_attributes")
    return {name: document.get(name) for name in names} | {"custom_attributes": attributes}


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("device_info.http_header_user_agent", {"device_info": None}),
        ("user_attributes.city", {"user_attributes": {"a.b": "d"}}),
        ("user_attributes.a.b", {"user_attributes": {"city": "Bonn"}}),
        (NOTE, {"custom_attributes": {"conversiontype": "purchase", "a.b": "d"}}),
        (f"{ATTRIBUTES}a.b", {"custom_attributes": {"conversiontype": "purchase", "note": "n"}}),
        # The click id stands in a second place.
        (
            "user_identities.other2",
            {"user_identities": {"email": "jane@example.com"}, "integration_attributes": None},
        ),
        ("user_identities.email", {"user_identities": {"other2": "c"}}),
    ],
)
def test_a_field_goes_with_a_section_it_leaves_empty_and_is_counted(path: str, left: dict[str, Any]) -> None:
    plan, document = made()
    before, fault = held(document), FieldFault(path, LONG)
    assert plan.mend(document, Refusing([fault])) == ([], [fault])
    assert held(document) == before | left
    assert plan.census.invalid == {fault: 1}


def test_every_value_taken_out_is_counted() -> None:
    plan, document = made()
    faults = [FieldFault(path, LONG) for path in ("user_attributes.city", "user_attributes.a.b", NOTE)]
    assert plan.mend(document, Refusing(faults)) == ([], faults)
    assert "user_attributes" not in document
    assert plan.census.invalid == dict.fromkeys(faults, 1)


def test_an_entrys_fault_is_its_lists_and_one_that_stays_wrong_is_not_counted() -> None:
    plan, document = made()
    twice = [FieldFault("user_attributes.city[]", LONG), FieldFault("user_attributes.city", "more than 1000 entries")]
    assert plan.mend(document, Refusing(twice))[1] == [FieldFault("user_attributes.city", LONG), twice[1]]
    plan, document = made()
    del document["environment"]
    fault = FieldFault("user_attributes.city", LONG)
    assert plan.mend(document, Refusing([fault])) == ([fault], [])
    assert not plan.census.invalid


@pytest.mark.parametrize(
    "other",
    [
        FieldFault(f"{ATTRIBUTES}conversiontype", LONG),
        FieldFault("user_attributes", "more than 100 attributes"),
        FieldFault("", "unexplained"),
        FieldFault(f"{ATTRIBUTES}a.b", LONG),
    ],
)
def test_one_fault_that_costs_the_row_keeps_all_and_none_is_counted(other: FieldFault) -> None:
    plan, document = made(**{f"{ATTRIBUTES}a.b": {"column": "dotted", "on_invalid": "reject"}})
    before = held(document)
    for faults in ([FieldFault(NOTE, LONG), other], [other, FieldFault(NOTE, LONG)], [other]):
        assert plan.mend(document, Refusing(faults)) == (faults, [])
    assert held(document) == before
    assert not plan.census.invalid
