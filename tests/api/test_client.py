import base64
import gc
import ssl
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_rokt import __version__
from airflow_provider_rokt.api.addresses import Addresses
from airflow_provider_rokt.api.client import ANSWER_BYTES, RoktClient
from airflow_provider_rokt.api.credentials import Credentials
from airflow_provider_rokt.api.endpoints import BULK, ENDPOINTS, HISTORICAL, IMPORT_V1, IMPORT_V3
from airflow_provider_rokt.exceptions import RoktAuthError, RoktEndpointError
from airflow_provider_rokt.flow.request import Endpoint, Surface
from airflow_provider_rokt.network.outages import NoAnswerError
from airflow_provider_rokt.sandbox import Sandbox
from airflow_provider_rokt.sandbox.faults import AnyFault, Delay, Redirect, Reset
from tests.api.recorder import Recorder

SECRETS = ("the-key", "the-secret", "audience-key")
CREDENTIALS = Credentials(*SECRETS)
PAIR = base64.b64encode(b"the-key:the-secret").decode()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


def client_of(events: str, audience: str | None = None, timeout: float = 30.0) -> RoktClient:
    endpoints = Addresses.of(events_url=events, audience_url=audience or events, allow_any_host=True)
    return RoktClient(endpoints, CREDENTIALS, timeout_seconds=timeout)


def test_a_post_carries_what_rokt_asks_for(recorder: Recorder) -> None:
    with closing(client_of(recorder.url)) as client:
        answer = client.post(BULK, b'[{"a":1}]')
    (seen,) = recorder.seen
    assert (seen.method, seen.target, seen.body) == ("POST", "/v2/bulkevents", b'[{"a":1}]')
    assert seen.headers["Authorization"] == f"Basic {PAIR}"
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.headers["User-Agent"] == f"airflow-provider-rokt/{__version__}"
    assert "Content-Encoding" not in seen.headers
    assert answer.status == 202
    assert answer.milliseconds > 0


@pytest.mark.parametrize(
    ("endpoint", "authorization"),
    [
        (BULK, f"Basic {PAIR}"),
        (HISTORICAL, f"Basic {PAIR}"),
        (IMPORT_V1, "audience-key"),
        (IMPORT_V3, f"Basic {PAIR}"),
    ],
)
def test_each_surface_gets_its_own_credentials(endpoint: Endpoint, authorization: str) -> None:
    with Recorder() as events, Recorder() as audience, closing(client_of(events.url, audience.url)) as client:
        client.post(endpoint, b"[]")
    told, untold = (events, audience) if endpoint.surface is Surface.EVENTS else (audience, events)
    assert [seen.headers["Authorization"] for seen in told.seen] == [authorization]
    assert [seen.target for seen in told.seen] == [f"/{endpoint.path}"]
    assert untold.seen == []


def test_a_redirect_is_an_answer_and_leads_nowhere() -> None:
    with Recorder() as elsewhere, Recorder(302, headers={"Location": elsewhere.url}) as here:
        with closing(client_of(here.url)) as client:
            assert client.post(BULK, b"[]").status == 302
        assert len(here.seen) == 1
        assert elsewhere.seen == []


def test_credentials_on_disk_or_in_the_environment_are_not_used(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login foreign password foreign\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with closing(client_of(recorder.url)) as client:
        client.post(IMPORT_V1, b"{}")
    assert recorder.seen[0].headers["Authorization"] == "audience-key"


def test_the_environments_proxy_is_used(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", recorder.url)
    with closing(client_of("http://rokt.invalid")) as client:
        assert client.post(BULK, b"[]").status == 202
    assert recorder.seen[0].target == "http://rokt.invalid/v2/bulkevents"


def test_the_environments_exceptions_from_the_proxy_are_kept(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with closing(client_of(recorder.url)) as client:
        assert client.post(BULK, b"[]").status == 202


def test_the_connection_is_kept(recorder: Recorder) -> None:
    with closing(client_of(recorder.url)) as client:
        for _ in range(3):
            client.post(BULK, b"[]")
    assert (len(recorder.seen), recorder.connections) == (3, 1)


def test_only_the_beginning_of_an_endless_answer_is_read() -> None:
    with Recorder(400, b"x" * (ANSWER_BYTES * 3)) as recorder, closing(client_of(recorder.url)) as client:
        assert ANSWER_BYTES <= len(client.post(BULK, b"[]").body) < 2 * ANSWER_BYTES


@pytest.mark.parametrize("after", [False, True])
def test_a_broken_connection_is_no_answer(sandbox: Sandbox, after: bool) -> None:
    sandbox.faults.add(Reset(after=after))
    with closing(client_of(sandbox.url)) as client, pytest.raises(NoAnswerError) as caught:
        client.post(BULK, b"[]")
    assert caught.value.cause == "the connection broke"


def test_silence_is_no_answer(sandbox: Sandbox) -> None:
    sandbox.faults.add(Delay(seconds=2.0, times=1))
    with closing(client_of(sandbox.url, timeout=0.05)) as client, pytest.raises(NoAnswerError) as caught:
        client.post(BULK, b"[]")
    assert caught.value.cause.startswith("no ")


def test_nobody_there_is_no_answer() -> None:
    with closing(client_of("http://127.0.0.1:1")) as client, pytest.raises(NoAnswerError):
        client.post(BULK, b"[]")


@pytest.mark.parametrize("fault", [None, Reset(), Delay(seconds=2)], ids=["nobody", "reset", "silence"])
def test_a_failed_attempt_keeps_no_body(sandbox: Sandbox, fault: AnyFault | None) -> None:
    """Bodies are megabytes; a cycle of references would keep them until the garbage collector comes by."""

    class Body(bytearray):
        """Bytes that can be watched."""

    if fault:
        sandbox.faults.add(fault)
    client = client_of(sandbox.url if fault else "http://127.0.0.1:1", timeout=0.2)
    body: Any = Body(b"[]")
    watched = weakref.ref(body)
    gc.disable()
    try:
        with closing(client), pytest.raises(NoAnswerError):
            client.post(BULK, body)
        del body
        assert watched() is None
    finally:
        gc.enable()


def test_an_error_carries_neither_body_nor_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://me:hunter2@127.0.0.1:1")
    with closing(client_of("http://rokt.invalid")) as client, pytest.raises(NoAnswerError) as caught:
        client.post(BULK, b"[somebody]")
    # requests' own error, which holds the body and the header, is not chained to it.
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert not any(word in str(caught.value) for word in (*SECRETS, "hunter2", "somebody"))


def test_secrets_are_shown_nowhere() -> None:
    with closing(client_of("http://127.0.0.1:1")) as client:
        shown = repr((client, CREDENTIALS)) + str(CREDENTIALS)
    assert not any(secret in shown for secret in (*SECRETS, PAIR))


def test_the_encoded_pair_is_named_for_masking() -> None:
    assert CREDENTIALS.secrets == (PAIR,)
    assert Credentials(audience_api_key="only").secrets == ()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_nothing_is_sent_without_credentials(recorder: Recorder, endpoint: Endpoint) -> None:
    endpoints = Addresses.of(events_url=recorder.url, audience_url=recorder.url, allow_any_host=True)
    with closing(RoktClient(endpoints, Credentials())) as client, pytest.raises(RoktAuthError):
        client.post(endpoint, b"[]")
    assert recorder.seen == []


@pytest.mark.parametrize(
    ("credentials", "method", "target", "authorization"),
    [
        (Credentials("k", "s", "audience-key"), "GET", "/api/1.0/auth-check", "audience-key"),
        (Credentials("k", "s"), "POST", "/v3/auth-check", "Basic azpz"),
    ],
)
def test_import_credentials_are_checked_the_way_they_are_used(
    recorder: Recorder, credentials: Credentials, method: str, target: str, authorization: str
) -> None:
    endpoints = Addresses.of(audience_url=recorder.url, allow_any_host=True)
    with closing(RoktClient(endpoints, credentials)) as client:
        client.check(credentials.import_endpoint, b'{"accountId":"1"}')
    (seen,) = recorder.seen
    assert (seen.method, seen.target, seen.headers["Authorization"]) == (method, target, authorization)


def test_characters_beyond_latin_1_reach_the_header(recorder: Recorder) -> None:
    endpoints = Addresses.of(audience_url=recorder.url, allow_any_host=True)
    with closing(RoktClient(endpoints, Credentials(audience_api_key="ключ"))) as client:
        client.post(IMPORT_V1, b"{}")
    assert recorder.seen[0].headers["Authorization"].encode("latin-1").decode() == "ключ"


def test_a_key_with_a_line_break_is_an_error_that_says_so(recorder: Recorder) -> None:
    endpoints = Addresses.of(audience_url=recorder.url, allow_any_host=True)
    client = RoktClient(endpoints, Credentials(audience_api_key="a\nX-Evil: 1"))
    with closing(client), pytest.raises(RoktEndpointError, match="line breaks") as caught:
        client.post(IMPORT_V1, b"{}")
    assert "X-Evil" not in str(caught.value)
    assert recorder.seen == []


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_missing_certificate_file_is_an_error_that_says_so(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "/nowhere.pem")
    with closing(client_of("https://127.0.0.1:1")) as client, pytest.raises(RoktEndpointError, match="CA_BUNDLE"):
        client.post(BULK, b"[]")


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[tuple[Recorder, Path]]:
    """A recorder behind TLS, and the file with its self-signed certificate."""
    x509 = pytest.importorskip("cryptography.x509")
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file.write_bytes(certificate.public_bytes(pem) + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with Recorder() as recorder:
        recorder.server.socket = context.wrap_socket(recorder.server.socket, server_side=True)
        yield recorder, file


def test_an_untrusted_certificate_ends_it(tls: tuple[Recorder, Path]) -> None:
    recorder, _ = tls
    client = client_of(recorder.url.replace("http", "https"))
    with closing(client), pytest.raises(RoktEndpointError, match="certificate"):
        client.post(BULK, b"[]")
    assert recorder.seen == []


def test_the_environments_certificates_are_trusted(tls: tuple[Recorder, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    recorder, file = tls
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    with closing(client_of(recorder.url.replace("http", "https"))) as client:
        assert client.post(BULK, b"[]").status == 202


def test_the_sandboxs_redirect_is_not_followed(sandbox: Sandbox) -> None:
    sandbox.faults.add(Redirect(location="/v2/events"))
    with closing(client_of(sandbox.url)) as client:
        assert client.post(BULK, b"[]").status == 302
    assert [request.path for request in sandbox.store.requests] == ["/v2/bulkevents"]
