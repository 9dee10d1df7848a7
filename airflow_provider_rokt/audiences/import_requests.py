"""Requests of the Custom Audience Import: members in blocks, so that one the server refuses can be found.

A request carries one list, one action and one of the four member keys (Rokt's page on the custom audience import);
addresses and hashes therefore never share one.
"""

import json
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, overload

from airflow_provider_rokt.audiences.address import EMAIL, OTHER
from airflow_provider_rokt.audiences.plan import Change, MemberKind
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.flow.mark import MARK_BYTES, Recall
from airflow_provider_rokt.flow.request import Endpoint, Request
from airflow_provider_rokt.flow.row import MEMBER_DIGITS, Outcome, RowRef
from airflow_provider_rokt.limits import MEMBERS_PER_REQUEST

# Enough that the engine's share per block does not show, few enough that a refused member is found in 10 halvings.
MEMBERS_PER_BLOCK: Final = 1_000
# No limit is published. 100,000 hashes take 6.7 MB, so that by default the members decide for hashes.
REQUEST_BYTES: Final = 8_000_000
# A request of less could not hold its envelope and one address.
SMALLEST_REQUEST_BYTES: Final = 10_000

_PATHS: Final = {MemberKind.EMAILS: EMAIL, MemberKind.SHA256S: OTHER}
_encode: Final = json.JSONEncoder(ensure_ascii=True).encode


class MemberRows(Sequence[RowRef]):
    """The rows of a block, made when they are asked for: two arrays instead of 100,000 objects.

    :param numbers: the rows' numbers.
    :param keys: the first 16 hex digits of each person, end to end.
    """

    def __init__(self, numbers: "array[int]", keys: bytes) -> None:
        self._numbers = numbers
        self._keys = keys

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[RowRef]:
        keys = self._keys.decode("ascii")
        for number, start in zip(self._numbers, range(0, len(keys), MEMBER_DIGITS), strict=True):
            yield RowRef.of_member(number, keys[start : start + MEMBER_DIGITS])

    @overload
    def __getitem__(self, index: int) -> RowRef: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[RowRef]: ...
    def __getitem__(self, index: int | slice) -> RowRef | Sequence[RowRef]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        place = range(len(self))[index]
        start = place * MEMBER_DIGITS
        return RowRef.of_member(self._numbers[place], self._keys[start : start + MEMBER_DIGITS].decode())

    def halves(self) -> tuple["MemberRows", "MemberRows"]:
        """The first and the second half."""
        middle = len(self) // 2
        cut = middle * MEMBER_DIGITS
        return (
            MemberRows(self._numbers[:middle], self._keys[:cut]),
            MemberRows(self._numbers[middle:], self._keys[cut:]),
        )


@dataclass(frozen=True, slots=True)
class MemberBlock:
    """Some members of one request: the ``Batch`` of an audience.

    :param body: their JSON strings with commas between them.
    :param rows: the rows they come from.
    :param coverage: whether they are named by address or by hash, as bits.
    :param marks: what is remembered of each of them once it is accepted, end to end; empty where nothing is.
    """

    body: bytes
    rows: MemberRows
    coverage: int = 0
    marks: bytes = b""
    # An import knows no request ids.
    repeats: ClassVar[bool] = False

    def split(self) -> Sequence["MemberBlock"]:
        """Two halves, or just itself when it is a single member."""
        if len(self.rows) == 1:
            return (self,)
        texts = [_encode(text) for text in json.loads(b"[" + self.body + b"]")]
        middle = len(texts) // 2
        cut = middle * MARK_BYTES
        halves = ((texts[:middle], self.marks[:cut]), (texts[middle:], self.marks[cut:]))
        return [
            MemberBlock(_joined(half), rows, self.coverage, marks)
            for (half, marks), rows in zip(halves, self.rows.halves(), strict=True)
        ]

    def renewed(self) -> "MemberBlock":
        """Itself: an import knows no request ids, and adding twice is adding once."""
        return self


@dataclass(frozen=True, slots=True)
class ImportEnvelope:
    """What surrounds the members.

    :param endpoint: one of the imports.
    :param audience: the list's name.
    :param account_id: Rokt's account id; sent where the endpoint names the account.
    """

    endpoint: Endpoint
    audience: str
    account_id: str | None = None

    def request(self, include: bool, kind: MemberKind) -> Request:
        """A request without members yet.

        :param include: add the members, else remove them.
        :param kind: the one member key.
        """
        fields = {"accountId": self.account_id or ""} if self.endpoint.names_account else {}
        fields |= {"action": "include" if include else "exclude", "list": self.audience}
        prefix = _compact(fields)[:-1] + f',"{kind}":['
        return Request(self.endpoint, (), prefix.encode("ascii"), b"]}")


class MemberPacker:
    """Packs members into the fewest requests the limits allow, in the order they come.

    :param max_members: members per request.
    :param max_bytes: bytes per request, envelope included.
    :param recall: tells what is remembered of a change; None where nothing is, and nothing will be.
    :raises ValueError: for a limit that no request could keep.
    :ivar packed: members so far, by what they go by.
    :ivar resumed: members that an earlier try of this task had sent, by coverage.
    """

    def __init__(
        self,
        envelope: ImportEnvelope,
        *,
        max_members: int = MEMBERS_PER_REQUEST,
        max_bytes: int = REQUEST_BYTES,
        recall: Recall | None = None,
    ) -> None:
        if max_members < 1 or max_bytes < SMALLEST_REQUEST_BYTES:
            raise ValueError(f"A request needs at least 1 member and {SMALLEST_REQUEST_BYTES} bytes.")
        self._lanes = {
            (include, kind): _Lane(envelope.request(include, kind), kind, max_members, max_bytes)
            for include in (True, False)
            for kind in MemberKind
        }
        self._audience = envelope.audience
        self._recall = recall
        self.packed: Counter[MemberKind] = Counter()
        self.resumed: Counter[int] = Counter()

    def requests(self, changes: Iterable[Change]) -> Iterator[Request]:
        """The requests, each as soon as it is full; at most one per action and kind is not full."""
        for change in changes:
            mark = change.mark(self._audience) if self._recall else b""
            if self._recall and self._recall(mark) is Outcome.ACCEPTED:
                self.resumed[COVERED[_PATHS[change.kind]]] += 1
                continue
            request = self._lanes[change.include, change.kind].add(change, mark)
            if request:
                self._count(change.kind, request)
                yield request
        for (_, kind), lane in self._lanes.items():
            if lane.members:
                request = lane.finish()
                self._count(kind, request)
                yield request

    def _count(self, kind: MemberKind, request: Request) -> None:
        self.packed[kind] += sum(len(batch.rows) for batch in request.batches)


class _Lane:
    """The unfinished request of one action and one kind."""

    def __init__(self, envelope: Request, kind: MemberKind, max_members: int, max_bytes: int) -> None:
        self._coverage = COVERED[_PATHS[kind]]
        self._envelope = envelope
        self._max_members = max_members
        # Each member is counted with a comma; the last one has none.
        self._max_bytes = max_bytes - len(envelope.body) + 1
        self._start()

    def _start(self) -> None:
        self.members = 0
        self._bytes = 0
        self._blocks: list[MemberBlock] = []
        self._texts: list[str] = []
        self._marks: list[bytes] = []
        self._changes: list[Change] = []

    def add(self, change: Change, mark: bytes) -> Request | None:
        """Takes a member; returns the request that had no room for it."""
        text = _encode(change.address) if change.address else f'"{change.person}"'
        full = self.members == self._max_members or self._bytes + len(text) >= self._max_bytes
        finished = self.finish() if full else None
        self.members += 1
        self._bytes += len(text) + 1
        self._texts.append(text)
        self._marks.append(mark)
        self._changes.append(change)
        if len(self._texts) == MEMBERS_PER_BLOCK:
            self._close_block()
        return finished

    def finish(self) -> Request:
        """The request as it is; the lane is empty then."""
        self._close_block()
        request = self._envelope.with_batches(self._blocks)
        self._start()
        return request

    def _close_block(self) -> None:
        if self._texts:
            numbers = array("Q", [change.number for change in self._changes])
            keys = "".join([change.person[:MEMBER_DIGITS] for change in self._changes]).encode("ascii")
            rows, marks = MemberRows(numbers, keys), b"".join(self._marks)
            self._blocks.append(MemberBlock(_joined(self._texts), rows, self._coverage, marks))
            self._texts.clear()
            self._marks.clear()
            self._changes.clear()


def _joined(texts: Iterable[str]) -> bytes:
    return ",".join(texts).encode("ascii")


def _compact(fields: dict[str, str]) -> str:
    return json.dumps(fields, separators=(",", ":"))
