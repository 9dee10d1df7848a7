import pytest

from airflow_provider_rokt.api.addresses import Addresses, address_problems
from airflow_provider_rokt.api.endpoints import BULK, ENDPOINTS, HISTORICAL, IMPORT_V1, IMPORT_V3
from airflow_provider_rokt.exceptions import RoktSettingsError


@pytest.mark.parametrize("pod", ["us1", "us2", "eu1", "au1"])
def test_each_pod_has_a_host(pod: str) -> None:
    assert Addresses.of(pod).url(BULK) == f"https://s2s.{pod}.mparticle.com/v2/bulkevents"


def test_every_endpoint_belongs_to_its_surface() -> None:
    addresses = Addresses.of()
    assert {endpoint: addresses.url(endpoint) for endpoint in ENDPOINTS} == {
        BULK: "https://s2s.us1.mparticle.com/v2/bulkevents",
        HISTORICAL: "https://s2s.us1.mparticle.com/v2/bulkevents/historical",
        IMPORT_V1: "https://data.rokt.com/api/1.0/import/suppression",
        IMPORT_V3: "https://data.rokt.com/v3/import/suppression",
    }


def test_an_address_overrides_the_pod_and_loses_its_last_slash() -> None:
    addresses = Addresses.of("us2", events_url=" https://inbound.mparticle.com/s2s/ ")
    assert addresses.url(BULK) == "https://inbound.mparticle.com/s2s/v2/bulkevents"


@pytest.mark.parametrize(
    "url",
    [
        "https://mparticle.com",
        "https://rokt.com/",
        "https://S2S.EU1.mParticle.com",
        "https://data.rokt.com/a/path",
        "HTTPS://data.rokt.com",
    ],
)
def test_rokts_own_addresses_are_accepted(url: str) -> None:
    assert address_problems(url, "events_url") == []


@pytest.mark.parametrize(
    "url",
    [
        "http://s2s.us1.mparticle.com",
        "ftp://data.rokt.com",
        "https://evilmparticle.com",
        "https://mparticle.com.evil.com",
        "https://evil.com/mparticle.com",
        "https://evil.com%2f.mparticle.com",
        "https://evil.com&.mparticle.com",
        "https://mparticle.com.",
        "https://user@mparticle.com",
        "https://user:word@mparticle.com",
        "https://@mparticle.com",
        "https://evil.com\\@mparticle.com",
        "https://evil.com\\.mparticle.com",
        "https://mparticle.com:443",
        "https://mparticle.com:",
        "https://mparticle.com:x",
        "https://mparticle.com/?a=b",
        "https://mparticle.com/?",
        "https://mparticle.com/#a",
        "https://mparticle.com/a/../b",
        "https://mparticle.com/%2E%2e/b",
        "https://mparticle.com/a%2Fb",
        "https://mparticle.com/a%5cb",
        "https://mparticle.com/a//b",
        "https://mparticle.com/a b",
        "https://mparticle.com/a\tb",
        "https://mpartic\nle.com",
        "https://mpаrticle.com",  # Cyrillic "а"
        "https://[::1]",
        "https://[::1",
        "https://",
        "mparticle.com",
        "//mparticle.com",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    problems = address_problems(url, "events_url")
    assert problems
    assert all(problem.startswith("the extra events_url ") for problem in problems)


REMEDY = "; to use another, set allow_any_host to true"


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("http://mparticle.com", [f"must begin with https://{REMEDY}"]),
        ("https://mparticle.com:443", [f"must not contain a port{REMEDY}"]),
        ("https://mparticle.com:", [f"must not contain a port{REMEDY}"]),
        ("https://evil.com", [f"must be a host at or under mparticle.com or rokt.com{REMEDY}"]),
        ("https://a:b@mparticle.com", ["must not contain a user name or password; enter them as login and password"]),
        ("https://mparticle.com?a", ["must not contain a query or fragment"]),
        (
            "https://mparticle.com/a//b",
            ["must not contain '..', '//' or encoded dots, slashes or backslashes in its path"],
        ),
        ("https://mparticle.com:x", ["is not a web address"]),
        ("https://", ["must be a whole address such as https://s2s.us1.mparticle.com"]),
        (
            "https://mparticle.com/a b",
            ["must not contain spaces, backslashes, control characters or characters beyond ASCII"],
        ),
    ],
)
def test_what_is_wrong_is_said_in_these_words(url: str, says: list[str]) -> None:
    assert address_problems(url, "events_url") == [f"the extra events_url {problem}" for problem in says]


def test_a_scheme_beyond_the_web_is_named_where_any_host_may_be() -> None:
    said = address_problems("ftp://localhost", "events_url", allow_any_host=True)
    assert said == ["the extra events_url must begin with https:// or http://"]


@pytest.mark.parametrize("end", ["/v2", "/v3", "/v2/", "/V2", "/api/1.0", "/v2/bulkevents", "/v3/import/suppression"])
def test_an_address_with_the_version_says_to_drop_it(end: str) -> None:
    (problem,) = address_problems(f"https://data.rokt.com{end}", "audience_url")
    assert "drop that end" in problem
    assert end.rstrip("/") in problem


def test_any_host_may_be_allowed() -> None:
    for url in ("http://127.0.0.1:8585", "https://gateway.example.com:8443/rokt", "http://[::1]:8585"):
        assert address_problems(url, "events_url", allow_any_host=True) == []


@pytest.mark.parametrize(
    "url", ["http://a:b@localhost", "http://localhost/?a", "http://localhost#a", "ftp://localhost", "localhost:80"]
)
def test_any_host_is_still_a_plain_address(url: str) -> None:
    assert address_problems(url, "events_url", allow_any_host=True)


def test_a_password_in_an_address_is_not_repeated() -> None:
    assert "hunter2" not in " ".join(address_problems("http://me:hunter2@evil.com/?hunter2", "events_url"))


def test_all_problems_are_reported_together() -> None:
    with pytest.raises(RoktSettingsError, match="the address of Rokt") as caught:
        Addresses.of("mars", events_url="http://mparticle.com", audience_url="https://evil.com")
    assert len(caught.value.problems) == 3
