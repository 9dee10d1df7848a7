"""What Airflow keeps of a task's report, and hands on."""

import importlib.util
import json
from pathlib import Path

import pytest

DAGS = Path(__file__).parents[1] / "dags"
GOOD = {"email": "a@example.com", "source_message_id": "1", "conversiontype": "buy", "timestamp_unixtime_ms": 1.7e9}


def imported(name):
    """A DAG file."""
    spec = importlib.util.spec_from_file_location(name, DAGS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_failed_task_is_not_retried_and_has_its_report_as_xcom(airflow_db, sandbox, rokt, shop):
    shop([GOOD, GOOD | {"source_message_id": "2", "email": "nobody"}])
    (instance,) = imported("rejecting").dag.test().get_task_instances()
    assert (instance.state, instance.try_number) == ("failed", 1)
    report = instance.xcom_pull(task_ids="send")
    assert (report["rows_accepted"], report["rows_rejected"]) == (1, 1)


@pytest.mark.parametrize(("bad", "state"), [(1, "success"), (2, "failed")])
def test_callbacks_find_the_report_and_an_assets_event_its_counts(
    airflow_db, sandbox, rokt, shop, tmp_path, monkeypatch, bad, state
):
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    rows = [GOOD | {"source_message_id": str(number), "email": f"p{number}@example.com"} for number in range(3)]
    shop([row | {"email": "nobody"} if number < bad else row for number, row in enumerate(rows)])
    (instance,) = imported("telling").dag.test().get_task_instances()
    assert instance.state == state
    told = json.loads((tmp_path / "told").read_text())
    report = told["report"]
    assert report == instance.xcom_pull(task_ids="send")
    assert (report["rows_accepted"], report["rows_rejected"], report["degraded"]) == (3 - bad, bad, [])
    for event in told["events"]:
        assert event.items() <= report.items()
        assert {"delivery_id", "rows_accepted", "rows_rejected", "degraded"} <= event.keys()
        assert "rejections" not in event
