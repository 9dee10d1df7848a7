"""A DAG's task, loaded from its file and rendered as in a run of now, without a run, a scheduler or a worker."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Final

import pendulum
from airflow.providers.common.compat.sdk import BaseHook, MappedOperator, Variable

from airflow_provider_rokt.exceptions import RoktSettingsError
from airflow_provider_rokt.operators.delivery_operator import DeliveryOperator
from airflow_provider_rokt.task.base_arguments import is_reference

# What a check need not know: it sends nothing, and looks at all rows.
_NOT_NEEDED: Final = frozenset({"rokt_conn_id", "resend_from"})


def rendered_task(dag_id: str, task_id: str, not_needed: Collection[str] = _NOT_NEEDED) -> DeliveryOperator:
    """A task of this provider, its templates rendered for a run by hand at this moment; of a mapped one the first.

    :param not_needed: the arguments that may hold what only a real run can fill; they become None.
    :raises RoktSettingsError: where there is no such task, its file cannot be imported, or a template cannot be
        rendered without a real run.
    """
    dag = _dag(dag_id)
    if not dag.has_task(task_id):
        known = ", ".join(sorted(dag.task_ids)) or "none"
        raise RoktSettingsError(f"the task {task_id!r}", [f"the DAG {dag_id!r} has no such task; it has: {known}"])
    task = dag.get_task(task_id)
    if isinstance(task, MappedOperator):
        task = _first_of(task)
    if not isinstance(task, DeliveryOperator):
        problem = f"it is a {type(task).__name__}: name a RoktConversionOperator or a RoktAudienceOperator"
        raise RoktSettingsError(f"the task {task_id!r}", [problem])
    _render(task, _context(dag, task), not_needed)
    return task


def _dag(dag_id: str) -> Any:
    errors: dict[str, str] = {}
    for bag in _bags():
        if dag := bag.dags.get(dag_id):
            return dag
        errors |= bag.import_errors
    problems = [f"{file} cannot be imported: {text.strip().splitlines()[-1]}" for file, text in errors.items()]
    raise RoktSettingsError(f"the DAG {dag_id!r}", ["it is in no DAG file", *problems])


def _bags() -> Iterator[Any]:
    """The configured DAG files, read as ``airflow dags`` reads them; nothing is written to Airflow's database."""
    bundles = _first_import("airflow.dag_processing.bundles.manager")
    bags = _first_import("airflow.dag_processing.dagbag", "airflow.models.dagbag")
    if bundles is None:  # Airflow 2
        yield bags.DagBag(include_examples=False)
        return
    # Airflow 3.0 has none that reads a bundle and no examples of its own accord.
    bag = getattr(bags, "BundleDagBag", None) or partial(bags.DagBag, include_examples=False)
    for bundle in bundles.DagBundlesManager().get_all_dag_bundles():
        bundle.initialize()
        yield bag(dag_folder=bundle.path, bundle_path=bundle.path)


def _first_import(*names: str) -> Any:
    """The first of these modules that this Airflow has; None for none."""
    for name in names:
        with suppress(ImportError):
            return import_module(name)
    return None


def _first_of(mapped: Any) -> Any:
    """The first task that a mapped one becomes, where the DAG file says it."""
    given = mapped._get_specified_expand_input().value
    if isinstance(given, Mapping):
        lists = {name: list(values) for name, values in given.items() if not is_reference(values)}
        complete = len(lists) == len(given)
        first = {name: values[0] for name, values in lists.items() if values}
    else:
        lists = {} if is_reference(given) else {"": list(given)}
        complete = bool(lists)
        first = dict(lists.get("", [{}])[0]) if lists.get("") else {}
    if not complete or not all(lists.values()) or any(map(is_reference, first.values())):
        raise RoktSettingsError(
            f"the task {mapped.task_id!r}", ["it is mapped over what another task returns, which only a run knows"]
        )
    return mapped.unmap(first)


def _render(task: DeliveryOperator, context: Mapping[str, Any], not_needed: Collection[str]) -> None:
    """Renders what is needed; a template that only a real run can fill is an error that names it."""
    environment, problems = task.get_template_env(), []
    for name in task.template_fields:
        if name in not_needed:
            task.leave_out(name)
            continue
        try:
            setattr(task, name, task.render_template(getattr(task, name), context, environment))
        except Exception as error:
            problems.append(f"{name} can only be rendered in a run ({type(error).__name__}: {error})")
    if problems:
        problems.append("write it out with --sql, --mapping and so on instead of --dag-id")
        raise RoktSettingsError(f"the task {task.task_id!r}", problems)


def _context(dag: Any, task: DeliveryOperator) -> dict[str, Any]:
    """What templates find in a run by hand, as far as it is known without one."""
    now = pendulum.now("UTC")
    interval = _interval(dag, now)
    day = now.strftime("%Y-%m-%d")
    run = SimpleNamespace(
        dag_id=dag.dag_id,
        run_id=f"manual__{now.isoformat()}",
        run_type="manual",
        run_after=now,
        logical_date=now,
        data_interval_start=interval.start,
        data_interval_end=interval.end,
        conf={},
    )
    return {
        "dag": dag,
        "dag_run": run,
        "run_id": run.run_id,
        "task": task,
        "params": {**dag.params, **task.params},
        "logical_date": now,
        "data_interval_start": interval.start,
        "data_interval_end": interval.end,
        "ds": day,
        "ds_nodash": day.replace("-", ""),
        "ts": now.isoformat(),
        "ts_nodash": now.strftime("%Y%m%dT%H%M%S"),
        "macros": _first_import("airflow.sdk.execution_time.macros", "airflow.macros"),
        "var": SimpleNamespace(value=_Named(Variable.get), json=_Named(_json_variable)),
        "conn": _Named(BaseHook.get_connection),
    }


def _interval(dag: Any, now: datetime) -> Any:
    timetable = dag.timetable
    if not hasattr(timetable, "infer_manual_data_interval"):  # Airflow 3.2 and later tell a file's from a scheduler's
        serialization = _first_import("airflow.serialization.serialized_objects").DagSerialization
        timetable = serialization.deserialize_dag(serialization.serialize_dag(dag)).timetable
    return timetable.infer_manual_data_interval(run_after=now)


def _json_variable(name: str) -> Any:
    return Variable.get(name, deserialize_json=True)


class _Named:
    """Looks a name up as an attribute, as ``{{ var.value.region }}`` does."""

    def __init__(self, find: Any) -> None:
        self._find = find

    def __getattr__(self, name: str) -> Any:
        return self._find(name)
