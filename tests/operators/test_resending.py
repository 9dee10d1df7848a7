"""What was not delivered is sent again to where it was meant for, and nowhere else."""

import time

import pytest

from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.task.failures import RoktTaskFailed


def conversions(**options):
    order = {"timestamp_unixtime_ms": int(time.time() * 1000), "conversiontype": "purchase"}
    rows = [order | {"email": email, "source_message_id": email[:1]} for email in ("jane@example.com", "nobody")]
    return RoktHook().send_conversions(rows, max_rejected=1, **options)


def audience(name="vip", **options):
    rows = [{"email": email, "source_message_id": email[:1]} for email in ("jane@example.com", "nobody")]
    return RoktHook().send_audience(rows, name, max_rejected=1, via="events", **options)


def other(**options):
    return audience("other", **options)


def excluded(**options):
    return audience(mode="exclude", **options)


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        (audience, other, "audience was 'vip', this task's is 'other'"),
        (audience, excluded, "mode was 'include', this task's is 'exclude'"),
        (excluded, audience, "mode was 'exclude', this task's is 'include'"),
        (conversions, audience, "operation was 'conversions', this task's is 'audience'"),
        (audience, conversions, "operation was 'audience', this task's is 'conversions'"),
    ],
)
def test_rows_are_not_sent_again_to_another_end(sandbox, rokt, ledger, first, second, says):
    earlier = first()["delivery_id"]
    before = len(sandbox.store.requests)
    with pytest.raises(RoktTaskFailed, match=f"{earlier} cannot be resent here: its {says}"):
        second(resend_from=earlier)
    assert len(sandbox.store.requests) == before
    # Where it was meant for it is taken.
    assert first(resend_from=earlier)["rows_rejected"] == 1
