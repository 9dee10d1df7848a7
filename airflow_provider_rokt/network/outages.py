"""What kept an attempt from being answered: in words of our own, whether to try again, and what to check.

The libraries' own texts are left out, since they can hold a proxy's password or what a server wrote.
"""

import errno
import http.client
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import requests
from urllib3.exceptions import HTTPError, InvalidChunkLength, NewConnectionError

from airflow_provider_rokt.exceptions import RoktEndpointError, RoktError, RoktUnreachableError


class NoAnswerError(RoktUnreachableError):
    """No answer came to one attempt, so it is unknown whether Rokt took it; the engine tries again.

    :param cause: in our words.
    """

    def __init__(self, cause: str) -> None:
        self.cause = cause
        super().__init__(f"no answer came from Rokt: {cause}")


@dataclass(frozen=True, slots=True)
class Outage:
    """A kind of fault.

    :param words: what happened.
    :param check: what a person should check, where trying again at once is useless; ``""`` where it is not.
    :param passes: whether a later run may find it gone all the same.
    """

    words: str
    check: str = ""
    passes: bool = False

    def error(self) -> RoktError:
        """What to raise for it."""
        if not self.check:
            return NoAnswerError(self.words)
        kind = RoktUnreachableError if self.passes else RoktEndpointError
        return kind(f"No request to Rokt can be made: {self.words}. {self.check}")


_PROXY_VARIABLES: Final = "Check the proxy variables of the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)."
_BUNDLE: Final = "name the certificates to trust in the environment variable REQUESTS_CA_BUNDLE"
_INSPECTS: Final = f"Behind a proxy that inspects TLS, {_BUNDLE}."
_ADDRESS: Final = "Check the address in the connection (pod, events_url, audience_url) and the DNS of this machine."

# OpenSSL's numbers of what is wrong with a certificate (x509_vfy.h).
_CERTIFICATES: Final = {
    9: Outage("the TLS certificate of Rokt's address is not valid yet", "Check the clock of this machine."),
    10: Outage(
        "the TLS certificate of Rokt's address has expired",
        "Check the clock of this machine; behind a proxy that inspects TLS, have its certificate renewed.",
    ),
    62: Outage("the TLS certificate is for another host than Rokt's address", _ADDRESS),
    64: Outage("the TLS certificate is for another address than Rokt's", _ADDRESS),
}
_UNTRUSTED: Final = Outage("the TLS certificate of Rokt's address is not trusted here", _INSPECTS)
_NO_BUNDLE: Final = Outage(
    "the file with the certificates to trust is missing or holds none",
    "Check the environment variables REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE.",
)
_TLS: Final = Outage(
    "the other side speaks no TLS that is accepted here",
    "Check that the address is Rokt's and that no proxy in between is limited to old versions of TLS.",
)
_NAME_UNKNOWN: Final = Outage("the name of Rokt's address is not known to DNS", _ADDRESS, passes=True)
_PROXY_CREDENTIALS: Final = Outage("the proxy wants credentials (407)", _PROXY_VARIABLES)
_PROXY_REFUSES: Final = Outage(
    "the proxy refuses to connect to Rokt's address", f"Ask for leave to reach it. {_PROXY_VARIABLES}"
)
_MALFORMED: Final = Outage("its proxy or address is malformed", _PROXY_VARIABLES)
_OTHER: Final = Outage("the machine's network settings do not allow it", f"{_PROXY_VARIABLES} {_INSPECTS}")

_NAME_PASSES: Final = Outage("the name of its address cannot be looked up now")
_REFUSED: Final = Outage("the connection was refused: nothing listens at its address, or a firewall forbids it")
_UNREACHABLE: Final = Outage("there is no way to its address: network or firewall")
_BROKEN: Final = Outage("the connection broke")
_BROKEN_ANSWER: Final = Outage("what came back is no proper HTTP answer")
_NO_CONNECTION: Final = Outage("no connection within the time there is")
_SILENT: Final = Outage("no answer within the time there is")
_PROXY_FAILS: Final = Outage("the proxy fails to connect to its address")

_TUNNEL: Final = re.compile(r"[Tt]unnel connection failed: (\d{3})")
# What OpenSSL says where no try will change it; all other of its errors are a connection that broke.
_NO_TLS: Final = re.compile(
    "PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_VERSION_NUMBER|NO_PROTOCOLS_AVAILABLE|HANDSHAKE_FAILURE|"
    "NO_SHARED_CIPHER|WRONG_SSL_VERSION|INAPPROPRIATE_FALLBACK|HTTP_REQUEST|HTTPS_PROXY_REQUEST"
)
_GONE: Final = frozenset((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL))


def outage_of(error: BaseException) -> Outage:
    """What was wrong; of an error and all that it was raised for, the one that says most decides."""
    chain = list(_chain(error))
    for explain in _EXPLAINERS:
        for one in chain:
            if outage := explain(one):
                return outage
    return _OTHER


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those it wraps, which urllib3 and requests keep in several places."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [getattr(one, "reason", None), getattr(one, "original_error", None), one.__cause__]
            waiting += [one.__context__, *one.args]


def _certificate(error: BaseException) -> Outage | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _CERTIFICATES.get(error.verify_code, _UNTRUSTED)
    text = str(error)
    if isinstance(error, ssl.SSLError) and "NO_CERTIFICATE_OR_CRL_FOUND" in text:
        return _NO_BUNDLE
    return _NO_BUNDLE if type(error) is OSError and "CA certificate bundle" in text else None


def _tls(error: BaseException) -> Outage | None:
    return _TLS if isinstance(error, ssl.SSLError) and _NO_TLS.search(str(error)) else None


def _tunnel(error: BaseException) -> Outage | None:
    found = _TUNNEL.search(str(error)) if isinstance(error, OSError) else None
    if not found:
        return None
    if found[1] == "407":
        return _PROXY_CREDENTIALS
    return _PROXY_FAILS if found[1][0] == "5" or found[1] in ("408", "429") else _PROXY_REFUSES


def _name(error: BaseException) -> Outage | None:
    if not isinstance(error, socket.gaierror):
        return None
    return _NAME_UNKNOWN if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", -5)) else _NAME_PASSES


def _connecting(error: BaseException) -> Outage | None:
    if isinstance(error, ConnectionRefusedError):
        return _REFUSED
    return _UNREACHABLE if isinstance(error, OSError) and error.errno in _GONE else None


def _time(error: BaseException) -> Outage | None:
    if isinstance(error, requests.ConnectTimeout):
        return _NO_CONNECTION
    return _SILENT if isinstance(error, requests.Timeout | TimeoutError) else None


def _settings(error: BaseException) -> Outage | None:
    wrong = requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema | requests.exceptions.MissingSchema
    return _MALFORMED if isinstance(error, wrong) else None


def _answer(error: BaseException) -> Outage | None:
    # An answer that ends too early broke with its connection.
    broke = isinstance(error, ConnectionError | http.client.IncompleteRead | http.client.ImproperConnectionState)
    if isinstance(error, http.client.HTTPException) and (not broke or isinstance(error, InvalidChunkLength)):
        return _BROKEN_ANSWER
    return None


def _breaking(error: BaseException) -> Outage | None:
    if isinstance(error, ConnectionError | ssl.SSLError | NewConnectionError):
        return _BROKEN
    if isinstance(error, HTTPError | requests.exceptions.InvalidHeader | requests.exceptions.ContentDecodingError):
        return _BROKEN_ANSWER
    return _BROKEN if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError) else None


_EXPLAINERS: Final[tuple[Callable[[BaseException], Outage | None], ...]] = (
    _certificate,
    _tls,
    _tunnel,
    _name,
    _connecting,
    _time,
    _settings,
    # Before what requests makes of both: a ConnectionError.
    _answer,
    _breaking,
)
