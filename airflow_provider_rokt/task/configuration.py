"""What Airflow's configuration says: where the ledger is and how long it is kept, how long a request is tried."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from airflow.providers.common.compat.sdk import ObjectStoragePath, conf

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.limits import RETRY_SECONDS


def open_ledger() -> Ledger:
    """The ledger at ``[rokt] ledger_path``: a folder, or a URL as ``ObjectStoragePath`` takes it.

    :raises RoktSettingsError: when it is neither, or the provider of that storage is not installed.
    """
    try:
        return Ledger(_root(conf.get("rokt", "ledger_path", fallback="") or _default()))
    except (ImportError, ValueError) as error:
        hint = "install the provider of that storage, e.g. apache-airflow-providers-amazon[s3fs]"
        raise RoktSettingsError("[rokt] ledger_path", [f"{error}; {hint}"]) from error


def ledger_days() -> int:
    """For how many days after its end a delivery is kept, ``[rokt] ledger_days``; 0 for ever.

    :raises RoktSettingsError: where it is no whole number.
    """
    text = str(conf.get("rokt", "ledger_days", fallback="0") or "0").strip()
    if not re.fullmatch("[0-9]{1,6}", text):
        raise RoktSettingsError(
            "[rokt] ledger_days", ["enter a whole number of days, or 0 to keep deliveries for ever"]
        )
    return int(text)


def retry_seconds() -> float:
    """How long one request is tried, ``[rokt] retry_seconds``."""
    return float(conf.getfloat("rokt", "retry_seconds", fallback=RETRY_SECONDS))


def _root(location: str) -> Any:
    url = urlsplit(location)
    if url.scheme not in ("", "file"):
        return ObjectStoragePath(location)
    path = Path(url2pathname(url.path) if url.scheme else location).expanduser()
    if not path.is_absolute() or url.netloc:
        raise RoktSettingsError(
            "[rokt] ledger_path", ["enter an absolute path, since each Airflow process starts in its own folder"]
        )
    return path


def _default() -> str:
    home = Path(os.path.expandvars(os.environ.get("AIRFLOW_HOME", "~/airflow"))).expanduser()
    return str(home.absolute() / "rokt_ledger")
