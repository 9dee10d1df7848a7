"""What somebody would write without this provider: fetch all rows, build dicts by a table, post them by the hundred.

It makes of these rows the very events this provider makes, and no more: no other spelling of a value is understood, no
limit kept, no answer read but its status, nothing retried, paced or recorded.
"""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import phonenumbers
import requests
from airflow.providers.common.compat.sdk import BaseHook
from jsonschema import Draft202012Validator, FormatChecker

from benchmarks import shop

ToBatch = Callable[[Sequence[Any]], dict[str, Any]]


def deliver(sql: str, parameters: Sequence[Any], url: str, to_batch: ToBatch, validate: bool = False) -> None:
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
    """One row by the table that the guide tells to make; what is missing or blank is left out, as Rokt refuses null."""
    values = dict(zip(shop.COLUMNS, row, strict=True))
    batch: dict[str, Any] = {}
    for path, value in _FIXED.items():
        _put(batch, path, value)
    for path, column in shop.MAPPING.items():
        value = _CLEAN.get(path, text)(values[column])
        if value is not None:
            _put(batch, path, value)
    if click := batch["user_identities"].get("other2"):
        _put(batch, "integration_attributes.1277.passbackconversiontrackingid", click)
    return batch


def text(value: object) -> str | None:
    """Trimmed text; None for none."""
    return None if value is None else str(value).strip() or None


def lower(value: object) -> str | None:
    """The same in lower case."""
    written = text(value)
    return written.lower() if written else None


def mobile(value: object) -> str | None:
    """The ten digits of a North American number, and what the library makes of one from elsewhere."""
    written = text(value)
    if written is None:
        return None
    if written.startswith("+") and not written.startswith("+1"):
        return _abroad(written)
    return re.sub(r"\D", "", written)[-10:]


@lru_cache(8192)
def _abroad(written: str) -> str:
    return phonenumbers.national_significant_number(phonenumbers.parse(written))


def milliseconds(value: str) -> int:
    """ISO 8601 as Unix time."""
    return round(datetime.fromisoformat(value).timestamp() * 1000)


def sha256(value: str | None) -> str | None:
    """Of what is not None."""
    return hashlib.sha256(value.encode()).hexdigest() if value else None


def day(value: object) -> str | None:
    """``1984-07-21`` as ``19840721``."""
    return (text(value) or "").replace("-", "") or None


_FIXED = {
    "environment": "production",
    "events[].event_type": "custom_event",
    "events[].data.event_name": "conversion",
    "events[].data.custom_event_type": "transaction",
}
_CLEAN: dict[str, Callable[[Any], Any]] = {
    "events[].data.timestamp_unixtime_ms": milliseconds,
    "user_identities.email": lower,
    "device_info.ios_advertising_id": lower,
    "user_attributes.mobile": mobile,
    "user_attributes.mobilesha256": lambda value: sha256(mobile(value)),
    "user_attributes.dob": day,
}


@cache
def _steps(path: str) -> tuple[list[str], str]:
    *parents, name = path.split(".")
    return parents, name


def _put(node: dict[str, Any], path: str, value: object) -> None:
    parents, name = _steps(path)
    for parent in parents:
        node = node.setdefault("events", [{}])[0] if parent == "events[]" else node.setdefault(parent, {})
    node[name] = value


def _schema() -> dict[str, Any]:
    text = files("airflow_provider_rokt.events").joinpath("schema", "batch.json").read_text("utf-8")
    return {**json.loads(text), "$ref": "#/$defs/conversion"}


def _post(session: requests.Session, url: str, batches: list[dict[str, Any]]) -> None:
    session.post(f"{url}/v2/bulkevents", json=batches, timeout=60).raise_for_status()
