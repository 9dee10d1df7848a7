"""What outlives a run: a sync's identity, what it remembers of the rows that Rokt took, and whose turn it is.

Hands out ``SyncDelivery``, one delivery's part in its sync, ``Syncs``, which finds and lists them, and ``Anchor``, by
which no memory is believed when a newer one exists. Imports ``flow`` and ``storage``; Airflow's own database is handed
to it as a mapping of texts.
"""
