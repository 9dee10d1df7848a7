"""Tries a connection's credentials without sending any data."""

import json
from typing import Final

from airflow_provider_rokt.api.client import Answer, NoAnswerError, RoktClient
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.api.verdicts import stopping_error
from airflow_provider_rokt.connection.settings import RoktSettings, Surface, require
from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.flow.request import Endpoint

# The Events API has no address to check credentials at; a list of no batches carries nothing to take.
_NO_BATCHES: Final = b"[]"


def probe(client: RoktClient, settings: RoktSettings, credentials: Credentials) -> tuple[bool, str]:
    """Tries each surface the connection has credentials for.

    :returns: whether all were accepted, and a sentence on each.
    :raises RoktSettingsError: when it has credentials for none.
    """
    results = []
    if settings.audience_api_key or settings.is_audience_pair:
        require(settings, Surface.AUDIENCE_IMPORT)
        results.append(_try_audience(client, settings, credentials.import_endpoint))
    if not settings.is_audience_pair and not (settings.audience_api_key and not settings.login):
        require(settings, Surface.EVENTS)
        results.append(_try_events(client, settings))
    return all(passed for passed, _ in results), " ".join(said for _, said in results)


def _try_events(client: RoktClient, settings: RoktSettings) -> tuple[bool, str]:
    try:
        answer = client.post(Endpoint.BULK, _NO_BATCHES)
    except RoktError as error:
        return False, f"Events API: {_reason(error, 'events_url' if settings.events_url else 'pod')}"
    # A refused empty list has passed the door: wrong credentials are answered 401 or 403.
    return _verdict("Events API", Endpoint.BULK, answer, accepted=answer.status == 400)


def _try_audience(client: RoktClient, settings: RoktSettings, endpoint: Endpoint) -> tuple[bool, str]:
    body = b"" if endpoint is Endpoint.IMPORT_V1 else json.dumps({"accountId": settings.account_id}).encode()
    try:
        answer = client.check_import(body)
    except RoktError as error:
        return False, f"Audience import: {_reason(error, 'audience_url')}"
    return _verdict("Audience import", endpoint, answer)


def _reason(error: RoktError, setting: str) -> str:
    if not isinstance(error, NoAnswerError):
        return str(error)
    return (
        f"{error}. Check {setting} in the connection's extra, and that this machine reaches that address: its DNS, "
        "the firewall, and HTTPS_PROXY where only a proxy leads out."
    )


def _verdict(surface: str, endpoint: Endpoint, answer: Answer, accepted: bool = False) -> tuple[bool, str]:
    if error := stopping_error(endpoint, answer.status, answer.body):
        return False, f"{surface}: {error}"
    if accepted or 200 <= answer.status <= 299:
        certainty = ", as far as a probe without data can tell" if endpoint.is_events else ""
        return True, f"{surface}: the credentials are accepted{certainty}; nothing was sent."
    return (
        False,
        f"{surface}: Rokt answered {answer.status}, which says nothing of the credentials; try again.",
    )
