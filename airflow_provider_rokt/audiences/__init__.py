"""A row becomes a member, and who joins and who leaves an audience is decided before anything is sent.

Hands out ``AudienceStream`` with its two roads (the import, membership events) and a mirror's memory. Imports ``flow``,
``storage`` and ``events``; never HTTP or Airflow.
"""
