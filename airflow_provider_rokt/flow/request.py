"""What travels to Rokt: a request made of batches, each serialised once.

The delivery engine knows only these: it sends a request, wants a verdict for every batch and can make smaller
requests of it. What a batch means (a user's conversions, a block of audience members) stays with whoever packed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from airflow_provider_rokt.flow.row import RowRef


class Endpoint(StrEnum):
    """The paths this provider posts rows to, relative to the surface's base address."""

    BULK = "v2/bulkevents"
    HISTORICAL = "v2/bulkevents/historical"
    IMPORT_V1 = "api/1.0/import/suppression"
    IMPORT_V3 = "v3/import/suppression"

    @property
    def is_events(self) -> bool:
        """Whether it belongs to the Events API (host ``s2s.*.mparticle.com``), not to the audience import."""
        return self in (Endpoint.BULK, Endpoint.HISTORICAL)


class Batch(Protocol):
    """The smallest thing Rokt gives a verdict on."""

    @property
    def body(self) -> bytes:
        """Its JSON, ASCII only, exactly the bytes that are sent."""

    @property
    def rows(self) -> Sequence[RowRef]:
        """The rows it carries, in order; never empty."""

    def split(self) -> Sequence["Batch"]:
        """Smaller batches holding the same rows, to find the one Rokt refuses; just itself when it is minimal."""


@dataclass(frozen=True)
class Request:
    """One POST: ``prefix + batches joined by commas + suffix``.

    :param prefix: what stands before the first batch: ``b"["`` for bulk events.
    """

    endpoint: Endpoint
    batches: tuple[Batch, ...]
    prefix: bytes = b"["
    suffix: bytes = b"]"

    @cached_property
    def body(self) -> bytes:
        """The bytes that are sent; the batches are joined, never serialised again."""
        return self.prefix + b",".join([batch.body for batch in self.batches]) + self.suffix

    @property
    def row_count(self) -> int:
        """How many rows the request carries."""
        return sum(len(batch.rows) for batch in self.batches)

    def with_batches(self, batches: Sequence[Batch]) -> "Request":
        """The same envelope around other batches."""
        return replace(self, batches=tuple(batches))
