"""The page in the Airflow UI: the syncs, one sync, one delivery, as Airflow's users may read them.

Hands out ``RoktPlugin``, which Airflow finds by its entry point and every Airflow process imports: what makes the page
is imported in the API server alone. It shows keys, paths, counts, codes and our reasons, never a row's value. Reads
through ``ledger``, ``syncs`` and ``summaries``; of Airflow's own database it asks who may read, when a task was at
work, and which failed.
"""
