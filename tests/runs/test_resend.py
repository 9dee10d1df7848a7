"""What ``resend_from`` sends: what an earlier delivery names, never more, never less, and nothing on a guess."""

import random
import tracemalloc
from pathlib import Path

import pytest

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktLedgerError
from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.runs.resend import Resend
from airflow_provider_rokt.sorting import key_set
from airflow_provider_rokt.sorting.key_set import KeySet
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.commands.commands import order

# Ids of a shop's own that read like what the ledger calls rows without one, and members.
LIKE_PLACES = [
    "row 3",
    "row 1",
    "row 17",
    "row 2 ",
    "row",
    "member 0123456789abcdef",
    "row x",
    "sha256:0123456789abcdef",
]
MAPPING = {
    "user_identities.email": "email",
    "events[].data.source_message_id": "source_message_id",
    "events[].data.timestamp_unixtime_ms": "timestamp_unixtime_ms",
    "events[].data.custom_attributes.conversiontype": "conversiontype",
}


def sent(sandbox):
    return [event["data"]["source_message_id"] for document in sandbox.store.documents for event in document["events"]]


def resend(earlier, rows, **options):
    return RoktHook().send_conversions(rows, MAPPING, resend_from=earlier["delivery_id"], **options)


@pytest.mark.parametrize("bad", [LIKE_PLACES, LIKE_PLACES[::2], LIKE_PLACES[1::2]], ids=["all", "even", "odd"])
def test_an_id_that_reads_like_a_place_is_an_id(sandbox, rokt, ledger, bad):
    rows = [order(number, source_message_id=key) for number, key in enumerate(LIKE_PLACES)]
    first = RoktHook().send_conversions(
        [row | ({"email": "nobody"} if row["source_message_id"] in bad else {}) for row in rows],
        MAPPING,
        max_rejected=1.0,
    )
    assert first["rows_rejected"] == len(bad)
    before = set(sent(sandbox))
    # In another order: a place would name another row.
    again = resend(first, rows[::-1])
    assert (again["rows_accepted"], again["rows_skipped"]) == (len(bad), len(rows) - len(bad))
    assert set(sent(sandbox)) - before == {key.strip() for key in bad}


def test_a_place_of_an_old_ledger_is_one_only_where_it_names_its_own_row(ledger, begin):
    """An id that read like a place was once written as it is."""
    writer = begin()
    faults = [FieldFault("ip", "is no address")]
    writer.rows(Outcome.REJECTED, [RowFault(RowRef.at(4), faults), RowFault(RowRef(9, "row 2"), faults)])
    writer.finish(Tally(read=9, accepted=7, rejected=2).report(writer.delivery_id, writer.uri), complete=True)
    selects = Resend(ledger.open(writer.delivery_id))
    assert selects(RowRef(4, "order-4"))
    assert not selects(RowRef(2, "order-2"))
    assert selects(RowRef(5, "row 2"))


def _cut(data):
    return data[: data.index(b'{"kind":"row","outcome":"rejected","number":3')]


@pytest.mark.parametrize(
    ("file", "damage", "named"),
    [
        (
            "part-00000.jsonl",
            lambda data: data.replace(b'"key":"order-3"', b'"key":"order-'),
            "damaged line in part-00000",
        ),
        ("part-00000.jsonl", _cut, "counts 3"),
        ("part-00000.jsonl", lambda data: b"", "part-00000.jsonl has no header"),
        ("part-00000.jsonl", lambda data: b"\0" + data, "part-00000.jsonl has no header"),
        ("report.jsonl", lambda data: b'{"kind":"report"}\n', "report.jsonl is no report"),
        ("report.jsonl", lambda data: data.replace(b'"rows_rejected":3', b'"rows_rejected":"3"'), "report.jsonl"),
    ],
)
def test_a_damaged_ledger_is_refused_and_nothing_is_sent(sandbox, rokt, ledger, file, damage, named):
    rows = [order(number) for number in range(1, 6)]
    first = RoktHook().send_conversions(
        [row | ({"email": "nobody"} if number % 2 else {}) for number, row in enumerate(rows, 1)],
        MAPPING,
        max_rejected=1.0,
    )
    path = Path(first["ledger"].removeprefix("file://"), file)
    path.write_bytes(damage(path.read_bytes()))
    requests = len(sandbox.store.requests)
    with pytest.raises(RoktTaskFailed) as refused:
        resend(first, rows)
    assert isinstance(refused.value.__cause__, RoktLedgerDamagedError)
    assert named in str(refused.value)
    assert "run the task without resend_from" in str(refused.value)
    assert len(sandbox.store.requests) == requests


def test_rows_that_are_gone_are_counted(sandbox, rokt, ledger, caplog):
    rows = [order(number, email="nobody") for number in range(5)]
    first = RoktHook().send_conversions(rows, MAPPING, max_rejected=1.0)
    assert resend(first, [order(number) for number in (1, 3, 7, 3)])["rows_accepted"] == 2
    assert f"3 rows of delivery {first['delivery_id']} are no longer in the query; not sent" in caplog.text


@pytest.mark.parametrize(
    ("audience", "mode"), [("other", "include"), ("vip", "exclude")], ids=["another audience", "another mode"]
)
def test_an_audience_is_resent_to_itself_alone(sandbox, rokt, ledger, audience, mode):
    people = [{"email": "jane@example.com"}, {"email": "nobody"}]
    first = RoktHook().send_audience(people, "vip", max_rejected=1.0)
    requests = len(sandbox.store.requests)
    with pytest.raises(RoktTaskFailed, match="cannot be resent here") as refused:
        RoktHook().send_audience(people, audience, mode=mode, resend_from=first["delivery_id"])
    assert isinstance(refused.value.__cause__, RoktLedgerError)
    with pytest.raises(RoktTaskFailed, match="cannot be resent here"):
        resend(first, [order(1)])
    assert len(sandbox.store.requests) == requests


def test_conversions_are_not_resent_as_an_audience(sandbox, rokt, ledger):
    first = RoktHook().send_conversions([order(1, email="nobody")], MAPPING, max_rejected=1.0)
    with pytest.raises(RoktTaskFailed, match="its operation was 'conversions'"):
        RoktHook().send_audience([{"email": "jane@example.com"}], "vip", resend_from=first["delivery_id"])
    assert not sandbox.store.requests


# --- the set of keys


@pytest.mark.parametrize("count", [0, 1, 7, 50, 3000])
def test_a_set_of_keys_holds_what_was_added_and_nothing_else(monkeypatch, count):
    monkeypatch.setattr(key_set, "_RUN", 10)
    keys = [f"order-{number}" for number in range(count)]
    mixed = [*keys, *keys[::3]]
    random.Random(1).shuffle(mixed)
    found = KeySet()
    for key in mixed:
        found.add(key)
    assert len(found) == found.unasked == count
    assert not any(found.ask(f"other-{number}") for number in range(count + 20))
    assert found.unasked == count
    assert all(found.ask(key) for key in keys[::2])
    assert found.unasked == count // 2
    assert all(found.ask(key) for key in keys)
    assert found.unasked == 0


def test_one_key_for_many_rows_takes_no_room():
    """As where a query gives every row the same id, and all are rejected."""
    found = KeySet()
    tracemalloc.start()
    for _ in range(300_000):
        found.add("order")
    assert (len(found), found.ask("order"), found.unasked) == (1, True, 0)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 300,000 hashes would be 17 MB.
    assert most < 2_000_000
