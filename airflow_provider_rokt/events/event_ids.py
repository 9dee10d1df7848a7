"""The ids of events alone, read exactly as a delivery reads them, whatever else their rows hold or lack."""

from collections.abc import Mapping, Sequence
from typing import Final

from airflow_provider_rokt.events.block import Block
from airflow_provider_rokt.events.grouping import remembered_id
from airflow_provider_rokt.events.mapping import step_of
from airflow_provider_rokt.events.rules import Rules
from airflow_provider_rokt.exceptions import RoktMappingError
from airflow_provider_rokt.flow.census import Census
from airflow_provider_rokt.flow.mark import mark
from airflow_provider_rokt.flow.row import FieldFault
from airflow_provider_rokt.flow.stream import Row

ID_PATH: Final = "events[].data.source_message_id"


class EventIds:
    """Reads the ids of rows.

    :param mapping: that of the delivery, or None for the column that is named after the id.
    :param columns: the names of the query's columns; of those that the mapping names, the id's has to be among them.
    :raises RoktMappingError: where it is not, or is a literal, the same for every row.
    """

    def __init__(self, mapping: Mapping[str, object] | None, columns: Sequence[str], rules: Rules) -> None:
        self._step = step_of(ID_PATH, mapping, columns, rules)
        self._environment = rules.environment
        if self._step.place is None:
            raise RoktMappingError(f"{ID_PATH} is mapped to a literal, so that all rows are one: map a column")

    def marks(self, rows: Sequence[Row]) -> tuple[bytes, list[FieldFault]]:
        """The marks of the rows' ids, their content unknown, end to end; and why the other rows have none."""
        if not rows:
            return b"", []
        block = Block(rows, Census())
        ids = [made.get(self._step.key) for made in block.filled([{} for _ in rows], [self._step])]
        faults = [fault for faults in block.faults for fault in faults]
        marks = [mark(remembered_id(id_, self._environment), 0) for id_ in ids if id_ is not None]
        return b"".join(marks), faults
