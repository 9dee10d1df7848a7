"""Speaking to Rokt: endpoints, addresses, credentials, one attempt, when to try again, how fast, and what answers mean.

Hands out the table of endpoints, ``RoktClient``, ``Pacer``, ``retry`` and ``judge``, which makes an answer a verdict on
each batch. Imports ``flow``, requests and tenacity; knows neither mappings nor Airflow.
"""
