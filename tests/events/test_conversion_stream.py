"""The stream of conversions: repeats are recognised in constant memory, and nothing leaves that the schema refuses."""

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.events.conversion_stream import ConversionStream
from airflow_provider_rokt.events.documents import MappingPlan
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.events.grouping import TOO_LARGE
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.recent_keys import RecentKeys
from airflow_provider_rokt.flow.row import FieldFault
from airflow_provider_rokt.flow.stream import Packed
from tests.events.test_mapping import LEAST, LEAST_ROW, RULES

EMAIL = "user_identities.email"
NO_ADDRESS = FieldFault(EMAIL, "not a lower-case e-mail address without spaces")


def seen_again_after(others: int) -> int | None:
    """What is known of a key after so many others."""
    recent: RecentKeys[str, int] = RecentKeys()
    assert recent.before("first", 7) is None
    for number in range(others):
        assert recent.before(f"other-{number}", number) is None
    return recent.before("first", 8)


@pytest.mark.parametrize("others", [0, 1, 16_383, 16_384, 16_385, 32_000])
def test_a_key_is_recognised_among_the_last_16384_and_some_more(others: int) -> None:
    assert seen_again_after(others) == 7


def test_a_key_long_gone_is_forgotten_so_that_memory_stays_constant() -> None:
    assert seen_again_after(3 * 16_384) is None


def test_a_key_that_was_seen_again_is_a_recent_one_again() -> None:
    recent: RecentKeys[str, int] = RecentKeys()
    for number in range(32_767):
        recent.before(f"key-{number}", number)
        assert recent.before("first", 7) == (None if number == 0 else 7)
    assert recent.before("one more", 0) is None
    assert recent.before("first", 7) == 7


def lenient(plan: MappingPlan, path: str) -> MappingPlan:
    """A plan that takes any text for one identity, as if its rule were laxer than the schema."""
    sections = [
        (name, tuple(step._replace(normalise=str) if step.path == path else step for step in steps))
        for name, steps in plan.sections
    ]
    return replace(plan, sections=tuple(sections))


def packed(**changes: Any) -> Packed:
    """What becomes of a single row, whose address may be anything."""
    row = LEAST_ROW | {"customer": None} | changes
    plan = compile_mapping(LEAST | {"user_identities.customerid": "customer"}, tuple(row), RULES)
    stream = ConversionStream(lenient(plan, EMAIL), now=RULES.now, batches_per_request=10, bulk=BULK)
    window = stream.window([tuple(row.values())])
    window.requests = [*window.requests, *(request for last in stream.flush() for request in last.requests)]
    return window


def test_what_the_schema_refuses_is_taken_out() -> None:
    found = packed(email="NOBODY@", customer="c1")
    assert (found.faults, [row.faults for row in found.dropped]) == ([], [[NO_ADDRESS]])
    (request,) = found.requests
    assert b'"user_identities":{"customerid":"c1"}' in request.body


def test_a_row_that_does_not_fit_without_it_either_is_rejected_for_it() -> None:
    found = packed(email="NOBODY@")
    assert (found.requests, found.dropped) == ([], [])
    assert [row.faults for row in found.faults] == [[NO_ADDRESS]]


def test_what_is_taken_out_is_not_covered() -> None:
    for address, covered in (("NOBODY@", False), ("jane@example.com", True)):
        (request,) = packed(email=address, customer="c1").requests
        (batch,) = request.batches
        assert bool(batch.coverage & COVERED[EMAIL]) is covered


AGENT = "device_info.http_header_user_agent"
CUSTOMER = "user_identities.customerid"
HEAVY = "so long that its row would be larger than 128000 bytes"


def heavy(size: int = 0, **values: Any) -> tuple[Packed, ConversionStream]:
    """What becomes of a single row with values of any length; its id has `size` characters."""
    row = LEAST_ROW | {"id": "m" * (size or 1), "email": None} | values
    names = {AGENT: "agent", EMAIL: "email", CUSTOMER: "customer", **{path: path for path in values if "." in path}}
    mapping = LEAST | {path: name for path, name in names.items() if name in row}
    stream = ConversionStream(
        compile_mapping(mapping, tuple(row), RULES), now=RULES.now, batches_per_request=10, bulk=BULK
    )
    window = stream.window([tuple(row.values())])
    window.requests = [*window.requests, *(request for last in stream.flush() for request in last.requests)]
    return window, stream


@pytest.mark.parametrize(
    ("values", "lost"),
    [
        ({"customer": "c", "agent": "x" * 500_000}, [AGENT]),
        ({"customer": "c1" * 100_000, "email": "jane@example.com"}, [CUSTOMER]),
        ({"customer": "c1" * 100_000, "email": "jane@example.com", "agent": "x" * 127_000}, [CUSTOMER]),
        ({"customer": "c1" * 45_000, "email": "jane@example.com", "agent": "x" * 127_999}, [AGENT]),
        ({"customer": "c", **{f"user_attributes.a{n}": "😀" * 4096 for n in range(8)}}, ["user_attributes.a0"]),
        (
            {"customer": "c", **{f"user_attributes.a{n}": ["😀" * 500] * (200 if n else 20) for n in range(3)}},
            ["user_attributes.a1", "user_attributes.a2"],
        ),
    ],
)
def test_the_longest_values_that_may_go_are_left_out_of_a_row_too_large(
    values: dict[str, Any], lost: list[str]
) -> None:
    found, stream = heavy(**values)
    faults = [FieldFault(path, HEAVY) for path in lost]
    assert (found.faults, [list(row.faults) for row in found.dropped]) == ([], [faults])
    assert stream.census.invalid == dict.fromkeys(faults, 1)
    (request,) = found.requests
    (batch,) = request.batches
    assert len(batch.body) <= 128_000
    assert not any(batch.coverage & COVERED.get(path, 0) for path in lost)
    assert [again.body for again in heavy(**dict(reversed(values.items())))[0].requests] == [request.body]


@pytest.mark.parametrize(
    "values",
    [
        {"customer": "c1" * 100_000},
        {"customer": "c1" * 100_000, "agent": "x" * 100_000},
        {"customer": "c", "agent": "x" * 1000, "size": 128_000},
    ],
)
def test_a_row_that_is_too_large_without_them_is_rejected(values: dict[str, Any]) -> None:
    found, stream = heavy(**values)
    assert ([row.faults for row in found.faults], found.dropped, found.requests) == ([(TOO_LARGE,)], [], [])
    assert not stream.census.invalid


@pytest.mark.parametrize(("days", "warnings"), [(29, []), (31, ["2 events are older than 30 days"])])
def test_events_too_old_are_counted_and_warned_of(days: int, warnings: list[str]) -> None:
    row = LEAST_ROW | {"time": int(RULES.now - days * 24 * 3600) * 1000}
    stream = ConversionStream(
        compile_mapping(LEAST, tuple(row), RULES), now=RULES.now, batches_per_request=10, bulk=BULK
    )
    stream.window([tuple((row | {"id": f"order_{number}"}).values()) for number in range(2)])
    assert [suspicion.text.partition(":")[0] for suspicion in stream.suspicions()] == warnings
