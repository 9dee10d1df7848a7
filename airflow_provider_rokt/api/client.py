"""HTTP to Rokt: one attempt at a time, on kept connections, with nothing guessed from the environment per request."""

import os
import time
import traceback
from collections.abc import Mapping
from typing import Final, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from airflow_provider_rokt import __version__
from airflow_provider_rokt.api.addresses import Addresses
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.exceptions import RoktEndpointError, RoktError, RoktUnreachableError
from airflow_provider_rokt.flow.request import Endpoint

ANSWER_BYTES: Final = 1024 * 1024
"""How much of an answer is read; 100 verdicts of Rokt are some 30 kB."""
_CHUNK: Final = 64 * 1024
_NO_ANSWER: Final = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
    ConnectionError,
    TimeoutError,
)


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


class NoAnswerError(RoktUnreachableError):
    """No answer came to one attempt, so it is unknown whether Rokt took it; the engine tries again.

    :param cause: the network error's type. Its text is left out: it can hold a proxy's password.
    """

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(f"no answer came from Rokt ({cause})")


class RoktClient:
    """Posts to Rokt. Threads may share it; it never retries and never follows a redirect.

    :param addresses: where each surface listens.
    :param timeout_seconds: to connect, and between two bytes of the answer.
    :param connections: kept open at most; one for each thread that posts.
    """

    def __init__(
        self, addresses: Addresses, credentials: Credentials, *, timeout_seconds: float = 30, connections: int = 4
    ) -> None:
        self._addresses = addresses
        self._credentials = credentials
        self._timeout = timeout_seconds
        self._session = _session(connections)
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

    def close(self) -> None:
        """Closes the kept connections."""
        self._session.close()

    def _send(self, method: str, path: str, endpoint: Endpoint, body: bytes) -> Answer:
        base = self._addresses.base(endpoint.surface)
        begin = time.perf_counter()
        try:
            request = self._prepared(method, f"{base}/{path}", endpoint).copy()
            request.body = body
            request.headers["Content-Length"] = str(len(body))
            with self._session.send(
                request,
                timeout=self._timeout,
                allow_redirects=False,
                proxies=self._proxies[base],
                verify=self._verify,
                stream=True,
            ) as response:
                read = _beginning(response)
                elapsed = (time.perf_counter() - begin) * 1000
                return Answer(response.status_code, response.headers, read, elapsed)
        except OSError as error:  # requests' own errors are OSErrors too
            failure = _failure(error)
            _forget(error)
        # Raised out here so that the original, which holds the body and the header, is not carried along.
        try:
            raise failure
        finally:
            # Its traceback holds this frame, and with it the body, as long as the frame holds it.
            del failure

    def _prepared(self, method: str, url: str, endpoint: Endpoint) -> requests.PreparedRequest:
        """The request but for its body; made once, since making it takes half as long as sending it."""
        if url not in self._requests:
            # The endpoint picks both the host and the header, so a surface never sees the other one's credentials.
            headers = {"Authorization": self._credentials.authorization(endpoint).encode()}
            self._requests[url] = self._session.prepare_request(requests.Request(method, url, headers=headers))
        return self._requests[url]


def _session(connections: int) -> requests.Session:
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
    adapter = HTTPAdapter(pool_connections=2, pool_maxsize=connections, max_retries=0)
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


def _forget(error: BaseException | None) -> None:
    """Frees what the frames of a failed attempt hold, above all its body of up to 8 MB.

    They and the errors refer to each other, so it would stay until the garbage collector comes by.
    """
    while error:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _failure(error: Exception) -> RoktError:
    cause = type(error).__name__
    # Trust does not come back by itself, whereas other TLS errors are a connection that broke.
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return RoktEndpointError(
            "The TLS certificate of Rokt's address is not trusted here. Behind a proxy that inspects TLS, name its "
            "certificates in the environment variable REQUESTS_CA_BUNDLE."
        )
    if isinstance(error, _NO_ANSWER):
        return NoAnswerError(cause)
    return RoktEndpointError(
        f"No request to Rokt can be made ({cause}). Check the proxy variables, REQUESTS_CA_BUNDLE and that the "
        "credentials hold no line breaks."
    )
