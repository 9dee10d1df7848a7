"""From the place that Airflow's configuration names to the folder that keeps records there."""

from pathlib import Path
from typing import Any

from airflow_provider_rokt.delivery.folder import Folder
from airflow_provider_rokt.delivery.local_folder import LocalFolder
from airflow_provider_rokt.delivery.store_folder import StoreFolder


def folder_at(root: Any) -> Folder:
    """The folder at a ``pathlib.Path`` or at Airflow's ``ObjectStoragePath``, whose ``file://`` is local too."""
    # On Airflow 2.11 an ObjectStoragePath is a pathlib.Path as well, but not of this platform's flavour.
    if isinstance(root, type(Path())):
        return LocalFolder(root)
    if root.protocol in ("", "file", "local"):
        return LocalFolder(Path(root.path))
    return StoreFolder(root.fs, root.path, str(root))
