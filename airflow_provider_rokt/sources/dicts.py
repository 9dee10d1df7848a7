"""Rows that are not in a database."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from airflow_provider_rokt.events.destinations import Profile
from airflow_provider_rokt.events.mapping import least_columns, mapped_columns
from airflow_provider_rokt.exceptions import RoktSourceError, short_name
from airflow_provider_rokt.flow.stream import ColumnNames, Consume, Row

_Dict = Mapping[str, object]
_Numbered = Sequence[tuple[int, _Dict]]


class DictSource:
    """Rows from Python: any iterable of mappings, taken a window at a time. A key that a row lacks is ``None``.

    :param rows: one mapping of column to value per row.
    :param fetch_size: rows of one window, at least 1.
    :param columns: the columns that a mapping names, to whether rows need not have them; other keys are ignored.
        None takes all keys of the first window's rows, in the order they are first seen, and no others later.
    :param if_empty: the columns to show for no rows, where ``columns`` is None.
    """

    def __init__(
        self,
        rows: Iterable[_Dict],
        fetch_size: int = 5000,
        columns: Mapping[str, bool] | None = None,
        if_empty: ColumnNames = (),
    ) -> None:
        self._rows = rows
        self._fetch_size = fetch_size
        self._named = columns
        self._if_empty = if_empty

    def read(self, consume: Consume) -> None:
        """Takes the rows and hands them over; once with no rows when there are none, to show the columns.

        :raises RoktSourceError: for rows that are not mappings with text as keys, or a key that is new later.
        """
        rows = _numbered(self._rows)
        window = list(islice(rows, self._fetch_size))
        columns = self._columns(window)
        consume(columns, _by_position(columns, window))
        while window := list(islice(rows, self._fetch_size)):
            if self._named is None:
                _check_keys(window, frozenset(columns))
            consume(columns, _by_position(columns, window))

    def _columns(self, window: _Numbered) -> ColumnNames:
        if self._named is None:
            return _keys(window) if window else self._if_empty
        return _named_columns(self._named, _keys(window)) if window else tuple(self._named)


def mapped_rows(
    rows: Iterable[_Dict], mapping: Mapping[str, object] | None, profile: Profile, fetch_size: int
) -> DictSource:
    """Rows from Python as a mapping reads them; see :func:`~airflow_provider_rokt.events.mapping.compile_mapping`."""
    columns = None if mapping is None else mapped_columns(mapping)
    return DictSource(rows, fetch_size, columns, least_columns(profile))


def _named_columns(named: Mapping[str, bool], keys: ColumnNames) -> ColumnNames:
    """The keys that are named, in any case as a query's columns may be, and the names that rows need not have."""
    lowered, present = ({name.lower() for name in names} for names in (named, keys))
    lacking = [name for name in named if name.lower() not in present]
    optional = [name for name in lacking if named[name]]
    if len(optional) == len(lacking):
        keys = tuple(key for key in keys if key.lower() in lowered)
    # Otherwise a column is missing, and the mapping's error tells which keys are close.
    return (*keys, *optional)


def _numbered(rows: object) -> Iterator[tuple[int, _Dict]]:
    if not isinstance(rows, Iterable):
        raise RoktSourceError(f"rows is a {type(rows).__name__}: give a list or an iterator of dicts, one a row")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise RoktSourceError(f"row {number} is a {type(row).__name__}: give a mapping of column to value")
        yield number, row


def _keys(window: _Numbered) -> ColumnNames:
    keys: dict[str, None] = {}
    for number, row in window:
        for key in row:
            if not isinstance(key, str):
                raise RoktSourceError(f"row {number} has a key of type {type(key).__name__}: name columns with text")
            keys[key] = None
    return tuple(keys)


def _check_keys(window: _Numbered, columns: frozenset[str]) -> None:
    for number, row in window:
        if not columns.issuperset(row):
            new = next(key for key in _keys([(number, row)]) if key not in columns)
            raise RoktSourceError(
                f"row {number} has a column {short_name(new)!r} that no row of the first window had: give every row "
                "the same keys, or a mapping, which leaves out what it does not name"
            )


def _by_position(columns: ColumnNames, window: _Numbered) -> Sequence[Row]:
    return [[row.get(column) for column in columns] for _, row in window]
