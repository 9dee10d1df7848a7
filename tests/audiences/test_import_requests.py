"""Requests of the import: one list, one action, one kind, and blocks that can be taken apart."""

import json
import sys
from collections.abc import Iterable
from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.api.endpoints import IMPORT_V1, IMPORT_V3
from airflow_provider_rokt.audiences import import_requests as importing
from airflow_provider_rokt.audiences.address import EMAIL, OTHER
from airflow_provider_rokt.audiences.import_requests import ImportEnvelope, MemberBlock, MemberPacker
from airflow_provider_rokt.audiences.plan import Change, MemberKind
from airflow_provider_rokt.events.fields import COVERED
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.row import RowRef
from tests.audiences.people import ENVELOPE, address, hashed
from tests.flow.requests import rows_in


def change(number: int, include: bool = True, raw: bool = False, text: str | None = None) -> Change:
    sent = text or address(number)
    return Change(hashed(sent), sent if raw else "", include, number)


def packed(changes: Iterable[Change], **limits: int) -> list[Request]:
    return list(MemberPacker(ENVELOPE, **limits).requests(changes))


def rows_of(request: Request) -> list[RowRef]:
    return list(chain.from_iterable(batch.rows for batch in request.batches))


def test_the_body_of_v3() -> None:
    (request,) = packed([change(1, raw=True), change(2, raw=True)])
    assert request.endpoint is IMPORT_V3
    assert request.body == (
        b'{"accountId":"4711","action":"include","list":"vip","emails":["jane1@example.com","jane2@example.com"]}'
    )


def test_the_body_of_v1_has_no_account() -> None:
    packer = MemberPacker(ImportEnvelope(IMPORT_V1, 'Käufer "A"'))
    (request,) = packer.requests([change(1, include=False)])
    assert request.endpoint is IMPORT_V1
    assert request.body.isascii()
    assert json.loads(request.body) == {"action": "exclude", "list": 'Käufer "A"', "sha256s": [hashed(address(1))]}


@given(
    st.lists(st.tuples(st.integers(1, 2**40), st.booleans(), st.booleans()), max_size=80),
    st.integers(1, 9),
    st.integers(1, 5),
)
def test_each_request_has_one_action_and_one_kind_and_there_are_as_few_as_can_be(
    found: list[tuple[int, bool, bool]], max_members: int, per_block: int
) -> None:
    changes = [change(number, include, raw) for number, include, raw in found]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "MEMBERS_PER_BLOCK", per_block)
        requests = packed(changes, max_members=max_members)
    sizes: dict[tuple[str, str], list[int]] = {}
    seen = []
    for request in requests:
        body = json.loads(request.body)
        (kind,) = set(body) & set(MemberKind)
        assert set(body) == {"accountId", "action", "list", kind}
        assert all(len(batch.rows) <= per_block for batch in request.batches)
        assert rows_in(request) == len(body[kind])
        sizes.setdefault((body["action"], kind), []).append(len(body[kind]))
        seen += [
            (row.number, body["action"] == "include", text)
            for row, text in zip(rows_of(request), body[kind], strict=True)
        ]
    assert sorted(seen) == sorted((c.number, c.include, c.address or c.person) for c in changes)
    for members in sizes.values():
        assert members[:-1] == [max_members] * (len(members) - 1)
        assert 1 <= members[-1] <= max_members


@given(st.lists(st.integers(1, 200), min_size=1, max_size=300), st.booleans())
def test_bytes_are_counted_as_they_are_sent(lengths: list[int], raw: bool) -> None:
    limit = importing.SMALLEST_REQUEST_BYTES
    changes = [
        change(place, raw=raw, text="ü" * length + f"@example{place}.com") for place, length in enumerate(lengths)
    ]
    requests = packed(changes, max_bytes=limit)
    assert sum(rows_in(request) for request in requests) == len(changes)
    for request, following in pairwise(requests):
        # The next member would not have fitted: no request could be spared.
        first = json.loads(following.body)["emails" if raw else "sha256s"][0]
        assert len(request.body) <= limit < len(request.body) + 1 + len(json.dumps(first))
    assert len(requests[-1].body) <= limit


def test_hashes_fill_requests_of_100_000() -> None:
    changes = (Change(f"{number:064x}", "", True, number) for number in range(1, 250_002))
    sizes = [rows_in(request) for request in MemberPacker(ENVELOPE).requests(changes)]
    assert sizes == [100_000, 100_000, 50_001]


def test_the_limits_are_ours_and_stay() -> None:
    assert (importing.MEMBERS_PER_BLOCK, importing.REQUEST_BYTES) == (1_000, 8_000_000)
    assert packed([change(1)], max_bytes=10_000)


@pytest.mark.parametrize("limits", [{"max_members": 0}, {"max_bytes": 100}, {"max_bytes": 9_999}])
def test_limits_that_nothing_fits_into_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 member"):
        MemberPacker(ENVELOPE, **limits)


@given(st.integers(1, 40), st.booleans())
def test_splitting_ends_at_single_members_and_loses_none(size: int, raw: bool) -> None:
    (request,) = packed([change(number, raw=raw, text=f'"{number}"\\,@é.com') for number in range(1, size + 1)])
    (block,) = request.batches
    single, pending = [], [block]
    while pending:
        batch = pending.pop(0)
        parts = list(batch.split())
        if len(parts) == 1:
            assert parts == [batch]
            single.append(batch)
        pending[:0] = parts if len(parts) > 1 else []
    assert len(single) == size
    assert b",".join(batch.body for batch in single) == block.body
    assert [row for batch in single for row in batch.rows] == list(block.rows)


@pytest.mark.parametrize(("raw", "path"), [(True, EMAIL), (False, OTHER)])
def test_blocks_and_their_parts_cover_the_kind_of_their_members(raw: bool, path: str) -> None:
    (request,) = packed([change(number, raw=raw) for number in range(1, 2_001)])
    blocks = [*request.batches]
    assert len(blocks) == 2
    while blocks:
        block = blocks.pop()
        assert block.coverage == COVERED[path]
        blocks += block.split()[: len(block.rows) - 1]


def test_rows_behave_as_a_sequence() -> None:
    (request,) = packed([change(number) for number in range(1, 6)])
    rows = request.batches[0].rows
    names = [RowRef(number, f"member {hashed(address(number))[:16]}") for number in range(1, 6)]
    assert (list(rows), rows[-1], rows[1:3], list(reversed(rows))) == (names, names[-1], names[1:3], names[::-1])
    assert names[2] in rows
    with pytest.raises(IndexError):
        rows[5]


def test_a_block_is_small() -> None:
    """100,000 members wait in about 10 MB: text, an integer and a key each, and no object of their own."""
    (request,) = packed(Change(f"{number:064x}", "", True, number) for number in range(100_000))
    held = 0
    for batch in request.batches:
        assert isinstance(batch, MemberBlock)
        held += sum(map(sys.getsizeof, (batch, batch.body, batch.rows, batch.rows._numbers, batch.rows._keys)))
    assert held < 10_000_000
