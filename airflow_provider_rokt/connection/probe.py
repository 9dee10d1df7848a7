"""Tries a connection's credentials without sending any data."""

import json
from typing import Final

from airflow_provider_rokt.answers.meanings import form_of, stopping_error
from airflow_provider_rokt.api.client import Answer, RoktClient
from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.connection.settings import RoktSettings, require
from airflow_provider_rokt.exceptions import RoktError
from airflow_provider_rokt.flow.request import Endpoint, Surface
from airflow_provider_rokt.network.outages import NoAnswerError

# Where there is no address to check credentials at; a list of no batches carries nothing to take.
_NO_BATCHES: Final = b"[]"


def probe(client: RoktClient, settings: RoktSettings) -> tuple[bool, str]:
    """Tries each surface the connection has credentials for.

    :returns: whether all were accepted, and a sentence on each.
    :raises RoktSettingsError: when it has credentials for none.
    """
    results = []
    credentials = settings.credentials
    if credentials.audience_api_key or credentials.is_audience_pair:
        require(settings, Surface.AUDIENCE_IMPORT)
        results.append(_try(client, settings, credentials.import_endpoint))
    if not credentials.is_audience_pair and not (credentials.audience_api_key and not credentials.key):
        require(settings, Surface.EVENTS)
        results.append(_try(client, settings, BULK))
    return all(passed for passed, _ in results), " ".join(said for _, said in results)


def _try(client: RoktClient, settings: RoktSettings, endpoint: Endpoint) -> tuple[bool, str]:
    body = json.dumps({"accountId": settings.account_id}).encode() if endpoint.names_account else b""
    try:
        answer = client.check(endpoint, body) if endpoint.check else client.post(endpoint, _NO_BATCHES)
    except RoktError as error:
        return False, f"{endpoint.surface}: {_reason(error, settings.address_settings[endpoint.surface])}"
    return _judged(endpoint, answer)


def _reason(error: RoktError, setting: str) -> str:
    if not isinstance(error, NoAnswerError):
        return str(error)
    return (
        f"{error}. Check {setting} in the connection's extra, and that this machine reaches that address: its DNS, "
        "the firewall, and HTTPS_PROXY where only a proxy leads out."
    )


def _judged(endpoint: Endpoint, answer: Answer) -> tuple[bool, str]:
    if error := stopping_error(endpoint, answer.status, form_of(answer.body, endpoint.success)):
        return False, f"{endpoint.surface}: {error}"
    # A refused empty list has passed the door: wrong credentials are answered 401 or 403.
    past_the_door = endpoint.check is None and answer.status == 400
    if past_the_door or 200 <= answer.status <= 299:
        certainty = "" if endpoint.check else ", as far as a probe without data can tell"
        return True, f"{endpoint.surface}: the credentials are accepted{certainty}; nothing was sent."
    return (
        False,
        f"{endpoint.surface}: Rokt answered {answer.status}, which says nothing of the credentials; try again.",
    )
