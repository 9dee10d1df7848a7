"""The ledger is where Airflow's configuration says, on disk and in object stores."""

from pathlib import Path

import pytest

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.task.configuration import ledger_days, open_ledger


def set_path(monkeypatch, location):
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", location)


@pytest.fixture
def memory_store():
    """Airflow's object storage with a store in memory, which Airflow does not register itself."""
    try:
        from airflow.sdk.io.store import attach
    except ImportError:
        from airflow.io.store import attach
    from fsspec.implementations.memory import MemoryFileSystem

    attach("memory", fs=MemoryFileSystem())
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.mark.parametrize("configured", [None, ""])
def test_it_is_a_folder_in_airflow_home_unless_told(monkeypatch, tmp_path, configured):
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    if configured is not None:
        set_path(monkeypatch, configured)
    assert open_ledger().uri == (tmp_path / "rokt_ledger").as_uri()


def test_a_folder_may_be_a_path_or_a_url(monkeypatch, tmp_path):
    for location in (str(tmp_path / "a b"), (tmp_path / "a b").as_uri()):
        set_path(monkeypatch, location)
        assert open_ledger().uri == (tmp_path / "a b").as_uri()
    set_path(monkeypatch, "~/ledger")
    assert open_ledger().uri == (Path.home() / "ledger").as_uri()


@pytest.mark.parametrize("location", ["ledger", "./ledger", "file://host/ledger"])
def test_a_path_that_depends_on_the_process_is_refused(monkeypatch, location):
    set_path(monkeypatch, location)
    with pytest.raises(RoktSettingsError, match="absolute path"):
        open_ledger()


def test_a_store_without_its_provider_says_what_to_install(monkeypatch):
    set_path(monkeypatch, "nosuchstore://bucket/ledger")
    with pytest.raises(RoktSettingsError, match=r"ledger_path.*nosuchstore.*install the provider"):
        open_ledger()


def test_an_object_store_keeps_whole_deliveries(monkeypatch, memory_store, finish):
    set_path(monkeypatch, "memory://bucket/rokt")
    writer = open_ledger().begin("conversions", {}, {})
    result = finish(writer, accepted=250, rejected=3)
    assert writer.uri.startswith("memory://")
    reader = open_ledger().open(result["ledger"])
    assert sum(len(request.batches) for request in reader.requests()) == 253
    assert {row.key for row in reader.undelivered()} == {"order-1", "order-2", "order-3"}
    assert reader.report()["rows_accepted"] == 250
    assert [found.delivery_id for found in open_ledger().deliveries(3)] == [writer.delivery_id]


def test_an_object_storage_path_on_disk_is_appended_to(tmp_path):
    from airflow.providers.common.compat.sdk import ObjectStoragePath

    from airflow_provider_rokt.ledger.overview import Ledger

    writer = Ledger(ObjectStoragePath(f"file://{tmp_path}")).begin("conversions", {}, {})
    folder = tmp_path / writer.delivery_id[:8] / writer.delivery_id
    assert writer.uri == folder.as_uri()
    writer.rows("rejected", [])
    assert (folder / "part-00000.jsonl").read_bytes().count(b"\n") == 1


@pytest.mark.parametrize(("configured", "days"), [(None, 0), ("", 0), ("0", 0), ("90", 90), (" 7 ", 7)])
def test_deliveries_are_kept_for_ever_unless_told(monkeypatch, configured, days):
    if configured is not None:
        monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_DAYS", configured)
    assert ledger_days() == days


@pytest.mark.parametrize("configured", ["-1", "1.5", "a month", "1e3", "٣", "9999999"])
def test_days_that_are_no_whole_number_are_refused(monkeypatch, configured):
    monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_DAYS", configured)
    with pytest.raises(RoktSettingsError, match=r"\[rokt\] ledger_days .* whole number of days, or 0"):
        ledger_days()
