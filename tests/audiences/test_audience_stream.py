"""The stream of an audience run: the audience stays its own as long as it takes, and no longer."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from airflow_provider_rokt.audiences.audience_stream import AudienceStream, Guards
from airflow_provider_rokt.audiences.import_requests import MemberPacker
from airflow_provider_rokt.audiences.import_road import ImportPacker, MemberIntake
from airflow_provider_rokt.audiences.members import member_reader
from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.audiences.spool import MemberSpool
from airflow_provider_rokt.exceptions import RoktAudienceBusyError
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.stream import Packed
from airflow_provider_rokt.storage.local_folder import LocalFolder
from tests.audiences.people import ENVELOPE, address

SETTINGS = {"audience": "vip"}


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Rows:
    """Takes rows of a single address."""

    def __init__(self, spool: MemberSpool) -> None:
        self._intake = MemberIntake(spool, member_reader(hash_emails=True))

    def take(self, rows: Sequence[Sequence[object]]) -> Packed:
        return self._intake.take([row[0] for row in rows])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> LocalFolder:
    return LocalFolder(tmp_path / "vip")


def stream_of(state: MirrorState) -> AudienceStream:
    spool = MemberSpool()
    packer = ImportPacker(MemberPacker(ENVELOPE, max_members=2))
    return AudienceStream(spool, Rows(spool), packer, Guards("mirror", 1.0, 0, False), Census(), state=state)


def rows(numbers: Iterable[int]) -> list[tuple[str]]:
    return [(address(number),) for number in numbers]


def test_a_slow_query_does_not_lose_the_audience(folder: LocalFolder, clock: Clock) -> None:
    with MirrorState(folder, SETTINGS, "slow", clock=clock) as state:
        stream = stream_of(state)
        for number in range(10):
            clock.now += 200
            stream.window(rows([number]))
        clock.now += 200
        with pytest.raises(RoktAudienceBusyError, match="another run, 'slow'"):
            MirrorState(folder, SETTINGS, "other", clock=clock).__enter__()


def test_a_query_slower_than_the_lease_keeps_it_where_nobody_wants_it(folder: LocalFolder, clock: Clock) -> None:
    with MirrorState(folder, SETTINGS, "slow", clock=clock) as state:
        stream = stream_of(state)
        clock.now += 10_000
        stream.window(rows([1]))
        assert [window.requests for window in stream.flush() if window.requests]


def test_an_overtaken_run_makes_no_further_request(folder: LocalFolder, clock: Clock) -> None:
    with MirrorState(folder, SETTINGS, "run", clock=clock) as state:
        stream = stream_of(state)
        stream.window(rows(range(20)))
        requests: Iterator[Packed] = (packed for packed in stream.flush() if packed.requests)
        next(requests)
        with MirrorState(folder, SETTINGS, "run", clock=clock):
            clock.now += 4
            with pytest.raises(RoktAudienceBusyError, match="'run' took it over"):
                next(requests)


def test_a_preview_holds_nothing(folder: LocalFolder, clock: Clock) -> None:
    stream = stream_of(MirrorState(folder, SETTINGS, "preview", clock=clock))
    stream.window(rows(range(3)))
    assert stream.decide().counts.added == 3
    assert folder.names() == []
