"""The sensor waits for every delivery's report and ends the same way in all its modes."""

import json
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    TaskDeferred,
)

from airflow_provider_rokt.exceptions import (
    RoktIncompleteError,
    RoktLedgerError,
    RoktRejectedError,
    RoktSettingsError,
)
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor
from airflow_provider_rokt.task.failures import RoktTaskFailed
from airflow_provider_rokt.triggers.rokt import RoktDeliveryTrigger

UNKNOWN = "20240101T000000Z-000000000000"
FINISHED = {"status": "finished"}


def sensor(delivery, **arguments):
    arguments = {"poke_interval": 0.01, "timeout": 10, "deferrable": False} | arguments
    return RoktBatchStatusSensor(task_id="wait", delivery=delivery, **arguments)


def failure(run, *arguments):
    """The cause a terminal failure carries."""
    with pytest.raises(RoktTaskFailed) as error:
        run(*arguments)
    assert isinstance(error.value, AirflowFailException)
    assert str(error.value) == str(error.value.__cause__)
    return error.value.__cause__


@pytest.fixture
def logged(caplog, capsys):
    """What was logged so far: Airflow 3 writes tasks' logs past the logging module."""
    return lambda: caplog.text + capsys.readouterr().out


class LazyXComs:
    """What a mapped task's output arrives as: no list, but it can be gone through, again and again."""

    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return iter(self.items)


class TestWhatItReturns:
    def test_the_status_of_every_batch(self, deliver):
        first, second = deliver(accepted=2, rejected=1), deliver(accepted=1, failed=1)
        found = sensor([first, second], max_rejected=1, max_failed=1).execute({})
        a, b = first["delivery_id"], second["delivery_id"]
        bad = [
            (a, 2, 400, "rejected", "is no e-mail address"),
            (b, 1, None, "failed", "not sent: Rokt did not answer"),
        ]
        good = [(a, 0), (a, 1), (b, 0)]
        assert found == {
            "deliveries": 2,
            "batches": 5,
            "partitions": [
                {
                    "partition": None,
                    "delivery_id": d,
                    "rows_read": batches,
                    "rows_accepted": accepted,
                    "rows_rejected": rejected,
                    "rows_failed": failed,
                    "rows_skipped": 0,
                    "batches": batches,
                }
                for d, batches, accepted, rejected, failed in ((a, 3, 2, 1, 0), (b, 2, 1, 0, 1))
            ],
            "status_codes": {"202": 3, "400": 1, "none": 1},
            "batch_statuses": [
                {"delivery_id": d, "request": 1, "batch": n, "status": s, "outcome": o, "rows": 1, "reason": r}
                for d, n, s, o, r in bad
            ]
            + [
                {"delivery_id": d, "request": 1, "batch": n, "status": 202, "outcome": "accepted", "rows": 1}
                for d, n in good
            ],
            "batch_statuses_left_out": 0,
            "rows_rejected": 1,
            "rows_failed": 1,
            "ledgers": [first["ledger"], second["ledger"]],
        }
        assert json.loads(json.dumps(found)) == found

    def test_it_is_capped_with_the_refused_first(self, deliver):
        result = deliver(accepted=250, rejected=120)
        found = sensor(result, max_rejected=1.0).execute({})
        assert (found["batches"], found["batch_statuses_left_out"]) == (370, 270)
        assert {entry["outcome"] for entry in found["batch_statuses"]} == {"rejected"}
        assert found["status_codes"] == {"202": 250, "400": 120}

    def test_many_mapped_deliveries_do_not_make_it_endless(self, deliver):
        found = sensor([deliver(accepted=1) for _ in range(105)]).execute({})
        assert (found["deliveries"], found["batches"]) == (105, 105)
        assert (len(found["ledgers"]), len(found["batch_statuses"])) == (100, 100)
        assert len(found["partitions"]) == 100

    def test_each_partition_by_the_name_that_its_task_gave_it_or_its_index(self, ledger, finish, logged):
        parts = [{"partition": "customers 1 of 2", "map_index": 0}, {"map_index": 1}, {"map_index": -1}, {}]
        results = [finish(ledger.begin("conversions", part, {}), accepted=n) for n, part in enumerate(parts)]
        found = sensor(results).execute({})["partitions"]
        assert [(one["partition"], one["rows_accepted"], one["delivery_id"]) for one in found] == [
            (name, n, results[n]["delivery_id"]) for n, name in enumerate(("customers 1 of 2", "1", None, None))
        ]
        log = logged()
        assert f"{0:>12}" * 6 + "  customers 1 of 2" in log
        assert "".join(f"{count:>12}" for count in (3, 3, 0, 0, 0, 3)) + f"  {results[3]['delivery_id']}" in log

    def test_an_incomplete_delivery_is_over_too(self, deliver):
        found = sensor(deliver(accepted=1, failed=2, complete=False), max_failed=2).execute({})
        assert found["rows_failed"] == 2

    def test_the_log_counts_batches_by_what_became_of_them_and_says_where_all_of_them_are(self, deliver, logged):
        result = deliver(accepted=150, rejected=1)
        sensor(result, max_rejected=1).execute({})
        log = logged()
        rejected, accepted = log.index("           1    400 rejected: "), log.index("         150    202 accepted")
        assert log.index("151 batches of 1 deliveries") < rejected < accepted < log.index(result["ledger"])


class TestWhatItWaitsFor:
    @pytest.mark.parametrize(
        "form",
        [
            lambda a, b: [a, b],
            lambda a, b: [a["delivery_id"], b["delivery_id"]],
            lambda a, b: (a["ledger"], b),
            lambda a, b: LazyXComs([a, b]),
            lambda a, b: [[a], LazyXComs([b, b["delivery_id"]])],
            lambda a, b: json.dumps([a, b]),
            lambda a, b: f" {[a, b]!r}\n",
            lambda a, b: [f"{a!r}", f" {b['delivery_id']} "],
        ],
    )
    def test_results_and_ids_in_every_form(self, deliver, form):
        found = sensor(form(deliver(accepted=1), deliver(accepted=1))).execute({})
        assert (found["deliveries"], found["batches"]) == (2, 2)

    def test_nothing_mapped_is_nothing_to_wait_for(self, ledger):
        assert sensor([]).execute({})["deliveries"] == 0

    @pytest.mark.parametrize(
        "delivery", [None, "", "None", 7, {}, {"delivery_id": None}, [None], "{'delivery_id':", "[1, 2", b"x", True]
    )
    def test_what_names_no_delivery_fails_at_once(self, ledger, delivery):
        cause = failure(sensor(delivery).execute, {})
        assert isinstance(cause, RoktSettingsError)
        assert "operator.output" in str(cause)

    def test_what_leads_out_of_the_ledger_fails_at_once(self, ledger):
        for delivery in ("..", "a/../..", {"delivery_id": "../other"}):
            assert isinstance(failure(sensor(delivery).execute, {}), RoktLedgerError)

    def test_a_delivery_not_begun_is_waited_for(self, begin, finish, deliver, logged):
        waiting = sensor([UNKNOWN, deliver(accepted=1)])
        assert waiting.poke({}) is False
        assert f"Waiting for 1 of 2 deliveries: {UNKNOWN}" in logged()
        writer = begin(UNKNOWN)
        assert waiting.poke({}) is False
        finish(writer, accepted=1)
        assert waiting.poke({}).xcom_value["deliveries"] == 2

    def test_many_that_are_waited_for_take_several_lines(self, ledger, logged):
        """The task's log of Airflow 3 is no logger whose records could be looked at."""
        unknown = [f"{UNKNOWN[:-1]}{digit}" for digit in range(8)]
        assert sensor(unknown).poke({}) is False
        said = logged()
        assert [name for name in unknown if name in said] == unknown[:5]
        assert all(line.count(UNKNOWN[:-1]) < 4 for line in said.splitlines())

    def test_a_result_without_its_ledger_fails_at_once(self, ledger):
        cause = failure(sensor([{"delivery_id": UNKNOWN}]).execute, {})
        assert isinstance(cause, RoktLedgerError)
        assert "[rokt] ledger_path" in str(cause)


class TestThresholds:
    @pytest.mark.parametrize(("rejected", "max_rejected"), [(1, 0), (2, 1), (1, 0.0), (3, 0.2)])
    def test_too_many_rejected(self, deliver, rejected, max_rejected):
        results = [deliver(accepted=10 - rejected, rejected=rejected)]
        cause = failure(sensor(results, max_rejected=max_rejected).execute, {})
        assert isinstance(cause, RoktRejectedError)
        named = ["row 'order-1'", "rows 'order-1', 'order-2'", "rows 'order-1', 'order-2', 'order-3'"][rejected - 1]
        assert str(cause).splitlines() == [
            f"{rejected} of 10 rows were rejected: user_identities.email: is no e-mail address ({named})",
            f"max_rejected is {max_rejected}. Of the others 0 failed; the rest was delivered, or left out on purpose",
            "Looking again would not change it: correct these rows, then resend them with resend_from. "
            f"Ledgers: {results[0]['ledger']}",
        ]

    def test_a_fraction_is_of_the_rows_of_all_deliveries(self, deliver):
        results = [deliver(accepted=9), deliver(rejected=1)]
        assert sensor(results, max_rejected=0.1).execute({})["rows_rejected"] == 1

    def test_too_many_failed_is_final_and_comes_first(self, deliver):
        results = [deliver(failed=1, rejected=5) for _ in range(5)]
        cause = failure(sensor(results, max_failed=4).execute, {})
        assert isinstance(cause, RoktIncompleteError)
        assert str(cause).startswith("5 of 30 rows were not delivered, max_failed is 4\nOf the others 25 were rejected")
        assert len(str(cause).splitlines()) == 3
        assert str(cause).endswith("and 2 more")
        assert sensor(results, max_failed=5, max_rejected=25).execute({})["rows_failed"] == 5

    @pytest.mark.parametrize("name", ["max_rejected", "max_failed"])
    def test_a_malformed_threshold_is_refused_in_the_dag_file(self, name):
        with pytest.raises(RoktSettingsError, match=f"'wait'.*{name} must be a whole number"):
            sensor(UNKNOWN, **{name: "1"})


class TestDeferring:
    def deferred(self, waiting) -> TaskDeferred:
        with pytest.raises(TaskDeferred) as deferral:
            waiting.execute({})
        return deferral.value

    def test_what_is_over_is_not_deferred(self, deliver):
        assert sensor(deliver(accepted=1), deferrable=True).execute({})["batches"] == 1

    def test_it_hands_what_runs_to_the_trigger(self, begin, deliver):
        running = begin().delivery_id
        waiting = sensor([deliver(accepted=1), running], deferrable=True, poke_interval=7, timeout=3600)
        deferral = self.deferred(waiting)
        assert deferral.timeout == timedelta(hours=1)
        assert deferral.method_name == "execute_complete"
        assert isinstance(deferral.trigger, RoktDeliveryTrigger)
        stored = deferral.trigger.serialize()[1]
        assert 3590 < stored.pop("deadline") - time.time() <= 3600
        assert stored == {"deliveries": {running: False}, "poke_interval": 7.0}

    @pytest.mark.parametrize(
        ("timeout", "execution_timeout", "ago", "left"),
        [(60, 5, 0, 5), (5, 60, 0, 5), (60, 60, 20, 40), (60, 5, 3, 2), (5, None, 3, 2), (5, 60, 9, 0)],
    )
    def test_it_defers_for_what_is_left_of_its_time(self, begin, timeout, execution_timeout, ago, left):
        limit = execution_timeout and timedelta(seconds=execution_timeout)
        waiting = sensor(begin().delivery_id, deferrable=True, timeout=timeout, execution_timeout=limit)
        started = SimpleNamespace(start_date=datetime.now(UTC) - timedelta(seconds=ago))
        with pytest.raises(TaskDeferred) as deferral:
            waiting.poke({"ti": started})
        deadline = deferral.value.trigger.serialize()[1]["deadline"]
        for found in (deferral.value.timeout.total_seconds(), deadline - time.time()):
            assert found == pytest.approx(left, abs=1)

    def test_time_that_is_over_is_told_with_what_was_waited_for(self, begin):
        waiting = sensor(begin(UNKNOWN).delivery_id, deferrable=True, timeout=5)
        with pytest.raises(AirflowSensorTimeout, match=f"timeout=0:00:05: 1 deliveries, {UNKNOWN}"):
            waiting.execute_complete({}, {"status": "timeout"})
        slow = sensor(UNKNOWN, deferrable=True, timeout=5, execution_timeout=timedelta(seconds=2))
        with pytest.raises(AirflowTaskTimeout, match="execution_timeout=0:00:02"):
            slow.execute_complete({}, {"status": "timeout"})

    def test_what_ended_at_the_last_moment_is_over(self, deliver):
        found = sensor(deliver(accepted=1), deferrable=True).execute_complete({}, {"status": "timeout"})
        assert found["deliveries"] == 1

    def test_it_ends_with_the_value_that_poking_returns(self, begin, finish):
        writer = begin()
        waiting = sensor(writer.delivery_id, deferrable=True)
        self.deferred(waiting)
        result = finish(writer, accepted=1)
        found = waiting.resume_execution("execute_complete", {"event": FINISHED}, {})
        assert found == sensor(result).execute({})

    @pytest.mark.parametrize("event", [None, {}, "finished", {"status": "success"}, {"status": "error"}, []])
    def test_an_unknown_event_fails(self, deliver, event):
        waiting = sensor(deliver(accepted=1), deferrable=True)
        assert isinstance(failure(waiting.execute_complete, {}, event), RoktLedgerError)

    def test_the_triggers_error_is_the_tasks(self, deliver):
        event = {"status": "error", "message": "no ledger of delivery x", "retryable": False}
        waiting = sensor(deliver(accepted=1), deferrable=True)
        assert str(failure(waiting.execute_complete, {}, event)) == "no ledger of delivery x"

    def test_a_storage_failure_in_the_triggerer_may_be_tried_again(self, deliver):
        event = {"status": "error", "message": "cannot be read", "retryable": True}
        with pytest.raises(OSError, match="cannot be read"):
            sensor(deliver(accepted=1), deferrable=True).execute_complete({}, event)

    def test_a_worker_that_sees_another_disk_does_not_defer_for_ever(self, begin):
        waiting = sensor(begin().delivery_id, deferrable=True)
        cause = failure(waiting.execute_complete, {}, FINISHED)
        assert "storage that both reach" in str(cause)


class TestSoftFail:
    @pytest.mark.parametrize("flag", ["soft_fail", "never_fail"])
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_the_first_look_skips(self, deliver, flag, deferrable):
        with pytest.raises(AirflowSkipException):
            sensor(deliver(rejected=1), deferrable=deferrable, **{flag: True}).execute({})

    def test_a_resumed_task_skips(self, deliver):
        waiting = sensor(deliver(rejected=1), deferrable=True, soft_fail=True)
        with pytest.raises(AirflowSkipException):
            waiting.resume_execution("execute_complete", {"event": FINISHED}, {})


class TestAsATask:
    def test_the_delivery_is_templated(self, deliver):
        result = deliver(accepted=1)
        waiting = sensor("{{ found }}")
        waiting.render_template_fields({"found": result})
        assert waiting.execute({})["deliveries"] == 1

    def test_making_it_touches_nothing(self, tmp_path, monkeypatch):
        monkeypatch.setenv("AIRFLOW__ROKT__LEDGER_PATH", "no/such/place")
        sensor("{{ nothing }}", max_rejected="{{ later }}")

    def test_a_threshold_that_is_still_a_template_is_refused_when_it_runs(self, deliver):
        cause = failure(sensor(deliver(accepted=1), max_failed="{{ params.most }}").execute, {})
        assert "max_failed must be a whole number" in str(cause)
