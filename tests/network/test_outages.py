"""Whatever keeps an attempt from being answered is named, with what to check, and decides whether to try again."""

import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests

from airflow_provider_rokt.api.addresses import Addresses
from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.api.endpoints import BULK
from airflow_provider_rokt.exceptions import RoktEndpointError, RoktError, RoktUnreachableError
from airflow_provider_rokt.network.outages import NoAnswerError, outage_of
from tests.network.hostile import Hostile, Script

x509 = pytest.importorskip("cryptography.x509")
from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec  # noqa: E402

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
TRIED_AGAIN, ENDS, ENDS_FOR_NOW = NoAnswerError, RoktEndpointError, RoktUnreachableError


def failure(url: str) -> RoktError:
    """What a post to an address ends with."""
    addresses = Addresses.of(events_url=url, allow_any_host=True)
    client = RoktClient(addresses, Credentials("k", "s"), timeout_seconds=5)
    with closing(client), pytest.raises(RoktError) as caught:
        client.post(BULK, b"[]")
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


def certificate(folder: Path, *, host: str = "127.0.0.1", begins: int = -1, ends: int = 1) -> Path:
    """A file with a self-signed certificate and its key, valid between these days from now on."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    is_ip = host.replace(".", "").isdecimal()
    alternative = x509.IPAddress(ip_address(host)) if is_ip else x509.DNSName(host)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now + timedelta(begins), now + timedelta(ends))
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / "certificate.pem"
    file.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return file


def speaking_tls(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def accepts() -> Script:
    yield ACCEPTED


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"begins": -3, "ends": -1}, "has expired"),
        ({"begins": 1, "ends": 3}, "not valid yet"),
        ({"host": "example.com"}, "for another"),
        ({"host": "127.0.0.2"}, "for another"),
    ],
)
def test_each_fault_of_a_certificate_has_its_words(
    wrong: dict[str, object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = certificate(tmp_path, **wrong)  # type: ignore[arg-type]
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    with Hostile(accepts, context=speaking_tls(file)) as server:
        error = failure(server.url)
    assert type(error) is ENDS
    assert words in str(error)
    assert "heck" in str(error)


def test_a_certificate_that_nobody_trusts_names_the_bundle(tmp_path: Path) -> None:
    with Hostile(accepts, context=speaking_tls(certificate(tmp_path))) as server:
        error = failure(server.url)
    assert type(error) is ENDS
    assert "not trusted here" in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error)


@pytest.mark.parametrize("content", ["", "no certificate\n", None])
def test_a_file_without_certificates_is_named(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with Hostile(accepts, context=speaking_tls(certificate(tmp_path))) as server:
        error = failure(server.url)
    assert type(error) is ENDS
    assert "the certificates to trust" in str(error)
    assert "REQUESTS_CA_BUNDLE" in str(error)


def test_old_tls_is_not_accepted_for_ever(tmp_path: Path) -> None:
    context = speaking_tls(certificate(tmp_path))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with Hostile(accepts, context=context) as server:
        error = failure(server.url)
    assert type(error) is ENDS
    assert "no TLS that is accepted" in str(error)


def test_plain_http_where_tls_is_expected_ends_it() -> None:
    with Hostile(lambda: [b"HTTP/1.1 400 Bad Request\r\n\r\n"], greets=True) as server:
        error = failure(server.url.replace("http", "https"))
    assert type(error) is ENDS
    assert "no TLS" in str(error)


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (b"407 Proxy Authentication Required", "wants credentials (407)", ENDS),
        (b"403 Forbidden", "refuses to connect", ENDS),
        (b"503 Unavailable", "the proxy fails", TRIED_AGAIN),
        (b"504 Gateway Timeout", "the proxy fails", TRIED_AGAIN),
    ],
)
def test_a_proxy_that_opens_no_tunnel_is_named(
    status: bytes, words: str, kind: type[RoktError], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hostile(lambda: [b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n"]) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url.replace("//", "//me:hunter2@"))
        error = failure("https://rokt.invalid")
    assert type(error) is kind
    assert words in str(error)
    assert "hunter2" not in str(error)


def test_nobody_listening_is_tried_again_and_named() -> None:
    error = failure("http://127.0.0.1:1")
    assert type(error) is TRIED_AGAIN
    assert "refused" in str(error)


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (socket.EAI_NONAME, ENDS_FOR_NOW, "not known to DNS"),
        (socket.EAI_AGAIN, TRIED_AGAIN, "cannot be looked up now"),
        (socket.EAI_FAIL, TRIED_AGAIN, "cannot be looked up now"),
    ],
)
def test_a_name_that_dns_does_not_tell_is_named(number: int, kind: type[RoktError], words: str) -> None:
    error = requests.ConnectionError(requests.ConnectionError("Max retries exceeded"))
    error.__context__ = socket.gaierror(number, "Name or service not known")
    found = outage_of(error).error()
    assert type(found) is kind
    assert words in str(found)
    assert found.retryable


def test_a_name_that_does_not_exist_is_looked_up_for_real() -> None:
    assert isinstance(failure("http://rokt.invalid"), RoktUnreachableError)


@pytest.mark.parametrize("number", [errno.EHOSTUNREACH, errno.ENETUNREACH])
def test_no_way_to_the_host_is_tried_again(number: int) -> None:
    error = outage_of(requests.ConnectionError(OSError(number, "No route to host"))).error()
    assert type(error) is TRIED_AGAIN
    assert "no way" in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 5, 7\r\n\r\nhello",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello",
        b"HTTP/1.1 abc Accepted\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 202 " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\nnot hexadecimal\r\n",
        b"HTTP/1.1 202 Accepted\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(200)) + b"\r\n",
        b"HTTP/1.1 202 Accepted\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: five\r\n\r\n{}",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2020 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2 202\r\ncontent-length: 0\r\n\r\n",
        b"220 mail.example.com ESMTP\r\n",
        b"\0\1\2",
    ],
)
def test_an_answer_that_is_no_http_is_tried_again_and_named(answer: bytes) -> None:
    with Hostile(lambda: [answer]) as server:
        error = failure(server.url)
    assert type(error) is TRIED_AGAIN
    assert str(error) == "no answer came from Rokt: what came back is no proper HTTP answer"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 202 Acc",
        b"HTTP/1.1 202 Accepted\r\nDate: Sat, 28 Nov",
        b"HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\n{}",
        b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
)
def test_an_answer_that_ends_too_early_broke_with_its_connection(answer: bytes) -> None:
    with Hostile(lambda: [answer]) as server:
        error = failure(server.url)
    assert type(error) is TRIED_AGAIN
    assert str(error) == "no answer came from Rokt: the connection broke"


def test_an_empty_answer_that_says_where_it_ends_is_one() -> None:
    with Hostile(lambda: [b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]) as server:
        addresses = Addresses.of(events_url=server.url, allow_any_host=True)
        with closing(RoktClient(addresses, Credentials("k", "s"), timeout_seconds=5)) as client:
            answer = client.post(BULK, b"[]")
    assert (answer.status, answer.body) == (202, b"")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "http://", "nonsense://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_named(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    error = failure("http://rokt.invalid")
    assert "prox" in str(error).lower() or isinstance(error, NoAnswerError)


@pytest.mark.parametrize(
    "make", [lambda: OSError("somebody@example.com"), lambda: requests.RequestException("somebody@example.com")]
)
def test_an_unknown_fault_says_nothing_of_its_own(make: Callable[[], OSError]) -> None:
    error = outage_of(make()).error()
    assert type(error) is ENDS
    assert "somebody" not in str(error)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("http_proxy", "https_proxy", "no_proxy", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield
