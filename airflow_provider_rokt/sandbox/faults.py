"""Faults a sandbox can be told to show: what a network and a busy server do to a sender.

Set from Python (``sandbox.faults.add(Status(503, times=2))``) or over HTTP
(``POST /sandbox/faults {"kind": "status", "status": 503, "times": 2}``): the same names both ways.
"""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from airflow_provider_rokt.sandbox.contract import Breach, Locator
from airflow_provider_rokt.sandbox.rate import retry_after
from airflow_provider_rokt.sandbox.reply import Reply


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every fault shares.

    :param times: strikes so many requests, then is gone; ``None`` strikes until it is removed.
    :param probability: of striking a request, drawn from the sandbox's seed.
    :param path: strikes requests whose path starts so, e.g. ``"/v2"`` or ``"/v3/import"``.
    :param after: strikes once the request was taken in, so that the sender cannot know that it was.
    """

    times: Annotated[int, Meta(ge=1)] | None = None
    probability: Annotated[float, Meta(ge=0, le=1)] = 1.0
    path: str = ""
    after: bool = False


class Status(Fault, frozen=True, tag="status"):
    """Replies with this status.

    :param retry_after: seconds for a ``Retry-After`` header.
    :param as_date: write it as an HTTP date.
    """

    status: Annotated[int, Meta(ge=200, le=599)]
    retry_after: float | None = None
    as_date: bool = False
    headers: dict[str, str] = {}
    body: str = ""

    def answer(self) -> Reply:
        """The answer it gives instead of Rokt's."""
        wait = {} if self.retry_after is None else retry_after(self.retry_after, as_date=self.as_date)
        return Reply(self.status, self.body.encode(), {**wait, **self.headers})


class Redirect(Fault, frozen=True, tag="redirect"):
    """Sends the sender elsewhere."""

    location: str
    status: Annotated[int, Meta(ge=300, le=399)] = 302

    def answer(self) -> Reply:
        """The redirect."""
        return Reply(self.status, headers={"location": self.location})


class Reset(Fault, frozen=True, tag="reset"):
    """Resets the TCP connection without an answer."""

    def answer(self) -> Reply:
        """No answer."""
        return Reply(None)


class Drip(Fault, frozen=True, tag="drip"):
    """Replies 202 at once, and then a body of blanks that hardly comes.

    :param seconds: between two bytes.
    :param bytes_: how many there are.
    """

    seconds: Annotated[float, Meta(ge=0)] = 1.0
    bytes_: Annotated[int, Meta(ge=1)] = msgspec.field(default=1000, name="bytes")

    def answer(self) -> Reply:
        """The slow answer."""
        return Reply(202, b" " * self.bytes_, pause=self.seconds)


class Delay(Fault, frozen=True, tag="delay"):
    """Waits before the request is taken in or, with ``after``, before it is answered."""

    seconds: Annotated[float, Meta(ge=0)]


class Refuse(Fault, frozen=True, tag="refuse"):
    """Refuses the batches that carry one of these message ids, as Rokt refuses one it cannot read.

    :param message_ids: values of ``source_message_id``.
    :param locator: how the error tells which batch it is: ``path``, ``position`` or ``none``.
    """

    message_ids: frozenset[str]
    locator: Locator = Locator.PATH

    def breach_of(self, message_ids: Sequence[str | None]) -> Breach | None:
        """Its breach where one of a batch's message ids, in the order of its events, is refused."""
        for index, message_id in enumerate(message_ids):
            if message_id in self.message_ids:
                reason = f"Error converting value \"{message_id}\" to type 'System.String'."
                return Breach(reason, ("events", index, "data", "source_message_id"), self.locator)
        return None


ANSWERING = (Status, Redirect, Reset, Drip)
AnyFault = Status | Redirect | Reset | Drip | Delay | Refuse


@dataclass(frozen=True, slots=True)
class Struck:
    """The faults that strike one request."""

    faults: Sequence[AnyFault] = ()

    def delay(self, *, after: bool) -> float:
        """Seconds to wait."""
        return sum(fault.seconds for fault in self.faults if isinstance(fault, Delay) and fault.after is after)

    def answer(self, *, after: bool) -> Reply | None:
        """What to answer instead of Rokt's answer."""
        for fault in self.faults:
            if isinstance(fault, ANSWERING) and fault.after is after:
                return fault.answer()
        return None

    def breach_of(self, message_ids: Sequence[str | None]) -> Breach | None:
        """What a batch with these message ids is refused for."""
        found = (fault.breach_of(message_ids) for fault in self.faults if isinstance(fault, Refuse))
        return next((breach for breach in found if breach), None)


class Faults:
    """The faults that are set, in the order they were; safe to set from any thread."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  repeatable by design, no secret
        self._lock = threading.Lock()
        self._set: list[tuple[AnyFault, int | None]] = []

    def add(self, *faults: AnyFault) -> None:
        """Sets faults, behind those already set."""
        with self._lock:
            self._set += [(fault, fault.times) for fault in faults]

    def clear(self) -> None:
        """Removes every fault."""
        with self._lock:
            self._set.clear()

    @property
    def active(self) -> list[AnyFault]:
        """The faults still set; ``times`` is what is left."""
        with self._lock:
            return [msgspec.structs.replace(fault, times=left) for fault, left in self._set]

    def strike(self, path: str) -> Struck:
        """The faults that strike a request: every delay and refusal, and the first that answers."""
        with self._lock:
            if not self._set:
                return Struck()
            struck: list[AnyFault] = []
            kept: list[tuple[AnyFault, int | None]] = []
            for fault, left in self._set:
                if self._strikes(fault, path, struck):
                    struck.append(fault)
                    left = None if left is None else left - 1
                if left != 0:
                    kept.append((fault, left))
            self._set = kept
            return Struck(struck)

    def _strikes(self, fault: AnyFault, path: str, struck: Sequence[AnyFault]) -> bool:
        if not path.startswith(fault.path):
            return False
        if isinstance(fault, ANSWERING) and any(isinstance(other, ANSWERING) for other in struck):
            return False
        return fault.probability >= 1 or self._random.random() < fault.probability
