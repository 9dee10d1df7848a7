"""The report counts every row once, fails for the right reason, and travels as JSON."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import (
    RoktIncompleteError,
    RoktReconciliationError,
    RoktRejectedError,
)
from airflow_provider_rokt.flow.checks import threshold
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef, Skip
from airflow_provider_rokt.ledger.report import Tally

COUNT = st.integers(0, 10**9)


def faults(count: int, *reasons: str, key: str = "order") -> list[RowFault]:
    found = [FieldFault("user_identities.email", reason) for reason in reasons or ("is empty",)]
    return [RowFault(RowRef(n, f"{key}-{n}"), found) for n in range(1, count + 1)]


def report(**counts):
    return Tally(**counts).report("d1", "file:///ledger/d1")


def test_the_summary_is_flat_and_complete():
    tally = Tally(read=60, accepted=30, skipped=Counter({Skip.REPEATED: 2}), batches=40, requests=2)
    tally.reject(faults(25))
    tally.fail(faults(3))
    tally.status_codes.update(["503", "none", "202", "202"])
    summary = tally.report("d1", "file:///ledger/d1").summary()
    rejections = summary.pop("rejections")
    assert summary == {
        "delivery_id": "d1",
        "rows_read": 60,
        "rows_accepted": 30,
        "rows_rejected": 25,
        "rows_failed": 3,
        "rows_skipped": 2,
        "rows_unconfirmed": 0,
        "skipped": {"same id twice": 2},
        "dropped": {},
        "coverage": {},
        "batches": 40,
        "requests": 2,
        "status_codes": {"202": 2, "503": 1, "none": 1},
        "ledger": "file:///ledger/d1",
    }
    assert rejections == [
        {"row": f"order-{n}", "path": "user_identities.email", "reason": "is empty"} for n in range(1, 21)
    ]


def test_an_audience_adds_its_counts():
    summary = report(extras={"members_added": 3, "members_removed": 1, "members_unchanged": 96}).summary()
    assert (summary["members_added"], summary["members_removed"], summary["members_unchanged"]) == (3, 1, 96)


def test_in_a_log_it_is_one_line_of_counts():
    tally = Tally(read=3, accepted=1, skipped=Counter({Skip.UNCHANGED: 1}), batches=1, requests=1)
    tally.reject(faults(1))
    tally.status_codes["202"] += 1
    assert str(tally.report("d1", "file:///ledger/d1")) == (
        "Delivery d1: 3 rows read, 1 accepted, 1 rejected, 0 failed, 1 skipped; 1 batches in 1 requests, "
        "answers 202: 1. Ledger: file:///ledger/d1"
    )


def test_a_report_does_not_change_with_the_tally():
    tally = Tally()
    before = tally.report("d1", "l")
    tally.reject(faults(1))
    tally.status_codes["202"] += 1
    assert before.summary() == report().summary() | {"ledger": "l"}


@given(st.text(st.characters(), max_size=400))
def test_a_key_is_stored_by_every_database_and_never_endless(key):
    tally = Tally()
    tally.reject([RowFault(RowRef(1, key), [FieldFault("", "is bad")])])
    text = json.dumps(tally.report("d1", "l").summary(), ensure_ascii=False)
    assert "\\u0000" not in text
    assert len(text.encode()) < 2000


@given(COUNT, COUNT, COUNT, COUNT, st.integers(-3, 3))
def test_reconciliation_holds_exactly_when_the_rows_add_up(accepted, rejected, failed, skipped, off):
    counts = {"accepted": accepted, "rejected": rejected, "failed": failed}
    read = sum(counts.values()) + skipped + off
    found = report(read=read, skipped=Counter({Skip.UNCHANGED: skipped}), **counts)
    if off == 0:
        found.check_reconciled()
    else:
        with pytest.raises(RoktReconciliationError, match="d1 read"):
            found.check_reconciled()


class TestThresholds:
    @pytest.mark.parametrize("value", [0, 1, 10**9, 0.0, 0.5, 1.0])
    def test_rows_and_fractions_pass(self, value):
        assert threshold(value) is None

    @pytest.mark.parametrize("value", [True, False, -1, -0.1, 1.1, float("nan"), float("inf"), "1", None, [1]])
    def test_anything_else_is_refused(self, value):
        assert "must be a whole number" in (threshold(value) or "")

    @pytest.mark.parametrize(
        ("rejected", "limit", "fails"),
        [
            (0, 0, False),
            (1, 0, True),
            (5, 5, False),
            (6, 5, True),
            (2, 1, True),
            (1, 0.0, True),
            (29, 0.29, False),  # 0.29 * 100 is 28.999999999999996
            (30, 0.29, True),
            (100, 1.0, False),
        ],
    )
    def test_more_than_the_limit_fails(self, rejected, limit, fails):
        tally = Tally(read=100, accepted=100 - rejected)
        tally.reject(faults(rejected))
        found = tally.report("d1", "l")
        if fails:
            with pytest.raises(RoktRejectedError):
                found.judged(limit)
        else:
            found.judged(limit)

    def test_nothing_read_is_within_every_limit(self):
        report().judged(0.0)


class TestMessages:
    def test_rejections_are_counted_named_and_located(self):
        tally = Tally(read=9, accepted=4)
        tally.reject(faults(5, "is no e-mail address", "is late"))
        with pytest.raises(RoktRejectedError) as error:
            tally.report("d1", "file:///ledger/d1").judged(0.5)
        message = str(error.value)
        for part in ("5 of 9", "0.5", "'order-3': user_identities.email: is no e-mail", "'d1'", "file:///ledger/d1"):
            assert part in message
        assert "order-4" not in message

    def test_failed_rows_come_first_since_a_retry_sends_them(self):
        tally = Tally(read=10)
        tally.reject(faults(2))
        tally.fail(faults(3, "answered 503"))
        tally.fail(faults(5, "not sent: Rokt did not answer"))
        with pytest.raises(RoktIncompleteError) as error:
            tally.report("d1", "file:///ledger/d1").judged(0)
        assert error.value.retryable
        assert "8 of 10 rows" in str(error.value)
        assert "not sent: Rokt did not answer (5 rows); answered 503 (3 rows)" in str(error.value)
        assert "file:///ledger/d1" in str(error.value)

    def test_a_fault_without_reasons_is_counted(self):
        tally = Tally(read=2)
        tally.reject([RowFault(RowRef(1, "a"), [])])
        tally.fail([RowFault(RowRef(2, "b"), [])])
        tally.report("d1", "l").check_reconciled()
