"""A run tried without sending anything: what it would send (preview), and whether mapping and query fit (check).

Hands out ``preview_conversions``, ``preview_audience`` and ``check_delivery``, which return plain dicts; a row's values
are in them only where a caller asks for them. Puts rows through the very streams of ``runs``, and imports ``flow``,
``events``, ``audiences`` and ``runs``, not Airflow.
"""
