"""The drivers that are tried."""

# Driver -> the kind of database that it reads, and the module that must be there.
DRIVERS = {
    "psycopg": ("postgres", "psycopg"),
    "psycopg2": ("postgres", "psycopg2"),
    "mysqlclient": ("mysql", "MySQLdb"),
    "mysql-connector": ("mysql", "mysql.connector"),
    "sqlite3": ("sqlite", "sqlite3"),
    "duckdb": ("duckdb", "duckdb"),
    "pyodbc": ("sqlite", "pyodbc"),
}
