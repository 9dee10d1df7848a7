"""A Rokt connection in Airflow: read once, checked, and tried without sending data."""

import json
from contextlib import closing
from functools import cached_property
from typing import Any

from airflow.providers.common.compat.sdk import BaseHook, mask_secret

from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.connection import form
from airflow_provider_rokt.connection.probe import probe
from airflow_provider_rokt.connection.settings import RoktSettings, read_settings, require
from airflow_provider_rokt.exceptions import RoktError, RoktSettingsError, short_name
from airflow_provider_rokt.flow.request import Surface


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
        return self._read(None)

    def _settings_for(self, needs: Surface) -> RoktSettings:
        """The settings; raises with what is malformed and what the surface lacks together."""
        if "settings" in self.__dict__:
            require(self.settings, needs)
        else:
            self.__dict__["settings"] = self._read(needs)
        return self.settings

    def _read(self, needs: Surface | None) -> RoktSettings:
        connection = self.get_connection(self.rokt_conn_id)
        if connection.conn_type != self.conn_type:
            raise RoktSettingsError(
                f"connection {short_name(self.rokt_conn_id)!r}",
                [f"its type is {short_name(connection.conn_type)!r}; make it {self.conn_type!r}"],
            )
        return read_settings(
            self.rokt_conn_id,
            login=connection.login,
            password=connection.password,
            host=connection.host,
            extra=_extra(connection),
            needs=needs,
        )

    def get_conn(self) -> RoktClient:
        """A client for this connection; close it after use.

        :raises RoktSettingsError: as :attr:`settings` does.
        """
        return self._client()

    def _client(self, connections: int = 1) -> RoktClient:
        settings = self.settings
        for secret in settings.credentials.secrets:
            mask_secret(secret)
        return RoktClient(
            settings.addresses,
            settings.credentials,
            timeout_seconds=settings.timeout_seconds,
            connections=connections,
        )

    def test_connection(self) -> tuple[bool, str]:
        """Tries every credential the connection holds without sending any data.

        :returns: whether all were accepted, and what Rokt said or what to do.
        """
        try:
            with closing(self._client()) as client:
                return probe(client, self.settings)
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
