"""A run tried without sending anything: what it would send (preview), and whether mapping and query fit (check).

Hands out ``preview_conversions``, ``preview_audience`` and ``check_delivery``, as plain dicts without a row's values.
Puts rows through the very streams of ``runs`` and imports what those import, not Airflow.
"""
