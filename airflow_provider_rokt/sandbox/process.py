"""A sandbox in a process of its own, where a measurement must not share the interpreter with it."""

import json
import subprocess
import sys
import urllib.request
from dataclasses import fields
from types import TracebackType
from typing import Any, Final, Self

from airflow_provider_rokt.sandbox.airflow_connection import ImportForm, connection
from airflow_provider_rokt.sandbox.behaviour import Settings

# What the sandbox holds may be much, and is counted while it is asked for.
_SECONDS: Final = 60.0


class SandboxProcess:
    """Serves on a free port while its context is open; what it holds is asked over HTTP.

    :param settings: the account it stands for.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.url = ""

    def __enter__(self) -> Self:
        given = {field.name: getattr(self.settings, field.name) for field in fields(Settings)}
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in given.items() if value is not None]
        command = [sys.executable, "-m", "airflow_provider_rokt.sandbox", "--port=0", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own command
        self.url = self._first_line().split()[3]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def connection(self, via: ImportForm = "v1") -> dict[str, Any]:
        """The Airflow connection that leads here, as :meth:`Sandbox.connection`."""
        return connection(self.url, self.settings, via)

    def ask(self, path: str, method: str = "GET", body: object = None) -> Any:
        """One of the sandbox's own addresses, e.g. ``ask("/sandbox/summary")``; its JSON, or ``None``."""
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, method=method)  # noqa: S310  our own process
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")

    def _first_line(self) -> str:
        assert self._process.stdout is not None  # noqa: S101  a pipe was asked for
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the sandbox's process did not start; its standard error says why")
        return line
