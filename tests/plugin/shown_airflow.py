"""An Airflow of its own to look at: filled by tests/plugin/showing.py, served, and open in a browser."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from tests.plugin.browser import Browser

ROOT: Final = Path(__file__).parents[2]
START_SECONDS: Final = 90.0
FILL_SECONDS: Final = 300.0


class ShownAirflow:
    """One Airflow.

    :param home: its folder; empty.
    :param parts: of the mapped task that delivers.
    :ivar environment: what its processes begin with.
    """

    def __init__(self, home: Path, parts: int) -> None:
        self._home = home
        self.ledger = home / "ledger"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{free.getsockname()[1]}"
        self.environment = {**os.environ, **self._settings(), "PARTS": str(parts), "PYTHONPATH": str(ROOT)}

    def _settings(self) -> dict[str, str]:
        plugins = self._home / "plugins"
        plugins.mkdir()
        if not any(point.name == "rokt" for point in entry_points(group="airflow.plugins")):
            # Installed before there was an entry point, as an old editable checkout is.
            (plugins / "rokt.py").write_text("from airflow_provider_rokt.plugin.rokt_plugin import RoktPlugin\n")
        return {
            "AIRFLOW_HOME": str(self._home),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
            "AIRFLOW__ROKT__LEDGER_PATH": str(self.ledger),
            "AIRFLOW__API__PORT": self.address.rpartition(":")[2],
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__BASE_URL": self.address,
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        }

    def fill(self) -> dict[str, str]:
        """Puts there what tests/plugin/showing.py has; gives the ids of what is worth looking at."""
        command = [sys.executable, "-W", "ignore", "-m", "tests.plugin.showing"]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=FILL_SECONDS
        )
        assert done.returncode == 0, done.stderr[-2000:]
        shown: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
        return shown

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Its API server is up."""
        log = self._home / "api-server.log"
        command = [str(Path(sys.executable).with_name("airflow")), "api-server"]
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=self.environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            end = time.monotonic() + START_SECONDS
            while not _answers(f"{self.address}/api/v2/version"):
                assert process.poll() is None, log.read_text()[-2000:]
                assert time.monotonic() < end, log.read_text()[-2000:]
                time.sleep(0.3)
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)

    @property
    def password(self) -> str:
        """Of the user ``admin``, once the server is up."""
        file = self._home / "simple_auth_manager_passwords.json.generated"
        return str(json.loads(file.read_text())["admin"])

    @contextmanager
    def browser(self) -> Iterator[Browser]:
        """A browser that is logged in, and has nothing to complain of the page in the end."""
        with Browser() as browser:
            browser.look()
            browser.open(self.address)
            browser.type("input[name=username]", "admin")
            browser.type("input[name=password]", self.password)
            browser.click("Sign in")
            browser.shows("Rokt")
            yield browser
            assert [complaint for complaint in browser.complaints if "/rokt/" in complaint] == []

    @contextmanager
    def without_deliveries(self) -> Iterator[None]:
        """Its ledger is empty and no task has failed, as before the first delivery."""
        away = self.ledger.with_name("away")
        self.ledger.rename(away)
        self._restate("failed", "removed")
        try:
            yield
        finally:
            self._restate("removed", "failed")
            away.rename(self.ledger)

    def _restate(self, before: str, after: str) -> None:
        with sqlite3.connect(self._home / "airflow.db") as database:
            database.execute("UPDATE task_instance SET state = ? WHERE state = ?", (after, before))


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
