"""A sandbox that runs: in a thread of this process, or as the process itself."""

import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import uvicorn

from airflow_provider_rokt.sandbox.account import Account
from airflow_provider_rokt.sandbox.airflow_connection import ImportForm, connection
from airflow_provider_rokt.sandbox.app import application
from airflow_provider_rokt.sandbox.behaviour import Settings
from airflow_provider_rokt.sandbox.faults import Faults
from airflow_provider_rokt.sandbox.rate import Rate
from airflow_provider_rokt.sandbox.store import Store
from airflow_provider_rokt.sandbox.wire import Connection


class Sandbox:
    """A local Rokt; as a context manager it serves from a thread of its own.

    :param settings: the account it stands for; the defaults suit a test.
    :param host: address it listens on. Whoever reaches it may read what it holds.
    :param port: port it listens on; 0 takes a free one.
    :ivar url: its base address, e.g. ``http://127.0.0.1:8585``.
    :raises OSError: where the port is taken.
    """

    def __init__(self, settings: Settings | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._settings = settings or Settings()
        self._app = application(Account(self._settings))
        self._socket = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # Inherited by each connection; otherwise an answer's body waits 40 ms for the acknowledgement of its header.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.url = _url(*self._socket.getsockname()[:2])
        config = uvicorn.Config(
            self._app,
            http=Connection,
            loop="asyncio",
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            # Longer than any pause of a sender, whose pooled connections would else be closed under it.
            timeout_keep_alive=600,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self.run, name="rokt-sandbox", daemon=True)

    @property
    def settings(self) -> Settings:
        """The account it stands for now."""
        return self._account.settings

    @property
    def store(self) -> Store:
        """What it holds; another one after every reset."""
        return self._account.store

    @property
    def faults(self) -> Faults:
        """The faults that are set; others after every reset."""
        return self._account.faults

    @property
    def rate(self) -> Rate:
        """Its limits and the peak it was offered; another after every reset."""
        return self._account.rate

    def connection(self, via: ImportForm = "v1") -> dict[str, Any]:
        """The Airflow connection that leads here: conn_type, login, password and extra.

        :param via: the form of the audience import its credentials are for.
        """
        return connection(self.url, self.settings, via)

    def connection_extra(self, via: ImportForm = "v1") -> dict[str, Any]:
        """That connection's extra."""
        extra: dict[str, Any] = self.connection(via)["extra"]
        return extra

    def reset(self, settings: Settings | None = None) -> None:
        """Forgets everything, and starts again with these settings or those it was made with."""
        self._app.state.account = Account(settings or self._settings)

    @property
    def _account(self) -> Account:
        account: Account = self._app.state.account
        return account

    def run(self) -> None:
        """Serves until interrupted."""
        self._server.run(sockets=[self._socket])

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.005)
        if not self._server.started:
            raise RuntimeError("the sandbox's server did not start; its log says why")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join()


def _url(host: str, port: int) -> str:
    """Where listening on every address, this machine's own."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  only read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
