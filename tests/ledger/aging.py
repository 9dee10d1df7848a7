"""Deliveries of former times, on a disk or in a store, by day or directly under the root as older releases did."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from airflow_provider_rokt.ledger.layout import Layout
from airflow_provider_rokt.ledger.records import DeliveryHeader
from airflow_provider_rokt.ledger.report import Tally
from airflow_provider_rokt.ledger.writer import LedgerWriter
from airflow_provider_rokt.storage.folder import Folder
from airflow_provider_rokt.storage.store_folder import folder_at

# One for all, so that an id can be asked for again.
_NOW = datetime.now(UTC)


def ago(days: float) -> datetime:
    return _NOW - timedelta(days=days)


def id_of(days: float, end: str = "a") -> str:
    """The id of a delivery that began so many days ago."""
    return f"{ago(days):%Y%m%dT%H%M%SZ}-{end}"


def begun(root: Any, name: str, *, direct: bool = False) -> LedgerWriter:
    """A delivery that begins; ``direct`` as older releases placed it."""
    folder = folder_at(root).folder(name) if direct else Layout(folder_at(root)).new(name)
    header = DeliveryHeader(delivery_id=name, operation="conversions", started_at="", sender={}, options={})
    return LedgerWriter(folder, header)


def ended(root: Any, name: str, days: float, *, direct: bool = False) -> str:
    """A delivery that ended so many days ago; its files are as young as the test."""
    writer = begun(root, name, direct=direct)
    writer.finish(Tally().report(name, writer.uri), complete=True)
    folder = placed(root, name)
    report = json.loads(next(folder.lines("report.jsonl")))
    report["finished_at"] = ago(days).isoformat(timespec="seconds")
    folder.put("report.jsonl", json.dumps(report).encode() + b"\n")
    return name


def killed(root: Any, name: str, days: float, *, direct: bool = False) -> str:
    """A delivery without report that was last written on so many days ago."""
    begun(root, name, direct=direct)
    written(root, name, days)
    return name


def placed(root: Any, name: str) -> Folder:
    """The folder of a delivery that has begun."""
    folder = Layout(folder_at(root)).find(name)
    assert folder is not None
    return folder


def written(root: Any, name: str, days: float) -> None:
    """Makes a delivery's files as old."""
    at = ago(days)
    if isinstance(root, Path):
        for path in next(root.rglob(name)).iterdir():
            os.utime(path, (at.timestamp(), at.timestamp()))
        return
    for path in root.fs.find(placed(root, name).uri.partition("@")[2]):
        root.fs.store[path].modified = at


def held(root: Any) -> set[str]:
    """Every file under a root."""
    if isinstance(root, Path):
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    return {path.removeprefix(f"{root.path}/") for path in root.fs.find(root.path)}
