"""How the status of batches is told in a log."""

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.flow.row import Outcome
from airflow_provider_rokt.ledger.batch_status import COUNTS, BatchStatus, VerdictKind
from airflow_provider_rokt.ledger.report import OTHERS, REASONS_COUNTED
from airflow_provider_rokt.ledger.status_table import KINDS_TOLD, PARTS_TOLD, status_lines
from tests.conftest import ACCEPTED, REJECTED

ACCEPTED_KIND, FAILED_KIND = VerdictKind(Outcome.ACCEPTED, 202, ""), VerdictKind(Outcome.FAILED, None, "no answer")


def part(name, **counts):
    return {"partition": name, "delivery_id": f"of-{name}"} | dict.fromkeys(COUNTS, 0) | counts


def told(**fields):
    return list(status_lines(BatchStatus(**fields)))


def test_what_is_looked_at_first_comes_first():
    kinds = {
        ACCEPTED_KIND: 2300,
        VerdictKind(Outcome.REJECTED, 400, "is bad"): 3,
        FAILED_KIND: 1,
        VerdictKind(Outcome.REJECTED, 202, "is worse"): 4,
    }
    parts = [part("first", rows_read=5), part(None, rows_read=7, rows_rejected=7, batches=12_000)]
    assert told(kinds=kinds, partitions=parts, batches=2308, deliveries=2, ledgers=["file:///a", "file:///b"]) == [
        "2,308 batches of 2 deliveries",
        "     batches status outcome",
        "           1   none failed: no answer",
        "           4    202 rejected: is worse",
        "           3    400 rejected: is bad",
        "       2,300    202 accepted",
        "        read    accepted    rejected      failed     skipped     batches  delivery",
        "           7           0           7           0           0      12,000  of-None",
        "           5           0           0           0           0           0  first",
        "Ledgers: file:///a, file:///b",
    ]


def test_more_than_a_page_is_counted():
    kinds = {VerdictKind(Outcome.REJECTED, 400, f"bad {number:02}"): 1 for number in range(KINDS_TOLD + 3)}
    lines = told(kinds=kinds, partitions=[part(str(number)) for number in range(100)], deliveries=130)
    assert "           3 in 3 more kinds, see the ledgers" in lines
    assert lines[-2] == f"and {130 - PARTS_TOLD} more deliveries"


def test_every_batch_is_of_one_kind_and_reasons_without_end_are_one(ledger, begin, finish):
    finish(begin("d1"), accepted=150, rejected=2)
    status = BatchStatus.of([ledger.open("d1")])
    kinds = {ACCEPTED_KIND: 150, VerdictKind(REJECTED.outcome, REJECTED.status, REJECTED.reason): 2}
    assert (status.kinds, status.batches) == (kinds, 152) and ACCEPTED.reason == ""
    status.kinds.update(VerdictKind(Outcome.REJECTED, 400, f"said {number}") for number in range(REASONS_COUNTED))
    finish(begin("d2"), failed=3)
    status._add(ledger.open("d2"))
    assert status.kinds[VerdictKind(Outcome.FAILED, None, OTHERS.reason)] == 3


@given(st.text(st.characters(codec="utf-8"), max_size=400), st.text(max_size=300), st.integers(0, 10**12))
def test_no_line_is_wider_than_a_page_but_the_ledgers(reason, name, count):
    kinds = {VerdictKind(Outcome.REJECTED, 400, reason): count}
    lines = told(kinds=kinds, partitions=[part(name, rows_read=count)], batches=count, ledgers=["file:///" + "l" * 300])
    assert all(len(line) <= 160 for line in lines[:-1]) and len(lines[-1]) > 300
