"""What the tests of commands share: the command as a user types it, and a row of a shop."""

import sys
import time

from airflow import __version__ as airflow_version

NOW = int(time.time() * 1000)
# Airflow reads a provider's commands from 3.2 on.
IS_KNOWN_TO_AIRFLOW = tuple(map(int, airflow_version.split(".")[:2])) >= (3, 2)
COMMAND = [sys.executable, "-m", *(["airflow", "rokt"] if IS_KNOWN_TO_AIRFLOW else ["airflow_provider_rokt"])]


def order(number, **changes):
    return {
        "email": f"person{number}@example.com",
        "source_message_id": f"order-{number}",
        "timestamp_unixtime_ms": NOW - number,
        "conversiontype": "purchase",
    } | changes
