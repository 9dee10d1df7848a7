"""The two tables of outcomes, as each database wants them.

PostgreSQL, MySQL, MariaDB, SQLite and DuckDB were tried, the others are as their manuals and their Airflow hooks have
it. Names of columns are no word that one of them reserves, so none is quoted, and each folds them in its own way.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

DELIVERIES_TABLE: Final = "rokt_deliveries"
ROWS_TABLE: Final = "rokt_rows"

# Unquoted in every database. Up to three names before the table's: a server, a catalog, a schema.
_TABLE_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}(?:\.[A-Za-z_][A-Za-z0-9_]{0,127}){0,3}")

# Reserved by SQL's standard and by most databases, so that without quotes they name no table.
_WORDS: Final = (
    "all alter and any as asc between by case cast check collate column constraint create cross current_date "
    "current_time current_timestamp default delete desc distinct drop else end except exists false fetch for foreign "
    "from full grant group having in index inner insert intersect into is join left like limit natural not null on or "
    "order outer primary references revoke right select set some table then to true union unique update user using "
    "values when where with"
)
_RESERVED: Final = frozenset(_WORDS.split())
# Databricks and Hive call a schema so.
_SCHEMAS: Final = frozenset(("default",))


class ColumnKind(Enum):
    """What a column holds that is no text."""

    NUMBER = "number"
    MOMENT = "moment"


@dataclass(frozen=True)
class OutcomeTable:
    """One of the two tables; it may have more columns.

    :param columns: name -> what it holds; of a text the most characters.
    :param key: tells its lines apart, and begins with the delivery.
    """

    name: str
    columns: Mapping[str, int | ColumnKind]
    key: tuple[str, ...]


@dataclass(frozen=True)
class Flavor:
    """How a database wants tables and parameters.

    :param text: the type of a text, with its most characters, or bytes, in braces.
    :param bytes_a_character: of that number; 1 where it counts characters.
    :param moment: the type of a time without a zone; it is UTC.
    :param keyed: whether a primary key can be declared, and nothing stands against it.
    :param create: the statement that makes a table where there is none, as far as its columns.
    :param options: what follows them.
    :param marker: of a parameter, where the driver's own ``paramstyle`` does not tell; ``{name}`` in it is its name.
    :param moments_are_text: whether times are passed as text.
    :param parameters: the most in one statement; SQLite took 999 until 3.32.
    """

    text: str = "VARCHAR({})"
    bytes_a_character: int = 1
    number: str = "BIGINT"
    moment: str = "TIMESTAMP"
    keyed: bool = True
    create: str = "CREATE TABLE IF NOT EXISTS {table}"
    options: str = ""
    marker: str = ""
    moments_are_text: bool = False
    parameters: int = 900

    def declaration(self, table: OutcomeTable) -> str:
        """The statement that makes the table, unless there is one of that name."""
        columns = [
            f"{name} {self._type(kind)}{' NOT NULL' * (name in table.key)}" for name, kind in table.columns.items()
        ]
        if self.keyed:
            columns.append(f"PRIMARY KEY ({', '.join(table.key)})")
        return f"{self.create.format(table=table.name)} ({', '.join(columns)}){self.options}"

    def _type(self, kind: int | ColumnKind) -> str:
        if isinstance(kind, int):
            return self.text.format(kind * self.bytes_a_character)
        return self.number if kind is ColumnKind.NUMBER else self.moment


_FLAVORS: Final = {
    # _bin, since keys differ by case, and since MySQL compares it with a column of any other collation.
    # A TIMESTAMP of MySQL's changes with the session's zone, and with every update.
    "mysql": Flavor(moment="DATETIME", options=" CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
    # Python's own adapter of times is deprecated since 3.12.
    "sqlite": Flavor(moments_are_text=True),
    # Amazon counts bytes.
    "redshift": Flavor(bytes_a_character=4),
    # TIMESTAMP numbers versions there, VARCHAR is of one code page, and there is no IF NOT EXISTS.
    "mssql": Flavor(
        text="NVARCHAR({})", moment="DATETIME2", create="IF OBJECT_ID(N'{table}', N'U') IS NULL CREATE TABLE {table}"
    ),
    # The hook writes parameters into the statement by their names; it knows texts and numbers. Keys are not enforced.
    "gcpbigquery": Flavor(text="STRING", number="INT64", keyed=False, marker="%({name})s", moments_are_text=True),
    # At most 256 parameters, and keys only in Unity Catalog.
    "databricks": Flavor(text="STRING", keyed=False, marker="?", parameters=250),
}
_OTHERS: Final = Flavor()


def flavor_of(conn_type: str | None) -> Flavor:
    """What a connection of this type wants; one that is not known is taken at the standard's word."""
    return _FLAVORS.get("gcpbigquery" if conn_type == "google_cloud_platform" else conn_type or "", _OTHERS)


def table_name(value: object) -> str | None:
    """What is wrong with a table's name. It is written into statements as it is, so it must be nothing else."""
    if not isinstance(value, str) or not _TABLE_NAME.fullmatch(value):
        return "must be a table's name, or schema.table: letters, digits and '_', without quotes"
    *schemas, table = value.lower().split(".")
    if found := [name for name in (*(set(schemas) - _SCHEMAS), table) if name in _RESERVED]:
        return f"must be another name: {found[0].upper()} is a word of SQL's own, and names stand without quotes"
    return None


def deliveries_table(name: str) -> OutcomeTable:
    """A line for each delivery.

    :param name: one that :func:`table_name` finds nothing wrong with.
    """
    return OutcomeTable(name, DELIVERY_COLUMNS, ("delivery_id",))


def rows_table(name: str) -> OutcomeTable:
    """A line for each reason why a row, or a value of it, was not delivered; and for accepted rows that are named.

    :param name: one that :func:`table_name` finds nothing wrong with.
    """
    return OutcomeTable(name, ROW_COLUMNS, ("delivery_id", "line_number"))


# Airflow's own names have at most 250 characters.
DELIVERY_COLUMNS: Final[Mapping[str, int | ColumnKind]] = {
    "delivery_id": 128,
    "sync": 250,
    "operation": 20,
    "state": 20,
    "dag_id": 250,
    "task_id": 250,
    "run_id": 250,
    "map_index": ColumnKind.NUMBER,
    "try_number": ColumnKind.NUMBER,
    "rokt_conn_id": 250,
    "started_at": ColumnKind.MOMENT,
    "finished_at": ColumnKind.MOMENT,
    "rows_read": ColumnKind.NUMBER,
    "rows_accepted": ColumnKind.NUMBER,
    "rows_rejected": ColumnKind.NUMBER,
    "rows_failed": ColumnKind.NUMBER,
    "rows_skipped": ColumnKind.NUMBER,
    "rows_resumed": ColumnKind.NUMBER,
    "rows_unconfirmed": ColumnKind.NUMBER,
    "values_dropped": ColumnKind.NUMBER,
    "members_added": ColumnKind.NUMBER,
    "members_removed": ColumnKind.NUMBER,
    "members_unchanged": ColumnKind.NUMBER,
    "batches": ColumnKind.NUMBER,
    "requests": ColumnKind.NUMBER,
    "ledger": 1000,
}
ROW_COLUMNS: Final[Mapping[str, int | ColumnKind]] = {
    "delivery_id": 128,
    "line_number": ColumnKind.NUMBER,
    "operation": 20,
    "row_place": ColumnKind.NUMBER,
    "row_key": 1000,
    "outcome": 20,
    "reason_number": ColumnKind.NUMBER,
    "path": 500,
    "reason": 1000,
    "status": ColumnKind.NUMBER,
}
