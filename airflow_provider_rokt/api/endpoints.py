"""Rokt's endpoints, one table: what is different at one of them stands here and nowhere else."""

from dataclasses import replace
from typing import Final

from airflow_provider_rokt.flow.request import Endpoint, Surface

BULK: Final = Endpoint(
    path="v2/bulkevents",
    surface=Surface.EVENTS,
    verdict_per_batch=True,
    counts_batches=True,
    settings="events_url and pod",
    refused={
        401: "API key or secret is missing. Re-enter login (API key) and password (API secret).",
        403: "wrong API key, secret or pod. Check login, password and the extra pod; your Rokt account manager can "
        "verify them.",
    },
)
HISTORICAL: Final = replace(BULK, path="v2/bulkevents/historical")

_CHECK_KEY: Final = "check audience_api_key in the connection's extra."
_CHECK_PAIR: Final = "check login (rpub- key), password (rsec- secret) and the extra account_id."

IMPORT_V1: Final = Endpoint(
    path="api/1.0/import/suppression",
    surface=Surface.AUDIENCE_IMPORT,
    bare_key=True,
    verdict_per_batch=False,
    counts_batches=False,
    check=("GET", "api/1.0/auth-check"),
    settings="audience_url",
    refused=dict.fromkeys((401, 403), _CHECK_KEY),
)
IMPORT_V3: Final = replace(
    IMPORT_V1,
    path="v3/import/suppression",
    bare_key=False,
    names_account=True,
    check=("POST", "v3/auth-check"),
    refused=dict.fromkeys((401, 403), _CHECK_PAIR),
)

ENDPOINTS: Final = (BULK, HISTORICAL, IMPORT_V1, IMPORT_V3)
