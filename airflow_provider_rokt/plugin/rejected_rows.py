"""The rows that did not arrive, as a CSV file: their keys and why, never a value."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from airflow_provider_rokt.flow.row import NO_ROW
from airflow_provider_rokt.ledger.parts import Damage
from airflow_provider_rokt.ledger.reader import LedgerReader
from airflow_provider_rokt.ledger.records import RowRecord

# Handing over a block costs the server a change of threads, about a millisecond.
_BLOCK: Final = 65_536
_HEADER: Final = ("outcome", "row", "key", "field", "reason")
# A spreadsheet takes what begins so for a formula; an id may. The apostrophe makes it text (OWASP, CSV injection).
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def rejected_csv(reader: LedgerReader) -> Iterator[str]:
    """The file, many lines at a time: one for each fault of each rejected or failed row."""
    block = io.StringIO()
    writer = csv.writer(block)
    writer.writerow(_HEADER)
    for row in reader.records(Damage()):
        if isinstance(row, RowRecord):
            place = "" if row.number == NO_ROW else row.number
            for fault in row.faults or (("", "unknown"),):
                writer.writerow([text_cell(str(cell)) for cell in (row.outcome, place, row.key, *fault)])
        if block.tell() > _BLOCK:
            yield block.getvalue()
            block.seek(0)
            block.truncate()
    yield block.getvalue()


def text_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
