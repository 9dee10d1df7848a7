"""Trying a connection's credentials: nothing is sent, and what is said names the setting to change."""

import socket
from contextlib import closing
from dataclasses import replace

import pytest

from airflow_provider_rokt.api.client import RoktClient
from airflow_provider_rokt.connection.probe import probe
from airflow_provider_rokt.connection.settings import RoktSettings, read_settings
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.sandbox import Sandbox, Settings


@pytest.fixture
def nowhere() -> str:
    """An address where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def settings_of(sandbox: Sandbox, via: str = "v1", **changes: object) -> RoktSettings:
    connection = sandbox.connection(via)
    fields = {"login": connection["login"], "password": connection["password"], "host": None}
    extra = connection["extra"] | {name: changes.pop(name) for name in [*changes] if name not in fields}
    return read_settings("rokt_default", **(fields | changes), extra=extra)


def tried(settings: RoktSettings, events_url: str | None = None) -> tuple[bool, str]:
    """What the probe says; ``events_url`` is where the pod's address leads in the test."""
    addresses = replace(settings.addresses, events=events_url or settings.addresses.events)
    with closing(RoktClient(addresses, settings.credentials)) as client:
        return probe(client, settings)


@pytest.mark.parametrize(("via", "surfaces"), [("v1", ["Events API", "Audience import"]), ("v3", ["Audience import"])])
def test_every_surface_with_credentials_is_tried_and_nothing_is_sent(
    sandbox: Sandbox, via: str, surfaces: list[str]
) -> None:
    passed, said = tried(settings_of(sandbox, via))
    assert passed
    assert said.count("nothing was sent") == len(surfaces)
    assert all(surface in said for surface in surfaces)
    assert sandbox.store.documents == []


def test_credentials_that_nothing_proves_are_not_called_accepted(sandbox: Sandbox) -> None:
    for passed, said in (tried(settings_of(sandbox)), tried_last(sandbox)):
        assert passed
        events, _, rest = said.partition("Events API: ")[2].partition(";")
        assert events == "the address is reached"
        assert rest.startswith(" the credentials are not proven")
        assert "Audience import: the credentials are accepted" in said


def tried_last(sandbox: Sandbox) -> tuple[bool, str]:
    """With a wrong secret, where Rokt looks at the data first."""
    sandbox.reset(Settings(auth_first="no"))
    return tried(settings_of(sandbox, password="wrong"))


@pytest.mark.parametrize(
    ("via", "change", "named"),
    [
        ("v1", {"password": "wrong"}, "password"),
        ("v1", {"audience_api_key": "wrong"}, "audience_api_key"),
        ("v3", {"password": "rsec-wrong"}, "rsec-"),
    ],
)
def test_wrong_credentials_are_named(sandbox: Sandbox, via: str, change: dict[str, object], named: str) -> None:
    passed, said = tried(settings_of(sandbox, via, **change))
    assert not passed
    assert named in said


def test_a_connection_without_any_credentials_is_told_what_is_missing(sandbox: Sandbox) -> None:
    with pytest.raises(RoktSettingsError, match="login"):
        tried(settings_of(sandbox, login=None, password=None, audience_api_key=None))


@pytest.mark.parametrize(
    ("setting", "surface"), [("events_url", "Events API"), ("audience_url", "Audience import"), ("pod", "Events API")]
)
def test_where_nobody_answers_the_setting_and_the_way_there_are_named(
    sandbox: Sandbox, nowhere: str, setting: str, surface: str
) -> None:
    if setting == "pod":
        passed, said = tried(settings_of(sandbox, events_url=None), events_url=nowhere)
    else:
        passed, said = tried(settings_of(sandbox, **{setting: nowhere}))
    assert not passed
    (told,) = [sentence for sentence in said.split(". ") if "Check" in sentence]
    assert f"{surface}: no answer" in said
    assert all(word in told for word in (f"Check {setting} in", "DNS", "firewall", "HTTPS_PROXY"))
