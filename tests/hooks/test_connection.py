"""A connection as Airflow stores it, read by the hook."""

import json

import pytest
from airflow.providers.common.compat.sdk import AirflowNotFoundException

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.task.failures import RoktTaskFailed

ROW = {"email": "jane@example.com", "source_message_id": "1", "timestamp_unixtime_ms": 1735689600000}


def connect(monkeypatch, **fields):
    monkeypatch.setenv("AIRFLOW_CONN_ROKT_DEFAULT", json.dumps({"conn_type": "rokt"} | fields))


def connect_with_extra(monkeypatch, extra):
    """Some releases of Airflow 3 refuse an odd extra themselves, so the hook never sees it."""
    connect(monkeypatch, login="key", password="secret", extra=extra)
    try:
        RoktHook.get_connection("rokt_default")
    except AirflowNotFoundException:
        pytest.skip("this Airflow itself refuses a connection with such an extra")


def problems(attempt):
    with pytest.raises(RoktTaskFailed) as failed:
        attempt()
    assert isinstance(failed.value.__cause__, RoktSettingsError)
    return failed.value.__cause__.problems


@pytest.mark.filterwarnings("ignore:Encountered")  # Airflow 2.11 announces that 3.0 refuses such an extra
@pytest.mark.parametrize("extra", ["pod=eu1", "[1]", "5", '"eu1"', '{"pod": "eu1"', "nothing"])
def test_an_extra_that_is_no_json_object_is_a_problem(monkeypatch, extra):
    connect_with_extra(monkeypatch, extra)
    with pytest.raises(RoktSettingsError, match="must be a JSON object") as caught:
        _ = RoktHook().settings
    assert "eu1" not in str(caught.value)
    assert RoktHook().test_connection() == (False, str(caught.value))


@pytest.mark.parametrize("extra", [None, "", "  ", "null", "{}"])
def test_an_empty_extra_is_none(monkeypatch, extra):
    connect_with_extra(monkeypatch, extra)
    assert RoktHook().settings.addresses.events == "https://s2s.us1.mparticle.com"


def test_a_conversion_delivery_lists_everything_wrong_with_its_connection(monkeypatch, ledger):
    connect(monkeypatch, extra={"pod": "us9", "event_url": "x"})
    found = problems(lambda: RoktHook().send_conversions([ROW]))
    assert len(found) == 4
    assert all(word in "; ".join(found) for word in ("pod", "did you mean events_url", "login", "password"))


@pytest.mark.parametrize(("via", "missing"), [("import", "account_id"), ("events", "API secret")])
def test_an_audience_delivery_lists_what_its_road_lacks_with_the_rest(monkeypatch, ledger, via, missing):
    connect(monkeypatch, extra={"pod": "us9"})
    found = problems(lambda: RoktHook().send_audience([{"email": "jane@example.com"}], "vip", via=via))
    assert "pod" in found[0]
    assert missing in found[-1]


@pytest.mark.parametrize("via", ["import", "events"])
def test_an_audience_is_previewed_without_credentials(monkeypatch, ledger, via):
    connect(monkeypatch)
    assert RoktHook().preview_audience([{"email": "jane@example.com"}], "vip", via=via)["members_added"] == 1
