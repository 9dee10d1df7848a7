"""What the tests of commands share: the command as a user types it, and a row of a shop."""

import re
import subprocess
import sys
import time

from airflow import __version__ as airflow_version

NOW = int(time.time() * 1000)
# Airflow reads a provider's commands from 3.2 on.
IS_KNOWN_TO_AIRFLOW = tuple(map(int, airflow_version.split(".")[:2])) >= (3, 2)
COMMAND = [sys.executable, "-m", *(["airflow", "rokt"] if IS_KNOWN_TO_AIRFLOW else ["airflow_provider_rokt"])]

# Airflow 3.1 logs the plugins of its database's migrations wherever it opens the database.
_OF_AIRFLOW = re.compile(r"^.*\[alembic\.runtime\.plugins\].*\n", re.MULTILINE)


def process(*arguments):
    """The command in a process of its own, with nobody at its terminal."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    done.stderr = _OF_AIRFLOW.sub("", done.stderr)
    return done


def order(number, **changes):
    return {
        "email": f"person{number}@example.com",
        "source_message_id": f"order-{number}",
        "timestamp_unixtime_ms": NOW - number,
        "conversiontype": "purchase",
    } | changes
