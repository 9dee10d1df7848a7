"""One run of an operation, from its options to its report.

Hands out the checked options and the runs of conversions and audiences. Imports everything further in (``flow`` to
``connection``), not Airflow: what it needs of a task is handed to it.
"""
