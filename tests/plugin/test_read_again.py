"""Runs that leave out what Rokt has: a later one brings what an earlier one did not, a cleared one sends nothing."""

from datetime import datetime, timedelta

import pytest

from airflow_provider_rokt.storage.folder import digest_name
from tests.plugin.conftest import needs_places
from tests.plugin.history import EMAIL, SILENCE, sender_of
from tests.plugin.test_failed_tasks import TODAY, YESTERDAY, answer
from tests.plugin.test_failed_tasks import fails as fails
from tests.plugin.test_pages import failed, words

pytestmark = needs_places

SYNC = f"/syncs/{digest_name('rokt_default', 'shop.orders')}"
NEW = {"send": "new", "max_rejected": 9}
MADE_GOOD = "0 did not 0 rejected, 0 failed"
SENDS_THEM = "Correct the rejected rows at their source: the next run whose query has them sends them."


@pytest.fixture
def night(history):
    """Writes one run after the other of a task with ``send="new"``, yesterday if nothing else is said."""
    minutes = iter(range(99))

    def add(accepted=0, began: datetime | None = None, sender=None, **more):
        minute = next(minutes)
        options = NEW | more.pop("options", {})
        began = began or YESTERDAY + timedelta(minutes=minute)
        return history.add(began, sender or sender_of(f"r{minute}"), accepted, options=options, **more)

    return add


def test_what_the_next_run_brought_is_not_missing(ask, night) -> None:
    night(0, failed={SILENCE: 50})
    assert "50 did not" in answer(ask)
    night(50)
    text = answer(ask)
    assert f"50 rows arrived {MADE_GOOD}, in 2 runs" in text
    assert "Commonest reasons None any more: 1 run missed rows, and later ones miss none. What to do Nothing." in text


def test_what_was_corrected_is_not_missing(ask, night) -> None:
    night(50, rejected={EMAIL: 1})
    night(1, skipped=50)
    text = answer(ask)
    assert f"51 rows arrived {MADE_GOOD}" in text
    assert "None any more: 1 run missed rows, and later ones miss none. What to do Nothing." in text


def test_what_stays_wrong_is_missing_once(ask, night) -> None:
    night(50, rejected={EMAIL: 2})
    for _ in range(5):
        night(0, rejected={EMAIL: 2}, skipped=50)
    text = answer(ask)
    assert "50 rows arrived 2 did not 2 rejected, 0 failed; 250 skipped on purpose, in 6 runs" in text
    assert "2 rows user_identities.email is no e-mail address" in text
    assert f"What to do {SENDS_THEM}" in text
    assert "resend_from" not in text


@pytest.mark.parametrize(
    "later",
    [
        # Nothing was left out: it is another day's or hour's query.
        {"accepted": 50},
        {"accepted": 50, "skipped": 50, "why_skipped": "same id twice"},
        # The rows at the edge of both.
        {"accepted": 50, "skipped": 16},
        {"accepted": 0, "skipped": 50, "complete": False},
        {"accepted": 0, "skipped": 50, **failed("RoktDecisionNeeded", "9 of 10")},
        {"skipped": 50, "options": {"resend_from": "20260301T020000Z-3f9c1a2b4c5d"}},
        {"skipped": 50, "options": {"send": "all"}},
        {"skipped": 50, "sender": sender_of("b", task_id="others", sync="shop.orders")},
    ],
    ids=str,
)
def test_what_no_later_run_read_again_stays_missing(ask, night, later) -> None:
    night(50, rejected={EMAIL: 2})
    night(**later)
    assert " 2 did not 2 rejected, 0 failed" in answer(ask)


@pytest.mark.parametrize("why", ["sent before", "changed since it was sent"])
def test_it_is_enough_that_a_third_of_the_rows_was_read_again(ask, night, why) -> None:
    night(50, rejected={EMAIL: 2})
    night(50, skipped=17, why_skipped=why)
    assert f"100 rows arrived {MADE_GOOD}" in answer(ask)


def test_where_each_run_has_rows_of_its_own_a_lost_one_stays_missing(ask, night) -> None:
    night(60)
    night(0, failed={SILENCE: 50})
    night(60)
    assert "120 rows arrived 50 did not" in answer(ask)


def test_that_the_first_of_two_days_came_to_nothing_no_other_day_makes_good(ask, night) -> None:
    night(0, failed={SILENCE: 50})
    night(60, began=TODAY)
    assert "0 rows arrived 50 did not" in answer(ask)


def test_a_run_of_today_makes_yesterday_good_once_nothing_is_missing(ask, night) -> None:
    night(50, rejected={EMAIL: 2})
    night(0, began=TODAY, rejected={EMAIL: 1}, skipped=51)
    yesterday, _, today = answer(ask).partition("Today so far")
    assert "50 rows arrived 2 did not" in yesterday
    assert "0 rows arrived 1 did not" in today
    night(0, began=TODAY + timedelta(seconds=9), rejected={EMAIL: 1}, skipped=51)
    assert "50 rows arrived 2 did not" in answer(ask)
    night(1, began=TODAY + timedelta(minutes=1), skipped=51)
    yesterday, _, today = answer(ask).partition("Today so far")
    assert f"50 rows arrived {MADE_GOOD}" in yesterday
    assert today.startswith(": 1 arrived, 0 did not")


def test_one_that_was_stopped_is_made_good_and_one_at_work_makes_nothing_good(ask, night, fails) -> None:
    for number in range(3):
        fails(f"r{number}", ended=YESTERDAY, **({"state": "running"} if number == 2 else {}))
    night(50, rejected={EMAIL: 2})
    night(0, ends=False)
    night(0, ends=False)
    text = answer(ask)
    assert "2 did not" in text
    assert "1 delivery stopped without a report. 1 delivery still in flight" in text
    night(7, skipped=52)
    text = answer(ask)
    assert f"57 rows arrived {MADE_GOOD}" in text
    assert "stopped" not in text
    assert "1 delivery still in flight" in text


def test_of_a_mapped_task_all_parts_have_to_be_read_again(ask, night) -> None:
    night(25, rejected={EMAIL: 2}, sender=sender_of("a", part=0))
    night(25, sender=sender_of("a", part=1))
    night(0, skipped=50, sender=sender_of("b", part=0))
    assert "2 did not" in answer(ask)
    night(2, skipped=25, sender=sender_of("b", part=1))
    assert f"52 rows arrived {MADE_GOOD}" in answer(ask)


def test_what_was_not_as_usual_is_told_all_the_same(ask, night) -> None:
    night(50, rejected={EMAIL: 2}, degraded=["52 rows"])
    night(2, skipped=50)
    assert f"52 rows arrived {MADE_GOOD}" in answer(ask)
    assert "What to do Look at what is degraded" in answer(ask)


def test_a_mirrors_next_run_tells_what_is_missing_too(ask, night) -> None:
    mirror = {"options": {"audience": "vip", "mode": "mirror", "send": "all"}, "why_skipped": "unchanged"}
    night(50, rejected={EMAIL: 2}, **mirror)
    night(0, rejected={EMAIL: 2}, skipped=50, **mirror)
    assert "50 rows arrived 2 did not" in answer(ask)


# --- a run that is cleared


def cleared(run: str, tries: int):
    return sender_of(run, try_number=tries, max_tries=tries - 1)


def test_a_run_that_succeeded_and_was_cleared_keeps_its_rows(ask, night) -> None:
    night(1_814)
    night(594, sender=cleared("a", 1))
    night(0, sender=cleared("a", 2), skipped=594)
    night(0, sender=cleared("a", 3), skipped=594)
    assert "2,408 rows arrived 0 did not 0 rejected, 0 failed, in 2 runs" in answer(ask)
    text = words(ask(SYNC).text)
    assert "delivered 594 594 0 0 0 0 a, 2 earlier tries" in text
    assert "user_identities.email 97.3 %" in text


def test_while_it_runs_again_its_rows_have_arrived(ask, night, fails) -> None:
    fails("a", ended=YESTERDAY, state="running", try_number=2)
    night(594, sender=cleared("a", 1))
    night(0, sender=cleared("a", 2), ends=False)
    assert "594 rows arrived 0 did not" in answer(ask)
    assert '<rect class="accepted"' in ask(SYNC).text


def test_each_row_counts_once_however_the_tries_went(ask, night) -> None:
    night(594, sender=cleared("a", 1))
    # It had 5 more rows and got 3 through; the next one counts these as its own, and brings the others.
    night(3, sender=cleared("a", 2), failed={SILENCE: 2}, skipped=594)
    night(5, sender=sender_of("a", try_number=3, max_tries=1), skipped=594, rows_resumed=3)
    assert "599 rows arrived 0 did not" in answer(ask)


def test_what_a_try_counts_as_its_own_is_counted_with_it(ask, night) -> None:
    # Airflow had not seen that the first one succeeded, so the second went on from it; then the task was cleared.
    night(590, sender=sender_of("a", max_tries=1))
    night(594, sender=sender_of("a", try_number=2, max_tries=1), skipped=7)
    night(0, sender=cleared("a", 3), skipped=601)
    assert "594 rows arrived 0 did not" in answer(ask)


@pytest.mark.parametrize(
    ("again", "rows"),
    [
        # What was remembered had been forgotten, so Rokt was sent all of it.
        ({"sender": cleared("a", 2), "accepted": 594}, 594),
        # Airflow had not seen that it succeeded.
        ({"sender": sender_of("a", try_number=2), "accepted": 594, "skipped": 7}, 594),
        # As with send="all".
        ({"sender": cleared("a", 2), "accepted": 60, "options": {"send": "all"}, "skipped": 7}, 60),
    ],
)
def test_what_was_sent_anew_or_gone_on_with_counts_once(ask, night, again, rows) -> None:
    night(594, sender=sender_of("a"))
    night(**again)
    assert f"{rows} rows arrived 0 did not" in answer(ask)
