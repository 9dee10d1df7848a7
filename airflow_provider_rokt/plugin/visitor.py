"""Who asks, and what Airflow lets them read."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.common.db.common import SessionDep
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.models.dag import DagModel
from fastapi import Depends, HTTPException, Request
from sqlalchemy import select

# No DAG can be called so. Only who may read all DAGs may read this one: asked about no DAG in particular, the FAB
# manager says yes to whoever may read any (``_is_authorized_list_dags``).
_NO_DAG: Final = "no DAG in particular"

Check = Callable[[Request, Any], None]


@contextmanager
def _asking() -> Iterator[None]:
    """A manager may ask a server of its own (Keycloak); that it cannot be reached is no matter of the ledger."""
    try:
        yield
    except OSError as error:
        raise HTTPException(503, f"Airflow's auth manager cannot be asked: {type(error).__name__}") from error


def _is_logged_in(user: GetUserDep) -> None:
    # Keycloak's manager, given a token of the browser without Keycloak's own, names nobody and raises nothing.
    if user is None:
        raise HTTPException(401)


def _reads_tasks(request: Request, user: GetUserDep) -> None:
    with _asking():
        _tasks_of()(request, user)


def _tasks_of(dag_id: str | None = None) -> Check:
    """Airflow's own check, which knows whose team the DAG is, where there are teams.

    :param dag_id: None for the one that the address names.
    """
    check: Check = requires_access_dag("GET", DagAccessEntity.TASK_INSTANCE, dag_id)
    return check


LoggedIn = Depends(_is_logged_in)
"""Nothing without login: 401."""
ReadsTasks = Depends(_reads_tasks)
"""The DAG that the address names must be one whose tasks the user may read: 403."""


class Visitor:
    """One user, for one request.

    A delivery is shown to those who may read the task instances of its DAG, and one that no task sent, or whose
    header is lost, to those who may read all DAGs.

    :param request: Airflow's own check wants it.
    """

    def __init__(self, request: Request, user: GetUserDep, session: SessionDep) -> None:
        self._request = request
        self._user: Any = user
        self._session: Any = session
        self._known: dict[str | None, bool] = {}

    def may_read(self, dag_id: str | None) -> bool:
        """Whether what a DAG's tasks did may be shown.

        :param dag_id: None for what belongs to no DAG that is known.
        """
        if dag_id not in self._known:
            self._known[dag_id] = self._is_allowed(dag_id)
        return self._known[dag_id]

    def _is_allowed(self, dag_id: str | None) -> bool:
        if dag_id is None:
            return self._is_allowed(_NO_DAG) and self._reads_every_dag()
        with _asking():
            try:
                _tasks_of(dag_id)(self._request, self._user)
            except HTTPException:
                return False
        return True

    def _reads_every_dag(self) -> bool:
        """Whether none of the DAGs that Airflow knows is closed, as managers can say that name the closed ones."""
        known = set(self._session.scalars(select(DagModel.dag_id)))
        with _asking():
            return known <= get_auth_manager().get_authorized_dag_ids(user=self._user, session=self._session)


VisitorDep = Annotated[Visitor, Depends(Visitor)]
