"""What travels to Rokt: a request made of batches, each serialised once, and the endpoint it goes to.

The delivery engine knows only these: it sends a request, wants a verdict for every batch and can make smaller
requests of it. What a batch means (a user's conversions, a block of audience members) stays with whoever packed it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from airflow_provider_rokt.flow.row import RowRef


class Surface(StrEnum):
    """One of Rokt's two hosts; each has an address and credentials of its own."""

    EVENTS = "Events API"
    AUDIENCE_IMPORT = "Audience import"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Endpoint:
    """An address that rows are posted to, and everything that is different there.

    :param path: relative to the surface's base address.
    :param bare_key: whether the credentials are a single key without a scheme before it; otherwise a ``Basic`` pair.
    :param names_account: whether a body names the account, since the credentials do not.
    :param verdict_per_batch: whether the batches are the members of the posted array, so that an answer can tell them
        apart by their place; otherwise it judges the request as a whole, as an import's does.
    :param counts_batches: whether each batch counts for the account's rate; otherwise the request counts as one.
    :param check: HTTP method and path by which credentials can be tried without an effect; None where there is none.
    :param settings: what to check in the connection where the address turns out to be wrong.
    :param success: members of an answer's JSON object that mean success for this account, besides what is published;
        None where nobody has said.
    :param refused: what to check where the credentials are refused, by status, 401 and 403.
    """

    path: str
    surface: Surface
    bare_key: bool = False
    names_account: bool = False
    verdict_per_batch: bool
    counts_batches: bool
    check: tuple[str, str] | None = None
    settings: str
    success: Mapping[str, Any] | None = field(default=None, repr=False)
    refused: Mapping[int, str] = field(repr=False)


class Batch(Protocol):
    """The smallest thing Rokt gives a verdict on."""

    @property
    def body(self) -> bytes:
        """Its JSON, exactly the bytes that are sent: ASCII, or UTF-8 where only that fits, alone in its request."""

    @property
    def rows(self) -> Sequence[RowRef]:
        """The rows it carries, in order; never empty."""

    @property
    def coverage(self) -> int:
        """Which covered paths its rows carry, as bits; see :class:`~airflow_provider_rokt.flow.census.Census`."""

    @property
    def marks(self) -> bytes:
        """What is remembered of each of its rows once it is accepted, end to end; see ``flow/mark.py``."""

    @property
    def repeats(self) -> bool:
        """Whether an earlier try may have sent some of it under the same request id."""

    def split(self) -> Sequence["Batch"]:
        """Smaller batches holding the same rows, to find the one Rokt refuses; just itself when it is minimal."""

    def renewed(self) -> "Batch":
        """The same under a request id that Rokt has not seen; just itself where it has none."""


@dataclass(frozen=True)
class Request:
    """One POST: ``prefix + batches joined by commas + suffix``.

    :param prefix: what stands before the first batch: ``b"["`` for bulk events.
    :param paths: the fields it may fill, as the guide's "Map to" column writes them, by the names in the mapping and in
        the table of fields. A name that is made of what a row holds is not among them: only these are shown.
    """

    endpoint: Endpoint
    batches: tuple[Batch, ...]
    prefix: bytes = b"["
    suffix: bytes = b"]"
    paths: frozenset[str] = frozenset()

    @cached_property
    def body(self) -> bytes:
        """The bytes that are sent; the batches are joined, never serialised again."""
        return self.prefix + b",".join([batch.body for batch in self.batches]) + self.suffix

    @property
    def paced_batches(self) -> int:
        """What it counts for the account's rate."""
        return len(self.batches) if self.endpoint.counts_batches else 1

    def with_batches(self, batches: Sequence[Batch]) -> "Request":
        """The same envelope around other batches."""
        return replace(self, batches=tuple(batches))
