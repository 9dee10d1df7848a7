"""Deliveries that are to be narrowed by what another task never said; run by tests/operators/test_narrowing.py."""

from datetime import datetime

from airflow.providers.common.compat.sdk import DAG, AirflowSkipException, task

from airflow_provider_rokt.operators.rokt import RoktConversionOperator

SQL = "SELECT * FROM orders"
GIVEN = {"sql_conn_id": "shop", "trigger_rule": "all_done"}


def deliver(task_id: str, **arguments) -> None:
    """One delivery."""
    RoktConversionOperator(task_id=task_id, sql=SQL, **GIVEN, **arguments)


with DAG(
    "narrowing", start_date=datetime(2024, 1, 1), schedule=None, render_template_as_native_obj=True, catchup=False
) as dag:

    @task
    def silent() -> None:
        """Returns nothing."""

    @task
    def skipped() -> None:
        """Is skipped."""
        raise AirflowSkipException

    @task
    def nothings() -> list[None]:
        """Returns a nothing for a task each."""
        return [None]

    nothing = silent()
    deliver("result", resend_from=nothing)
    deliver("of_skipped", resend_from=skipped())
    deliver("template", resend_from="{{ ti.xcom_pull(task_ids='silent') }}")
    deliver("mapping", mapping=nothing)
    mapped = {**GIVEN, "sql": SQL}
    RoktConversionOperator.partial(task_id="mapped", **mapped).expand(resend_from=[None, "", {}])
    RoktConversionOperator.partial(task_id="mapped_result", **mapped).expand(resend_from=nothings())
    RoktConversionOperator.partial(task_id="mapped_mapping", **mapped).expand(mapping=nothings.override(task_id="n")())
    RoktConversionOperator.partial(task_id="kwargs", **GIVEN).expand_kwargs([{"sql": SQL, "resend_from": None}])
    RoktConversionOperator.partial(task_id="whole", **GIVEN).expand(sql=[SQL])
