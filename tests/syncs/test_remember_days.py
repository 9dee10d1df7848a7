"""Tasks that share a sync and remember for different times: none forgets what another one still looks back to."""

import pytest

from airflow_provider_rokt.flow.row import Skip
from airflow_provider_rokt.syncs.anchor import Anchor
from airflow_provider_rokt.syncs.sync import Sync, today
from airflow_provider_rokt.syncs.sync_delivery import SyncDelivery
from airflow_provider_rokt.syncs.trails import TrailName
from airflow_provider_rokt.turns.uses import Uses
from tests.syncs.rows import RUN, leave, marks

ENOUGH_TO_FOLD = 9


@pytest.fixture
def sync(folder):
    return Sync(folder, "rokt_default", "shop.orders")


def delivery(sync, task_id, days, *, anchored=True):
    sender = {"connection": "rokt_default", "dag_id": "shop", "task_id": task_id, "run_id": "later", "map_index": -1}
    anchor = Anchor(None, "key", store="store", place="place", what="sync") if anchored else None
    return SyncDelivery(sync, sender, anchor, days)


def left_ago(sync, days, rows=range(ENOUGH_TO_FOLD)):
    """A trail for each row, of the task ``orders``, so many days old."""
    for row in rows:
        leave(sync.folder, TrailName(row + 1, today() - days, RUN, -1, row), marks([row]))


def recalled(sync, days):
    (row,) = [marks([0])]
    with delivery(sync, "orders", days) as opened:
        return opened.recall(row)


def test_who_remembers_for_a_short_time_folds_nothing_away(sync):
    with delivery(sync, "orders", 365):
        left_ago(sync, 10)
    with delivery(sync, "recent", 3) as short:
        assert short.recall(marks([0])) is None
    assert sync.contents().folds
    assert recalled(sync, 365) is Skip.SENT


def test_what_none_looks_back_to_is_folded_away(sync):
    left_ago(sync, 10)
    with delivery(sync, "recent", 3):
        pass
    assert sync.contents().folds
    assert recalled(sync, 365) is None


def test_who_sends_all_removes_what_is_too_old_of_its_own(sync):
    left_ago(sync, 10)
    with delivery(sync, "other", 3, anchored=False) as other:
        other.succeeded()
    assert sync.contents().rows == ENOUGH_TO_FOLD
    with delivery(sync, "orders", 3, anchored=False) as own:
        own.succeeded()
    assert sync.contents().rows == 0


def test_who_sends_all_leaves_what_a_task_of_the_sync_looks_back_to(sync):
    with delivery(sync, "new", 365):
        left_ago(sync, 10)
    with delivery(sync, "orders", 3, anchored=False) as own:
        own.succeeded()
    assert recalled(sync, 365) is Skip.SENT


def test_the_longest_counts_for_as_long_as_it_remembers(folder):
    uses = Uses(folder)
    assert uses.longest(1_000) == 0
    uses.note_days(365, 1_000)
    uses.note_days(3, 1_300)
    assert [uses.longest(day) for day in (1_300, 1_365, 1_366)] == [365, 365, 0]
    uses.note_days(365, 1_200)
    uses.note_days(365, 1_100)
    assert [uses.longest(day) for day in (1_303, 1_565, 1_566)] == [365, 365, 0]


def test_what_somebody_else_has_put_there_says_nothing(folder):
    uses = Uses(folder)
    uses.note_days(90, 1_000)
    for name in ("days-", "days-many", "days-00300.bak", "account-mine"):
        folder.write(name, [b"9999"])
    assert uses.longest(1_000) == 90
