"""Requests are as full as all limits allow, and no fuller."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.api.endpoints import BULK, IMPORT_V3
from airflow_provider_rokt.flow.packing import RequestPacker, batches_per_request
from airflow_provider_rokt.flow.request import Batch, Request
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.limits import BATCHES_PER_REQUEST, EVENTS_PER_REQUEST, REQUEST_BYTES
from tests.flow.requests import rows_in

BULK = Request(BULK, ())
IMPORT = Request(IMPORT_V3, (), prefix=b'{"action":"include","sha256s":[', suffix=b'],"list":"lapsed"}')


@dataclass(frozen=True)
class Block:
    """A batch of any number of rows and bytes."""

    body: bytes
    rows: tuple[RowRef, ...]

    def split(self) -> Sequence[Batch]:
        return (self,)


def block(number: int, size: int = 10, rows: int = 1) -> Block:
    text = str(number)
    return Block(b'"%b"' % text.rjust(size - 2, "0").encode(), (RowRef(number, text),) * rows)


def pack(packer: RequestPacker, batches: Sequence[Batch]) -> list[Request]:
    requests = [request for batch in batches if (request := packer.add(batch))]
    return requests + [request for request in [packer.flush()] if request]


blocks = st.lists(st.tuples(st.sampled_from([8, 50, 900]) | st.integers(8, 950), st.integers(1, 20)), max_size=60).map(
    lambda shapes: [block(number, size, rows) for number, (size, rows) in enumerate(shapes)]
)


@settings(deadline=None)
@given(blocks, st.integers(1, 12), st.integers(20, 60), st.integers(1000, 3000), st.sampled_from([BULK, IMPORT]))
def test_no_limit_is_broken_no_batch_lost_and_no_request_left_half_empty(
    batches: list[Block], most_batches: int, most_rows: int, most_bytes: int, envelope: Request
) -> None:
    def fits(request: Request) -> bool:
        return (
            len(request.batches) <= most_batches and rows_in(request) <= most_rows and len(request.body) <= most_bytes
        )

    requests = pack(RequestPacker(envelope, batches=most_batches, rows=most_rows, size=most_bytes), batches)
    assert [batch for request in requests for batch in request.batches] == batches
    assert all(request.batches and fits(request) for request in requests)
    for request, following in pairwise(requests):
        assert not fits(request.with_batches([*request.batches, following.batches[0]]))


def test_the_envelope_surrounds_every_request() -> None:
    requests = pack(RequestPacker(IMPORT, batches=2), [block(number) for number in range(3)])
    assert [len(json.loads(request.body)["sha256s"]) for request in requests] == [2, 1]
    assert {request.endpoint for request in requests} == {IMPORT_V3}
    assert {json.loads(request.body)["list"] for request in requests} == {"lapsed"}


def test_the_limits_of_the_events_api_hold_unless_others_are_given() -> None:
    small = pack(RequestPacker(BULK), [block(number) for number in range(250)])
    assert [len(request.batches) for request in small] == [BATCHES_PER_REQUEST, BATCHES_PER_REQUEST, 50]
    many = pack(RequestPacker(BULK), [block(number, rows=40) for number in range(5)])
    assert [rows_in(request) for request in many] == [80, 80, 40]
    assert all(rows_in(request) <= EVENTS_PER_REQUEST for request in many)


def test_brackets_and_commas_count() -> None:
    half = (REQUEST_BYTES - len(b"[,]")) // 2
    exact = [block(1, half), block(2, REQUEST_BYTES - len(b"[,]") - half)]
    assert [len(request.body) for request in pack(RequestPacker(BULK), exact)] == [REQUEST_BYTES]
    over = [block(1, half), block(2, REQUEST_BYTES - len(b"[,]") - half + 1)]
    assert len(pack(RequestPacker(BULK), over)) == 2


@pytest.mark.parametrize("excessive", [block(1, size=101), block(1, rows=6)])
@pytest.mark.parametrize("before", [[], [block(0)]])
def test_a_batch_no_request_can_hold_is_an_error(excessive: Block, before: list[Block]) -> None:
    packer = RequestPacker(BULK, rows=5, size=102)
    pack(packer, before)
    with pytest.raises(ValueError, match="does not fit"):
        packer.add(excessive)


def test_a_packer_begins_anew_after_a_flush() -> None:
    packer = RequestPacker(BULK, batches=2)
    assert packer.flush() is None
    assert [len(request.batches) for request in pack(packer, [block(1)])] == [1]
    assert [len(request.batches) for request in pack(packer, [block(2), block(3)])] == [2]


@pytest.mark.parametrize(
    ("cap", "size"),
    [(270, 90), (100, 100), (250, 83), (5, 5), (1, 1), (0.5, 1), (101, 50), (200, 100), (1000, 100), (2.5, 2)],
)
def test_a_request_is_sized_to_fill_the_cap(cap: float, size: int) -> None:
    assert batches_per_request(cap) == size


@settings(deadline=None)
@given(st.integers(1, 100_000) | st.floats(1, 100_000))
def test_whole_requests_fill_a_second_without_exceeding_the_cap(cap: float) -> None:
    size = batches_per_request(cap)
    requests = floor(cap / size)
    assert 1 <= size <= BATCHES_PER_REQUEST
    # One more batch in each of as many requests would exceed the cap, or the API's limit.
    assert requests * size <= cap
    assert requests * (size + 1) > cap or size == BATCHES_PER_REQUEST
