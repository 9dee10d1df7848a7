"""What commands print: data as Airflow's own commands print it, and text that is safe to show."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from airflow.cli.simple_table import AirflowConsole


def is_data(output: str) -> bool:
    """Whether an ``--output`` is for programs, and gets everything."""
    return output in ("json", "yaml")


def print_data(data: Any, output: str) -> None:
    """Prints data in the format that ``--output`` names."""
    # Not its print_as, which would make text of the counts.
    console = AirflowConsole()
    printers: dict[str, Callable[[Any], None]] = {
        "json": console.print_as_json,
        "yaml": console.print_as_yaml,
        "table": console.print_as_table,
        "plain": console.print_as_plain_table,
    }
    printers[output](data)


def blanked(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows for people, who are told nothing by a None."""
    return [{name: "" if value is None else value for name, value in row.items()} for row in rows]


def aligned(rows: Iterable[Sequence[object]], indent: str = "  ") -> list[str]:
    """Rows of cells as lines, their columns below each other; numbers to the right."""
    rows = [list(row) for row in rows]
    widths = [max(len(_cell(cell)) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            _cell(cell).rjust(width) if isinstance(cell, int | float) else _cell(cell).ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append(printable(indent + "  ".join(cells)).rstrip())
    return lines


def printable(value: object) -> str:
    """Text that cannot steer the terminal; reasons are partly Rokt's words, columns are named by the user."""
    return "".join(char if char.isprintable() else "\ufffd" for char in str(value))


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.1%}" if isinstance(value, float) else str(value)
