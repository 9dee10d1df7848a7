"""What the pages ask of the storage: what is over once, of what is open the end alone, and lists whatever there is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import Any

import pytest

from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.flow.row import Outcome, RowFault, RowRef
from airflow_provider_rokt.flow.threads import RealThreads
from airflow_provider_rokt.ledger.parts import REPORT_NAME
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.storage.folder import part_name
from airflow_provider_rokt.summaries.decision import Decision
from airflow_provider_rokt.summaries.known_deliveries import KnownDeliveries
from airflow_provider_rokt.summaries.known_delivery import State
from airflow_provider_rokt.summaries.sync_runs import runs_of
from tests.ledger.stores import CountingStore, StorePath
from tests.plugin.conftest import needs_places
from tests.plugin.history import EMAIL, History, sender_of

pytestmark = needs_places

NOW = datetime.now(UTC)
HEADER = part_name(0)
DAY = timedelta(days=1)


class Clock(RealThreads):
    """A clock that is set."""

    at = 30.0

    def now(self) -> float:
        return self.at


class Everybody:
    """A visitor who may read everything, and tasks none of which is at work or has failed."""

    def may_read(self, dag_id: str | None) -> bool:
        return True

    def is_at_work(self, sender: Any) -> bool:
        return False

    def goes_on(self, sender: Any) -> bool:
        return False

    def decision(self, sender: Any) -> Decision:
        return Decision.UNKNOWN

    def since(self, *asked: Any) -> list[Any]:
        return []


ANYBODY: Any = Everybody()


class EventfulStore(CountingStore):
    """A store where something happens after it was asked for a report that it does not have."""

    meanwhile: Callable[[], None] | None = None

    def cat_file(self, path: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().cat_file(path, *args, **kwargs)
        except FileNotFoundError:
            happens, self.meanwhile = self.meanwhile, None
            if happens:
                happens()
            raise


@pytest.fixture
def store() -> EventfulStore:
    return EventfulStore()


@pytest.fixture
def past(store: EventfulStore) -> History:
    return History(StorePath("/bucket/ledger", store))


def asked(store: CountingStore, *of: str) -> dict[str, int]:
    """How often the store was asked since this was last looked at; of some things alone."""
    found = {what: count for what, count in sorted(store.asked.items()) if what in of or not of}
    store.asked.clear()
    return found


def listed(known: KnownDeliveries) -> dict[str, Any]:
    from airflow_provider_rokt.plugin.sync_pages import Filter, SyncPages

    return SyncPages(known).all(ANYBODY, ANYBODY, ANYBODY, Filter(), 1)


def end(past: History, name: str) -> None:
    """Writes a delivery's report."""
    told = Tally(read=3, accepted=3).report(name, past.ledger.uri).summary()
    past.end(name, told | {"complete": True, "finished_at": NOW.isoformat()})


def rejecting(past: History) -> str:
    """A delivery that is over, of two rows that were rejected."""
    writer = past.ledger.begin("conversions", sender_of("r"), {})
    tally, faults = Tally(read=2), [RowFault(RowRef(row, f"{row}"), (EMAIL,)) for row in (1, 2)]
    writer.rows(Outcome.REJECTED, faults)
    tally.reject(faults)
    writer.finish(tally.report(writer.delivery_id, writer.uri), complete=True)
    return writer.delivery_id


def test_what_is_over_is_read_once_and_lists_alone_are_asked_for_again(past, store) -> None:
    from airflow_provider_rokt.plugin.sync_pages import Filter, SyncPages

    for days in range(8):
        for sync in range(3):
            past.add(NOW - days * DAY, sender_of(f"r{days}", task_id=f"t{sync}"), 1, ends=days != 5)
    pages = SyncPages(KnownDeliveries(past.ledger, Clock()))
    asked(store)
    pages.all(ANYBODY, ANYBODY, ANYBODY, Filter(), 1)
    # The syncs, the deliveries of each, the ledger's days, today, yesterday, and the day whose first ends the search.
    lists = 1 + 3 + 1 + 3
    # The three whose task was seen not at work are asked for their report once more, and never again.
    assert asked(store) == {"about.json": 3, HEADER: 24, "ls": lists, REPORT_NAME: 24 + 3}
    told = pages.all(ANYBODY, ANYBODY, ANYBODY, Filter(), 1)
    assert asked(store) == {"about.json": 3, "ls": lists}
    assert [[str(run.state) for run in line.runs].count("stopped") for line in told["lines"]] == [1, 1, 1]


def test_the_list_reads_no_more_than_the_newest_run_of_what_it_does_not_show(past, store) -> None:
    for number in range(27):
        for days in range(4, 9):
            past.add(NOW - days * DAY, sender_of(f"r{days}", task_id=f"t{number:02}"), 1)
    asked(store)
    told = listed(KnownDeliveries(past.ledger))
    assert told["known"] == 27
    assert [len(line.runs) for line in told["lines"]] == [5] * 25
    # Of the two that are not shown the newest run, and the one before, by which its end is known.
    assert asked(store, HEADER) == {HEADER: 25 * 5 + 2 * 2}


def test_what_is_open_is_asked_for_its_end_the_less_often_the_older_it_is(past, store) -> None:
    clock = Clock()
    known = KnownDeliveries(past.ledger, clock)
    new, old = (past.add(NOW - age, sender_of("r"), 3, ends=False) for age in (timedelta(), 2 * DAY))
    asked(store)

    def seen() -> tuple[list[bool], dict[str, int]]:
        return [one.report is not None for one in known.named([new, old])], asked(store)

    assert seen() == ([False, False], {HEADER: 2, REPORT_NAME: 2})
    clock.at += 2
    assert seen() == ([False, False], {})
    clock.at += 2
    assert seen() == ([False, False], {REPORT_NAME: 1})
    end(past, new)
    end(past, old)
    clock.at += 4
    assert seen() == ([True, False], {REPORT_NAME: 1})
    # A page of its own does not wait for as long as a list does.
    found = known.find(old)
    assert found
    assert found.report
    assert asked(store) == {REPORT_NAME: 1}
    clock.at += 3_600
    assert seen() == ([True, True], {})


def test_a_list_learns_of_an_old_end_within_minutes(past, store) -> None:
    clock = Clock()
    known = KnownDeliveries(past.ledger, clock)
    old = past.add(NOW - 400 * DAY, sender_of("r"), 3, ends=False)
    assert [one.report for one in known.named([old])] == [None]
    end(past, old)
    clock.at += 600
    assert [bool(one.report) for one in known.named([old])] == [True]


def test_how_it_ended_is_asked_for_once_its_task_is_over(past, store) -> None:
    """A report is written before its task ends, and what a list remembers may be minutes old."""
    clock = Clock()
    known = KnownDeliveries(past.ledger, clock)
    ended, killed = (past.add(NOW - 2 * DAY, sender_of(run), 3, ends=False) for run in "ab")
    assert [one.report for one in known.named([ended, killed])] == [None, None]
    end(past, ended)
    asked(store)

    def seen() -> tuple[list[State], dict[str, int]]:
        runs = runs_of(known.named([ended, killed]), known, ANYBODY)
        return [run.state for run in runs], asked(store)

    told = [State.DELIVERED, State.STOPPED]
    assert seen() == (told, {REPORT_NAME: 2})
    assert seen() == (told, {})
    clock.at += 600
    assert seen() == (told, {REPORT_NAME: 1})
    assert seen() == (told, {})


def test_what_one_thread_has_seen_end_no_other_takes_for_open(past, store) -> None:
    clock = Clock()
    known = KnownDeliveries(past.ledger, clock)
    name = past.add(NOW - 2 * DAY, sender_of("a"), 3, ends=False)
    list(known.named([name]))

    def meanwhile() -> None:
        end(past, name)
        thread = Thread(target=known.find, args=[name])
        thread.start()
        thread.join()

    clock.at += 600
    store.meanwhile = meanwhile
    assert [one.report for one in known.named([name])] == [None]
    assert [bool(one.report) for one in known.named([name])] == [True]


def test_what_is_not_there_is_not_looked_for_at_once_again(past, store) -> None:
    """A bucket may drop old files by a rule of its own, and a sync goes on naming them."""
    clock = Clock()
    known = KnownDeliveries(past.ledger, clock)
    gone = [f"20260101T00000{number}Z-gone" for number in range(5)]
    assert list(known.named(gone)) == []
    assert asked(store)
    assert list(known.named(gone)) == []
    assert asked(store) == {}
    past.ledger.begin("conversions", {}, {}, gone[0])
    clock.at += 600
    assert [one.delivery_id for one in known.named(gone)] == gone[:1]


def test_what_cannot_be_read_is_asked_for_anew_at_once(past, store) -> None:
    known = KnownDeliveries(past.ledger, Clock())
    name = past.add(NOW - DAY, sender_of("r"), 3)
    path = next(path for path in store.store if path.endswith(f"{name}/{HEADER}"))
    whole = store.cat_file(path)
    store.pipe_file(path, b"torn")
    assert [bool(one.problem) for one in known.named([name])] == [True]
    store.pipe_file(path, whole)
    assert [bool(one.problem) for one in known.named([name])] == [False]


def test_where_a_delivery_lies_is_known_once_it_is(past, store) -> None:
    known = KnownDeliveries(past.ledger)
    (found,) = known.named([rejecting(past)])
    asked(store)
    assert known.details(found).counts["rejected"] == 2
    assert [rows for _, rows in known.reasons(found, "").most_common()] == [2]
    # One question is whether it is over, and one which parts it has.
    assert asked(store, "exists", "ls") == {"exists": 1, "ls": 1}


def test_what_is_gone_has_no_details_and_is_not_remembered_as_empty(past, store) -> None:
    known = KnownDeliveries(past.ledger)
    (found,) = known.named([rejecting(past)])
    files = {path: store.cat_file(path) for path in list(store.store) if found.delivery_id in path}
    store.rm(list(files))
    with pytest.raises(RoktLedgerError, match="no ledger of delivery"):
        known.details(found)
    assert not known.reasons(found, "")
    for path, data in files.items():
        store.pipe_file(path, data)
    assert known.reasons(found, "").total() == 2


def test_what_is_followed_is_read_anew_every_few_seconds(history) -> None:
    clock = Clock()
    known = KnownDeliveries(history.ledger, clock)
    writer = history.ledger.begin("conversions", sender_of("a"), {})

    def rejected() -> int:
        writer.rows(Outcome.REJECTED, [RowFault(RowRef(1, "a"), (EMAIL,))])
        delivery = known.find(writer.delivery_id)
        assert delivery
        return known.details(delivery).counts["rejected"]

    assert [rejected(), rejected()] == [1, 1]
    clock.at += 3
    assert rejected() == 3
