"""Folders for a memory: on the disk and on an object store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from airflow_provider_rokt.delivery.local_folder import LocalFolder
from airflow_provider_rokt.delivery.store_folder import StoreFolder


@pytest.fixture(params=["disk", "store"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalFolder | StoreFolder]:
    """A folder that does not exist yet."""
    if request.param == "disk":
        yield LocalFolder(tmp_path / "states" / "vip")
        return
    store = MemoryFileSystem()
    yield StoreFolder(store, f"/{tmp_path.name}/vip", f"memory://{tmp_path.name}/vip")
    if store.exists(f"/{tmp_path.name}"):
        store.rm(f"/{tmp_path.name}", recursive=True)
