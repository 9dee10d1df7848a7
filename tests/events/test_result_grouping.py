"""Over the whole result, a user's events come together in as few batches as their order and the limits allow."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.events.batch import EventBatch, serialise
from airflow_provider_rokt.events.grouping import coverage_of, open_batch
from airflow_provider_rokt.events.result_grouping import ResultGrouping
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.limits import ATTRIBUTES, BATCH_BYTES, EVENTS_PER_REQUEST
from airflow_provider_rokt.sorting import line_sorter
from tests.events.documents import EXAMPLE, Document, with_value
from tests.events.test_grouping import (
    ADDRESSES,
    NOTE,
    Rows,
    attributes_of,
    circumstances_of,
    exactly,
    group,
    keys,
    numbered,
    user_of,
    windows,
)

# Three of those, one behind the other: the users of one come again in the next.
results = st.lists(windows(), min_size=1, max_size=3).map(
    lambda some: numbered([document for rows in some for _, document in rows])
)


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Little is held, so that the lines lie in many files."""
    monkeypatch.setattr("airflow_provider_rokt.events.result_grouping.MEMORY_BYTES", 5_000)
    monkeypatch.setattr(line_sorter, "RUNS", 4)


def whole(rows: Rows, accepted: frozenset[RowRef] = frozenset()) -> list[EventBatch]:
    """What comes of rows, of which an earlier try sent some."""
    grouping = ResultGrouping(salt=b"salt")
    for row, document in rows:
        if single := open_batch(row, document, coverage_of(document)):
            (grouping.part if row in accepted else grouping.add)(single)
    return list(grouping.close())


def events_of(batches: list[EventBatch]) -> Counter[str]:
    """What each event says, and what is around it but the user's attributes."""
    found: Counter[str] = Counter()
    for batch in batches:
        body = json.loads(batch.body)
        around = {name: body[name] for name in body if name not in ("events", "source_request_id", "user_attributes")}
        found.update(exactly([row, event, around]) for row, event in zip(batch.rows, body["events"], strict=True))
    return found


@settings(deadline=None, max_examples=25)
@given(results)
def test_what_is_sent_is_what_the_windows_send(rows: Rows) -> None:
    batches = whole(rows)
    assert events_of(batches) == events_of(group(rows).batches)
    documents = dict(rows)
    for batch in batches:
        said = {name: exactly(value) for name, value in attributes_of(batch).items()}
        told = [documents[row]["user_attributes"] for row in batch.rows]
        assert {name: exactly(value) for one in told for name, value in one.items()} == said
        assert all(said[name] == exactly(value) for one in told for name, value in one.items())
        assert batch.coverage == coverage_of(json.loads(batch.body))
        assert len(batch.marks) == 16 * len(batch.rows)


@settings(deadline=None, max_examples=25)
@given(results)
def test_each_users_events_are_in_order_and_no_limit_is_broken(rows: Rows) -> None:
    users, seen = {row: user_of(document) for row, document in rows}, defaultdict(list)
    for batch in whole(rows):
        (user,) = {users[row] for row in batch.rows}
        seen[user] += batch.rows
        assert len(batch.body) <= BATCH_BYTES
        assert len(batch.rows) <= EVENTS_PER_REQUEST
        assert len(attributes_of(batch)) <= ATTRIBUTES
    assert all(sent == sorted(sent) for sent in seen.values())


@settings(deadline=None, max_examples=25)
@given(results)
def test_no_order_of_the_events_makes_fewer_batches(rows: Rows) -> None:
    by_user: dict[str, Rows] = defaultdict(list)
    for row, document in rows:
        if open_batch(row, document, 0):
            by_user[user_of(document)].append((row, document))
    assert len(whole(rows)) == sum(map(fewest, by_user.values()))


class Told(NamedTuple):
    """What decides whether an event may share a batch.

    :param bytes_around: what everything but events and user attributes takes.
    """

    circumstances: str
    attributes: dict[str, str]
    event_bytes: int
    bytes_around: int


def told(document: Document) -> Told:
    """What a row says of that."""
    around = {name: section for name, section in document.items() if name not in ("events", "user_attributes")}
    attributes = {name: serialise({name: value}) for name, value in document.get("user_attributes", {}).items()}
    return Told(
        circumstances_of(document),
        {name: pair.decode() for name, pair in attributes.items()},
        len(serialise(document["events"][0])),
        len(EventBatch.of(serialise(around), [], []).body),
    )


def fewest(rows: Rows) -> int:
    """How few batches the events of one user take, in this order: the best of all ways to part them."""
    events = [told(document) for _, document in rows]
    best = [0] + [len(rows)] * len(rows)
    for start in range(len(rows)):
        for end in ends(events, start):
            best[end] = min(best[end], best[start] + 1)
    return best[-1]


def ends(events: list[Told], start: int) -> Iterator[int]:
    """Where a batch may end that begins there."""
    attributes: dict[str, str] = {}
    for end, event in enumerate(events[start : start + EVENTS_PER_REQUEST], start + 1):
        contradicts = any(attributes.get(name, pair) != pair for name, pair in event.attributes.items())
        attributes |= event.attributes
        section = len(',"user_attributes":{}') + sum(len(pair) - 1 for pair in attributes.values()) - 1
        size = sum(one.event_bytes + 1 for one in events[start:end]) - 1 + (section if attributes else 0)
        is_large = events[start].bytes_around + size > BATCH_BYTES
        fits = event.circumstances == events[start].circumstances and len(attributes) <= ATTRIBUTES
        # What is too large alone goes as UTF-8, with nothing beside it.
        if end > start + 1 and (not fits or contradicts or is_large):
            return
        yield end
        if is_large:
            return


@settings(deadline=None, max_examples=25)
@given(results, st.randoms(use_true_random=False))
def test_batches_and_ids_are_the_same_whatever_the_order_of_the_users(rows: Rows, random: Any) -> None:
    """As of another order of the query, which numbers the rows anew."""
    waiting: dict[str, list[Document]] = defaultdict(list)
    for _, document in rows:
        waiting[user_of(document)].append(document)
    other = []
    while waiting:
        user = random.choice(sorted(waiting))
        other.append(waiting[user].pop(0))
        if not waiting[user]:
            del waiting[user]
    mixed = [(RowRef(number, _id(document)), document) for number, document in enumerate(other, 1)]
    assert [batch.body for batch in whole(mixed)] == [batch.body for batch in whole(rows)]


def _id(document: Document) -> str:
    return str(document["events"][0]["data"]["source_message_id"])


@settings(deadline=None, max_examples=25)
@given(results, st.data())
def test_a_retry_makes_the_same_batches_of_what_is_left(rows: Rows, data: st.DataObject) -> None:
    first = whole(rows)
    taken = [data.draw(st.booleans()) for _ in first[:10]] * len(first)
    accepted = frozenset(row for batch, is_taken in zip(first, taken, strict=False) if is_taken for row in batch.rows)
    assert whole(rows, accepted) == [batch for batch in first if not accepted & set(batch.rows)]


def test_events_far_apart_come_together() -> None:
    other = with_value(EXAMPLE, ("user_identities", "email"), "john@example.com")
    rows = numbered([EXAMPLE, *[other] * 150, EXAMPLE])
    assert sorted(keys(whole(rows))) == [[1, 152], [*range(2, 102)], [*range(102, 152)]]


def test_no_event_overtakes_one_that_came_with_other_circumstances() -> None:
    here, there = (with_value(EXAMPLE, ("ip",), address) for address in ADDRESSES)
    assert keys(whole(numbered([here, there, here, here]))) == [[1], [2], [3, 4]]


def test_text_that_fits_only_unescaped_stays_alone() -> None:
    large = with_value(EXAMPLE, NOTE, "日" * 30_000)
    assert keys(whole(numbered([EXAMPLE, large, EXAMPLE, EXAMPLE]))) == [[1], [2], [3, 4]]


def test_what_a_retry_leaves_out_parts_what_it_parted_before() -> None:
    here, there = (with_value(EXAMPLE, ("ip",), address) for address in ADDRESSES)
    rows = numbered([here, there, here])
    assert keys(whole(rows, frozenset({rows[1][0]}))) == [[1], [3]]
    assert keys(whole([rows[0], rows[2]])) == [[1, 3]]


@pytest.mark.parametrize("text", ["日" * 30_000, 'a\ttab, a\nbreak, "quotes" and \\ for all', "\x7f\x85\u2028"])
def test_a_row_survives_the_disk_as_it_is(text: str) -> None:
    document = with_value(EXAMPLE, NOTE, text)
    single = open_batch(row := RowRef(7, "key\twith a tab, a\nbreak and ü"), document, coverage_of(document))
    assert single
    grouping = ResultGrouping(salt=b"salt")
    grouping.add(single)
    (batch,) = grouping.close()
    again = open_batch(row, document, coverage_of(document))
    assert again
    assert batch == again.close(b"salt")


def test_what_was_sent_without_an_end_is_remembered_to_be_doubtful() -> None:
    grouping = ResultGrouping()
    for number, repeats in enumerate([False, True], 1):
        single = open_batch(RowRef(number, str(number)), with_value(EXAMPLE, ("ip",), ADDRESSES[repeats]), 0)
        assert single
        single.repeats = repeats
        grouping.add(single)
    assert [(batch.rows[0].number, batch.repeats) for batch in grouping.close()] == [(1, False), (2, True)]
