"""The file of rejected keys: every key arrives, and no spreadsheet takes one for a formula."""

import csv
import io

from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_rokt.flow.row import FieldFault, Outcome, RowFault, RowRef
from airflow_provider_rokt.plugin.rejected_rows import rejected_csv, text_cell

SIGNS = "=+-@\t\r\n＝＋－＠"


@given(st.text(st.characters(codec="utf-8")))
def test_no_cell_is_a_formula_and_none_is_lost(text: str) -> None:
    cell = text_cell(text)
    assert not cell.startswith(tuple(SIGNS))
    assert cell in (text, f"'{text}")
    assert (cell != text) == text.startswith(tuple(SIGNS))


def test_each_fault_of_each_row_has_a_line(history) -> None:
    writer = history.ledger.begin("conversions", {}, {})
    faults = [FieldFault("a", "is, no"), FieldFault("=b", 'has "quotes"')]
    writer.rows(Outcome.REJECTED, [RowFault(RowRef(3, '=HYPERLINK("x")'), faults)])
    writer.rows(Outcome.FAILED, [RowFault(RowRef(0, "member 1f"), ())])
    lines = list(csv.reader(io.StringIO("".join(rejected_csv(history.ledger.open(writer.delivery_id))))))
    assert lines == [
        ["outcome", "row", "key", "field", "reason"],
        ["rejected", "3", '\'=HYPERLINK("x")', "a", "is, no"],
        ["rejected", "3", '\'=HYPERLINK("x")', "'=b", 'has "quotes"'],
        ["failed", "", "member 1f", "", "unknown"],
    ]
