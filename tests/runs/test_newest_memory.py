"""A mirror's memory is never believed when a newer one exists, and it names the sync that mirrors the list."""

import json
import shutil

import pytest

from airflow_provider_rokt.exceptions import RoktAudienceBusyError, RoktAudienceError, RoktMemoryError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.runs.mirrored_list import MirroredList
from airflow_provider_rokt.sandbox.faults import Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from airflow_provider_rokt.task.register import AirflowVariables
from tests.runs.test_mirrors import digests, in_task, mirror, operate, people
from tests.runs.variables import known, variables_beside_the_ledger

FORGET = "airflow rokt syncs forget --audience vip --via import --rokt-conn-id rokt_default"


@pytest.fixture
def worker(tmp_path, monkeypatch, ledger):
    """Goes to another worker, which has a disk of its own; all of them share Airflow's variables."""

    def at(name):
        monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(tmp_path / name))
        return tmp_path / name

    return at


def memory_of(disk):
    """The folder of the one list that is remembered there."""
    (members,) = disk.glob("_audiences/*/members")
    return members.parent


def header(path):
    return json.loads(path.read_bytes().partition(b"\n")[0])


def refused(sandbox, says, call=mirror, *args, **options):
    """Refused before anything is sent, in these words; running it again is useless."""
    sent = len(sandbox.store.requests)
    with in_task(), pytest.raises(RoktTaskFailed, match=says) as failed:
        call(*args, **options)
    assert len(sandbox.store.requests) == sent
    return failed.value.__cause__


def go(numbers, task_id="t", **options):
    with in_task(task_id):
        return mirror(people(numbers), **options)


# --- the number


def test_another_workers_disk_is_refused(sandbox, rokt, worker):
    worker("a")
    go(range(5))
    worker("b")
    error = refused(sandbox, "nothing is remembered in .*/b, and the newest memory was in .*/a of", mirror, people([7]))
    assert isinstance(error, RoktMemoryError)
    assert f"To start over on purpose: {FORGET}; the next run then includes everyone" in str(error)
    worker("a")
    go(range(6))
    assert set(sandbox.store.audiences["vip"]) == digests(range(6))


def test_a_foreign_memory_is_refused(sandbox, rokt, worker):
    """Both workers had mirrored before the database was told."""
    for name in "ab":
        worker(name)
        mirror(people(range(3)))
    worker("a")
    go(range(4))
    worker("b")
    refused(sandbox, "a memory of another place lies in .*/b, and the newest", mirror, people(range(4)))


def test_a_lost_memory_is_refused(sandbox, rokt, worker):
    disk = worker("a")
    go(range(5))
    shutil.rmtree(memory_of(disk))
    refused(sandbox, "its memory is gone from .*/a", mirror, people(range(5)))
    shutil.rmtree(disk)
    refused(sandbox, "nothing is remembered in .*/a, and the newest memory was in .*/a of", mirror, people(range(5)))


def test_a_restored_backup_is_refused(sandbox, rokt, worker, tmp_path):
    disk = worker("a")
    go(range(5))
    shutil.copytree(disk, tmp_path / "backup")
    go(range(6))
    shutil.rmtree(disk)
    shutil.copytree(tmp_path / "backup", disk)
    refused(sandbox, r"is an older one \(1, it had come to 2\)", mirror, people(range(6)))


def test_a_run_that_only_began_counts_too(sandbox, rokt, worker, tmp_path):
    disk = worker("a")
    go(range(5))
    shutil.copytree(disk, tmp_path / "backup")
    sandbox.faults.add(Status(status=401))
    with pytest.raises(RoktTaskFailed):
        go(range(9))
    sandbox.faults.clear()
    go(range(5, 9))
    assert set(sandbox.store.audiences["vip"]) == digests(range(5, 9))
    numbers = {header(file)["number"] for file in memory_of(disk).iterdir()}
    assert numbers == {3}
    shutil.rmtree(disk)
    shutil.copytree(tmp_path / "backup", disk)
    refused(sandbox, r"is an older one \(1, it had come to 3\)", mirror, people(range(6)))


def test_a_run_that_a_guard_stopped_has_not_begun(sandbox, rokt, worker):
    worker("a")
    go(range(5))
    before = known()
    with pytest.raises(RoktTaskFailed, match="allow_empty"):
        go([])
    assert known() == before


def test_a_copy_of_the_whole_ledger_is_the_same_memory(sandbox, rokt, worker):
    """What the workers are told to do: share a folder, and take along what was there."""
    disk = worker("a")
    go(range(5))
    shutil.copytree(disk, worker("shared"))
    assert go(range(6))["members_added"] == 1


def test_a_memory_without_a_number_goes_on(sandbox, rokt, worker):
    disk = worker("a")
    mirror(people(range(5)))
    for file in memory_of(disk).iterdir():
        before = header(file)
        assert (before.pop("number"), before.pop("owner")) == (1, None)
    assert go(range(6))["members_unchanged"] == 5
    assert {(one["number"], one["owner"]) for one in map(header, memory_of(disk).iterdir())} == {(2, "d.t")}


@pytest.mark.parametrize("number", [0, -1, "2", True, None])
def test_a_number_that_is_none_is_damage(sandbox, rokt, worker, number):
    disk = worker("a")
    go(range(5))
    members = memory_of(disk) / "members"
    line, _, rest = members.read_bytes().partition(b"\n")
    members.write_bytes(json.dumps({**json.loads(line), "number": number}).encode() + b"\n" + rest)
    refused(sandbox, "its header holds no number", mirror, people(range(5)))


def test_each_road_and_connection_has_its_own(sandbox, rokt, worker, monkeypatch):
    worker("a")
    go(range(5))
    worker("b")
    assert go(range(5), via="events")["members_added"] == 5
    refused(sandbox, "newest memory was in .*/a", mirror, people(range(5)))


def test_the_preview_shows_no_plan_against_it_and_notes_nothing(sandbox, rokt, worker):
    def preview():
        return RoktHook().preview_audience(people(range(1, 6)), "vip", mode="mirror", max_removed=1.0)

    disk = worker("a")
    with in_task():
        preview()
    assert (known(), disk.exists()) == ({}, False)
    go(range(5))
    before = known()
    other = worker("b")
    with variables_beside_the_ledger():
        seen = preview()
    assert "nothing is remembered in" in seen["stopped_by"]
    assert FORGET in seen["stopped_by"]
    assert (seen["members_added"], seen["members_unchanged"]) == (0, 0)
    assert (known(), other.exists()) == (before, False)
    worker("a")
    # Who looks from the command line is not asked for the name of a sync.
    with variables_beside_the_ledger():
        assert (preview()["stopped_by"], preview()["members_unchanged"]) == (None, 4)
    with in_task("another"):
        assert "is mirrored by sync 'd.t', and this is sync 'd.another'" in preview()["stopped_by"]


# --- the owner


def test_a_list_that_another_task_mirrors_is_refused(sandbox, rokt, shop):
    shop(people(range(3)))
    with in_task("t1"):
        operate()
    with in_task("t2"), pytest.raises(RoktTaskFailed) as failed:
        operate()
    assert isinstance(failed.value.__cause__, RoktAudienceError)
    text = str(failed.value)
    assert "The audience 'vip' is mirrored by sync 'd.t1', and this is sync 'd.t2'" in text
    assert "Give this one another audience; or pass sync='d.t1'" in text
    assert f"({FORGET})" in text
    assert len(sandbox.store.requests) == 1
    with in_task("t2"):
        assert operate(sync="d.t1")["members_unchanged"] == 3


def test_outside_of_a_task_nobody_owns_and_an_owner_is_respected(sandbox, rokt, ledger):
    mirror(people(range(3)))
    mirror(people(range(4)))
    go(range(5))
    with pytest.raises(RoktTaskFailed, match="and this is a call that names no sync"):
        mirror(people(range(5)))
    assert mirror(people(range(5)), sync="d.t")["members_unchanged"] == 5


def test_who_only_began_owns_it(sandbox, rokt, ledger):
    """What it sent may have arrived."""
    sandbox.faults.add(Status(status=401))
    with pytest.raises(RoktTaskFailed):
        go(range(3), "t1")
    sandbox.faults.clear()
    with pytest.raises(RoktTaskFailed, match=r"mirrored by sync 'd\.t1'"):
        go(range(3), "t2")


# --- forgetting


def of(disk, audience="vip"):
    return MirroredList(Ledger(disk), "rokt_default", "import", audience)


def forget(disk):
    with variables_beside_the_ledger():
        of(disk).forget(AirflowVariables(), "a person")


def test_forgetting_starts_over(sandbox, rokt, worker):
    disk = worker("a")
    go(range(5))
    go(range(3), via="events")
    forget(disk)
    assert len([*disk.glob("_audiences/*/members")]) == 1
    result = go(range(6), "another")
    assert (result["members_added"], result["members_unchanged"]) == (6, 0)
    assert go(range(3), via="events")["members_unchanged"] == 3


@pytest.mark.parametrize("damage", ["gone", "older", "cut"])
def test_forgetting_is_a_way_out_of_every_refusal(sandbox, rokt, worker, tmp_path, damage):
    disk = worker("a")
    go(range(5))
    shutil.copytree(disk, tmp_path / "backup")
    go(range(6))
    if damage == "cut":
        members = memory_of(disk) / "members"
        members.write_bytes(members.read_bytes()[:20])
    else:
        shutil.rmtree(disk)
        if damage == "older":
            shutil.copytree(tmp_path / "backup", disk)
    refused(sandbox, "airflow rokt syncs forget", mirror, people(range(6)))
    forget(disk)
    assert go(range(6))["members_added"] == 6


def test_forgetting_lets_no_older_memory_in(sandbox, rokt, worker):
    """Without this, the worker whose disk still holds one would go on from it."""
    for name in "ab":
        worker(name)
        mirror(people(range(3)))
    forget(worker("a"))
    worker("b")
    refused(sandbox, "a memory of another place lies in .*/b", mirror, people(range(3)))


def test_what_a_run_is_changing_is_not_forgotten(sandbox, rokt, worker):
    disk = worker("a")
    go(range(5))

    def rows():
        with pytest.raises(RoktAudienceBusyError, match="by another run"):
            forget(disk)
        yield from people(range(6))

    with in_task():
        assert mirror(rows())["members_unchanged"] == 5


def test_nothing_to_forget_is_no_error(ledger, tmp_path):
    forget(tmp_path / "ledger")
    of(tmp_path / "ledger").forget(None, "a person")
