"""Where rows come from: a query on any SQL connection, or Python; a window of rows at a time, never all of them.

Hands out ``SqlSource`` and ``mapped_rows``. Both sources call ``consume(columns, rows)`` in the calling thread for
every window of at most ``fetch_size`` rows and hold no more than that, whatever the result's size. Imports Airflow's
SQL hooks, ``flow``, ``statements``, and of ``events`` what tells the columns that a mapping names.

``sql`` runs a query, once ``statements`` has seen that it is one and returns rows: ``streaming`` or the hook's own
cursor fetches them, ``decoding`` lets no single value stop them, ``cancelling`` and ``waking`` end it from outside, and
``query_error`` says what went wrong without a row's value.
"""

from airflow_provider_rokt.sources.dicts import DictSource, mapped_rows
from airflow_provider_rokt.sources.sql import SqlSource

__all__ = ["DictSource", "SqlSource", "mapped_rows"]
