"""Where Rokt listens, and which addresses credentials may be sent to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, urlsplit

from airflow_provider_rokt.api.endpoints import ENDPOINTS
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.flow.request import Endpoint, Surface

PODS: Final = ("us1", "us2", "eu1", "au1")
AUDIENCE_BASE: Final = "https://data.rokt.com"
ALLOWED_DOMAINS: Final = ("mparticle.com", "rokt.com")

# Whatever a proxy, a server or urlsplit could read in another way than the check here does.
_AMBIGUOUS: Final = re.compile(r"[\s\\\x00-\x1f\x7f]|[^\x00-\x7f]")
_AMBIGUOUS_PATH: Final = re.compile(r"\.\.|%2e|%2f|%5c|//", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_VERSION: Final = r"v\d+|api/1\.0"
# What follows the version at Rokt's endpoints, and at mParticle's own for a single batch, which is not used here.
_PATHS: Final = {"/events", *(re.sub(rf"^(?:{_VERSION})", "", endpoint.path) for endpoint in ENDPOINTS)}
_VERSIONED: Final = re.compile(rf"/(?:{_VERSION})(?:{'|'.join(map(re.escape, sorted(_PATHS)))})?$", re.IGNORECASE)


def events_base(pod: str) -> str:
    """The Events API of one of mParticle's data centres.

    :param pod: ``us1``, ``us2``, ``eu1`` or ``au1``.
    """
    return f"https://s2s.{pod}.mparticle.com"


def address_problems(url: str, name: str, allow_any_host: bool = False) -> list[str]:
    """What is wrong with a base address, one sentence each. The address is not quoted: it may hold a password.

    :param name: the setting, e.g. ``"events_url"``.
    :param allow_any_host: accept every http or https address, for a sandbox or a gateway.
    """
    return [f"the extra {name} {problem}" for problem in _problems(url.strip(), allow_any_host)]


@dataclass(frozen=True, slots=True)
class Addresses:
    """The bases of the two surfaces, checked, without a slash at the end.

    Build it with :meth:`of`.

    :param events: of the Events API, e.g. ``https://s2s.us1.mparticle.com``.
    :param audience: of the audience import, ``https://data.rokt.com``.
    """

    events: str = events_base("us1")
    audience: str = AUDIENCE_BASE

    @classmethod
    def of(
        cls,
        pod: str = "us1",
        events_url: str | None = None,
        audience_url: str | None = None,
        allow_any_host: bool = False,
    ) -> "Addresses":
        """Resolves a connection's settings.

        :param events_url: overrides the pod.
        :raises RoktSettingsError: listing everything that is wrong.
        """
        problems = [] if pod in PODS else [f"the extra pod must be one of {', '.join(PODS)}"]
        for url, name in ((events_url, "events_url"), (audience_url, "audience_url")):
            problems += address_problems(url, name, allow_any_host) if url else []
        if problems:
            raise RoktSettingsError("the address of Rokt", problems)
        return cls(_bare(events_url or events_base(pod)), _bare(audience_url or AUDIENCE_BASE))

    def url(self, endpoint: Endpoint) -> str:
        """The address rows are posted to."""
        return f"{self.base(endpoint.surface)}/{endpoint.path}"

    def base(self, surface: Surface) -> str:
        """A surface's base."""
        return self.events if surface is Surface.EVENTS else self.audience


def _bare(url: str) -> str:
    return url.strip().rstrip("/")


def _problems(url: str, allow_any_host: bool) -> Iterator[str]:
    if _AMBIGUOUS.search(url):
        yield "must not contain spaces, backslashes, control characters or characters beyond ASCII"
        return
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        yield "is not a web address"
        return
    if not parts.hostname:
        yield "must be a whole address such as https://s2s.us1.mparticle.com"
        return
    yield from _unwanted_parts(url, parts)
    if allow_any_host:
        if parts.scheme not in ("http", "https"):
            yield "must begin with https:// or http://"
    else:
        yield from _foreign(parts, port)


def _unwanted_parts(url: str, parts: SplitResult) -> Iterator[str]:
    # Looked for in the text itself: an empty query or user name leaves no trace in the parts.
    if "@" in url:
        yield "must not contain a user name or password; enter them as login and password"
    if "?" in url or "#" in url:
        yield "must not contain a query or fragment"
    path = parts.path.rstrip("/")
    if _AMBIGUOUS_PATH.search(path):
        yield "must not contain '..', '//' or encoded dots, slashes or backslashes in its path"
    if version := _VERSIONED.search(path):
        yield f"must be the address without {version[0]}; drop that end, it is added as needed"


def _foreign(parts: SplitResult, port: int | None) -> Iterator[str]:
    host = parts.hostname or ""
    remedy = "; to use another, set allow_any_host to true"
    if parts.scheme != "https":
        yield f"must begin with https://{remedy}"
    if port is not None or parts.netloc.endswith(":"):
        yield f"must not contain a port{remedy}"
    allowed = any(host == domain or host.endswith(f".{domain}") for domain in ALLOWED_DOMAINS)
    if not (allowed and _HOST.fullmatch(host)):
        yield f"must be a host at or under {' or '.join(ALLOWED_DOMAINS)}{remedy}"
