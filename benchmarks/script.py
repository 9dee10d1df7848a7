"""What somebody would write without this provider: fetch all rows, build dicts, post them by the hundred.

It makes of these rows the very events this provider makes, and no more: no other spelling of a value is understood, no
limit kept, no answer read but its status, nothing retried, paced or recorded.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import requests
from airflow.providers.common.compat.sdk import BaseHook
from jsonschema import Draft202012Validator, FormatChecker


def deliver(sql: str, parameters: Sequence[Any], url: str, validate: bool) -> None:
    """Sends every row of the query.

    :param validate: against the schema this provider uses, compiled once, as careful scripts do.
    """
    validator = Draft202012Validator(_schema(), format_checker=FormatChecker()) if validate else None
    rows = BaseHook.get_connection("shop").get_hook().get_records(sql, parameters)
    with requests.Session() as session:
        session.auth = ("key", "secret")
        pending = []
        for row in rows:
            batch = to_batch(row)
            if validator is not None and not validator.is_valid(batch):
                raise ValueError("a batch is not valid")
            pending.append(batch)
            if len(pending) == 100:
                _post(session, url, pending)
                pending = []
        if pending:
            _post(session, url, pending)


def to_batch(row: Sequence[Any]) -> dict[str, Any]:
    """One row as Rokt's guide prints it; what is missing or blank is left out, since Rokt refuses null."""
    mobile = _mobile(row[13])
    click = _text(row[8])
    batch = {
        "environment": "production",
        "ip": _text(row[9]),
        "device_info": _present({"http_header_user_agent": _text(row[10])}),
        "user_identities": _present({"email": _lower(row[6]), "customerid": _text(row[7]), "other2": click}),
        "user_attributes": _present(
            {
                "firstname": _text(row[11]),
                "lastname": _text(row[12]),
                "mobile": mobile,
                "mobilesha256": hashlib.sha256(mobile.encode()).hexdigest() if mobile else None,
                "dob": (_text(row[15]) or "").replace("-", "") or None,
                "city": _text(row[16]),
                "state": _text(row[17]),
                "zip": _text(row[18]),
                "language": _text(row[19]),
            }
        ),
        "events": [
            {
                "event_type": "custom_event",
                "data": {
                    "event_name": "conversion",
                    "custom_event_type": "transaction",
                    "source_message_id": _text(row[0]),
                    "timestamp_unixtime_ms": int(row[1]),
                    "custom_attributes": _present(
                        {
                            "conversiontype": _text(row[2]),
                            "confirmationref": _text(row[3]),
                            "amount": _text(row[4]),
                            "currency": _text(row[5]),
                        }
                    ),
                },
            }
        ],
    }
    if click:
        batch["integration_attributes"] = {"1277": {"passbackconversiontrackingid": click}}
    return _present(batch)


def _text(value: object) -> str | None:
    return None if value is None else str(value).strip() or None


def _lower(value: object) -> str | None:
    text = _text(value)
    return text.lower() if text else None


def _mobile(value: object) -> str | None:
    return re.sub(r"\D", "", str(value))[-10:] if value else None


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _schema() -> dict[str, Any]:
    text = files("airflow_provider_rokt.events").joinpath("schema", "batch.json").read_text("utf-8")
    return {**json.loads(text), "$ref": "#/$defs/conversion"}


def _post(session: requests.Session, url: str, batches: list[dict[str, Any]]) -> None:
    session.post(f"{url}/v2/bulkevents", json=batches, timeout=60).raise_for_status()
