"""The sensor inside Airflow, in every mode: what Airflow makes of its waiting, its result and its failures."""

import importlib.util
from pathlib import Path

import pytest

DAG_FILE = Path(__file__).parents[1] / "dags" / "waiting.py"
MODES = ("poke", "reschedule", "deferrable")


@pytest.fixture(scope="module")
def run(airflow_db, tmp_path_factory):
    """One run of the DAG: task id -> its task instances."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__ROKT__LEDGER_PATH", str(tmp_path_factory.mktemp("ledger")))
        spec = importlib.util.spec_from_file_location("waiting", DAG_FILE)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found = {}
        for instance in module.dag.test().get_task_instances():
            found.setdefault(instance.task_id, []).append(instance)
        return found


@pytest.mark.parametrize("mode", MODES)
def test_it_waits_and_succeeds(run, mode):
    [instance] = run[f"good_{mode}"]
    assert instance.state == "success"
    [result_as_expected] = run[f"check_{mode}"]
    assert result_as_expected.state == "success"


@pytest.mark.parametrize("mode", MODES)
def test_soft_fail_skips(run, mode):
    [instance] = run[f"soft_{mode}"]
    assert instance.state == "skipped"


@pytest.mark.parametrize("mode", MODES)
def test_a_failure_is_not_retried(run, mode):
    [instance] = run[f"hard_{mode}"]
    assert (instance.state, instance.try_number) == ("failed", 1)


def test_mapped_deliveries(run):
    assert [instance.state for instance in run["together"]] == ["success"]
    assert [instance.state for instance in run["each"]] == ["success"] * 3
