"""Every reading of every guess about Rokt that the sandbox can follow, to run a test under each of them."""

import random
from collections.abc import Mapping
from typing import Any, Final

READINGS: Final[dict[str, list[Any]]] = {
    "request_id_remembered": ["acceptance", "receipt"],
    "errors_status": ["202", "202_always", "400_good_taken", "400_none_taken"],
    "position_from": ["array", "batch"],
    "index_base": [0, 1],
    "errors_listed": ["all", 1, 10],
    "confirmationref": ["drop", "keep"],
    "message_id": ["drop", "keep"],
    "join_hash_and_address": ["yes", "no"],
    "import_body": ["empty", "success", "unprocessed", "known_lists"],
    "membership": ["documented", "any"],
    "age_limit": ["none", 12],
    "auth_first": ["yes", "no"],
}
"""By the setting's name; the default is the first. Numbers stand for all others."""


def each_alone() -> list[dict[str, Any]]:
    """Each reading that is not the default, with all others as they are by default: ``Settings(**reading)``."""
    return [{name: value} for name, values in READINGS.items() for value in values[1:]]


def random_combination(rng: random.Random) -> dict[str, Any]:
    """One reading of every guess."""
    return {name: rng.choice(values) for name, values in READINGS.items()}


def label(readings: Mapping[str, Any]) -> str:
    """Readings in words, as the name of a test."""
    return ",".join(f"{name}={value}" for name, value in readings.items())
