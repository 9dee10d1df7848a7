"""The page in Airflow's own UI, clicked through by a browser: a real API server, a real delivery, a real login."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.report import Tally
from tests.plugin.browser import Browser, chromium
from tests.plugin.conftest import needs_places
from tests.plugin.history import History, sender_of
from tests.plugin.showing import PLANTED
from tests.plugin.shown_airflow import ShownAirflow
from tests.plugin.states import EMPTY, Seen, states

pytestmark = [
    pytest.mark.slow,
    needs_places,
    pytest.mark.skipif(not chromium(), reason="there is no chromium on this machine"),
]

PARTS = 2


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> ShownAirflow:
    """An Airflow of its own."""
    pytest.importorskip("websockets.sync.client", reason="websockets, by which the browser is driven, are missing")
    return ShownAirflow(tmp_path_factory.mktemp("airflow"), PARTS)


@pytest.fixture(scope="module")
def shown(airflow: ShownAirflow) -> dict[str, str]:
    """What there is to look at, by name."""
    return airflow.fill()


@pytest.fixture(scope="module")
def server(airflow: ShownAirflow, shown: dict[str, str]) -> Iterator[str]:
    """The address of the API server."""
    with airflow.serving():
        yield airflow.address


@pytest.fixture(scope="module")
def browser(airflow: ShownAirflow, server: str) -> Iterator[Browser]:
    """A browser that is logged in, and has nothing to complain of the page in the end."""
    with airflow.browser() as browser:
        yield browser


def test_a_stranger_clicks_from_the_navigation_to_the_reasons(browser: Browser, server: str) -> None:
    browser.open(server)
    browser.click("Rokt")
    browser.shows("rows arrived", "did not", "Commonest reasons", "What to do", "shop.orders")
    browser.click("shop.orders")
    browser.shows("Against its own history", "Runs the last 30")
    browser.click("1 day ago")
    browser.shows("Rows that did not arrive, by reason", "user_identities.email", "Send them again", "resend_from=")
    browser.click("Next")
    browser.shows("Page 2 of")
    assert browser.run("document.querySelector('iframe').contentDocument.fonts.size") == 0


def test_a_link_to_airflow_leaves_the_pages_frame(browser: Browser, server: str) -> None:
    browser.open(f"{server}/plugin/rokt")
    browser.shows("Commonest reasons")
    link = '<a href="/dags/regions" data-out>See its log</a>'
    main = "document.querySelector('iframe').contentDocument.querySelector('main')"
    browser.run(f"{main}.insertAdjacentHTML('afterbegin', {json.dumps(link)})")
    browser.click("See its log")
    browser.until(lambda: browser.run("location.pathname").startswith("/dags/regions"), "page of Airflow's own")


def test_tabs_of_a_task_and_of_a_run_show_deliveries(browser: Browser, server: str, shown: dict[str, str]) -> None:
    run = f"{server}/dags/regions/runs/{quote(shown['run_id'], safe='')}"
    browser.open(run)
    browser.shows("Task Instances", "Details")
    browser.open(f"{run}/plugin/rokt_run")
    browser.shows("Deliveries of this run", "north", "east", "Together")
    browser.open(f"{run}/tasks/orders/mapped/0/plugin/rokt_task")
    browser.shows("Conversions north", "Parts 2 of this mapped task", "not a plain decimal number")


def test_no_state_shows_a_value_or_is_too_wide(
    browser: Browser, airflow: ShownAirflow, server: str, shown: dict[str, str]
) -> None:
    browser.look()
    with airflow.without_deliveries():
        seen = {EMPTY.name: _shown(browser, server, EMPTY)}
    seen |= {state.name: _shown(browser, server, state) for state in states(shown)}
    assert [(name, value) for name, text in seen.items() for value in PLANTED if value in text] == []


def _shown(browser: Browser, server: str, state: Seen) -> str:
    """All that it shows; nothing of it but tables scrolls sideways."""
    browser.open(server + state.path)
    text = browser.shows(*state.words)
    assert browser.too_wide() == [], state.name
    return text


def test_a_delivery_is_followed_while_it_runs(browser: Browser, server: str, airflow: ShownAirflow) -> None:
    now = datetime.now(UTC)
    followed = History(airflow.ledger).add(now, sender_of("manual__followed"), 6_240, rows_a_batch=4, ends=False)
    browser.open(f"{server}/rokt/deliveries/{followed}")
    browser.shows("in flight", "So far", "6,240 rows arrived")
    report = Tally(read=7_000, accepted=7_000).report(followed, Ledger(airflow.ledger).open(followed).uri).summary()
    report |= {"kind": "report", "complete": True, "finished_at": now.isoformat()}
    (folder,) = airflow.ledger.glob(f"*/{followed}")
    (folder / "report.jsonl").write_text(json.dumps(report) + "\n")
    browser.shows("delivered", "What arrived", "7,000 rows arrived")


def test_it_takes_on_what_its_user_prefers(browser: Browser, server: str) -> None:
    grounds = []
    for theme in ("light", "dark"):
        browser.look(theme=theme)
        browser.open(f"{server}/rokt/")
        grounds.append(browser.run("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(20, 23, 28)"]
    browser.look(width=400)
    browser.open(f"{server}/rokt/")
    browser.shows("Commonest reasons")
    assert browser.run("document.documentElement.scrollWidth <= innerWidth"), "only tables scroll sideways"


def test_the_task_links_to_its_tab(airflow: ShownAirflow, server: str, shown: dict[str, str]) -> None:
    token = _posted(f"{server}/auth/token", {"username": "admin", "password": airflow.password})["access_token"]
    run = quote(shown["run_id"], safe="")
    links = f"{server}/api/v2/dags/regions/dagRuns/{run}/taskInstances/orders/links?map_index=1"
    with urlopen(Request(links, headers={"Authorization": f"Bearer {token}"}), timeout=30) as answer:
        (link,) = json.load(answer)["extra_links"].values()
    assert link == f"/dags/regions/runs/{run}/tasks/orders/mapped/1/plugin/rokt_task"


def _posted(url: str, body: dict[str, Any]) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as answer:
        return json.load(answer)
