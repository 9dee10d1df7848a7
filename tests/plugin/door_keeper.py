"""An auth manager that keeps users out of DAGs, as real ones can and Airflow's simple one cannot."""

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

from tests.plugin.history import CLOSED, OPEN


class DoorKeeper(SimpleAuthManager):
    """Carol may read one DAG, dave all but one; others may do what Airflow's simple manager lets them.

    As with the FAB manager, who may read any DAG may list DAGs: asked without details, it says yes. As with Keycloak's,
    a token that names nobody is no error (ghost's), and what a user may can be out of reach (erin's).
    """

    async def get_user_from_token(self, token: str) -> Any:
        """Who a token names."""
        user = await super().get_user_from_token(token)
        return None if user.get_name() == "ghost" else user

    def is_authorized_dag(self, *, user: Any, details: Any = None, **asked: Any) -> bool:
        """Whether a user may."""
        if user.username == "erin":
            raise ConnectionError("auth.example.com")
        dag_id = details.id if details else None
        if dag_id and ((user.username == "carol" and dag_id != OPEN) or (user.username == "dave" and dag_id == CLOSED)):
            return False
        return super().is_authorized_dag(user=user, details=details, **asked)
