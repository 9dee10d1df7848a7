"""What an onlooker counts: at the sandbox what was taken, and on the disk what a killed task left."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

from airflow_provider_rokt.sandbox import Sandbox
from airflow_provider_rokt.sandbox.holdings import REPEATED_MESSAGE, REPEATED_REQUEST

_MARK_BYTES: Final = 16
_ID_BYTES: Final = 12


class Taken(NamedTuple):
    """What a sandbox took in.

    :param rows: which, each once.
    :param posted: how many, each as often as it was taken.
    """

    rows: frozenset[str]
    posted: int

    @classmethod
    def by(cls, sandbox: Sandbox, road: str) -> "Taken":
        """All so far."""
        store = sandbox.store
        if road == "import":
            return cls(store.audiences.get("vip", frozenset()), sum(each.members for each in store.imports))
        posted = store.counts.events + store.counts.dropped_events[REPEATED_REQUEST]
        if road == "events":
            people = (person for members in store.memberships.values() for person in members)
            return cls(frozenset(map(repr, people)), posted)
        return cls(frozenset(map(str, store.message_ids)), posted)

    def again(self, before: "Taken") -> int:
        """How many rows were sent again since then."""
        return (self.posted - before.posted) - (len(self.rows) - len(before.rows))


def held_twice(sandbox: Sandbox) -> int:
    """How many conversions are stored that are stored already."""
    counts = sandbox.store.counts
    stored = counts.events - counts.dropped_events[REPEATED_MESSAGE]
    return stored - len(sandbox.store.held)


def remembered(ledger: Path) -> list[bytes]:
    """The ids of the rows that killed tasks left as accepted, from the bytes of their trails."""
    return [mark[:_ID_BYTES] for path in sorted(ledger.glob("_syncs/*/t*")) for mark in _marks(path)]


def unconfirmed(ledger: Path) -> int:
    """How many rows were accepted by an answer that may be about an earlier attempt, from the bytes of the ledgers."""
    lines = (line for path in ledger.glob("*/*/part-*.jsonl") for line in path.read_bytes().splitlines(keepends=True))
    records = [json.loads(line) for line in lines if line.endswith(b"\n")]
    batches = [batch for record in records if record["kind"] == "request" for batch in record["batches"]]
    return sum(batch["rows"] * batch.get("times", 1) for batch in batches if not batch.get("confirmed", True))


def id_of(message_id: str) -> bytes:
    """What a row is remembered by."""
    return sha256(message_id.encode()).digest()[:_ID_BYTES]


def _marks(trail: Path) -> Iterator[bytes]:
    data = b"".join(path.read_bytes() for path in sorted(trail.glob("marks-*")))
    header, _, marks = data.partition(b"\n")
    # Killed as it began, it has none.
    assert not marks or json.loads(header)["format"] == "rokt-trail"
    whole = len(marks) - len(marks) % _MARK_BYTES
    return (marks[place : place + _MARK_BYTES] for place in range(0, whole, _MARK_BYTES))
