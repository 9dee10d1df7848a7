"""What Airflow's own base classes take, written down so that a misspelled argument of ours is an error in an editor.

An operator passes on whatever it does not know itself; as ``**kwargs: Any`` a type checker would let ``sqll=`` through.
"""

from collections.abc import Callable, Collection, Mapping, MutableMapping
from datetime import datetime, timedelta
from typing import Any, Required, TypedDict

from airflow.providers.common.compat.sdk import DAG, TaskGroup

# Called with the task's context.
Callback = Callable[[Any], Any]
Callbacks = Callback | list[Callback] | None


class TaskArguments(TypedDict, total=False):
    """The arguments of ``BaseOperator``, of every supported Airflow together."""

    task_id: Required[str]
    owner: str
    email: str | list[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: bool | float
    max_retry_delay: timedelta | float | None
    retry_policy: Any
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: DAG | None
    params: MutableMapping[str, Any] | None
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: Any
    queue: str
    pool: str | None
    pool_slots: int
    sla: timedelta | None
    execution_timeout: timedelta | None
    on_execute_callback: Callbacks
    on_failure_callback: Callbacks
    on_success_callback: Callbacks
    on_retry_callback: Callbacks
    on_skipped_callback: Callbacks
    pre_execute: Callback | None
    post_execute: Callable[[Any, Any], Any] | None
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    task_concurrency: int | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Any
    outlets: Any
    task_group: TaskGroup | None
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class SensorArguments(TaskArguments, total=False):
    """The arguments of ``BaseSensorOperator`` besides."""

    poke_interval: timedelta | float
    timeout: timedelta | float | None
    soft_fail: bool
    mode: str
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool


def known(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments whose values stand already: no Jinja in them, and nothing that another task is still to return."""
    return {name: value for name, value in arguments.items() if not is_templated(value)}


def is_templated(value: object) -> bool:
    """Whether a value, or anything in it, is only known when the task runs."""
    if isinstance(value, str):
        return any(mark in value for mark in ("{{", "{%", "{#"))
    if isinstance(value, Mapping):
        return any(map(is_templated, value.values()))
    if isinstance(value, Collection) and not isinstance(value, bytes):
        return any(map(is_templated, value))
    return is_reference(value)


def is_reference(value: object) -> bool:
    """Whether it stands for what another task is still to return, or a run to be given."""
    # Airflow's references (XComArg, DagParam) all have this method.
    return hasattr(value, "resolve")
