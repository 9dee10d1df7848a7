"""What is remembered of a row that Rokt accepted: 16 bytes of digests, from which nobody learns what the row holds."""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from airflow_provider_rokt.flow.row import Outcome, Skip

# Of 96 bits, a billion remembered rows have a chance of one in 10^11 that two are taken for one.
ID_BYTES: Final = 12
CONTENT_BYTES: Final = 4
MARK_BYTES: Final = ID_BYTES + CONTENT_BYTES
"""Of a row's mark: which row it is, then what it says."""
UNKNOWN_CONTENT: Final = bytes(CONTENT_BYTES)
"""Of a row of which only the id is known: it is the same, whatever it says."""

Recall = Callable[[bytes], Outcome | Skip | None]
"""Tells of a mark what is remembered: ``Outcome.ACCEPTED`` by an earlier try of this task, ``Outcome.FAILED`` where one
sent it under the id that it has now and does not know what became of it, why the row is skipped, or nothing."""


def mark(key: str, content: int) -> bytes:
    """The mark of a row.

    :param key: which row it is, the same whenever it is sent: its ``source_message_id``.
    :param content: 32 bits of what it says.
    """
    # A key of an invalid row may hold half of a surrogate pair.
    id_ = sha256(key.encode("utf-8", "surrogatepass")).digest()[:ID_BYTES]
    return id_ + content.to_bytes(CONTENT_BYTES, "big")
