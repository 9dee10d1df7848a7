"""The retry policy: what it decides of each error, and what Airflow then does with a task."""

import importlib.util
import json
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_provider_rokt import exceptions
from airflow_provider_rokt.exceptions import (
    RoktAuthError,
    RoktError,
    RoktIncompleteError,
    RoktQueryError,
    RoktRejectedError,
    RoktSettingsError,
    RoktUnreachableError,
)
from airflow_provider_rokt.task.failures import RoktTaskFailed
from airflow_provider_rokt.task.retry_policy import RoktRetryPolicy, _is_asked, rokt_retries

try:
    from airflow.sdk import RetryAction
except ImportError:
    RetryAction = None

asked = pytest.mark.skipif(RetryAction is None, reason="Airflow before 3.3 has no retry policies")


def decided(error, try_number=1, **arguments):
    return RoktRetryPolicy(**arguments).evaluate(error, try_number, 3)


def limited(seconds):
    error = RoktIncompleteError("3 of 3 rows were not delivered: Rokt answered 429\nnothing arrived")
    error.retry_after = seconds
    return error


@asked
class TestDecisions:
    def test_every_error_of_ours_is_tried_again_or_not_as_it_says_itself(self):
        kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, RoktError)]
        for kind in kinds:
            # Whatever it is made of, a text is what it ends as.
            error = kind.__new__(kind, "why")
            expected = RetryAction.RETRY if kind.retryable else RetryAction.FAIL
            assert decided(error).action is expected, kind
        assert {kind.retryable for kind in kinds} == {True, False}

    def test_what_fails_at_once_says_why(self):
        for error in (RoktAuthError("Rokt refused the key"), RoktRejectedError("3 of 3 rows\nEverything else")):
            decision = decided(error)
            assert decision.reason.startswith(f"a retry cannot mend {type(error).__name__}: ")
            assert "\n" not in decision.reason

    def test_an_error_that_the_operator_wrapped_is_the_same(self):
        wrapped = RoktTaskFailed("no")
        wrapped.__cause__ = RoktAuthError("no")
        assert decided(wrapped).action is RetryAction.FAIL

    @pytest.mark.parametrize(("seconds", "waits"), [(120, 120), (0, 0), (7.5, 7.5), (1e9, 86_400)])
    def test_a_rate_limit_waits_as_long_as_rokt_asked(self, seconds, waits):
        decision = decided(limited(seconds), 5)
        assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, timedelta(seconds=waits))
        assert f"Rokt asked for {seconds:g} s" in decision.reason

    @pytest.mark.parametrize("error", [RoktIncompleteError("x"), RoktUnreachableError("x"), RoktQueryError("x")])
    @pytest.mark.parametrize(("try_number", "longest"), [(1, 60), (2, 120), (4, 480), (7, 3600), (10**6, 3600)])
    def test_the_rest_backs_off_with_jitter(self, error, try_number, longest):
        found = {decided(error, try_number).retry_delay.total_seconds() for _ in range(50)}
        assert len(found) > 40
        assert longest / 2 <= min(found) < 0.7 * longest and 0.8 * longest < max(found) <= longest

    def test_it_backs_off_as_it_is_told(self):
        delays = [
            decided(RoktQueryError("x"), n, delay=2, max_delay=timedelta(seconds=5)).retry_delay.total_seconds()
            for n in (1, 2, 3)
        ]
        assert all(most / 2 <= delay <= most for delay, most in zip(delays, (2, 4, 5), strict=True))

    def test_an_error_of_anybody_elses_is_left_to_the_task(self):
        for error in (ValueError("x"), TimeoutError(), KeyboardInterrupt()):
            assert decided(error).action is RetryAction.DEFAULT


@pytest.mark.parametrize("times", [{"delay": 0}, {"delay": -1}, {"delay": 10, "max_delay": 5}, {"delay": float("nan")}])
def test_times_that_are_none_are_refused(times):
    with pytest.raises(RoktSettingsError, match="delay must be"):
        RoktRetryPolicy(**times)


def test_it_travels_as_json():
    policy = RoktRetryPolicy(delay=timedelta(minutes=2), max_delay=600)
    again = RoktRetryPolicy.deserialize(json.loads(json.dumps(policy.serialize())))
    assert (again.delay, again.max_delay) == (policy.delay, policy.max_delay) == (120, 600)


@pytest.mark.skipif(RetryAction is not None, reason="Airflow 3.3 has retry policies")
def test_an_older_airflow_gets_none_and_is_told_once(said):
    _is_asked.cache_clear()
    assert rokt_retries() == rokt_retries(delay=5) == {}
    assert said().count("no retry policies before 3.3") in (1, 2)  # log, console


@asked
def test_airflow_does_what_it_says(airflow_db, sandbox, rokt, shop, monkeypatch):
    monkeypatch.setenv("AIRFLOW__ROKT__RETRY_SECONDS", "0.1")
    # Nobody listens there.
    rokt(extra={"events_url": "http://127.0.0.1:9", "audience_url": "http://127.0.0.1:9"})
    row = {"email": "a@example.com", "source_message_id": "1", "conversiontype": "x", "timestamp_unixtime_ms": 1.7e9}
    shop([row])
    spec = importlib.util.spec_from_file_location("retrying", Path(__file__).parents[1] / "dags" / "retrying.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tries = {one.task_id: (one.state, one.try_number) for one in module.dag.test().get_task_instances()}
    again = dict.fromkeys(("unreachable", "limited", "foreign"), ("failed", 2))
    assert tries == again | dict.fromkeys(("unmapped", "refused", "delivering"), ("failed", 1))


@asked
def test_a_dag_with_it_is_serialised():
    from airflow.providers.common.compat.sdk import DAG
    from airflow.serialization.serialized_objects import DagSerialization

    from airflow_provider_rokt.operators.rokt import RoktConversionOperator

    with DAG("kept", schedule=None) as dag:
        RoktConversionOperator(task_id="send", sql="SELECT 1", sql_conn_id="shop", **rokt_retries())
    assert json.dumps(DagSerialization.to_dict(dag)).count("has_retry_policy") == 1
