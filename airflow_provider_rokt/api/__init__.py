"""Speaking to Rokt: endpoints, addresses, credentials, one attempt, when to try again, and how fast.

Hands out the table of endpoints, ``RoktClient``, ``Pacer`` and ``retry``. Imports ``flow``, ``network``, ``answers``,
requests and tenacity; knows neither mappings nor Airflow.
"""
