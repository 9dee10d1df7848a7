"""The connection ``rokt``: its form, its settings as checked, and the try of its credentials.

Hands out ``RoktSettings``, ``read_settings`` and ``probe``. Imports ``flow`` and ``api``, not Airflow: the form is read
by every Airflow process, so ``form`` imports nothing heavy.
"""
