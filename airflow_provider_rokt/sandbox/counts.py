"""What a sandbox counts."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counts:
    """What is counted whether or not bodies are kept.

    :ivar requests: requests by status; ``"reset"`` for those whose connection was reset.
    :ivar batches: accepted, each once.
    :ivar repeated_batches: taken with a ``source_request_id`` seen before, and dropped.
    :ivar conflicting_batches: those of them that were not the same text: data lost at Rokt.
    :ivar swallowed_batches: those of them that repeat a batch which was never accepted: lost too.
    :ivar repeated_messages: events of accepted batches whose ``source_message_id`` was seen before.
    :ivar dropped_events: answered as taken and not stored, by reason.
    :ivar dropped_members: of accepted imports, and not taken.
    """

    requests: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    events: int = 0
    refused_batches: int = 0
    unprocessed_batches: int = 0
    repeated_batches: int = 0
    conflicting_batches: int = 0
    swallowed_batches: int = 0
    repeated_messages: int = 0
    dropped_events: Counter[str] = field(default_factory=Counter)
    imports: int = 0
    dropped_members: int = 0
