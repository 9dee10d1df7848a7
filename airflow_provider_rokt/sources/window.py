"""A window of rows: what a source hands over at a time."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from airflow_provider_rokt.exceptions import RoktSourceError, short_name
from airflow_provider_rokt.flow.stream import ColumnNames, Row

_MOST_NAMES: Final = 20


def column_names(description: Sequence[Sequence[Any]] | None) -> ColumnNames:
    """The names in a cursor's description.

    :raises RoktSourceError: for a statement without a result, or names that do not tell the columns apart.
    """
    if description is None:
        raise RoktSourceError("sql returns no rows by its nature: give a SELECT")
    columns = tuple(str(column[0]) for column in description)
    twice = [name for name, count in Counter(columns).items() if count > 1]
    if twice:
        named = ", ".join(map(short_name, twice[:_MOST_NAMES])) + (", …" if len(twice) > _MOST_NAMES else "")
        raise RoktSourceError(f"sql returns several columns named {named}: give each its own name with AS")
    return columns


def windows(
    columns: ColumnNames, rows: Sequence[Any], fetchmany: Callable[[int], Sequence[Any]], size: int
) -> Iterator[tuple[ColumnNames, Sequence[Row]]]:
    """The window already fetched, also when it is empty, and those that follow it."""
    yield columns, _by_position(columns, rows)
    while rows and (rows := fetchmany(size)):
        yield columns, _by_position(columns, rows)


def _by_position(columns: ColumnNames, rows: Sequence[Any]) -> Sequence[Row]:
    # A connection's extra may ask for a cursor whose rows are dicts.
    if rows and isinstance(rows[0], Mapping):
        return [tuple([row[column] for column in columns]) for row in rows]
    return rows
