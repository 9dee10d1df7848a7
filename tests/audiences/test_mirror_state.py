"""After every run that ends well, the list at Rokt is the query's result, whatever happened before."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_rokt.audiences.guards import check_plan
from airflow_provider_rokt.audiences.mirror_state import MirrorState
from airflow_provider_rokt.exceptions import RoktAudienceBusyError, RoktAudienceError
from airflow_provider_rokt.flow.request import Request
from airflow_provider_rokt.flow.row import RowRef
from airflow_provider_rokt.storage.local_folder import LocalFolder
from airflow_provider_rokt.storage.store_folder import StoreFolder
from tests.audiences.mirroring import SETTINGS, mirror
from tests.audiences.people import ListAtRokt, address, hashed, plan_of, requests_of

Folder = LocalFolder | StoreFolder


def persons(numbers: Iterable[int]) -> set[str]:
    return {hashed(address(number)) for number in numbers}


def bytes_of(folder: Folder, name: str) -> bytes:
    with folder.read(name) as file:
        return file.read()


class Killed(BaseException):
    """The worker is gone: nothing runs after it but what the operating system does."""


class Mortal:
    """Counts down over everything that changes the world, and dies just before or just after one of them."""

    def __init__(self, folder: LocalFolder, rokt: ListAtRokt, steps: int | None, after: bool) -> None:
        self._folder, self._rokt = folder, rokt
        self._steps, self._after = steps, after
        self.uri = folder.uri

    def _live(self, act: Any, *arguments: Any) -> None:
        if self._steps == 0 and not self._after:
            raise Killed
        act(*arguments)
        if self._steps == 0:
            raise Killed
        self._steps = None if self._steps is None else self._steps - 1

    def names(self) -> list[str]:
        return self._folder.names()

    def read(self, name: str) -> BinaryIO:
        return self._folder.read(name)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        self._live(self._folder.write, name, chunks)

    def create(self, name: str, data: bytes) -> None:
        self._live(self._folder.create, name, data)

    def remove(self, name: str) -> None:
        # A killed process releases no lease.
        if self._steps is None or self._steps >= 0:
            self._live(self._folder.remove, name)

    def tidy(self, before: float) -> None:
        self._live(self._folder.tidy, before)

    def send(self, request: Request) -> None:
        self._live(self._rokt.take, request)


runs = st.lists(
    st.tuples(st.sets(st.integers(0, 14)), st.none() | st.integers(0, 12), st.booleans()), min_size=1, max_size=8
)


@given(runs)
@settings(deadline=None, max_examples=50)
def test_a_mirror_follows_the_query_through_every_kill(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[set[int], int | None, bool]]
) -> None:
    folder, rokt = LocalFolder(tmp_path_factory.mktemp("state")), ListAtRokt()
    for query, dies_at, after in [*runs, ({1, 2, 3}, None, False)]:
        mortal = Mortal(folder, rokt, dies_at, after)
        try:
            mirror(mortal, query, mortal.send, max_members=2)
        except Killed:
            continue
        assert rokt.members == persons(query)


def test_a_mirror_on_an_object_store(folder: Folder) -> None:
    rokt, randomness = ListAtRokt(), random.Random(3)
    for number in range(5):
        query = randomness.sample(range(200), 150)
        mirror(folder, query, rokt.take, run=f"run {number}", max_members=30)
        assert rokt.members == persons(query)
    assert len(folder.names()) == 2


@pytest.mark.parametrize(
    "moment",
    [
        "write noted 1",
        "written noted",
        "write settled 1",
        "written settled",
        "write members 1",
        "write members 2",
        "written members",
        "remove noted",
        "remove lock",
    ],
)
def test_a_killed_process_is_repaired_by_its_retry(tmp_path: Path, moment: str) -> None:
    rokt = ListAtRokt()
    command = [sys.executable, "-m", "tests.audiences.mirroring", str(tmp_path), moment]
    killed = subprocess.run(command, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    for body in killed.stdout.splitlines():
        rokt.take(_Sent(body))
    mirror(LocalFolder(tmp_path), range(700, 1_200), rokt.take, max_members=300)
    assert rokt.members == persons(range(700, 1_200))


class _Sent:
    def __init__(self, body: bytes) -> None:
        self.body = body


def test_a_run_sends_only_what_changed(folder: Folder) -> None:
    sent: list[dict[str, Any]] = []
    take = lambda request: sent.append(json.loads(request.body))  # noqa: E731
    mirror(folder, range(10), take, max_members=100)
    assert [body["action"] for body in sent] == ["include"]
    sent.clear()
    mirror(folder, range(2, 12), take, max_members=100)
    assert {body["action"]: set(body["sha256s"]) for body in sent} == {
        "include": persons([10, 11]),
        "exclude": persons([0, 1]),
    }
    sent.clear()
    mirror(folder, range(2, 12), take)
    assert sent == []


def test_who_left_after_a_failed_run_is_removed(folder: Folder) -> None:
    """The case that comparing with the last good run alone gets wrong: 7 was sent, never confirmed, and left."""
    rokt = ListAtRokt()
    mirror(folder, [1], rokt.take)

    def fail_after(request: Request) -> None:
        rokt.take(request)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        mirror(folder, [1, 7], fail_after)
    assert rokt.members == persons([1, 7])
    mirror(folder, [1], rokt.take, run="next run")
    assert rokt.members == persons([1])


def test_a_refused_member_is_tried_again_and_nobody_else(folder: Folder) -> None:
    sent: list[set[str]] = []
    take = lambda request: sent.append(set(json.loads(request.body)["sha256s"]))  # noqa: E731
    mirror(folder, range(6), take, max_members=100, refused=[RowRef.of_member(4, hashed(address(3))).key])
    mirror(folder, range(6), take, max_members=100)
    mirror(folder, range(6), take, max_members=100)
    assert sent == [persons(range(6)), persons([3])]


def test_who_was_not_sent_cannot_have_been_refused(folder: Folder) -> None:
    """The ledger names rows rejected here, too, such as a member's that contradict each other."""
    mirror(folder, [1, 2], lambda request: None)
    mirror(folder, [1, 2], lambda request: None, refused=[RowRef.of_member(1, hashed(address(1))).key, "row 7"])
    sent: list[Request] = []
    mirror(folder, [1, 2], sent.append)
    assert sent == []


def test_the_memory_holds_no_address(folder: Folder) -> None:
    def fail(request: Request) -> None:
        raise ConnectionError

    mirror(folder, range(500), lambda request: None, hash_emails=False)
    with pytest.raises(ConnectionError):
        mirror(folder, range(300, 900), fail, hash_emails=False)
    assert [name.partition("-")[0] for name in folder.names()] == ["members", "unconfirmed"]
    for name in folder.names():
        assert b"@" not in bytes_of(folder, name).partition(b"\n")[0]
        assert b"jane" not in bytes_of(folder, name)
        assert b"example.com" not in bytes_of(folder, name)


@pytest.mark.parametrize("changed", [{"audience": "others"}, {"hash_emails": False}, {"account": "4711"}])
def test_other_settings_are_refused_and_named(folder: Folder, changed: dict[str, str | bool]) -> None:
    mirror(folder, range(3), lambda request: None)
    before = {name: bytes_of(folder, name) for name in folder.names()}
    (name, value), *_ = changed.items()
    with (
        MirrorState(folder, {**SETTINGS, **changed}, "run") as state,
        pytest.raises(
            RoktAudienceError, match=rf"made with {name}={SETTINGS.get(name)!r}, this run has {name}={value!r}"
        ),
    ):
        state.remembered()
    assert {name: bytes_of(folder, name) for name in folder.names()} == before


@pytest.mark.parametrize(
    ("via", "says"),
    [
        ("import", "with mode='exclude' and hash_emails=False, and start over"),
        ("events", "mapped to both user_identities.email and user_identities.other, and start over"),
    ],
)
def test_a_memory_of_raw_addresses_says_the_way_out(folder: Folder, via: str, says: str) -> None:
    then, now = ({"audience": "vip", "via": via, "hash_emails": hashes} for hashes in (False, True))
    with MirrorState(folder, then, "then") as state:
        plan, _ = plan_of([], remembered=state.remembered())
        state.begin(plan)
        state.commit(plan)
    with MirrorState(folder, now, "now") as state, pytest.raises(RoktAudienceError, match=says):
        state.remembered()


@pytest.mark.parametrize("name", ["members", "unconfirmed"])
def test_a_truncated_memory_sends_nothing(folder: Folder, name: str) -> None:
    mirror(folder, range(9), lambda request: None)
    (file,) = [found for found in folder.names() if found.startswith(name)]
    folder.write(file, [bytes_of(folder, file)[:-32]])
    sent: list[Request] = []
    with pytest.raises(RoktAudienceError, match=f"{file} cannot be used"):
        mirror(folder, range(3), sent.append)
    assert sent == []


def test_two_runs_at_once(folder: Folder) -> None:
    mirror(folder, range(3), lambda request: None)
    sent: list[Request] = []
    with (
        MirrorState(folder, SETTINGS, "first"),
        pytest.raises(RoktAudienceError, match="by another run, 'first'"),
    ):
        mirror(folder, range(9), sent.append, run="second")
    assert sent == []


def test_a_run_that_was_overtaken_cannot_commit(folder: Folder) -> None:
    """It lost its lease while it hung, another run went through, and even the lease is free again."""
    with MirrorState(folder, SETTINGS, "slow", lease_seconds=-1) as state:
        plan, _ = plan_of([address(1)], remembered=state.remembered())
        state.begin(plan)
        mirror(folder, [2], lambda request: None, run="quick")
        with pytest.raises(RoktAudienceBusyError, match="no longer holds"):
            state.commit(plan)
        with pytest.raises(RoktAudienceBusyError, match="no longer holds"):
            state.keep()
        lock = {"run": "slow", "token": state._lease.token, "expires": time.time() + 60}
        folder.write("lock", [json.dumps(lock).encode()])
        with pytest.raises(RoktAudienceBusyError, match="Another run changed"):
            state.commit(plan)
    # The quick one took over, so that the next run sends its changes once more.
    with MirrorState(folder, SETTINGS, "next") as state:
        remembered, _ = plan_of([address(2)], remembered=state.remembered())
    assert {change.person: change.include for change in remembered.changes()} == {
        hashed(address(1)): False,
        hashed(address(2)): True,
    }


def test_a_preview_needs_no_lease_and_writes_nothing(folder: Folder) -> None:
    plan, _ = plan_of(map(address, range(3)), remembered=MirrorState(folder, SETTINGS, "preview").remembered())
    assert (plan.counts.added, folder.names()) == (3, [])
    mirror(folder, range(3), lambda request: None)
    with MirrorState(folder, SETTINGS, "running"):
        preview = MirrorState(folder, SETTINGS, "preview")
        plan, _ = plan_of(map(address, range(1, 5)), remembered=preview.remembered())
    assert (plan.counts.added, plan.counts.removed, plan.counts.unchanged) == (2, 1, 2)


def test_a_contradicted_person_stays_as_unknown_as_before(folder: Folder) -> None:
    """1 was sent and never confirmed. Rows that contradict each other settle nothing, so the next run sends it."""

    def fail(request: Request) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        mirror(folder, [1], fail)
    rows, words = [address(1), address(1), address(2)], [True, False, True]
    with MirrorState(folder, SETTINGS, "run") as state:
        plan, faults = plan_of(rows, words, remembered=state.remembered())
        state.begin(plan)
        assert [change.person for change in plan.changes()] == [hashed(address(2))]
        state.commit(plan)
    assert len(faults) == 2
    with MirrorState(folder, SETTINGS, "run") as state:
        plan, _ = plan_of([address(1), address(2)], remembered=state.remembered())
    assert [change.person for change in plan.changes()] == [hashed(address(1))]


def test_what_killed_runs_left_is_tidied(folder: Folder) -> None:
    mirror(folder, range(2), lambda request: None)
    folder.write("members.1234.partial", [b"x"])
    folder.write("unconfirmed-none.5678.partial", [b"x"])
    folder.write("unconfirmed-longago", [b"x"])
    folder.write("notes.txt", [b"somebody's own"])
    mirror(folder, range(3), lambda request: None)
    members, mine, unconfirmed = folder.names()
    assert (members, mine) == ("members", "notes.txt")
    assert unconfirmed.startswith("unconfirmed-")
    assert unconfirmed != "unconfirmed-longago"


@pytest.mark.parametrize("held", [True, False])
def test_what_a_superseded_run_had_on_its_way_is_repaired(folder: Folder, held: bool) -> None:
    """Its requests arrive after another run took over and committed: the run after that sends those persons anew."""
    rokt, late = ListAtRokt(), list[Request]()
    mirror(folder, range(4), rokt.take)
    with MirrorState(folder, SETTINGS, "hanging", lease_seconds=60 if held else -1) as state:
        plan, _ = plan_of([address(0), address(7)], remembered=state.remembered())
        state.begin(plan)
        late.extend(requests_of(plan.changes()))
        mirror(folder, range(1, 4), rokt.take, run="hanging" if held else "another")
    for request in late:
        rokt.take(request)
    assert rokt.members == persons([7])
    sent: list[Request] = []
    mirror(folder, range(1, 4), lambda request: (sent.append(request), rokt.take(request))[0])
    assert rokt.members == persons(range(1, 4))
    sent.clear()
    mirror(folder, range(1, 4), sent.append)
    assert sent == []


def test_removals_sent_once_more_do_not_count_against_max_removed(folder: Folder) -> None:
    mirror(folder, range(10), lambda request: None)
    with MirrorState(folder, SETTINGS, "run"):
        mirror(folder, range(3, 10), lambda request: None)
    with MirrorState(folder, SETTINGS, "next") as state:
        plan, _ = plan_of(map(address, range(5, 10)), remembered=state.remembered())
    assert (plan.counts.removed, plan.counts.leaving, plan.counts.members) == (5, 2, 7)
    check_plan(plan.counts, rows_read=5, max_removed=0.3)


@pytest.mark.parametrize("lost", ["members", "unconfirmed"])
def test_losing_half_of_the_memory_does_not_go_unnoticed(folder: Folder, lost: str) -> None:
    mirror(folder, range(9), lambda request: None)
    (file,) = [found for found in folder.names() if found.startswith(lost)]
    folder.remove(file)
    sent: list[Request] = []
    way_out = "start over .airflow rokt syncs forget --audience vip.: the next run"
    with pytest.raises(RoktAudienceError, match=f"{file} cannot be used: it is missing, .*{way_out}"):
        mirror(folder, range(3), sent.append)
    assert sent == []


def test_a_lease_lost_while_a_file_is_written_leaves_the_old_file(folder: Folder) -> None:
    mirror(folder, range(3), lambda request: None)
    before = {name: bytes_of(folder, name) for name in folder.names()}
    with MirrorState(folder, SETTINGS, "slow") as state:
        plan, _ = plan_of([address(1)], remembered=state.remembered())

        class Overtaking:
            def decisions(self) -> Iterator[tuple[bytes, bytes]]:
                yield from plan.decisions()
                folder.write("lock", [b'{"run": "quick", "token": "t", "expires": 1}'])

        with pytest.raises(RoktAudienceBusyError, match="'quick' took it over"):
            state.begin(Overtaking())  # type: ignore[arg-type]
    assert {name: bytes_of(folder, name) for name in before} == before


def test_the_lease_is_renewed_while_lines_are_read(folder: Folder) -> None:
    clock = [1_000.0]
    with MirrorState(folder, SETTINGS, "run", lease_seconds=100, clock=lambda: clock[0]) as state:
        for line in state.kept(iter([b"x\n"] * 30_000)):
            assert line == b"x\n"
            clock[0] += 0.005
        with pytest.raises(RoktAudienceBusyError, match="another run"):
            MirrorState(folder, SETTINGS, "other", clock=lambda: clock[0]).require_free()
