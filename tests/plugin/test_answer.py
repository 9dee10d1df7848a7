"""The answer at the top where it is not all well, and what stands beside a sync by now."""

import re
from datetime import timedelta

import pytest

from airflow_provider_rokt.storage.folder import digest_name
from tests.plugin.conftest import needs_places
from tests.plugin.history import EMAIL, SILENCE, sender_of
from tests.plugin.test_failed_tasks import TODAY, YESTERDAY, answer
from tests.plugin.test_failed_tasks import fails as fails
from tests.plugin.test_pages import STOPPED, failed, words

pytestmark = needs_places

SYNC = f"/syncs/{digest_name('rokt_default', 'shop.orders')}"
ALL_WELL = "None: nothing was rejected, nothing failed."


@pytest.mark.parametrize(
    ("what", "told", "advice"),
    [
        ({"rejected": {EMAIL: 3}}, "3 did not 3 rejected, 0 failed, in 1 run Commonest reasons 3 rows", "Correct the"),
        ({"failed": {SILENCE: 4}}, "4 rows not sent: Rokt did not answer", "Clear the failed task"),
        ({"ends": False}, "1 delivery stopped without a report", "Clear the task that was stopped"),
        (STOPPED | failed("RoktDecisionNeeded", "9 of 10"), "1 delivery waits for a decision", "Answer Airflow's"),
        ({"accepted": 5, "complete": False}, "5 rows arrived", "Clear the task: its rows were not read to the end."),
        ({"degraded": ["5 rows"]}, "0 did not", "Look at what is degraded"),
    ],
)
def test_last_nights_trouble_is_told_like_yesterdays(ask, history, fails, what, told, advice) -> None:
    if what.get("ends") is False:
        fails("b", ended=TODAY)
    history.add(YESTERDAY, sender_of("a"), 12)
    history.add(TODAY, sender_of("b"), **what)
    yesterday, _, today = answer(ask).partition("Today so far")
    assert f"{ALL_WELL} What to do Nothing." in yesterday
    assert told in today
    assert f"What to do {advice}" in today
    assert "Nothing." not in today
    assert (ALL_WELL in today) == ("degraded" in what)
    assert ask("/").text.count("<h3>What to do</h3>") == 2


def test_on_a_day_of_which_little_is_known_nothing_is_called_well(ask, history) -> None:
    history.add(YESTERDAY, sender_of("a"), 5, complete=False)
    text = answer(ask)
    assert "Commonest reasons None is known. What to do Clear the task" in text


def test_a_chosen_day_changes_neither_the_last_success_nor_the_pace(ask, history) -> None:
    history.add(YESTERDAY - timedelta(days=1), sender_of("a"), 700)
    history.add(YESTERDAY, sender_of("b"), 0, failed={SILENCE: 9})
    figures = re.compile(r'<td><time datetime="([^"]+)">.*</td>\s*<td class="n">(.*)</td>')
    every, of_day = (figures.findall(ask(f"/{query}").text) for query in ("", f"?day={YESTERDAY:%Y-%m-%d}"))
    assert every == of_day
    ((succeeded, rows),) = every
    assert succeeded.startswith(f"{YESTERDAY - timedelta(days=1):%Y-%m-%d}")
    assert int(rows) > 0


@pytest.mark.parametrize(("runs", "told"), [(240, "never"), (241, "not in the runs read")])
def test_what_is_not_read_may_have_succeeded(ask, history, runs, told) -> None:
    for minute in range(runs):
        history.add(YESTERDAY - timedelta(minutes=minute), sender_of(f"r{minute}"), 0, failed={SILENCE: 1})
    assert f" {told} " in words(ask("/").text).partition("Identities")[2]
    assert f"Last succeeded {told} " in words(ask(SYNC).text)
