"""All that a ledger tells of one delivery: what it counts is what was written, and it holds no more than it shows."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.ledger.delivery_details import PAGE, DeliveryDetails, Reasons, Strip, Why, batches_of
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.report import OTHERS, REASONS_COUNTED


@given(st.lists(st.sampled_from(["accepted", "rejected", "failed"]), max_size=1_200))
def test_the_strip_keeps_every_batch_in_its_place(outcomes: list[str]) -> None:
    strip = Strip()
    for outcome in outcomes:
        strip.add(outcome)
    assert len(strip.columns) <= 240
    parts = [outcomes[start : start + strip.each] for start in range(0, len(outcomes), strip.each)]
    assert strip.columns == [Counter(part) for part in parts]


@given(st.integers(0, 2_000))
def test_reasons_without_number_cost_no_memory(kinds: int) -> None:
    reasons = Reasons()
    for number in range(kinds):
        reasons.add(Why("rejected", "path", f"reason {number}"), RowRef(number, f"key {number}"))
    assert len(reasons.counts) == len(reasons.examples) == min(kinds, REASONS_COUNTED + 1)
    assert reasons.counts[Why("rejected", "", OTHERS.reason)] == max(kinds - REASONS_COUNTED, 0)
    assert reasons.counts.total() == kinds
    assert all(len(keys) <= 3 for keys in reasons.examples.values())


def test_details_are_what_was_written(deliver, ledger) -> None:
    report = deliver(accepted=130, rejected=20, failed=3)
    reader = ledger.open(report["delivery_id"])
    details = DeliveryDetails.of(reader)
    assert details.batches == {("accepted", 202): 130, ("rejected", 400): 20, ("failed", None): 3}
    assert details.counts == {"accepted": 130, "rejected": 20, "failed": 3}
    assert details.requests == 2
    assert details.sent_again == 0
    assert [(why.outcome, rows) for why, rows, _ in details.undelivered.listed()] == [("rejected", 20), ("failed", 3)]
    assert details.damage == ""
    pages = [batches_of(reader, page) for page in range(1, 6)]
    assert [len(page) for page in pages] == [PAGE, PAGE, PAGE, 3, 0]
    assert [batch.place for page in pages for batch in page] == list(range(1, 154))
    assert [batch.place for batch in batches_of(reader, 1, "failed")] == [151, 152, 153]


def test_of_values_left_out_each_counts(begin, ledger) -> None:
    writer = begin()
    phone, ip = FieldFault("user_attributes.mobile", "is none"), FieldFault("ip", "is none")
    writer.dropped([RowFault(RowRef(1, "a"), (phone, ip)), RowFault(RowRef(2, "b"), (phone,))])
    writer.rows(Outcome.REJECTED, [RowFault(RowRef(0, "member 1f"), (phone,))])
    details = DeliveryDetails.of(ledger.open(writer.delivery_id))
    assert [(why.path, values, keys) for why, values, keys in details.dropped.listed()] == [
        ("user_attributes.mobile", 2, ["a (row 1)", "b (row 2)"]),
        ("ip", 1, ["a (row 1)"]),
    ]
    assert details.counts["rejected"] == 0, "who has no row is none of the rows"


def test_deliveries_of_a_span_are_found_by_their_ids(root) -> None:
    ledger = Ledger(root)
    first = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    times = [first + timedelta(minutes=20 * number) for number in range(6)]
    for at in times:
        ledger.begin("conversions", {}, {}, f"{at:%Y%m%dT%H%M%SZ}-x")
    ledger.begin("conversions", {}, {}, "nightly")

    def found(start: datetime, end: datetime) -> list[str]:
        return [name[:16] for name in ledger.begun_between(start, end)]

    assert found(times[1], times[4]) == [f"{at:%Y%m%dT%H%M%SZ}" for at in reversed(times[1:5])]
    assert found(first - timedelta(days=9), first + timedelta(days=9)) == [f"{at:%Y%m%dT%H%M%SZ}" for at in times[::-1]]
    assert found(first + timedelta(days=1), first + timedelta(days=2)) == []
