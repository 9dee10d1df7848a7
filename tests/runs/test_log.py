"""What a run says in the task's log."""

import time

import pytest

from airflow_provider_rokt.hooks.rokt import RoktHook


@pytest.mark.parametrize(("bad", "told"), [(1, "Left out of 1 row: ip: not "), (2, "Left out of 2 rows: ip: not ")])
def test_it_counts_the_rows_that_lost_a_value(rokt, ledger, caplog, bad, told):
    rows = [
        {
            "email": f"person{number}@example.com",
            "source_message_id": f"order-{number}",
            "timestamp_unixtime_ms": int(time.time() * 1000),
            "conversiontype": "purchase",
            "ip": "nowhere" if number < bad else "198.51.100.7",
        }
        for number in range(3)
    ]
    RoktHook().send_conversions(rows)
    assert told in caplog.text
