"""The connection, read: everything wrong with it is said at once, and nothing entered is ignored."""

import pytest

from airflow_provider_rokt.connection.form import EXTRAS
from airflow_provider_rokt.connection.settings import RoktSettings, read_settings, require
from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.flow.request import Surface

NAMES = [field.name for field in EXTRAS]


def read(extra: object = None, *, login: str | None = "key", needs: Surface | None = None) -> RoktSettings:
    extra = {} if extra is None else extra
    return read_settings("shop", login=login, password=login and "secret", host=None, extra=extra, needs=needs)


def problems(extra: object = None, *, login: str | None = "key", needs: Surface | None = None) -> tuple[str, ...]:
    with pytest.raises(RoktSettingsError, match="connection 'shop'") as caught:
        read(extra, login=login, needs=needs)
    return caught.value.problems


def test_what_is_malformed_unknown_and_missing_is_said_together() -> None:
    found = problems({"pod": "us9", "timeout_seconds": 0, "event_url": "x"}, login=None, needs=Surface.EVENTS)
    said = "; ".join(found)
    assert len(found) == 5
    assert all(name in said for name in ("pod", "timeout_seconds", "event_url", "login", "password"))


def test_what_an_import_answers_may_come_as_an_object_or_as_text() -> None:
    assert read({"audience_success": {"success": True}}).audience_success == {"success": True}
    assert read({"audience_success": '{"success": true}'}).audience_success == {"success": True}
    assert read().audience_success is None
    for wrong in ("yes", "{}", {}, "[1]", True):
        assert "audience_success must be a JSON object" in problems({"audience_success": wrong})[0]


def test_long_names_are_cut() -> None:
    with pytest.raises(RoktSettingsError) as caught:
        read_settings("x" * 20_000, login=None, password=None, host=None, extra={"y" * 20_000: 1}, needs=Surface.EVENTS)
    assert len(str(caught.value)) < 600


def test_what_the_import_lacks_is_said_with_the_rest() -> None:
    found = problems({"pod": "us9"}, login=None, needs=Surface.AUDIENCE_IMPORT)
    assert len(found) == 4
    assert "account_id" in found[-1] and "audience_api_key" in found[-1]


@pytest.mark.parametrize(
    ("surface", "login", "extra"),
    [
        (Surface.EVENTS, "key", {}),
        (Surface.AUDIENCE_IMPORT, None, {"audience_api_key": "single"}),
        (Surface.AUDIENCE_IMPORT, "rpub-1", {"account_id": 12345}),
        (None, None, {}),
    ],
)
def test_a_surface_needs_its_own_credentials_alone(
    surface: Surface | None, login: str | None, extra: dict[str, object]
) -> None:
    settings = read(extra, login=login, needs=surface)
    if surface:
        require(settings, surface)


@pytest.mark.parametrize("surface", Surface)
def test_credentials_can_be_required_later(surface: Surface) -> None:
    with pytest.raises(RoktSettingsError, match="login"):
        require(read(login=None), surface)


@pytest.mark.parametrize(
    ("entered", "meant"),
    [("event_url", "events_url"), ("POD", "pod"), (" pod", "pod"), ("Audience_API_Key", "audience_api_key")],
)
def test_an_unknown_extra_is_told_the_close_name(entered: str, meant: str) -> None:
    (problem,) = problems({entered: None})
    assert entered in problem
    assert f"did you mean {meant}?" in problem


def test_an_extra_like_no_other_is_told_them_all() -> None:
    (problem,) = problems({"something": "a secret"})
    assert all(name in problem for name in NAMES)
    assert "a secret" not in problem


def test_known_extras_and_airflows_own_are_no_problem() -> None:
    settings = read(dict.fromkeys(NAMES) | {"extra__rokt__pod": "", "__extra__": "{}"})
    assert settings.addresses.events == "https://s2s.us1.mparticle.com"


@pytest.mark.parametrize("extra", ["pod=eu1", [1], 5, True])
def test_an_extra_that_is_no_object_is_a_problem_that_does_not_repeat_it(extra: object) -> None:
    found = problems(extra, login=None, needs=Surface.EVENTS)
    assert len(found) == 3
    assert "JSON object" in found[0]
    assert "eu1" not in found[0]
