"""What Rokt may accept and never use is counted."""

import pytest

from airflow_provider_rokt.events.losses import Ages, SharedReferences, planned_losses
from airflow_provider_rokt.events.mapping import compile_mapping
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.flow.row import RowRef
from tests.events.test_mapping import LEAST, LEAST_ROW

NOW = 1767225600
DAY = 24 * 3600
CONSENT = "consent_state.gdpr.ads.consented"


def seen(*events: tuple[str, str | None, str]) -> list[tuple[int, str]]:
    """What is suspected of events of these keys, references and kinds."""
    references = SharedReferences()
    for number, (key, reference, kind) in enumerate(events, 1):
        attributes = {"conversiontype": kind} | ({} if reference is None else {"confirmationref": reference})
        references.see(RowRef(number, key), attributes)
    return [(suspicion.rows, suspicion.text) for suspicion in references.suspicions(by_place=False)]


def test_rows_that_share_kind_and_reference_are_counted_and_three_pairs_are_named() -> None:
    ((rows, text),) = seen(("a", "R", "buy"), ("z", "S", "buy"), *((f"b{n}", "R", "buy") for n in range(5)))
    assert rows == 5
    assert "5 rows share" in text
    assert "(a and b0; a and b1; a and b2)" in text
    assert "S" not in text.split("(")[1].split(")")[0]


def test_other_kinds_other_references_none_and_the_same_id_are_no_suspects() -> None:
    assert seen(("a", "R", "buy"), ("b", "R", "sell"), ("c", "Q", "buy"), ("d", None, "buy"), ("e", None, "buy")) == []
    assert seen(("a", "R", "buy"), ("a", "R", "buy")) == []


def test_memory_is_bounded() -> None:
    far = [(f"k{n}", f"r{n}", "buy") for n in range(3 * 16_384)]
    assert seen(("a", "R", "buy"), *far, ("b", "R", "buy")) == []
    ((rows, _),) = seen(("a", "R", "buy"), *far[:16_384], ("b", "R", "buy"))
    assert rows == 1


@pytest.mark.parametrize(
    ("age", "is_historical", "kinds"),
    [
        (0, False, []),
        (30 * DAY, False, []),
        (30 * DAY + 1, False, ["older than 30 days"]),
        (30 * DAY + 1, True, []),
        (365 * DAY, True, []),
        (365 * DAY + 1, True, ["older than 12 months"]),
        (365 * DAY + 1, False, ["older than 30 days", "older than 12 months"]),
        (-300, False, []),
        (-301, False, ["in the future"]),
    ],
)
def test_events_of_an_age_that_rokt_may_not_use_are_counted(age: int, is_historical: bool, kinds: list[str]) -> None:
    ages = Ages(NOW)
    for _ in range(2):
        ages.see((NOW - age) * 1000, is_historical=is_historical)
    assert [(found.kind, found.rows) for found in ages.suspicions()] == [(kind, 2) for kind in kinds]


@pytest.mark.parametrize(
    ("environment", "more", "kinds"),
    [
        ("production", {}, []),
        ("development", {}, ["environment"]),
        ("production", {CONSENT: {"literal": True}}, ["consent"]),
    ],
)
def test_what_a_mapping_alone_may_lose(environment: str, more: dict[str, object], kinds: list[str]) -> None:
    plan = compile_mapping(LEAST | more, tuple(LEAST_ROW), Rules(now=NOW, environment=environment))
    assert [found.kind for found in planned_losses(plan)] == kinds


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("user_attributes.email", "user_identities.email"),
        ("user_attributes.customer_id", "user_identities.customerid"),
        ("user_attributes.other", "user_identities.other"),
        ("user_attributes.phone_number", "user_attributes.mobile"),
        ("user_attributes.ip", "ip"),
        ("user_attributes.user_agent", "device_info.http_header_user_agent"),
        ("events[].data.custom_attributes.email", "user_identities.email"),
        ("events[].data.custom_attributes.clientEventId", "events[].data.source_message_id"),
        ("events[].data.custom_attributes.eventtime", "events[].data.timestamp_unixtime_ms"),
        ("events[].data.custom_attributes.mobile", "user_attributes.mobile"),
        *((path, None) for path in ("user_attributes.mobile", "user_attributes.loyalty", "user_identities.customerid")),
        # Sent hashed, as its name says.
        ("user_attributes.emailsha256", None),
    ],
)
def test_an_attribute_named_like_a_field_of_another_section_is_told(path: str, meant: str | None) -> None:
    plan = compile_mapping({**LEAST, path: "email"}, tuple(LEAST_ROW), Rules(now=NOW))
    found = [(suspicion.kind, suspicion.text) for suspicion in planned_losses(plan)]
    said = f"{path} is an attribute of your own, by which Rokt matches nobody: its field is {meant}"
    assert found == ([("section", said)] if meant else [])
