"""A task that writes what became of deliveries into a SQL database."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final, Unpack

from airflow.providers.common.compat.sdk import BaseOperator, XComArg

from airflow_provider_rokt.exceptions import RoktLedgerDamagedError, RoktLedgerError
from airflow_provider_rokt.flow.checks import Check, problems_of
from airflow_provider_rokt.ledger.awaited import awaited
from airflow_provider_rokt.task.base_arguments import TaskArguments, known
from airflow_provider_rokt.task.configuration import open_ledger
from airflow_provider_rokt.task.failures import RoktArgumentsError, terminal_errors
from airflow_provider_rokt.task.mapped_results import of_mapped_tasks
from airflow_provider_rokt.transfers.tables import deliveries_table as table_of_deliveries
from airflow_provider_rokt.transfers.tables import rows_table as table_of_rows
from airflow_provider_rokt.transfers.tables import table_name

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_rokt.ledger.overview import Ledger
    from airflow_provider_rokt.transfers.table_writer import TableWriter

_NAMED: Final = 3


def _conn_id(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else "must be the id of a SQL connection"


def _hook_params(value: object) -> str | None:
    return None if value is None or isinstance(value, Mapping) else "must be a dict of the hook's arguments"


_CHECKS: Final[Mapping[str, Check]] = {
    "sql_conn_id": _conn_id,
    "sql_hook_params": _hook_params,
    "deliveries_table": table_name,
    "rows_table": table_name,
}


class RoktDeliveryToSqlOperator(BaseOperator):
    """Writes what became of deliveries into two tables, to be joined with the tables that the rows came from.

    The tables are made where they are not there, and may have more columns. A delivery that was written before is
    replaced, in one transaction where the database has such. It is written by its keys, outcomes, field paths and
    reasons: no value of a row is in the ledger. A delivery that is not over, not there or damaged fails the task, once
    the others are written.

    :param delivery: a Rokt operator's result, a ``delivery_id``, or a list of either from mapped tasks. (templated)
    :param sql_conn_id: any SQL connection that may write. (templated)
    :param deliveries_table: gets a line for each delivery: who sent it, when, how it ended, its counts. A name without
        quotes, or ``schema.table``. (templated)
    :param rows_table: gets a line for each reason why a row was rejected or failed, or a value was left out of it; and
        for each accepted row, where the delivery was told to ``record_accepted``. (templated)
    :param sql_hook_params: arguments of the SQL connection's hook. (templated)
    :returns: ``deliveries`` and ``rows_written``, how many lines each table got.
    :raises RoktSettingsError: in the DAG file, naming every argument that is known to be wrong.
    """

    template_fields: Sequence[str] = ("delivery", "sql_conn_id", "deliveries_table", "rows_table", "sql_hook_params")
    template_fields_renderers: ClassVar[dict[str, str]] = {"delivery": "json", "sql_hook_params": "json"}
    ui_color = "#e9d8fd"

    def __init__(
        self,
        *,
        delivery: str | Mapping[str, Any] | XComArg | Iterable[str | Mapping[str, Any] | XComArg],
        sql_conn_id: str,
        deliveries_table: str = "rokt_deliveries",
        rows_table: str = "rokt_rows",
        sql_hook_params: Mapping[str, Any] | None = None,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.delivery = delivery
        self.sql_conn_id = sql_conn_id
        self.deliveries_table = deliveries_table
        self.rows_table = rows_table
        self.sql_hook_params = sql_hook_params
        self._refuse_what_is_wrong(known(self._arguments()))

    def render_template(self, content: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Renders what holds a template; what mapped tasks returned is a list, also where there were none of them."""
        rendered = super().render_template(content, context, *args, **kwargs)
        return [] if rendered is None and of_mapped_tasks(content, self) else rendered

    def execute(self, context: "Context") -> dict[str, Any]:
        """Writes the deliveries, each for itself.

        :raises RoktTaskFailed: where a delivery cannot be written, whatever is tried again; the cause says which.
        :raises RoktQueryError: where the database fails; a retry may find it well.
        """
        with terminal_errors():
            self._refuse_what_is_wrong(self._arguments())
            deliveries = list(awaited(self.delivery))
            return self._write(open_ledger(), deliveries)

    def _write(self, ledger: "Ledger", deliveries: Sequence[str]) -> dict[str, Any]:
        writer, rows, unwritten = self._writer(), 0, list[str]()
        with writer.connected():
            for table in (table_of_rows(self.rows_table), table_of_deliveries(self.deliveries_table)):
                writer.make(table)
            for delivery_id in deliveries:
                try:
                    rows += self._transfer(writer, ledger, delivery_id)
                except RoktLedgerError as error:
                    unwritten.append(str(error))
        result = {"deliveries": len(deliveries) - len(unwritten), "rows_written": rows}
        self.log.info("Wrote %(deliveries)d deliveries, and %(rows_written)d lines of their rows", result)
        if unwritten:
            raise RoktLedgerDamagedError(_told(unwritten, len(deliveries)))
        return result

    def _transfer(self, writer: "TableWriter", ledger: "Ledger", delivery_id: str) -> int:
        from airflow_provider_rokt.transfers.outcomes import delivery_line, row_lines

        reader = ledger.open(delivery_id)
        line = delivery_line(reader, reader.final_report())
        of_rows = (table_of_rows(self.rows_table), row_lines(reader))
        of_delivery = (table_of_deliveries(self.deliveries_table), [line])
        return writer.replace(delivery_id, [of_rows, of_delivery]) - 1

    def _writer(self) -> "TableWriter":
        from airflow_provider_rokt.sources.connecting import sql_hook
        from airflow_provider_rokt.transfers.table_writer import TableWriter

        return TableWriter(sql_hook(self.sql_conn_id, self.sql_hook_params), f"connection {self.sql_conn_id!r}")

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _CHECKS}

    def _refuse_what_is_wrong(self, given: Mapping[str, Any]) -> None:
        problems = problems_of(_CHECKS, given)
        names = [given[name] for name in ("deliveries_table", "rows_table") if isinstance(given.get(name), str)]
        if len(names) == 2 and names[0].lower() == names[1].lower():
            problems.append("rows_table must be another table than deliveries_table")
        if problems:
            raise RoktArgumentsError(f"the task {self.task_id!r}", problems)


def _told(unwritten: Sequence[str], asked: int) -> str:
    more = len(unwritten) - _NAMED
    first = f"{len(unwritten)} of {asked} deliveries were not written; what was written of them before is as it was"
    return "\n".join([first, *unwritten[:_NAMED], *([f"and {more} more"] if more > 0 else [])])
