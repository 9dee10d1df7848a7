"""The tables as databases want them that are not there to be asked; tests/databases asks the others."""

import re

import pytest

from airflow_provider_rokt.transfers.tables import OutcomeTable, deliveries_table, flavor_of, rows_table, table_name

TABLE = OutcomeTable(
    "dbo.t",
    {"id": 128, "n": rows_table("t").columns["status"], "at": deliveries_table("t").columns["started_at"]},
    ("id", "n"),
)


@pytest.mark.parametrize(
    ("conn_type", "statement"),
    [
        (
            "mssql",
            "IF OBJECT_ID(N'dbo.t', N'U') IS NULL CREATE TABLE dbo.t "
            "(id NVARCHAR(128) NOT NULL, n BIGINT NOT NULL, at DATETIME2, PRIMARY KEY (id, n))",
        ),
        ("gcpbigquery", "CREATE TABLE IF NOT EXISTS dbo.t (id STRING NOT NULL, n INT64 NOT NULL, at TIMESTAMP)"),
        (
            "google_cloud_platform",
            "CREATE TABLE IF NOT EXISTS dbo.t (id STRING NOT NULL, n INT64 NOT NULL, at TIMESTAMP)",
        ),
        ("databricks", "CREATE TABLE IF NOT EXISTS dbo.t (id STRING NOT NULL, n BIGINT NOT NULL, at TIMESTAMP)"),
        (
            "redshift",
            "CREATE TABLE IF NOT EXISTS dbo.t "
            "(id VARCHAR(512) NOT NULL, n BIGINT NOT NULL, at TIMESTAMP, PRIMARY KEY (id, n))",
        ),
        (
            "snowflake",
            "CREATE TABLE IF NOT EXISTS dbo.t "
            "(id VARCHAR(128) NOT NULL, n BIGINT NOT NULL, at TIMESTAMP, PRIMARY KEY (id, n))",
        ),
    ],
)
def test_the_statement_that_makes_a_table(conn_type, statement):
    assert flavor_of(conn_type).declaration(TABLE) == statement


def test_no_column_is_a_reserved_word():
    """Of MySQL, Redshift, Snowflake, SQL Server or BigQuery: those of them that one might well take."""
    reserved = {"row_number", "rank", "key", "keys", "line", "lines", "connection", "sequence", "time", "timestamp"}
    reserved |= {"row", "rows", "order", "index", "start", "end", "started", "tag", "open", "hash", "groups", "result"}
    columns = {*deliveries_table("a").columns, *rows_table("b").columns}
    assert not columns & reserved


@pytest.mark.parametrize("conn_type", [None, "mssql", "databricks", "mysql"])
def test_no_statement_has_more_parameters_than_a_database_takes(conn_type):
    most = {"databricks": 256}.get(conn_type, 999)
    assert 0 < flavor_of(conn_type).parameters < most
    assert flavor_of(conn_type).parameters // len(rows_table("t").columns) > 10


@pytest.mark.parametrize("name", ["select", "ORDER", "shop.Group", "user.outcomes", "default", "shop.default", "null"])
def test_a_word_of_sql_is_no_tables_name(name: str) -> None:
    assert re.fullmatch("must be another name: [A-Z]+ is a word of SQL's own.*", table_name(name) or "")


@pytest.mark.parametrize("name", ["orders", "rokt_rows", "default.rokt_rows", "shop.select_2", "_by", "a.b.c.status"])
def test_a_name_that_needs_no_quotes_is_one(name: str) -> None:
    assert table_name(name) is None
