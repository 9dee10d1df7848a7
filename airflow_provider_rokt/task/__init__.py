"""What is known of the running Airflow task: who sends, where the ledger is, how an error ends it, when it is retried.

Imports Airflow and ``ledger``.
"""
