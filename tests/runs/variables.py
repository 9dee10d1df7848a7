"""Airflow's variables where no Airflow runs: a file beside the ledgers, which all processes of one test share."""

import json
import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest import mock

from airflow.providers.common.compat.sdk import Variable


def variables_beside_the_ledger() -> AbstractContextManager[Any]:
    """Has tasks ask and tell that file instead of Airflow."""
    return mock.patch.multiple(Variable, get=_get, set=_set)


def known() -> dict[str, str]:
    """What it holds."""
    file = _file()
    return json.loads(file.read_text()) if file.exists() else {}


def _get(key: str) -> str:
    return known()[key]


def _set(key: str, value: str, description: str | None = None) -> None:
    _file().write_text(json.dumps({**known(), key: value}))


def _file() -> Path:
    return Path(os.environ["AIRFLOW__ROKT__LEDGER_PATH"]).with_name("variables.json")
