"""What an import answers is not published: whom it may not have taken is counted, and sent again by a mirror."""

import json

import pytest

from airflow_provider_rokt.exceptions import RoktIncompleteError
from airflow_provider_rokt.hooks.rokt import RoktHook
from airflow_provider_rokt.sandbox.faults import Status
from tests.audiences.people import address, hashed
from tests.operators.test_audiences import members
from tests.runs.killable import in_task, people

OK = json.dumps({"message": "accepted"})


def mirror(numbers, run_id="monday", **options):
    with in_task(run_id):
        return RoktHook().send_audience(people(numbers), "vip", mode="mirror", max_removed=1.0, **options)


def everybody(numbers):
    return {hashed(address(number)) for number in numbers}


def test_an_unknown_answer_is_accepted_unconfirmed_and_a_mirror_sends_it_again(sandbox, rokt, ledger, caplog):
    sandbox.faults.add(Status(200, body=OK, path="/api/1.0/import"))
    result = mirror(range(50))
    assert (result["rows_accepted"], result["rows_unconfirmed"]) == (50, 50)
    assert "50 unconfirmed: the answer is not known to mean success (its members: message)" in caplog.text
    assert not members(sandbox)
    sandbox.faults.clear()
    result = mirror(range(50), "tuesday")
    assert (result["rows_accepted"], result["rows_unconfirmed"]) == (50, 0)
    assert members(sandbox) == everybody(range(50))
    # Now it is remembered.
    assert mirror(range(50), "wednesday")["rows_skipped"] == 50


def test_removals_that_are_not_confirmed_are_sent_again(sandbox, rokt, ledger):
    mirror(range(50))
    sandbox.faults.add(Status(200, body=OK, path="/api/1.0/import"))
    assert mirror(range(20), "tuesday")["rows_unconfirmed"] == 0
    sandbox.faults.clear()
    assert members(sandbox) == everybody(range(50))
    mirror(range(20), "wednesday")
    assert members(sandbox) == everybody(range(20))


@pytest.mark.parametrize("answer", [{"success": False}, {"data": {"unprocessedRecords": ["a"]}}])
def test_an_answer_that_names_a_failure_accepts_nobody(sandbox, rokt, ledger, answer):
    sandbox.faults.add(Status(200, body=json.dumps(answer), path="/api/1.0/import"))
    with pytest.raises(RoktIncompleteError, match="a JSON object that names a failure"):
        mirror(range(50))
    assert ledger.deliveries(1)[0].report()["rows_accepted"] == 0


def test_a_connection_may_say_what_success_looks_like(sandbox, rokt, ledger):
    rokt(extra={"audience_success": '{"message": "accepted"}'})
    sandbox.faults.add(Status(200, body=OK, path="/api/1.0/import", after=True))
    assert mirror(range(50))["rows_unconfirmed"] == 0
    assert mirror(range(50), "tuesday")["rows_skipped"] == 50
    assert members(sandbox) == everybody(range(50))
