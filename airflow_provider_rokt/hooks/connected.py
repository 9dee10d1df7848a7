"""A Rokt connection in Airflow: read once, checked, and tried without sending data."""

import json
from contextlib import closing
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_provider_rokt.api.addresses import Endpoints
from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.connection import form
from airflow_provider_rokt.connection.probe import probe
from airflow_provider_rokt.connection.settings import RoktSettings, Surface, read_settings
from airflow_provider_rokt.exceptions import RoktError, RoktSettingsError


class ConnectedHook(BaseHook):
    """What a hook of type ``rokt`` knows of its connection.

    :param rokt_conn_id: a connection of type ``rokt``.
    """

    conn_name_attr = "rokt_conn_id"
    default_conn_name = form.DEFAULT_CONN_ID
    conn_type = form.CONN_TYPE
    hook_name = form.HOOK_NAME

    def __init__(self, rokt_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.rokt_conn_id = rokt_conn_id

    @cached_property
    def settings(self) -> RoktSettings:
        """The connection, read and checked.

        :raises RoktSettingsError: listing everything that is malformed.
        """
        return self._settings_for(None)

    def _settings_for(self, needs: Surface | None) -> RoktSettings:
        """The settings; raises with what is malformed and what the surface lacks together."""
        connection = self._connection
        if connection.conn_type != self.conn_type:
            raise RoktSettingsError(
                f"connection {self.rokt_conn_id!r}",
                [f"its type is {connection.conn_type!r}; make it {self.conn_type!r}"],
            )
        return read_settings(
            self.rokt_conn_id,
            login=connection.login,
            password=connection.password,
            host=connection.host,
            extra=_extra(connection),
            needs=needs,
        )

    @cached_property
    def _connection(self) -> Any:
        return self.get_connection(self.rokt_conn_id)

    def get_conn(self) -> RoktClient:
        """A client for this connection; close it after use."""
        return self._client()

    def _client(self, connections: int = 1) -> RoktClient:
        settings = self.settings
        for secret in self._credentials.secrets:
            mask_secret(secret)
        endpoints = Endpoints.of(
            settings.pod, settings.events_url, settings.audience_url, allow_any_host=settings.allow_any_host
        )
        return RoktClient(
            endpoints, self._credentials, timeout_seconds=settings.timeout_seconds, connections=connections
        )

    @property
    def _credentials(self) -> Credentials:
        return Credentials(self.settings.login, self.settings.password, self.settings.audience_api_key)

    def test_connection(self) -> tuple[bool, str]:
        """Tries every credential the connection holds without sending any data.

        :returns: whether all were accepted, and what Rokt said or what to do.
        """
        try:
            with closing(self._client()) as client:
                return probe(client, self.settings, self._credentials)
        except RoktError as error:
            return False, str(error)


def _extra(connection: Any) -> Any:
    """What the connection's extra holds, or its text where that is no JSON, which Airflow would take for nothing."""
    if not (connection.extra or "").strip():
        return {}
    try:
        json.loads(connection.extra)
    except ValueError:
        return connection.extra
    # Airflow's own reading also masks the secrets in it.
    return connection.extra_dejson
