"""How a delivery's end is told in a log."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.flow.lines import PAGE_CHARS
from airflow_provider_rokt.flow.row import FieldFault, RowFault, RowRef, Skip
from airflow_provider_rokt.ledger.closing import REASONS_TOLD, closing_lines
from airflow_provider_rokt.ledger.report import OTHERS, REASONS_COUNTED, Tally

COUNT = st.integers(0, 10**9)
WORDS = st.text(st.characters(codec="utf-8"), max_size=300)


def lines(tally, seconds=3.0):
    return list(closing_lines(tally.report("d1", "file:///ledger/d1", "shop.orders"), seconds))


def rejected(*reasons):
    return [
        RowFault(RowRef(number, f"o{number}"), [FieldFault("ip", reason)]) for number, reason in enumerate(reasons, 1)
    ]


def test_every_count_is_told():
    tally = Tally(
        read=21, accepted=5, skipped=Counter({Skip.SENT: 7}), batches=4, requests=2, extras={"members_added": 9}
    )
    tally.resume(Counter({1: 6}))
    tally.unconfirmed["somebody else may have answered"] = 2
    tally.fail(rejected("not sent: Rokt did not answer"))
    tally.reject(rejected("is bad", "is worse", "is bad"))
    tally.drop(rejected("is odd"))
    tally.status_codes.update({"503": 1, "202": 2})
    assert [text for _, text in lines(tally)] == [
        "Delivery d1 of sync shop.orders ended after 3 s",
        "          21 rows read",
        "          11 accepted",
        "               6 in an earlier try of this task",
        "               2 unconfirmed: somebody else may have answered",
        "           3 rejected",
        "               2 ip: is bad",
        "               1 ip: is worse",
        "           1 failed",
        "               1 not sent: Rokt did not answer",
        "           7 skipped",
        "               7 sent before",
        "           1 values left out",
        "               1 ip: is odd",
        "           9 members added",
        "           4 batches; 2 requests, by answer 202: 2, 503: 1",
        "Ledger: file:///ledger/d1",
    ]


def test_what_a_person_should_look_at_is_no_good_line():
    tally = Tally(read=3, accepted=2)
    assert all(line.is_good for line in lines(tally))
    tally.reject(rejected("is bad"))
    assert [text.split()[1] for is_good, text in lines(tally) if not is_good] == ["rejected", "ip:"]


def test_many_reasons_are_counted_together():
    tally = Tally(read=REASONS_TOLD + 2)
    tally.reject(rejected(*[f"is bad {number:02}" for number in range(REASONS_TOLD + 2)]))
    told = [text.split(maxsplit=1) for _, text in lines(tally)]
    assert told[REASONS_TOLD + 3 : REASONS_TOLD + 5] == [
        ["1", "ip: is bad 09"],
        ["2", "for 2 more reasons, see the ledger"],
    ]


def test_what_rokt_says_without_end_takes_no_memory_without_end():
    tally = Tally()
    tally.reject(rejected(*[f"said {number}" for number in range(REASONS_COUNTED + 5)]))
    assert (len(tally.reasons), tally.reasons[OTHERS], tally.rejected) == (REASONS_COUNTED + 1, 5, REASONS_COUNTED + 5)


def test_a_long_reason_can_be_read_to_its_end():
    reason = "no answer from Rokt (its name cannot be looked up: is it spelt right, and does this worker have a DNS?) "
    tally = Tally(read=3, failures=Counter({reason + "until the time budget of 600 s was spent": 3}), failed=3)
    told = [text for is_good, text in lines(tally) if not is_good]
    assert " ".join(" ".join(told).split()) == f"3 failed 3 {reason}until the time budget of 600 s was spent"
    assert len(told) == 3 and all(len(text) <= PAGE_CHARS for text in told)
    assert {text[:20] for text in told[2:]} == {" " * 20}


@given(COUNT, st.dictionaries(WORDS, COUNT, max_size=12), WORDS)
def test_no_line_is_wider_than_a_page_but_the_ledgers(accepted, failures, sync):
    tally = Tally(read=accepted, accepted=accepted, failures=Counter(failures), failed=sum(failures.values()))
    *told, ledger = closing_lines(tally.report("d" * 40, "file:///" + "l" * 300, sync), 1e6)
    assert all(len(line.text) <= 160 for line in told)
    assert ledger.text.endswith("l" * 300)
