"""What a mirror remembers between runs: which list it is of, who holds it, and what keeps the wrong run out."""

import json
import os
import time
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace

import pytest

from airflow_provider_rokt.exceptions import RoktAudienceBusyError, RoktAudienceError, RoktIncompleteError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.operators.rokt import RoktAudienceOperator
from airflow_provider_rokt.sandbox import Sandbox
from airflow_provider_rokt.sandbox.faults import Status
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.audiences.people import address, hashed
from tests.runs.variables import variables_beside_the_ledger

try:
    from airflow.sdk.execution_time.context import set_current_context
except ImportError:
    from airflow.models.taskinstance import set_current_context


def people(numbers):
    return [{"email": address(number)} for number in numbers]


def digests(numbers):
    return {hashed(address(number)) for number in numbers}


def mirror(rows, audience="vip", **options):
    return RoktHook().send_audience(rows, audience, mode="mirror", max_removed=1.0, **options)


def operate(audience="vip", **options):
    """A mirror as a task of its own."""
    operator = RoktAudienceOperator(
        task_id="t", sql="SELECT email FROM orders", sql_conn_id="shop", audience=audience, mode="mirror", **options
    )
    return operator.execute({})


@contextmanager
def in_task(task_id="t", run_id="r1", part=-1):
    """As if this ran in a task instance."""
    names = {"dag_id": "d", "task_id": task_id, "run_id": run_id, "map_index": part, "try_number": 1}
    with set_current_context({"ti": SimpleNamespace(**names)}), variables_beside_the_ledger():
        yield


def kept(ledger_path, name):
    """The one file of that name (or beginning) of the one audience remembered."""
    (found,) = ledger_path.glob(f"**/{name}")
    return found


# --- which list it is of


@pytest.mark.parametrize(
    ("via", "options", "difference"),
    [
        ("events", {"environment": "development"}, "made with environment='production'"),
        ("events", {"flag": "in_{audience}"}, "made with flag='segment_{audience}'"),
    ],
)
def test_what_another_list_would_need_is_not_called_unchanged(sandbox, rokt, ledger, via, options, difference):
    mirror(people(range(5)), via=via)
    sent = len(sandbox.store.requests)
    with pytest.raises(RoktTaskFailed) as failed:
        mirror(people(range(5)), via=via, **options)
    assert difference in str(failed.value)
    assert "Change that back, or start over (airflow rokt syncs forget --audience vip --via" in str(failed.value)
    assert len(sandbox.store.requests) == sent


@pytest.mark.parametrize(("via", "extra"), [("import", "audience_url"), ("events", "events_url")])
def test_a_connection_that_points_elsewhere_is_another_list(sandbox, rokt, ledger, via, extra):
    mirror(people(range(5)), via=via)
    with Sandbox() as production:
        rokt(extra={extra: production.connection("v1")["extra"][extra]})
        with pytest.raises(RoktTaskFailed, match="made with address='http://"):
            mirror(people(range(5)), via=via)
        assert not production.store.requests


def test_another_account_is_another_list(sandbox, rokt, ledger):
    rokt("v3")
    mirror(people(range(5)))
    sent = len(sandbox.store.requests)
    rokt("v3", extra={"account_id": "another"})
    with pytest.raises(RoktTaskFailed, match="made with account_id="):
        mirror(people(range(5)))
    assert len(sandbox.store.requests) == sent


def test_a_new_key_is_the_same_list(sandbox, rokt, ledger):
    mirror(people(range(5)))
    rokt(extra={"audience_api_key": "another"})
    # The sandbox does not know this key, so that it only remains to be seen that the memory was not what refused it.
    with pytest.raises(RoktTaskFailed, match="401"):
        mirror(people(range(6)))


# --- who holds it


def test_an_audience_held_by_another_run_is_worth_a_retry(sandbox, rokt, shop):
    def rows():
        yield from people([1])
        with pytest.raises(RoktAudienceBusyError, match="by another run"):
            mirror(people([2]))
        shop(people([2]))
        with pytest.raises(RoktAudienceBusyError):
            operate()

    mirror(rows())
    assert set(sandbox.store.audiences["vip"]) == digests([1])


def test_a_run_that_was_overtaken_is_worth_a_retry_and_is_repaired(sandbox, rokt, ledger):
    """A worker that Airflow believes dead goes on while the retry of its task is under way."""

    def rows():
        yield from people(range(10))
        mirror(people(range(5, 12)))

    with in_task(), pytest.raises(RoktAudienceBusyError, match="no longer holds"):
        mirror(rows())
    assert set(sandbox.store.audiences["vip"]) == digests(range(5, 12))
    # What the first one had on its way may have arrived last.
    with in_task(run_id="r2"):
        again = mirror(people(range(5, 12)))
        assert (again["members_added"], again["members_unchanged"]) == (7, 0)
        assert mirror(people(range(5, 12)))["members_unchanged"] == 7


# --- one task, one audience


def test_a_renamed_audience_is_refused_and_holds_nothing(sandbox, rokt, shop):
    shop(people(range(3)))
    with in_task():
        operate("old")
        with pytest.raises(RoktTaskFailed, match="'t' mirrored the audience 'old' so far"):
            operate("new")
    assert set(sandbox.store.audiences) == {"old"}
    with in_task("another"):
        assert operate("new")["members_added"] == 3


def test_a_name_that_never_worked_binds_nobody(sandbox, rokt, shop):
    shop(people(range(3)))
    sandbox.faults.add(Status(status=401))
    with in_task(), pytest.raises(RoktTaskFailed):
        operate("vpi")
    sandbox.faults.clear()
    with in_task():
        assert operate("vip")["members_added"] == 3


def test_an_audience_that_another_task_mirrors_in_other_case_is_told_once(sandbox, rokt, shop, caplog, tmp_path):
    shop(people(range(3)))
    notes = tmp_path / "ledger" / "_audiences" / "tasks"
    notes.mkdir(parents=True)
    (notes / "unreadable").write_bytes(b"\xff")
    tasks = (("t1", "vip"), ("t2", "VIP"), ("t2", "VIP"), ("t3", "vip"), ("t4", "x"), ("t5", "x"))
    for (task_id, audience), via in zip(tasks, (*["import"] * 3, "events", "import", "events"), strict=True):
        with in_task(task_id):
            operate(audience, via=via)
    told = [record.getMessage() for record in caplog.records if "by case alone" in record.getMessage()]
    assert [text.partition(":")[0] for text in told] == [
        "Another task mirrors the audience 'vip', whose name differs from 'VIP' by case alone",
        "Another task mirrors the audience 'VIP', whose name differs from 'vip' by case alone",
    ]


def test_a_task_may_keep_several_lists_through_the_hook(sandbox, rokt, ledger):
    with in_task():
        for _ in range(2):
            for audience in ("a", "b"):
                mirror(people(range(3)), audience)
    assert set(sandbox.store.audiences) == {"a", "b"}


def test_what_a_killed_task_left_of_its_note_is_tidied(sandbox, rokt, shop, tmp_path):
    shop(people(range(3)))
    with in_task():
        operate()
        [note] = (tmp_path / "ledger" / "_audiences" / "tasks").iterdir()
        left = note.with_name(f"{note.name}.0a.partial")
        left.touch()
        os.utime(left, (time.time() - 7200,) * 2)
        operate()
    assert list(note.parent.iterdir()) == [note]


# --- damage


@pytest.mark.parametrize("lost", ["members", "unconfirmed-*"])
def test_half_a_memory_is_an_error(sandbox, rokt, ledger, tmp_path, lost):
    mirror(people(range(10)))
    kept(tmp_path, lost).unlink()
    sent = len(sandbox.store.requests)
    with pytest.raises(RoktTaskFailed, match="it is missing") as failed:
        mirror(people(range(5)))
    assert isinstance(failed.value.__cause__, RoktAudienceError)
    assert len(sandbox.store.requests) == sent


def test_a_first_run_that_failed_lost_nothing(sandbox, rokt, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.01")
    sandbox.faults.add(Status(status=503))
    with pytest.raises(RoktIncompleteError):
        mirror(people(range(10)))
    sandbox.faults.clear()
    assert mirror(people(range(5)))["members_added"] == 5


# --- preview


def preview(rows, **options):
    return RoktHook().preview_audience(rows, "vip", mode="mirror", max_removed=1.0, **options)


def test_a_preview_says_that_another_run_is_at_it(sandbox, rokt, ledger, tmp_path):
    mirror(people(range(3)))
    lock = kept(tmp_path, "members").parent / "lock"
    lock.write_text(json.dumps({"run": "x", "token": "q", "expires": time.time() + 99}))
    seen = preview(people(range(1, 5)))
    assert "by another run, 'x'" in seen["stopped_by"]
    assert (seen["members_added"], seen["members_removed"], seen["members_unchanged"]) == (2, 1, 2)
    lock.unlink()
    assert preview(people(range(1, 5)))["stopped_by"] is None


def test_a_preview_says_that_the_memory_is_of_no_use(sandbox, rokt, ledger, tmp_path):
    mirror(people(range(3)), via="events")
    seen = preview(people(range(3)), via="events", flag="in_{audience}")
    assert "made with flag='segment_{audience}'" in seen["stopped_by"]
    assert (seen["rows_read"], seen["members_added"], seen["members_unchanged"]) == (3, 0, 0)
    members = kept(tmp_path, "members")
    members.write_bytes(members.read_bytes()[:-1])
    assert "checksum" in preview(people(range(3)), via="events")["stopped_by"]


def test_a_preview_counts_what_resending_would_send(sandbox, rokt, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.01")
    options = {"members_per_request": 4, "concurrency": 1}
    with ExitStack() as stack:
        sandbox.faults.add(Status(status=503, probability=0.5))
        stack.callback(sandbox.faults.clear)
        with pytest.raises(RoktIncompleteError) as failed:
            RoktHook().send_audience(people(range(200)), "vip", **options)
    first = failed.value.report or {}
    lacking = 200 - len(sandbox.store.audiences.get("vip", ()))
    chosen = options | {"resend_from": first["delivery_id"]}
    seen = RoktHook().preview_audience(people(range(200)), "vip", **chosen)
    assert (seen["members_added"], seen["rows_skipped"]) == (lacking, 200 - lacking)
    sent = RoktHook().send_audience(people(range(200)), "vip", **chosen)
    assert (sent["rows_accepted"], sent["members_added"], sent["rows_skipped"]) == (lacking, lacking, 200 - lacking)


# --- parts of a mapped task


def test_parts_of_a_run_do_not_share_out_one_list(sandbox, rokt, ledger):
    for run_id in ("r1", "r2"):
        with in_task(run_id=run_id, part=1):
            mirror(people(range(5)))
        with in_task(run_id=run_id, part=0), pytest.raises(RoktTaskFailed) as failed:
            mirror(people(range(3, 8)))
        assert "The audience 'vip' is mirrored by part 1 of this very run, and this is part 0" in str(failed.value)
        assert sandbox.store.audiences["vip"] == digests(range(5))
    # The same part again: a retry, or a task that was cleared.
    with in_task(run_id="r2", part=1):
        assert mirror(people(range(6)))["members_added"] == 1


def test_a_part_that_failed_once_it_had_begun_keeps_the_list_to_itself(sandbox, rokt, ledger, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0")
    sandbox.faults.add(Status(503, times=1))
    with in_task(part=0), pytest.raises(RoktIncompleteError):
        mirror(people(range(5)))
    with in_task(part=1), pytest.raises(RoktTaskFailed, match="by part 0 of this very run"):
        mirror(people(range(3, 8)))
    with in_task(part=0):
        assert mirror(people(range(5)))["members_added"] == 5
    with in_task(run_id="r2", part=1):
        mirror(people(range(3, 8)))


def test_parts_that_mirror_a_list_each_are_right(sandbox, rokt, ledger):
    for run_id in ("r1", "r2"):
        for part, audience in enumerate(["vip", "new"]):
            with in_task(run_id=run_id, part=part):
                mirror(people(range(part + 3)), audience)
    assert {name: len(members) for name, members in sandbox.store.audiences.items()} == {"vip": 3, "new": 4}
