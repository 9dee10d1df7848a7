"""The hook of a SQL connection, and what no message about it may repeat."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowException, BaseHook

from airflow_provider_rokt.exceptions import RoktSourceError, short_name

if TYPE_CHECKING:
    from airflow.providers.common.sql.hooks.sql import DbApiHook


def sql_hook(hook_or_conn_id: "str | DbApiHook", hook_params: Mapping[str, object] | None = None) -> "DbApiHook":
    """A hook that runs SQL.

    :param hook_or_conn_id: such a hook, or the id of a connection that gives one.
    :param hook_params: arguments for the connection's hook.
    :raises RoktSourceError: where the connection gives none, or another kind.
    """
    from airflow.providers.common.sql.hooks.sql import DbApiHook

    named = hook_or_conn_id
    hook = _hook_of(named, hook_params) if isinstance(named, str) else named
    if not isinstance(hook, DbApiHook):
        raise RoktSourceError(
            f"connection {short_name(named)!r} gives a {type(hook).__name__}, which runs no SQL: name a SQL "
            "connection instead"
        )
    return hook


def private_texts(hook: "DbApiHook", parameters: Sequence[object] | Mapping[str, object]) -> list[str]:
    """What no message may repeat: the parameters' values, and the connection's password."""
    values = list(parameters.values() if isinstance(parameters, Mapping) else parameters)
    with suppress(Exception):
        values.append(hook.get_connection(hook.get_conn_id()).password)
    return [str(value) for value in values if value is not None]


def _hook_of(conn_id: str, hook_params: Mapping[str, object] | None) -> object:
    connection = BaseHook.get_connection(conn_id)
    try:
        return connection.get_hook(hook_params=dict(hook_params or {}))  # type: ignore[no-untyped-call]
    except (AirflowException, AttributeError, ImportError, TypeError) as error:
        # Airflow stumbles over its own types that have no hook, like generic.
        reason = "the type has none" if isinstance(error, AttributeError) else error
        raise RoktSourceError(
            f"connection {short_name(conn_id)!r} of type {short_name(connection.conn_type)!r} gives no hook ({reason}):"
            " name a SQL connection, and install the provider of its type"
        ) from error
