"""The report counts every row once, fails for the right reason, and travels as JSON."""

import json
import re
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.exceptions import (
    RoktDroppedError,
    RoktError,
    RoktIncompleteError,
    RoktReconciliationError,
    RoktRejectedError,
)
from airflow_provider_rokt.flow.checks import threshold
from airflow_provider_rokt.flow.gate import Lifted
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
        "sync": None,
        "rows_read": 60,
        "rows_accepted": 30,
        "rows_rejected": 25,
        "rows_failed": 3,
        "rows_skipped": 2,
        "rows_unconfirmed": 0,
        "rows_resumed": 0,
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

    @pytest.mark.parametrize(
        ("rejected", "lifted", "fails"), [(6, 6, False), (7, 6, True), (5, 0, False), (6, 0, True)]
    )
    def test_so_many_as_were_let_pass_do_not_fail(self, rejected, lifted, fails):
        tally = Tally(read=100, accepted=100 - rejected)
        tally.reject(faults(rejected))
        found = replace(tally.report("d1", "l"), lifted=Lifted(rejected=lifted))
        with pytest.raises(RoktRejectedError) if fails else nullcontext():
            found.judged(5)

    def test_a_field_that_was_let_pass_hides_no_other(self):
        tally = Tally(read=300, accepted=300)
        for path in ("user_attributes.mobile", "user_attributes.dob"):
            tally.census.values[path] = 300
            tally.census.invalid[FieldFault(path, "is odd")] = 299 if "mobile" in path else 200
        lifted = Lifted(dropped=frozenset({"user_attributes.mobile"}))
        with pytest.raises(RoktDroppedError, match=r"user_attributes\.dob"):
            replace(tally.report("d1", "l"), lifted=lifted).judged(0, 0.2)
        both = Lifted(dropped=lifted.dropped | {"user_attributes.dob"})
        replace(tally.report("d1", "l"), lifted=both).judged(0, 0.2)

    def test_nothing_read_is_within_every_limit(self):
        report().judged(0.0)


class TestMessages:
    def test_rejections_are_counted_named_and_located(self):
        tally = Tally(read=9, accepted=4)
        tally.reject(faults(5, "is no e-mail address", "is late"))
        with pytest.raises(RoktRejectedError) as error:
            tally.report("d1", "file:///ledger/d1").judged(0.5)
        message = str(error.value)
        assert message.splitlines() == [
            "5 of 9 rows were rejected: user_identities.email: is no e-mail address "
            "(rows 'order-1', 'order-2', 'order-3')",
            "max_rejected is 0.5; everything deliverable was delivered: 4 of 9 rows were accepted, 5 rejected, "
            "0 failed, 0 skipped",
            "Not retried, as they would be rejected again: correct them, then run the task again or, unless it "
            "mirrors, with resend_from='d1'. Ledger: file:///ledger/d1",
        ]

    def test_failed_rows_come_first_since_a_retry_sends_them(self):
        tally = Tally(read=10)
        tally.reject(faults(2))
        tally.fail(faults(3, "answered 503"))
        tally.fail(faults(5, "not sent: Rokt did not answer"))
        tally.retry_after = 7.5
        with pytest.raises(RoktIncompleteError) as error:
            tally.report("d1", "file:///ledger/d1").judged(0)
        assert (error.value.retryable, error.value.retry_after) == (True, 7.5)
        assert str(error.value).splitlines() == [
            "8 of 10 rows were not delivered: not sent: Rokt did not answer (5 rows); answered 503 (3 rows)",
            "0 of 10 rows were accepted, 2 rejected, 8 failed, 0 skipped",
            "A retry sends them; without one, run the task again or, unless it mirrors, resend only them with "
            "resend_from='d1'. Ledger: file:///ledger/d1",
        ]

    def test_what_was_not_sent_any_more_failed_for_the_same_reason(self):
        tally = Tally(read=121)
        tally.fail(faults(100, "not delivered: Rokt answered 503"))
        tally.fail(faults(20, "Rokt answered 503"))
        tally.fail(faults(1, "it broke"))
        with pytest.raises(RoktIncompleteError) as error:
            tally.report("d1", "file:///ledger/d1").judged(0)
        why = "121 of 121 rows were not delivered: Rokt answered 503 (120 rows); it broke (1 row)"
        assert str(error.value).splitlines()[0] == why

    def test_values_that_were_left_out_say_what_to_do(self):
        tally = Tally(read=300, accepted=300)
        tally.drop(faults(200))
        tally.census.values["user_identities.email"] = 300
        tally.census.invalid[FieldFault("user_identities.email", "is empty")] = 200
        with pytest.raises(RoktDroppedError) as error:
            tally.report("d1", "file:///ledger/d1").judged(0, 0.2)
        assert str(error.value).splitlines() == [
            "66.7 % of user_identities.email cannot be sent: is empty",
            "They were left out and everything else was delivered: 300 of 300 rows were accepted, 0 rejected, 0 "
            "failed, 0 skipped; 200 values were left out",
            "Not retried, as max_dropped=0.2 would fail it again: map another column, leave the field out, or allow "
            "more. Ledger: file:///ledger/d1",
        ]

    @pytest.mark.parametrize("max_dropped", [0.2, 1.0])
    @pytest.mark.parametrize("failed", [0, 3])
    def test_no_line_is_without_end(self, failed, max_dropped):
        """With as much of everything as there may be, but a ledger's address."""
        most, name = 10**12, "20260101T000000Z-123456789abc"
        tally = Tally(read=most, accepted=most - 6, skipped=Counter({Skip.UNCHANGED: most}), failed_without_row=most)
        tally.failed_without_row = most if failed else 0
        for number in range(3):
            long = FieldFault(f"user_attributes.{'a' * 200}", "z" * 500)
            tally.reject([RowFault(RowRef(number + 1, str(number) * 200), [long])])
            tally.fail([RowFault(RowRef(number + 1, "k"), [FieldFault("", f"{number}" * 190)])] * (failed > 0))
            tally.drop([RowFault(RowRef(number + 1, "k"), [long])] * most.bit_length())
            tally.census.values[long.path] = tally.census.invalid[long] = most
        limit = 1.0 if max_dropped < 1 else 0
        with pytest.raises(RoktError) as error:
            tally.report(name, "").judged(limit, max_dropped)
        lines = str(error.value).splitlines()
        assert len(lines) == 3
        assert len(lines[0]) <= 600
        assert max(map(len, lines[1:])) <= 165
        assert f"resend_from={name!r}" in lines[2] or (max_dropped < 1 and not failed)

    def test_a_reason_is_told_to_its_end(self):
        tally, reason = Tally(read=1), "the row has no identity: one of " + ", ".join(["user_identities.email"] * 9)
        tally.reject([RowFault(RowRef(1, "o1"), [FieldFault("user_identities", reason)])])
        with pytest.raises(RoktRejectedError, match=re.escape(f"rejected: user_identities: {reason} (row 'o1')")):
            tally.report("d1", "l").judged(0)

    def test_a_fault_without_reasons_is_counted(self):
        tally = Tally(read=2)
        tally.reject([RowFault(RowRef(1, "a"), [])])
        tally.fail([RowFault(RowRef(2, "b"), [])])
        tally.report("d1", "l").check_reconciled()


def test_what_rokt_took_before_is_known_from_an_earlier_try_or_run() -> None:
    tally = Tally(skipped=Counter({Skip.REPEATED: 2}))
    assert not tally.took_before
    tally.resume(Counter({0: 1}))
    assert tally.took_before
    assert all(Tally(skipped=Counter({skip: 1})).took_before for skip in set(Skip) - {Skip.REPEATED})
