"""The Airflow connection that leads to a sandbox."""

from typing import Any, Literal

from airflow_provider_rokt.sandbox.behaviour import Settings

ImportForm = Literal["v1", "v3"]


def connection(url: str, settings: Settings, via: ImportForm = "v1") -> dict[str, Any]:
    """The connection's fields, as Airflow reads them from JSON.

    :param via: which form of the audience import its credentials are for: with ``v3`` login and password are that
        surface's pair, so the same connection cannot send events.
    """
    extra: dict[str, Any] = {"events_url": url, "audience_url": url, "allow_any_host": True}
    if via == "v1":
        extra["audience_api_key"] = settings.audience_key
        login, password = settings.key, settings.secret
    else:
        extra["account_id"] = settings.account_id
        login, password = settings.rpub, settings.rsec
    return {"conn_type": "rokt", "login": login, "password": password, "extra": extra}
