"""Asks the real Airflow of ``tests/kills/real.py``, and waits for what it does."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any, Final

PORT: Final = 8487
_PATIENCE: Final = 240.0


def ask(path: str, body: dict[str, Any] | None = None) -> Any:
    """Asks Airflow's API."""
    request = urllib.request.Request(
        f"http://localhost:{PORT}{path}",
        data=json.dumps(body).encode() if body is not None else None,
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def until(what: str, condition: Callable[[], Any]) -> Any:
    """Waits for something."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            if found := condition():
                return found
        except OSError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"{what} did not come within {_PATIENCE:.0f} s")
