"""HTTP to Rokt: one attempt at a time, on kept connections, with nothing guessed from the environment per request."""

import os
import time
import traceback
from collections.abc import Mapping
from typing import Final, NamedTuple

import requests
from requests.utils import get_environ_proxies
from urllib3.exceptions import HTTPError

from airflow_provider_rokt import __version__
from airflow_provider_rokt.api.addresses import Addresses
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.exceptions import RoktEndpointError, RoktError
from airflow_provider_rokt.flow.request import Endpoint
from airflow_provider_rokt.network.lifelines import Attempt, LifelineAdapter, Lifelines
from airflow_provider_rokt.network.outages import NoAnswerError, outage_of

ANSWER_BYTES: Final = 1024 * 1024
"""How much of an answer is read; 100 verdicts of Rokt are some 30 kB."""
SLOWEST_BYTES: Final = 50_000
"""Bytes a second that a body is allowed to take at the slowest, on top of the connection's timeout."""
_CHUNK: Final = 64 * 1024
_SUCCESS_WITH_A_BODY: Final = frozenset(range(200, 300)) - {204}


class Answer(NamedTuple):
    """An HTTP answer of any status.

    :param headers: looked up without regard to case.
    :param body: its beginning; what it quotes of the rows must not be logged or kept.
    :param milliseconds: from the request's start to the body's end.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: float


class RoktClient:
    """Posts to Rokt. Threads may share it; it never retries and never follows a redirect.

    :param addresses: where each surface listens.
    :param timeout_seconds: to connect, to send and to be answered in whole, with a second more for every
        :data:`SLOWEST_BYTES` of the body.
    :param connections: kept open at most; one for each thread that posts.
    """

    def __init__(
        self, addresses: Addresses, credentials: Credentials, *, timeout_seconds: float = 30, connections: int = 4
    ) -> None:
        self._addresses = addresses
        self._credentials = credentials
        self._timeout = timeout_seconds
        self._lines = Lifelines()
        self._session = _session(connections, self._lines)
        self._requests: dict[str, requests.PreparedRequest] = {}
        # requests looks proxies and certificates up in the environment for every request, a fifth of its time, and
        # reads .netrc, which could put foreign credentials into the header. So: both looked up once, passed along.
        self._proxies = {base: get_environ_proxies(base) for base in {addresses.events, addresses.audience}}
        self._verify: str | bool = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True

    def __repr__(self) -> str:
        return f"RoktClient({self._addresses.events!r}, {self._addresses.audience!r})"

    def post(self, endpoint: Endpoint, body: bytes) -> Answer:
        """One attempt.

        :raises NoAnswerError: where the network failed or timed out; Rokt may have taken the rows all the same.
        :raises RoktUnreachableError: where trying again at once is useless: the address's name is unknown.
        :raises RoktEndpointError: where no attempt can succeed: an untrusted certificate, a malformed proxy.
        """
        return self._send("POST", endpoint.path, endpoint, body)

    def check(self, endpoint: Endpoint, body: bytes = b"") -> Answer:
        """Tries the credentials for an endpoint that has an address for it, without any effect.

        :param body: ``{"accountId": ...}`` where the endpoint names the account.
        :raises ValueError: for an endpoint without such an address.
        """
        if endpoint.check is None:
            raise ValueError(f"/{endpoint.path} has no check of credentials")
        method, path = endpoint.check
        return self._send(method, path, endpoint, body)

    def cut(self) -> None:
        """Ends all attempts at once, and every later one as it begins. Any thread may call it."""
        self._lines.cut()

    def close(self) -> None:
        """Closes the kept connections."""
        self._lines.close()
        self._session.close()

    def _send(self, method: str, path: str, endpoint: Endpoint, body: bytes) -> Answer:
        base = self._addresses.base(endpoint.surface)
        request = self._prepared(method, f"{base}/{path}", endpoint).copy()
        request.body = body
        request.headers["Content-Length"] = str(len(body))
        with Attempt(self._lines, self._timeout + len(body) / SLOWEST_BYTES) as attempt:
            try:
                return self._answered(request, base, attempt)
            except (OSError, HTTPError) as error:  # requests' own errors are OSErrors too
                failure = self._failure(error, attempt)
                _forget(error)
        # Raised out here so that the original, which holds the body and the header, is not carried along.
        try:
            raise failure
        finally:
            # Its traceback holds this frame, and with it the body, as long as the frame holds it.
            del failure, request

    def _answered(self, request: requests.PreparedRequest, base: str, attempt: Attempt) -> Answer:
        begin = time.perf_counter()
        with self._session.send(
            request,
            timeout=attempt.seconds,
            allow_redirects=False,
            proxies=self._proxies[base],
            verify=self._verify,
            stream=True,
        ) as response:
            read = _beginning(response)
            if attempt.is_cut or _is_short(response, read):
                # The end of the connection is not the end of the answer.
                raise requests.ConnectionError
            return Answer(response.status_code, response.headers, read, (time.perf_counter() - begin) * 1000)

    def _failure(self, error: Exception, attempt: Attempt) -> RoktError:
        if self._lines.is_cut:
            return NoAnswerError("the connection was cut, since the task ends")
        if attempt.is_cut:
            return NoAnswerError(f"no whole answer within {attempt.seconds:.0f} s")
        return outage_of(error).error()

    def _prepared(self, method: str, url: str, endpoint: Endpoint) -> requests.PreparedRequest:
        """The request but for its body; made once, since making it takes half as long as sending it."""
        if url not in self._requests:
            # The endpoint picks both the host and the header, so a surface never sees the other one's credentials.
            headers = {"Authorization": self._credentials.authorization(endpoint).encode()}
            self._requests[url] = self._ready(requests.Request(method, url, headers=headers))
        return self._requests[url]

    def _ready(self, request: requests.Request) -> requests.PreparedRequest:
        try:
            return self._session.prepare_request(request)
        except requests.exceptions.InvalidHeader:
            pass
        # Raised out here, since the original quotes the header.
        raise RoktEndpointError(
            "No request to Rokt can be made: a credential holds what no header can carry. Check that those of the "
            "connection hold no line breaks and no blanks around them."
        )


def _session(connections: int, lines: Lifelines) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.headers.update(
        {
            "Content-Type": "application/json",
            "Accept": "application/json",
            # Verdicts are short; plain ones cannot unfold to something large.
            "Accept-Encoding": "identity",
            "User-Agent": f"airflow-provider-rokt/{__version__}",
        }
    )
    adapter = LifelineAdapter(lines, pool_connections=2, pool_maxsize=connections, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _beginning(response: requests.Response) -> bytes:
    read = b""
    for chunk in response.iter_content(_CHUNK):
        read += chunk
        if len(read) >= ANSWER_BYTES:
            break
    return read


def _is_short(response: requests.Response, read: bytes) -> bool:
    """Whether the connection ended before the answer did."""
    promised = response.headers.get("Content-Length", "")
    if promised.isdecimal():
        # urllib3 tells this by itself from 2.0 on.
        return len(read) < min(int(promised), ANSWER_BYTES)
    if promised:
        # Of -5 bytes nobody can tell where they end.
        raise requests.exceptions.InvalidHeader
    # A header that breaks off looks like one whose body lasts until the connection ends, and is empty. HTTP/1.1 says
    # how long an empty body is, but for a 204.
    ends_anywhere = response.raw.version == 11 and "Transfer-Encoding" not in response.headers
    return ends_anywhere and not read and response.status_code in _SUCCESS_WITH_A_BODY


def _forget(error: BaseException | None) -> None:
    """Frees what the frames of a failed attempt hold, above all its body of up to 8 MB.

    They and the errors refer to each other, so it would stay until the garbage collector comes by.
    """
    while error:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__
