"""Who is shown what: nobody nothing, a viewer all, and a user no more than the DAGs that are open to them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_rokt.plugin.rokt_plugin import RoktPlugin
from airflow_provider_rokt.storage.folder import digest_name
from tests.plugin.conftest import needs_places
from tests.plugin.history import AMOUNT, CLOSED, EMAIL, sender_of

pytestmark = needs_places

NOW = datetime.now(UTC)
YESTERDAY = NOW.replace(hour=9) - timedelta(days=1)
# The last is none that anybody has heard of.
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "WISH")
NOBODYS = {"connection": "rokt_default", "sync": "by-hand"}


@pytest.fixture
def shown(history):
    """A delivery of the closed DAG, one of an open one, and one of no DAG."""
    return {
        "shop": history.add(YESTERDAY, sender_of("r"), 4_111, {EMAIL: 7}),
        "loyalty": history.add(YESTERDAY, sender_of("r", dag_id="loyalty", task_id="vip"), 222, {AMOUNT: 3}),
        "nobody": history.add(YESTERDAY, NOBODYS, 50_000),
    }


def paths(delivery: str) -> list[str]:
    """Every address that the app answers, with names filled in; and some that it does not."""
    names = {
        "delivery_id": delivery,
        "key": digest_name("rokt_default", "shop.orders"),
        "dag_id": "shop",
        "run_id:path": "r",
        "task_id": "orders",
        "map_index": "-1",
        "name": "page.css",
        "path:path": "nothing/like/this",
    }
    app = RoktPlugin().fastapi_apps[0]["app"]
    routes = [route.path for route in app.routes]
    for name, value in names.items():
        routes = [route.replace(f"{{{name}}}", value) for route in routes]
    assert not [route for route in routes if "{" in route], "say here what stands for a new name"
    return [*routes, "/openapi.json", "/docs", "/static/page.js", "/static/../page_app.py"]


@pytest.mark.parametrize("method", METHODS)
def test_nobody_is_shown_anything(ask, shown, method: str) -> None:
    for path in paths(shown["shop"]):
        for query in ("", "?page=0", "?page=x&outcome=%zz&day=%00"):
            answer = ask(path + query, None, method)
            assert answer.status_code == 401, path + query
            assert not [word for word in ("4,111", "e-mail", "orders") if word in answer.text], path
            assert "Allow" not in answer.headers, path


def test_who_is_logged_in_can_read_and_nothing_else(ask, shown) -> None:
    for path in paths(shown["shop"]):
        read, head = (ask(path, "bob", method) for method in METHODS[:2])
        assert (head.status_code, head.text) == (read.status_code, ""), path
        assert head.headers["Content-Type"] == read.headers["Content-Type"], path
        for method in METHODS[2:]:
            answer = ask(path, "bob", method)
            assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD"), (path, method)


@pytest.mark.parametrize("user", ["admin", "bob"])
def test_who_may_read_the_dags_is_shown_all(ask, shown, user: str) -> None:
    text = ask("/", user).text
    assert "shop.orders" in text
    assert "loyalty.vip" in text
    assert "by-hand" in text
    assert "54,333" in text
    for path in paths(shown["shop"]):
        assert ask(path, user).status_code in (200, 404), path
    for delivery in shown.values():
        assert ask(f"/deliveries/{delivery}", user).status_code == 200


def test_who_may_not_read_a_dag_learns_nothing_of_it(ask, shown) -> None:
    allowed = {"/static/page.css": 200, "/static/page.js": 200, "/": 200}
    for path in paths(shown["shop"]):
        answer = ask(path, "carol")
        assert answer.status_code == allowed.get(path, 403 if path.startswith(("/task", "/run")) else 404), path
        assert not [word for word in ("4,111", "4,333", "e-mail", "orders", "shop") if word in answer.text], path
    text = ask("/", "carol").text
    assert "loyalty.vip" in text
    assert "222</strong> rows arrived" in text


def test_what_is_not_there_reads_like_what_may_not_be_read(ask, shown) -> None:
    closed, missing = (ask(f"/deliveries/{one}", "carol") for one in (shown["shop"], "20260101T000000Z-none"))
    clock = " read at "
    assert closed.text.split(clock)[0] == missing.text.split(clock)[0]
    assert closed.status_code == missing.status_code == 404


def test_what_no_dag_sent_is_shown_to_those_who_may_read_all(ask, shown) -> None:
    for path in (f"/deliveries/{shown['nobody']}", f"/syncs/{digest_name('rokt_default', 'by-hand')}"):
        assert ask(path, "bob").status_code == 200
        assert ask(path, "carol").status_code == 404
    assert "by-hand" not in ask("/", "carol").text
    assert "50,222" not in ask("/", "carol").text


@pytest.fixture
def closed_dag(airflow_db) -> Iterator[None]:
    """Airflow knows the closed DAG."""
    from airflow.models.dag import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session
    from sqlalchemy import delete, insert

    with create_session() as session:
        session.execute(insert(DagBundleModel).values(name="dags", active=True))
        session.add(DagModel(dag_id=CLOSED, bundle_name="dags"))
    yield
    with create_session() as session:
        session.execute(delete(DagModel).where(DagModel.dag_id == CLOSED))
        session.execute(delete(DagBundleModel).where(DagBundleModel.name == "dags"))


def test_who_is_kept_out_of_one_dag_may_not_read_all(ask, shown, closed_dag) -> None:
    for user, status in (("bob", 200), ("dave", 404)):
        assert ask(f"/deliveries/{shown['nobody']}", user).status_code == status


def test_what_has_lost_its_header_is_not_for_who_may_list_dags(ask, history, tmp_path) -> None:
    lost = history.add(YESTERDAY, sender_of("r"), 4_111, {EMAIL: 7})
    (file,) = (tmp_path / "ledger").glob(f"*/{lost}/part-00000.jsonl")
    file.write_bytes(b"x" + file.read_bytes())
    for path in (f"/deliveries/{lost}", f"/deliveries/{lost}/rejected.csv"):
        assert ask(path, "bob").status_code == 200
        assert ask(path, "carol").status_code == 404
    assert "orders" not in ask("/", "carol").text


def test_of_a_sync_that_dags_share_everybody_is_shown_their_own_runs(ask, history) -> None:
    history.add(YESTERDAY, sender_of("r", sync="shared"), 4_111)
    history.add(YESTERDAY, sender_of("r", sync="shared", dag_id="loyalty"), 222)
    path = f"/syncs/{digest_name('rokt_default', 'shared')}"
    assert "4,111" in ask(path, "bob").text
    text = ask(path, "carol").text
    assert "222" in text
    assert "4,111" not in text
    assert "shop" not in text


def test_a_session_cookie_is_a_login(ask, shown) -> None:
    token = ask("/").request.headers["Authorization"].removeprefix("Bearer ")
    assert ask("/", None, cookies={"_token": token}).status_code == 200
    assert ask("/", None, cookies={"_token": token[:-3]}).status_code == 403


def test_a_token_that_names_nobody_is_no_login(ask, shown) -> None:
    for path in paths(shown["shop"]):
        answer = ask(path, "ghost")
        assert answer.status_code == 401, path
        assert not [word for word in ("4,111", "e-mail", "orders") if word in answer.text], path


def test_where_nobody_can_say_who_may_read_nothing_is_shown(ask, shown) -> None:
    names = "/static", "/openapi", "/docs", "/nothing"
    for path in paths(shown["shop"]):
        if not path.startswith(names):
            answer = ask(path, "erin")
            assert answer.status_code == 503, path
            assert "auth manager cannot be asked: ConnectionError" in answer.text
            assert not [word for word in ("4,111", "orders", "edger", "auth.example") if word in answer.text], path


def test_every_answer_forbids_what_is_from_elsewhere(ask, shown) -> None:
    for path in paths(shown["shop"]):
        for user in (None, "admin"):
            policy = ask(path, user).headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; ")
            assert "unsafe" not in policy
            assert "*" not in policy
            assert ask(path, user).headers["Cache-Control"] == "no-store"
