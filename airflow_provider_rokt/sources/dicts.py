"""Rows that are not in a database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

from airflow_provider_rokt.exceptions import RoktSourceError
from airflow_provider_rokt.sources.window import Consume, check_fetch_size

Row = Mapping[str, object]


class DictSource:
    """Rows from Python: any iterable of mappings, taken a window at a time.

    The columns are the keys of the first window's rows, in the order they are first seen; a key that a row
    lacks is ``None``. Without any row ``consume`` is not called, since there are no columns to show.

    :param rows: one mapping of column to value per row.
    :param fetch_size: rows of one window, at least 1.
    :raises RoktSettingsError: for another ``fetch_size``.
    """

    def __init__(self, rows: Iterable[Row], fetch_size: int = 5000) -> None:
        self._rows = rows
        self._fetch_size = check_fetch_size(fetch_size)

    def read(self, consume: Consume) -> None:
        """Takes the rows and hands them over.

        :raises RoktSourceError: for a row that is not a mapping, or has a key no row of the first window had.
        """
        rows = _numbered(self._rows)
        window = list(islice(rows, self._fetch_size))
        columns = tuple(dict.fromkeys(chain.from_iterable(row for _, row in window)))
        while window:
            _check_keys(window, frozenset(columns))
            consume(columns, [[row.get(column) for column in columns] for _, row in window])
            window = list(islice(rows, self._fetch_size))


def _numbered(rows: Iterable[object]) -> Iterator[tuple[int, Row]]:
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise RoktSourceError(f"row {number} is a {type(row).__name__}: give a mapping of column to value")
        yield number, row


def _check_keys(window: Sequence[tuple[int, Row]], columns: frozenset[str]) -> None:
    for number, row in window:
        if not columns.issuperset(row):
            new = next(key for key in row if key not in columns)
            raise RoktSourceError(
                f"row {number} has a column {new!r} that no row of the first window had: give every row the same keys"
            )
