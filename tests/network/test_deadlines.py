"""Nothing that a server does, or leaves undone, holds an attempt past its deadline."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from airflow_provider_rokt.api.addresses import Addresses
from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.network.outages import NoAnswerError
from tests.network.hostile import Hostile, Script, drip

ACCEPTED = b"HTTP/1.1 202 Accepted\r\n"
# The machine is shared; a hang is minutes.
BOUND = 10.0


def client_of(url: str, timeout: float = 0.5) -> RoktClient:
    return RoktClient(
        Addresses.of(events_url=url, allow_any_host=True), Credentials("k", "s"), timeout_seconds=timeout, connections=2
    )


def drips_body() -> Script:
    yield ACCEPTED + b"Content-Length: 500\r\n\r\n"
    yield from drip(b" " * 500, 0.1)


def drips_until_closed() -> Script:
    """Nothing but blanks: what would be an empty body, could its end be believed."""
    yield ACCEPTED + b"\r\n"
    yield from drip(b" " * 500, 0.1)


def drips_chunks() -> Script:
    yield ACCEPTED + b"Transfer-Encoding: chunked\r\n\r\n"
    for _ in range(500):
        yield b"1\r\n \r\n"
        yield 0.1


def drips_headers() -> Script:
    yield ACCEPTED
    for number in range(500):
        yield f"X-{number}: a\r\n".encode()
        yield 0.1


def drips_a_header() -> Script:
    yield ACCEPTED
    yield from drip(b"X-Long: " + b"a" * 500, 0.1)


def drips_the_status() -> Script:
    yield from drip(b"HTTP/1.1 202 " + b"a" * 500, 0.1)


def continues_for_ever() -> Script:
    for _ in range(500):
        yield b"HTTP/1.1 100 Continue\r\n\r\n"
        yield 0.1


def says_nothing() -> Script:
    yield 60.0


SCRIPTS = [
    drips_body,
    drips_until_closed,
    drips_chunks,
    drips_headers,
    drips_a_header,
    drips_the_status,
    continues_for_ever,
    says_nothing,
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_server_that_drips_is_no_answer_within_the_deadline(script: Callable[[], Script]) -> None:
    with Hostile(script) as server, closing(client_of(server.url)) as client:
        begin = time.monotonic()
        with pytest.raises(NoAnswerError):
            client.post(BULK, b"[]")
        assert time.monotonic() - begin < BOUND


def test_what_is_being_sent_to_a_server_that_does_not_read_can_be_cut() -> None:
    with Hostile(says_nothing, reads=False) as server, closing(client_of(server.url)) as client:
        begin = time.monotonic()
        threading.Timer(0.5, client.cut).start()
        with pytest.raises(NoAnswerError, match="the task ends"):
            client.post(BULK, b"x" * 40_000_000)
        assert time.monotonic() - begin < BOUND


def test_a_tls_handshake_that_does_not_come_is_no_answer_within_the_deadline() -> None:
    hello = b"\x16\x03\x03\x40\x00" + b"\x00" * 500
    server = Hostile(lambda: drip(hello, 0.1), greets=True)
    with server, closing(client_of(server.url.replace("http", "https"))) as client:
        begin = time.monotonic()
        with pytest.raises(NoAnswerError):
            client.post(BULK, b"[]")
        assert time.monotonic() - begin < BOUND


def test_a_proxy_that_drips_is_no_answer_within_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    def drips_a_tunnel() -> Script:
        yield b"HTTP/1.1 200 OK\r\n"
        yield from drip(b"X-Long: " + b"a" * 500, 0.1)

    with Hostile(drips_a_tunnel) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with closing(client_of("https://rokt.invalid")) as client:
            begin = time.monotonic()
            with pytest.raises(NoAnswerError):
                client.post(BULK, b"[]")
            assert time.monotonic() - begin < BOUND


@pytest.fixture
def full() -> Iterator[str]:
    """An address whose queue of connections is full, as that of a host behind a firewall that says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(server.getsockname())
            waiting.append(one)
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for one in waiting:
            one.close()


def test_a_host_that_does_not_answer_at_all_is_no_answer_within_the_deadline(full: str) -> None:
    with closing(client_of(full)) as client:
        begin = time.monotonic()
        with pytest.raises(NoAnswerError):
            client.post(BULK, b"[]")
        assert time.monotonic() - begin < BOUND


def test_the_deadline_grows_with_the_body() -> None:
    """A slow line is no hostile server: the body's bytes get their time."""

    def late() -> Script:
        yield 1.5
        yield ACCEPTED + b"Content-Length: 0\r\n\r\n"

    with Hostile(late) as server, closing(client_of(server.url, timeout=0.2)) as client:
        assert client.post(BULK, b" " * 500_000).status == 202


def test_the_next_attempt_finds_the_server_again() -> None:
    answers = lambda: [ACCEPTED + b"Content-Length: 0\r\n\r\n"]  # noqa: E731
    with Hostile(drips_body, answers) as server, closing(client_of(server.url)) as client:
        with pytest.raises(NoAnswerError):
            client.post(BULK, b"[]")
        assert client.post(BULK, b"[]").status == 202


@pytest.mark.parametrize(
    "end",
    [
        b"Content-Length: 200\r\n\r\n",
        b'Content-Length: 200\r\n\r\n{"errors": [',
        b"Transfer-Encoding: chunked\r\n\r\n",
        b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"err\r\n',
    ],
)
def test_an_answer_that_ends_too_early_is_none(end: bytes) -> None:
    server = Hostile(lambda: [ACCEPTED + end])
    with server, closing(client_of(server.url, timeout=30)) as client, pytest.raises(NoAnswerError):
        client.post(BULK, b"[]")


@pytest.mark.parametrize("script", [drips_body, drips_headers, says_nothing])
def test_attempts_on_their_way_end_when_they_are_cut(script: Callable[[], Script]) -> None:
    ended: list[float] = []
    with Hostile(script) as server, closing(client_of(server.url, timeout=60)) as client:

        def post() -> None:
            with pytest.raises(NoAnswerError, match="the task ends"):
                client.post(BULK, b"[]")
            ended.append(time.monotonic())

        threads = [threading.Thread(target=post) for _ in range(2)]
        for thread in threads:
            thread.start()
        while server.connections < 2:
            time.sleep(0.01)
        time.sleep(0.1)
        begin = time.monotonic()
        client.cut()
        for thread in threads:
            thread.join(BOUND)
        assert len(ended) == 2
        assert max(ended) - begin < BOUND
        # And nothing leaves any more.
        with pytest.raises(NoAnswerError):
            client.post(BULK, b"[]")
