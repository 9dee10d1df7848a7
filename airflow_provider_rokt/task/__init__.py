"""What is known of the running Airflow task: who is sending, where the ledger is, how an error ends the task.

Imports Airflow and ``ledger``.
"""
