"""A row's fields found in its document and taken out of it, and which ones to take where it is too large."""

from collections.abc import Iterable
from typing import Final

from airflow_provider_rokt.events.batch import serialise_utf8
from airflow_provider_rokt.events.block import Document
from airflow_provider_rokt.events.destinations import IDENTITY_PATHS
from airflow_provider_rokt.events.values import Json

_SECTIONS: Final = ("events[].data.custom_attributes", "device_info", "user_identities", "user_attributes")


def take_out(document: Document, path: str) -> None:
    """Removes a field, and its section where that is empty then."""
    owner, name, key = _place(document, path)
    holder = owner[name] if name else owner
    del holder[key]
    if path == "user_identities.other2":
        document.pop("integration_attributes", None)
    if name and not holder:
        del owner[name]


def heaviest(document: Document, paths: Iterable[str], excess: int) -> list[str]:
    """The fewest fields without which a document is so many bytes smaller; empty where these are not enough.

    An identity is among them only while another one is left.

    :param paths: of the fields that may go, none of them a consent's.
    """
    weights = [(-len(serialise_utf8(value)), path) for path in paths if (value := _held(document, path)) is not None]
    identities = sum(_held(document, path) is not None for path in IDENTITY_PATHS)
    chosen = []
    # By the name where they weigh the same: the next try of a task has to choose the same.
    for weight, path in sorted(weights):
        if excess <= 0 or (path in IDENTITY_PATHS and identities == 1):
            continue
        identities -= path in IDENTITY_PATHS
        excess += weight
        chosen.append(path)
    return chosen if excess <= 0 else []


def _held(document: Document, path: str) -> Json | None:
    owner, name, key = _place(document, path)
    value: Json | None = (owner.get(name, {}) if name else owner).get(key)
    return value


def _place(document: Document, path: str) -> tuple[Document, str, str]:
    """The object that holds a field's section, the section's name in it, or none, and the field's key in that."""
    section, _, key = path.rpartition(".")
    for name in _SECTIONS:
        if path.startswith(f"{name}."):
            section, key = name, path.removeprefix(f"{name}.")
    owner = document["events"][0]["data"] if section.startswith("events[].data") else document
    return owner, section.removeprefix("events[].data").removeprefix("."), key
