"""Where rows come from: a query on any SQL connection, or Python; a window of rows at a time, never all of them.

Both sources have one method, ``read(consume)``. It calls ``consume(columns, rows)`` in the calling thread for
every window of at most ``fetch_size`` rows and holds no more than that, whatever the result's size.
"""

from airflow_provider_rokt.sources.dicts import DictSource, mapped_rows
from airflow_provider_rokt.sources.sql import SqlSource
from airflow_provider_rokt.sources.window import Columns, Consume, Rows

__all__ = ["Columns", "Consume", "DictSource", "Rows", "SqlSource", "mapped_rows"]
