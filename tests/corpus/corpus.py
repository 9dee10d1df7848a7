"""Reads the shops: rows as drivers return them (``.py``) and, written by hand, what must become of each (``.toml``).

A ``.py`` file has ``COLUMNS``, ``MAPPING`` and ``ROWS``: what is odd about a row, to the row. Its ``.toml`` says under
the same name what Rokt's guide asks for: the batch, with the event's data as ``data`` and ``custom_attributes``; what
is ``rejected`` or ``dropped`` (path to a word of the reason); or why it is ``skipped``. ``[always]`` is what all rows
have, unless one says otherwise, or ``"absent"``, or drops it. Three things are written so that they can be read:

- ``2025-01-01T00:00:00Z`` stands for its Unix time in milliseconds,
- ``"sha256(jane)"`` for the SHA-256 of what is in the brackets, as 64 hex digits,
- ``"{row}"`` for the row's name.

What no row can say itself is added here, as the guide's table "Fixed values" has it.
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "shops"
SHOPS = (
    *("guide", "shopify", "postgresql", "mysql", "sqlite", "warehouse", "subscriptions", "dataframe", "order_lines"),
    *("phones", "people", "placeholders"),
)
_HASH = re.compile(r"sha256\((.*)\)")


@dataclass(frozen=True)
class Expected:
    """What must become of one row.

    :ivar batch: what is sent of it, None where nothing is or where it travels in another row's batch.
    :ivar rejected: what is wrong with it, path to a word of the reason.
    :ivar dropped: what is left out of it, likewise.
    :ivar skipped: why it is left out on purpose.
    """

    batch: dict[str, Any] | None
    rejected: dict[str, str]
    dropped: dict[str, str]
    skipped: str | None


@dataclass(frozen=True)
class Shop:
    """A table and what must become of it.

    :ivar road: ``sqlite`` for a real database read by the operator, ``hook`` for rows handed to the hook.
    :ivar report: what the delivery's report must say.
    """

    name: str
    road: str
    mapping: dict[str, Any] | None
    options: dict[str, Any]
    rows: list[dict[str, Any]]
    expected: dict[str, Expected]
    report: dict[str, Any]


def row_names(name: str) -> list[str]:
    """Its rows by the file that needs no library to be read."""
    return list(_toml(name)["rows"])


@cache
def shop(name: str) -> Shop:
    """One shop; skips where a library that it is about is not installed."""
    table, said = import_module(f"tests.corpus.shops.{name}"), _toml(name)
    assert table.ROWS.keys() == said["rows"].keys(), "each row has its expectation"
    assert {len(row) for row in table.ROWS.values()} == {len(table.COLUMNS)}
    return Shop(
        name,
        getattr(table, "ROAD", "hook"),
        table.MAPPING,
        getattr(table, "OPTIONS", {"group_by_user": False}),
        [dict(zip(table.COLUMNS, row, strict=True)) for row in table.ROWS.values()],
        _expected({row: said["rows"][row] for row in table.ROWS}, said["always"]),
        said["report"],
    )


def audience() -> tuple[dict[str, Any], dict[str, Any]]:
    """The audience's addresses by row, and what must become of them."""
    return import_module("tests.corpus.shops.audience").ROWS, spelt_out(_toml("audience"), "")


def spelt_out(said: Any, row: str) -> Any:
    """What a file says, without its abbreviations."""
    if isinstance(said, dict):
        return {name: spelt_out(member, row) for name, member in said.items() if member != "absent"}
    if isinstance(said, datetime):
        return round(said.timestamp() * 1000)
    if not isinstance(said, str):
        return said
    match = _HASH.fullmatch(said)
    return sha256(match[1].encode()).hexdigest() if match else said.replace("{row}", row)


@cache
def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))


def _expected(rows: dict[str, dict[str, Any]], always: dict[str, Any]) -> dict[str, Expected]:
    found: dict[str, Expected] = {}
    for name, row in rows.items():
        said = dict(row)
        rejected, dropped = said.pop("rejected", {}), said.pop("dropped", {})
        skipped, owner = said.pop("skipped", None), said.pop("in_batch_of", None)
        common = _without(always, dropped)
        batch = None if rejected or skipped else _batch(spelt_out(_merged(common, said), name))
        if owner:
            found[owner].batch["events"] += batch["events"]
            batch = None
        found[name] = Expected(batch, rejected, dropped, skipped)
    return found


def _batch(said: dict[str, Any]) -> dict[str, Any]:
    data = {"event_name": "conversion", "custom_event_type": "transaction", **said.pop("data")}
    data["custom_attributes"] = said.pop("custom_attributes")
    sections = {name: section for name, section in said.items() if section}
    return {"environment": "production", **sections, "events": [{"event_type": "custom_event", "data": data}]}


def _without(always: dict[str, Any], dropped: dict[str, str]) -> dict[str, Any]:
    return {
        section: {name: value for name, value in members.items() if f"{section}.{name}" not in dropped}
        for section, members in always.items()
    }


def _merged(always: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    both = {name for name in always.keys() & row.keys() if isinstance(always[name], dict)}
    return always | row | {name: _merged(always[name], row[name]) for name in both}
