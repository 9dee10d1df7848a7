"""What a run says in the task's log."""

import logging
import re
import time

import pytest

from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox.faults import Status
from airflow_provider_rokt.task.failures import RoktTaskFailed

LAST = "Ledger: "


def orders(count, **changes):
    """Orders; a change is a function of the order's number."""
    made = [
        {
            "email": f"person{number}@example.com",
            "source_message_id": f"order-{number}",
            "timestamp_unixtime_ms": int(time.time() * 1000),
            "conversiontype": "purchase",
        }
        for number in range(count)
    ]
    return [row | {name: change(number) for name, change in changes.items()} for number, row in enumerate(made)]


@pytest.fixture
def told(rokt, ledger, caplog):
    """Sends rows; gives the lines that were logged since, with their levels."""
    caplog.set_level(logging.INFO)

    def tell(rows, **options):
        caplog.clear()
        try:
            RoktHook().send_conversions(rows, **options)
        except RoktTaskFailed as error:
            assert "rejected" in str(error)
        return [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if record.name.startswith("airflow_provider_rokt")
        ]

    return tell


def test_it_begins_with_what_is_done_where(told):
    first, second, *_ = [line for _, line in told(orders(1), sync="shop.orders")]
    assert first == "Begins sync shop.orders: conversions to 127.0.0.1, connection rokt_default, environment production"
    assert re.fullmatch(r"Delivery [\w-]+, ledger file:///\S+", second)


def test_it_ends_with_every_row_and_why(told):
    rows = orders(
        11,
        email=lambda number: None if number < 2 else f"person{number}@example.com",
        ip=lambda number: "nowhere" if number > 7 else "198.51.100.7",
    )
    rows.append(rows[-1])
    lines = told(rows, max_rejected=2)
    begin = next(place for place, (_, line) in enumerate(lines) if line.endswith("ended after 0 s"))
    closing = lines[begin + 1 :]
    # A long reason goes on below itself.
    further = [line for _, line in closing if line.startswith(" " * 20)]
    assert further[-1].endswith(" is needed")
    assert closing == [
        ("INFO", "          12 rows read"),
        ("INFO", "           9 accepted"),
        ("WARNING", "           2 rejected"),
        ("WARNING", "               2 user_identities: the row has no identity: one of user_identities.email,"),
        *[("WARNING", line) for line in further],
        ("INFO", "           0 failed"),
        ("INFO", "           1 skipped"),
        ("INFO", "               1 same id twice"),
        ("WARNING", "           3 values left out"),
        ("WARNING", "               3 ip: not an IPv4 or IPv6 address"),
        ("INFO", "           9 batches; 1 requests, by answer 202: 1"),
        ("INFO", closing[-1][1]),
    ]
    assert closing[-1][1].startswith(LAST)


def test_an_answer_that_asks_to_slow_down_has_no_line_of_its_own(told, sandbox):
    sandbox.faults.add(Status(status=429, times=2), Status(status=503, times=1))
    lines = [line for _, line in told(orders(3))]
    assert [line for line in lines if "trying again" in line] == [
        next(line for line in lines if line.startswith("Rokt answered 503; trying again in "))
    ]
    assert any(line.endswith("by answer 202: 1, 429: 2, 503: 1") for line in lines)


def test_a_run_that_fails_ends_so_too(told, sandbox):
    lines = told(orders(3, amount=lambda number: "?"))
    (last,) = (number for number, (_, line) in enumerate(lines) if line.startswith(LAST))
    assert [line.split() for _, line in lines[:last] if "rejected" in line] == [["3", "rejected"]]
    failure = lines[last + 1 :]
    assert failure[0] == (
        "ERROR",
        "3 of 3 rows were rejected: events[].data.custom_attributes.amount: not a plain decimal number, like",
    )
    assert {level for level, _ in failure} == {"ERROR"}


def test_no_line_is_wider_than_a_page_but_a_ledgers_address(told):
    rows = orders(4, **{"events[].data.custom_attributes." + "x" * 200: lambda number: {"no": "text"}})
    lines = [line for _, line in told(rows, sync="s" * 90, max_rejected=4)]
    assert lines and all(len(line) <= 160 for line in lines if "ledger" not in line.lower())
