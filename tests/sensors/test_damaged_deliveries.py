"""The sensor over a damaged ledger: it fails and names it, in every mode, and the others are counted all the same."""

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError
from airflow_provider_rokt.sensors.rokt import RoktBatchStatusSensor
from airflow_provider_rokt.task.failures import RoktTaskFailed
from tests.ledger.test_damage import NO_REPORTS, WRONG_FIELDS, changed, path_of


def sensor(delivery, **arguments):
    arguments = {"poke_interval": 0.01, "timeout": 10, "deferrable": False} | arguments
    return RoktBatchStatusSensor(task_id="wait", delivery=delivery, **arguments)


@pytest.fixture
def logged(caplog, capsys):
    """What was logged so far: Airflow 3 writes tasks' logs past the logging module."""
    return lambda: caplog.text + capsys.readouterr().out


@pytest.mark.parametrize("arguments", [{"mode": "poke"}, {"mode": "reschedule"}, {"deferrable": True}], ids=str)
@pytest.mark.parametrize("content", NO_REPORTS, ids=range(len(NO_REPORTS)))
def test_a_damaged_report_fails_the_task_at_once_and_is_named(ledger, deliver, arguments, content):
    result = deliver(accepted=1)
    path_of(result, ledger, "report.jsonl").write_bytes(content)
    with pytest.raises(RoktTaskFailed, match=r"report\.jsonl is no report") as failed:
        sensor([result], **arguments).poke({})
    assert isinstance(failed.value.__cause__, RoktLedgerDamagedError)
    assert result["ledger"] in str(failed.value)


@pytest.mark.parametrize("fields", WRONG_FIELDS, ids=str)
def test_a_report_of_other_types_fails_the_task(ledger, deliver, fields):
    result = deliver(accepted=1)
    changed(path_of(result, ledger, "report.jsonl"), **fields)
    with pytest.raises(RoktTaskFailed, match="is damaged"):
        sensor([result]).poke({})


def test_what_is_damaged_after_it_was_deferred_fails_it_then(ledger, begin, finish):
    writer = begin()
    waiting = sensor(writer.delivery_id, deferrable=True)
    with pytest.raises(TaskDeferred):
        waiting.execute({})
    result = finish(writer, accepted=1)
    path_of(result, ledger, "report.jsonl").write_bytes(b'{"kind":"report"}')
    with pytest.raises(RoktTaskFailed, match=r"report\.jsonl is no report"):
        waiting.execute_complete({}, {"status": "finished"})


def test_the_others_are_counted_and_logged_first(ledger, deliver, logged):
    damaged, whole = deliver(accepted=1), deliver(accepted=2, rejected=1)
    path_of(damaged, ledger, "report.jsonl").write_bytes(b'{"kind":"report"}')
    with pytest.raises(RoktTaskFailed) as failed:
        sensor([damaged, whole], max_rejected=1.0).poke({})
    assert damaged["delivery_id"] in str(failed.value)
    assert whole["delivery_id"] not in str(failed.value)
    log = logged()
    assert "           1    400 rejected: " in log and whole["delivery_id"] in log
    assert "3 batches of 1 deliveries" in log
