"""Scheduled runs of a DAG's file in a process of their own: Airflow reads its default timezone as it is imported.

python -m tests.examples.zones FILE COUNT FIRST ...
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_where(zone: str, file: Path, count: int, starts: Iterable[datetime]) -> None:
    """So many runs from each of some moments on, where Airflow's ``default_timezone`` is `zone`."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.examples.zones", file, str(count)]
    environment = os.environ | {"AIRFLOW__CORE__DEFAULT_TIMEZONE": zone}
    subprocess.run([*command, *map(str, starts)], cwd=ROOT, env=environment, check=True)


def main(file: str, count: str, *starts: str) -> None:
    """Runs them here."""
    from tests.examples.runs import execute, imported, scheduled

    dag = imported(Path(file))
    for start in starts:
        for info in scheduled(dag, datetime.fromisoformat(start), int(count)):
            execute(dag, info)


if __name__ == "__main__":
    main(*sys.argv[1:])
