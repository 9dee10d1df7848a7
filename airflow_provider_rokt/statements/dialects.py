"""How each database's SQL is read: where a string, a quoted name and a comment begin and end."""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True)
class Dialect:
    """What a lexer must know to see which semicolons separate statements.

    :param backslash: the quotes inside of which a backslash escapes what follows it.
    :param names: the quotes around names, besides double quotes.
    :param line: what begins a comment up to the line's end, as a regular expression.
    :param nests: whether comments lie inside comments.
    :param dollar: whether ``$tag$ … $tag$`` is a string.
    :param prefixed: strings with rules of their own by what stands before them: ``e``, Oracle's ``q``, Spark's ``r``.
    :param triple: whether three quotes begin a string.
    :param hints: whether ``/*! … */`` is run.
    :param runs_on: whether statements need no semicolon between them, so that the first word does not tell it all.
    """

    backslash: str = ""
    names: str = ""
    line: str = "--"
    nests: bool = False
    dollar: bool = False
    prefixed: str = ""
    triple: bool = False
    hints: bool = False
    runs_on: bool = False


_STANDARD: Final = Dialect()
_POSTGRES: Final = Dialect(nests=True, dollar=True, prefixed="e")
# "--" is only a comment before a blank: 5--1 is a sum.
_MYSQL: Final = Dialect(backslash="'\"", names="`", line=r"--(?=\s|\Z)|#", hints=True)
_SQLITE: Final = Dialect(names="`[")
_TSQL: Final = Dialect(names="[", nests=True, runs_on=True)
_BIGQUERY: Final = Dialect(backslash="'\"`", names="`", line="--|#", triple=True)
_SNOWFLAKE: Final = Dialect(backslash="'", dollar=True, line="--|//")
_SPARK: Final = Dialect(backslash="'\"", names="`", nests=True, prefixed="r")
_CLICKHOUSE: Final = Dialect(backslash="'\"`", names="`", nests=True, dollar=True)
# Amazon's manual does not say whether a backslash escapes, and it depends on a parameter of the session.
_REDSHIFT: Final = replace(_POSTGRES, backslash="'")
# Anything may stand behind ODBC and JDBC.
_UNKNOWN: Final = tuple(
    replace(dialect, runs_on=True) for dialect in (_STANDARD, _POSTGRES, _MYSQL, _TSQL, _BIGQUERY, _SNOWFLAKE)
)
_BY_CONN_TYPE: Final = {
    "databricks": _SPARK,
    "duckdb": _POSTGRES,
    "exasol": _STANDARD,
    "gcpbigquery": _BIGQUERY,
    "google_cloud_platform": _BIGQUERY,
    "hive_cli": _SPARK,
    "hiveserver2": _SPARK,
    "impala": _SPARK,
    "clickhouse": _CLICKHOUSE,
    "mssql": _TSQL,
    "mysql": _MYSQL,
    "oracle": Dialect(prefixed="q"),
    "postgres": _POSTGRES,
    "presto": _STANDARD,
    "snowflake": _SNOWFLAKE,
    "spark_connect": _SPARK,
    "sqlite": _SQLITE,
    "teradata": _STANDARD,
    "trino": _STANDARD,
    "vertica": _POSTGRES,
}


def dialects_of(conn_type: str | None) -> tuple[Dialect, ...]:
    """The dialects that a connection of this type may speak, the likeliest first."""
    if conn_type == "redshift":
        return _POSTGRES, _REDSHIFT
    known = _BY_CONN_TYPE.get(conn_type or "")
    return (known,) if known else _UNKNOWN
