"""What users of Airflow's FAB auth manager are shown, which most installations have; asked of the manager itself."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from tests.plugin.conftest import mounted, needs_places
from tests.plugin.history import AMOUNT, CLOSED, EMAIL, OPEN, sender_of

pytest.importorskip("airflow.providers.fab", reason="the FAB provider is not installed")

pytestmark = needs_places

YESTERDAY: Final = datetime.now(UTC).replace(hour=9) - timedelta(days=1)
TASKS: Final = ("DAG Runs", "Task Instances")
# What each user may read, as permissions of one role.
USERS: Final[Mapping[str, tuple[str, ...]]] = {
    "viewer": ("DAGs", *TASKS),
    "one_dag": (f"DAG:{OPEN}", *TASKS),
    "no_tasks": ("DAGs",),
    "no_dag": TASKS,
    "nothing": (),
}


@pytest.fixture
def asked(ledger, airflow_db, monkeypatch) -> Iterator[Callable[[str, str], Any]]:
    """Asks for an address behind ``/rokt`` as a user."""
    from airflow import settings
    from airflow.api_fastapi.app import create_auth_manager, purge_cached_app
    from airflow.providers.fab.auth_manager.models import Model, User
    from airflow.utils.session import create_session
    from sqlalchemy import select

    monkeypatch.setenv(
        "AIRFLOW__CORE__AUTH_MANAGER", f"{User.__module__.split('.models')[0]}.fab_auth_manager.FabAuthManager"
    )
    purge_cached_app()
    Model.metadata.create_all(settings.engine)
    manager = create_auth_manager()
    with create_session() as session:
        _add_users(session)
        tokens = {user.username: manager.generate_jwt(user) for user in session.scalars(select(User)).unique()}
    client = mounted()
    yield lambda path, user: client.get(f"/rokt{path}", headers={"Authorization": f"Bearer {tokens[user]}"})
    Model.metadata.drop_all(settings.engine)
    manager.cache.clear()
    purge_cached_app()


def _add_users(session: Any) -> None:
    from airflow.providers.fab.auth_manager.models import Action, Permission, Resource, Role, User

    read = Action(name="can_read")
    named = {name for names in USERS.values() for name in names}
    permissions = {name: Permission(action=read, resource=Resource(name=name)) for name in named}
    for user, names in USERS.items():
        role = Role(name=user, permissions=[permissions[name] for name in names])
        told = {"first_name": user, "last_name": user, "email": f"{user}@example.com"}
        session.add(User(username=user, active=True, roles=[role], **told))
    session.flush()


@pytest.fixture
def shown(history) -> dict[str, str]:
    """A delivery of two DAGs, and one of none."""
    return {
        CLOSED: history.add(YESTERDAY, sender_of("r"), 4_111, {EMAIL: 7}),
        OPEN: history.add(YESTERDAY, sender_of("r", dag_id=OPEN), 222, {AMOUNT: 3}),
        "none": history.add(YESTERDAY, {"connection": "rokt_default", "sync": "by-hand"}, 50_000),
    }


@pytest.mark.parametrize(
    ("user", "read"),
    [
        ("viewer", {CLOSED, OPEN, "none"}),
        ("one_dag", {OPEN}),
        ("no_tasks", set()),
        ("no_dag", set()),
        ("nothing", set()),
    ],
)
def test_a_role_opens_what_it_names(asked, shown, user: str, read: set[str]) -> None:
    for dag, delivery in shown.items():
        for path in (f"/deliveries/{delivery}", f"/deliveries/{delivery}/rejected.csv"):
            assert asked(path, user).status_code == (200 if dag in read else 404), path
    for dag in (CLOSED, OPEN):
        for path in (f"/run/{dag}/r", f"/task/{dag}/r/orders/-1"):
            assert asked(path, user).status_code == (200 if dag in read else 403), path
    text = asked("/", user).text
    assert {
        dag for dag, sync in zip(shown, ("shop.orders", "loyalty.orders", "by-hand"), strict=True) if sync in text
    } == read


def test_a_user_who_was_deactivated_is_shown_nothing(asked, shown) -> None:
    from airflow.api_fastapi.app import get_auth_manager
    from airflow.providers.fab.auth_manager.models import User
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(User).values(active=False))
    # What the manager knows of users is up to half a minute old.
    get_auth_manager().cache.clear()
    answer = asked("/", "viewer")
    assert answer.status_code == 403
    assert "shop" not in answer.text
