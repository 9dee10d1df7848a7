"""A task that waits until every batch of some deliveries has its final status."""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Unpack

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
    BaseSensorOperator,
    Context,
    PokeReturnValue,
    XComArg,
    conf,
)

from airflow_provider_rokt.exceptions import RoktLedgerError
from airflow_provider_rokt.flow.checks import Check, boolean, problems_of, threshold
from airflow_provider_rokt.flow.lines import wrapped
from airflow_provider_rokt.ledger.awaited import Awaited, awaited, unfinished
from airflow_provider_rokt.ledger.batch_status import BatchStatus
from airflow_provider_rokt.ledger.overview import Ledger
from airflow_provider_rokt.ledger.status_table import status_lines
from airflow_provider_rokt.task.base_arguments import SensorArguments, known
from airflow_provider_rokt.task.configuration import open_ledger
from airflow_provider_rokt.task.failures import RoktArgumentsError, terminal_errors
from airflow_provider_rokt.task.mapped_results import of_mapped_tasks
from airflow_provider_rokt.triggers.rokt import RoktDeliveryTrigger

_CHECKS: Final[Mapping[str, Check]] = {"max_rejected": threshold, "max_failed": threshold, "deferrable": boolean}


class RoktBatchStatusSensor(BaseSensorOperator):
    """Waits until every batch has its final status, returns the statuses, fails on thresholds.

    It returns ``deliveries``, ``batches``, ``partitions`` (of the first 100 deliveries, the ``partition``, its
    ``delivery_id``, its rows by outcome and its batches), ``status_codes`` (batches by their final HTTP status),
    ``batch_statuses`` (the first 100 one by one, those not accepted first), ``batch_statuses_left_out``,
    ``rows_rejected``, ``rows_failed`` and ``ledgers`` (URIs of the whole record). A partition is called as the mapped
    task's ``map_index_template`` has it, or by its map index. ``soft_fail`` skips the task in every mode.

    A delivery that was never begun, or whose task was killed and not retried, is waited for until ``timeout`` (which is
    not retried) or ``execution_timeout`` (which is), whichever ends first. While it is rescheduled, ``timeout`` alone
    counts, as for every sensor.

    :param delivery: a Rokt operator's result, a ``delivery_id``, or a list of either from mapped tasks; of no mapped
        tasks, nothing is waited for. (templated)
    :param max_rejected: rows (int) or fraction of the rows read (float) that may be rejected, over all deliveries.
    :param max_failed: the same for rows that were not delivered.
    :param deferrable: wait in the triggerer; ``[rokt] ledger_path`` must be storage that it reaches.
    :raises RoktSettingsError: in the DAG file, naming every argument that is known to be wrong.
    """

    template_fields: Sequence[str] = ("delivery",)
    template_fields_renderers: ClassVar[dict[str, str]] = {"delivery": "json"}
    ui_color = "#e9d8fd"

    def __init__(
        self,
        *,
        delivery: str | Mapping[str, Any] | XComArg | Iterable[str | Mapping[str, Any] | XComArg],
        max_rejected: int | float = 0,
        max_failed: int | float = 0,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Unpack[SensorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.delivery = delivery
        self.max_rejected = max_rejected
        self.max_failed = max_failed
        self.deferrable = deferrable
        self._refuse_what_is_wrong(known(self._arguments()))

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """Looks at the ledgers once; where it has to wait and may do so in the triggerer, it goes there.

        Deferring from here, not from ``execute``, keeps the first look under ``soft_fail`` and ``never_fail``.
        """
        with terminal_errors(retry=False):
            # A template in an argument that is not rendered is only a text, whatever it stands for.
            self._refuse_what_is_wrong(self._arguments())
            deliveries = awaited(self.delivery)
            ledger = open_ledger()
            waiting = unfinished(ledger, deliveries)
            if not waiting:
                return PokeReturnValue(is_done=True, xcom_value=self._status(ledger, deliveries))
        text = f"Waiting for {len(waiting)} of {len(deliveries)} deliveries: {_first(waiting)}"
        for line in wrapped(text, "  "):
            self.log.info("%s", line)
        if self.deferrable:
            left = self._time_left(context)
            deadline = time.time() + left.total_seconds()
            self.defer(
                trigger=RoktDeliveryTrigger(deliveries=waiting, poke_interval=self.poke_interval, deadline=deadline),
                method_name="execute_complete",
                timeout=left,
            )
        return False

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Resumes when the trigger fired.

        :param event: as :class:`RoktDeliveryTrigger` yields it; anything else fails the task.
        :raises RoktTaskFailed: where the deliveries cannot be judged or broke a threshold; the cause says why.
        :raises AirflowSensorTimeout: where ``timeout`` was over first; AirflowTaskTimeout for ``execution_timeout``.
        """
        with terminal_errors(retry=False):
            in_time = _ended_in_time(event)
            deliveries = awaited(self.delivery)
            ledger = open_ledger()
            waiting = unfinished(ledger, deliveries)
            if not waiting:
                return self._status(ledger, deliveries)
            if in_time:
                raise RoktLedgerError(
                    f"the triggerer found the reports of all deliveries, this worker does not: {_first(waiting)}. "
                    "Set [rokt] ledger_path to storage that both reach"
                )
        raise self._timed_out(waiting)

    def render_template(self, content: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Renders what holds a template; what mapped tasks returned is a list, also where there were none of them."""
        rendered = super().render_template(content, context, *args, **kwargs)
        return [] if rendered is None and of_mapped_tasks(content, self) else rendered

    @property
    def _limit(self) -> tuple[str, timedelta]:
        """The argument that ends the waiting first, and its value."""
        timeout, execution_timeout = timedelta(seconds=self.timeout), self.execution_timeout
        if execution_timeout is not None and execution_timeout < timeout:
            return "execution_timeout", execution_timeout
        return "timeout", timeout

    def _time_left(self, context: Context) -> timedelta:
        """Of what Airflow gives the task. Airflow 3 does not watch ``execution_timeout`` while a task is deferred."""
        started = getattr(context.get("ti"), "start_date", None)
        spent = datetime.now(UTC) - started if started else timedelta()
        return max(self._limit[1] - spent, timedelta())

    def _timed_out(self, waiting: Awaited) -> BaseException:
        """What ends it as where it pokes."""
        name, limit = self._limit
        message = f"Not over within {name}={limit}: {len(waiting)} deliveries, {_first(waiting)}"
        if self.soft_fail or self.never_fail:
            return AirflowSkipException(message)
        return AirflowTaskTimeout(message) if name == "execution_timeout" else AirflowSensorTimeout(message)

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _CHECKS}

    def _refuse_what_is_wrong(self, given: Mapping[str, Any]) -> None:
        if problems := problems_of(_CHECKS, given):
            raise RoktArgumentsError(f"the task {self.task_id!r}", problems)

    def _status(self, ledger: Ledger, deliveries: Awaited) -> dict[str, Any]:
        status = BatchStatus.of(ledger.open(delivery_id) for delivery_id in deliveries)
        for line in status_lines(status):
            self.log.info("%s", line)
        status.check(self.max_rejected, self.max_failed)
        return status.summary()


def _ended_in_time(event: Any) -> bool:
    """Fails closed: only the trigger's own words for its end pass."""
    match event:
        case {"status": "finished" | "timeout" as status}:
            return bool(status == "finished")
        case {"status": "error", "retryable": True, "message": message}:
            # What poke would have raised: the storage's own failure, which another try may not meet.
            raise OSError(message)
        case {"status": "error", "message": message}:
            raise RoktLedgerError(message)
        case _:
            raise RoktLedgerError("the trigger ended without saying what it found")


def _first(deliveries: Awaited) -> str:
    names = list(deliveries)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
