"""What Airflow keeps of a task that failed because of its rows."""

import importlib.util
from pathlib import Path

DAG_FILE = Path(__file__).parents[1] / "dags" / "rejecting.py"


def test_a_failed_task_is_not_retried_and_has_its_report_as_xcom(airflow_db, sandbox, rokt, shop):
    good = {"email": "a@example.com", "source_message_id": "1", "conversiontype": "buy", "timestamp_unixtime_ms": 1.7e9}
    shop([good, good | {"source_message_id": "2", "email": "nobody"}])
    spec = importlib.util.spec_from_file_location("rejecting", DAG_FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (instance,) = module.dag.test().get_task_instances()
    assert (instance.state, instance.try_number) == ("failed", 1)
    report = instance.xcom_pull(task_ids="send")
    assert (report["rows_accepted"], report["rows_rejected"]) == (1, 1)
